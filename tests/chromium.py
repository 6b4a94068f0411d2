"""What browser tests share: one Chromium of a kind and one built help site for the whole run."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Playwright, sync_playwright

from docs_tools import build
from docs_tools.chromium import FLAGS, SHARP
from selfservice import help as help_site
from tests.once import once


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as started:
        yield started


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    """The shell of Chromium: without windows, a page costs it a third of the time."""
    yield from _launched(playwright, _shell())


@pytest.fixture(scope="session")
def sharp_chromium(playwright: Playwright) -> Iterator[Browser]:
    """The same as screenshots are taken with."""
    yield from _launched(playwright, _shell(), SHARP)


@pytest.fixture(scope="session")
def chromium_with_pdf(playwright: Playwright) -> Iterator[Browser]:
    """The whole browser, which shows a PDF inside a page."""
    yield from _launched(playwright, shutil.which("chromium"))


def _shell() -> str | None:
    return shutil.which("chromium-headless-shell") or shutil.which("chromium")


def _launched(playwright: Playwright, path: str | None, *more: str) -> Iterator[Browser]:
    if not path:
        pytest.skip("needs Debian's chromium and chromium-headless-shell: make system")
    browser = playwright.chromium.launch(executable_path=path, args=[*FLAGS, *more])
    yield browser
    browser.close()


@pytest.fixture(scope="session")
def site_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The help site as built for the default settings, below a folder « aide »."""

    def make(folder: Path) -> None:
        with pytest.MonkeyPatch.context() as patch:
            patch.setenv("SELFSERVICE_INSTANCE", str(folder / "instance"))
            build.build(folder / help_site.PREFIX.strip("/"))

    return once(tmp_path_factory, "www", make) / help_site.PREFIX.strip("/")
