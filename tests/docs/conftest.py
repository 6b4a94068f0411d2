"""The help site, built once for all its tests, and served as the portal serves it."""

import shutil
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Browser, sync_playwright

from docs_tools import build
from docs_tools.built_site import BuiltSite
from docs_tools.captures import CHROMIUM_FLAGS
from selfservice import help


@pytest.fixture(scope="session")
def site_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("www") / help.PREFIX.strip("/")
    with pytest.MonkeyPatch.context() as patch:
        # The words of the defaults, whatever the instance of whoever runs the tests says.
        patch.setenv("SELFSERVICE_INSTANCE", str(folder.parent / "instance"))
        build.build(folder)
    return folder


@pytest.fixture(scope="session")
def site(site_dir: Path) -> BuiltSite:
    return BuiltSite(site_dir)


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves the built files below /aide/, silently."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (name inherited)
        pass


@pytest.fixture(scope="session")
def help_address(site_dir: Path) -> Iterator[str]:
    handler = partial(QuietHandler, directory=str(site_dir.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{help.PREFIX}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="session")
def chromium() -> Iterator[Browser]:
    path = shutil.which("chromium")
    if not path:
        pytest.skip("needs Debian's chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=list(CHROMIUM_FLAGS))
        yield browser
        browser.close()
