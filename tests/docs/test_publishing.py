"""A new build of the help site takes the place of the former while people read."""

import gzip
import os
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from threading import Event

import pytest
from flask import Flask

from docs_tools import build
from tests.conftest import free_port
from tests.processes import serving, wait_until

PAGES = ("", "contact/", "guide-de-connexion/")
WHOLE = re.compile(r"<p>begin (\d+)</p>\n(?:filler\n)*<p>end (\d+)</p>")
READERS = 8
BUILDS = 10


def lay(site_dir: Path, number: int) -> None:
    """Publish a site whose pages change their length from one build to the next."""
    aside = site_dir.with_name(f".{site_dir.name}-{number}")
    filler = "filler\n" * (number * 337 % 1000)
    text = f"<p>begin {number}</p>\n{filler}<p>end {number}</p>".encode()
    for page in PAGES:
        (aside / page).mkdir(parents=True, exist_ok=True)
        (aside / page / "index.html").write_bytes(text)
        (aside / page / "index.html.gz").write_bytes(gzip.compress(text, mtime=0))
    (aside / "404.html").write_bytes(text)
    build.publish(aside, site_dir)


def read(address: str, *, coding: str) -> int:
    """Return the number of the build that a page is of, once it is seen to be whole."""
    request = urllib.request.Request(address, headers={"Accept-Encoding": coding})
    try:
        answer = urllib.request.urlopen(request, timeout=20)
    except urllib.error.HTTPError as error:
        assert error.code == 404
        answer = error
    with answer as response:
        body = response.read()  # a body shorter than announced is IncompleteRead
        assert len(body) == int(response.headers["Content-Length"])
        if response.headers["Content-Encoding"] == "gzip":
            body = gzip.decompress(body)
    found = WHOLE.fullmatch(body.decode())
    assert found, body[:100]
    assert found[1] == found[2]
    return int(found[1])


def _shows(address: str, number: int) -> bool:
    return read(address, coding="identity") == number


def test_ten_builds_under_eight_readers_fail_no_request_and_cut_no_page(
    app: Flask, instance: Path, tmp_path: Path
) -> None:
    site_dir, is_over = tmp_path / "site", Event()
    lay(site_dir, 0)
    with serving(instance, free_port(), HELP_SITE_DIR=str(site_dir)) as address:

        def read_on(reader: int) -> list[int]:
            coding = ("gzip", "identity")[reader % 2]
            pages = [f"{address}/aide/{page}" for page in (*PAGES, "absente/")]
            seen = []
            while not is_over.is_set():
                seen += [read(page, coding=coding) for page in pages]
            return seen

        with ThreadPoolExecutor(READERS) as pool:
            readers = [pool.submit(read_on, reader) for reader in range(READERS)]
            try:
                for number in range(1, BUILDS + 1):
                    lay(site_dir, number)
                    wait_until(partial(_shows, f"{address}/aide/contact/", number))
            finally:
                is_over.set()
            seen = [number for reader in readers for number in reader.result()]
        assert len(set(seen)) > 2, "they read while it changed"
        assert read(f"{address}/aide/contact/", coding="gzip") == BUILDS


@pytest.fixture
def site_dir(tmp_path: Path) -> Path:
    return tmp_path / "site"


def test_portal_started_before_the_first_build_serves_it(
    configure: Callable[..., None], make_app: Callable[[], Flask], site_dir: Path
) -> None:
    configure(HELP_SITE_DIR=str(site_dir))
    browser = make_app().test_client()
    assert "n'est pas construit" in browser.get("/aide/").text
    lay(site_dir, 1)
    assert "begin 1" in browser.get("/aide/").text


def test_former_builds_leave_a_while_after_they_were_replaced(site_dir: Path) -> None:
    for number in range(3):
        lay(site_dir, number)
    long_ago = time.time() - build.KEPT_SECONDS
    os.utime(site_dir.with_name(".site-0"), (long_ago, long_ago))
    os.utime(site_dir.with_name(".site-2"), (long_ago, long_ago))  # served until this moment
    lay(site_dir, 3)
    left = sorted(path.name for path in site_dir.parent.iterdir())
    assert left == [".site-1", ".site-2", ".site-3", "site"]


def test_folder_laid_by_another_tool_gives_way(site_dir: Path) -> None:
    site_dir.mkdir()
    (site_dir / "index.html").write_text("by hand")
    lay(site_dir, 1)
    assert "begin 1" in (site_dir / "index.html").read_text()
    assert site_dir.is_symlink()


def test_refused_build_leaves_the_site_as_it_was(
    site_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lay(site_dir, 1)

    def refuse(folder: Path, *_: object) -> None:
        folder.mkdir()
        raise build.BuildError("no")

    monkeypatch.setattr(build, "run_mkdocs", refuse)
    with pytest.raises(build.BuildError):
        build.build(site_dir)
    assert "begin 1" in (site_dir / "index.html").read_text()
    assert sorted(path.name for path in site_dir.parent.iterdir()) == [".site-1", "site"]
