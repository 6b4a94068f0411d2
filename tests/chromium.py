"""What browser tests share: one Chromium and one built help site for the whole run."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from docs_tools import build
from docs_tools.captures import CHROMIUM_FLAGS
from selfservice import help as help_site


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if not path:
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def site_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The help site as built for the default settings, below a folder « aide »."""
    folder = tmp_path_factory.mktemp("www") / help_site.PREFIX.strip("/")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SELFSERVICE_INSTANCE", str(folder.parent / "instance"))
        build.build(folder)
    return folder
