"""A new build of the help, or a new name of its supplier, shows while people read."""

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
from typing import NamedTuple

import pytest
from flask import Flask

from docs_tools import build
from selfservice.suppliers.registration import set_supplier
from tests.conftest import free_port
from tests.factories import make_supplier
from tests.processes import serving, wait_until

TOLD = ("", "contact/")  # with a place for the supplier's name
FILES = ("guide-de-connexion/", "assets/help.css")
ABSENT = "absente/"
WHOLE = re.compile(r"<p>begin (\d+) (\d+|-)</p>\n(?:filler\n)*<p>end \1 \2</p>")
READERS = 8
BUILDS = 10


def lay(site_dir: Path, number: int) -> None:
    """Publish a site whose pages change their length from one build to the next."""
    aside = site_dir.with_name(f".{site_dir.name}-{number}")
    for name in (*TOLD, *FILES, "404.html"):
        told = '<span data-fact="name">-</span>' if name in TOLD else "-"
        filler = "filler\n" * (number * 337 % 1000)
        text = f"<p>begin {number} {told}</p>\n{filler}<p>end {number} {told}</p>".encode()
        path = aside / name / "index.html" if name.endswith("/") or not name else aside / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text)
        path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(text, mtime=0))
    build.publish(aside, site_dir)


class Version(NamedTuple):
    """The number of the build and that of the supplier's name, which count upwards."""

    build: int
    name: int


class Reader:
    """A browser: it keeps what it has read, and asks each time whether that still holds."""

    def __init__(self, site: str, coding: str) -> None:
        self._site, self._coding = site, coding
        self._kept: dict[str, tuple[str, Version]] = {}

    def read(self, page: str) -> Version:
        """Return what a page is of, once it is seen to be whole and later than what was kept."""
        etag, former = self._kept.get(page, ("", Version(-1, -1)))
        headers = {"Accept-Encoding": self._coding, "If-None-Match": etag}
        try:
            answer = urllib.request.urlopen(
                urllib.request.Request(self._site + page, headers=headers), timeout=20
            )
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            body = answer.read()  # a body shorter than announced is IncompleteRead
        if answer.status == 304:
            assert (body, answer.headers["ETag"]) == (b"", etag)
            return former
        assert answer.status == (404 if page == ABSENT else 200)
        assert len(body) == int(answer.headers["Content-Length"])
        version = _version_of(body, answer.headers["Content-Encoding"])
        if page != ABSENT:
            assert answer.headers["ETag"] != etag and version != former
            assert version.build >= former.build and version.name >= former.name
            self._kept[page] = answer.headers["ETag"], version
        return version


def _version_of(body: bytes, coding: str | None) -> Version:
    found = WHOLE.fullmatch((gzip.decompress(body) if coding == "gzip" else body).decode())
    assert found, body[:100]
    return Version(int(found[1]), int(found[2].replace("-", "0")))


def test_ten_builds_and_names_under_eight_readers_fail_no_request_and_mix_no_page(
    app: Flask, instance: Path, tmp_path: Path
) -> None:
    site_dir, is_over, published = tmp_path / "site", Event(), [Version(0, 0)]
    lay(site_dir, 0)
    make_supplier("diac", name="0")

    def read_on(reader: Reader) -> set[Version]:
        seen = set()
        while not is_over.is_set():
            for page in (*TOLD, *FILES, ABSENT):
                since = published[-1]
                version = reader.read(page)
                if page in TOLD:
                    assert version.build >= since.build and version.name >= since.name
                    seen.add(version)
        return seen

    with (
        serving(instance, free_port(), HELP_SITE_DIR=str(site_dir)) as address,
        ThreadPoolExecutor(READERS) as pool,
    ):
        site = f"{address}/aide/"
        writer = Reader(site, "gzip")
        try:
            readers = [
                pool.submit(read_on, Reader(site, ("gzip", "identity")[number % 2]))
                for number in range(READERS)
            ]
            for number in range(1, BUILDS + 1):
                lay(site_dir, number)
                published.append(Version(number, number - 1))
                assert {writer.read(page) for page in TOLD} == {published[-1]}
                wait_until(partial(_shows, writer, number))
                set_supplier("diac", name=str(number))
                published.append(Version(number, number))
                assert {writer.read(page) for page in TOLD} == {published[-1]}
        finally:
            is_over.set()
        seen = {version for reader in readers for version in reader.result()}
        assert len(seen) > 2, "they read while it changed"


def _shows(reader: Reader, number: int) -> bool:
    return {reader.read(page).build for page in FILES} == {number}


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

    def refuse(sites: dict[Path, Path], _alone: object) -> None:
        next(iter(sites)).mkdir()
        raise build.BuildError("no")

    monkeypatch.setattr(build, "run_mkdocs", refuse)
    with pytest.raises(build.BuildError):
        build.build(site_dir)
    assert "begin 1" in (site_dir / "index.html").read_text()
    assert sorted(path.name for path in site_dir.parent.iterdir()) == [".site-1", "site"]
