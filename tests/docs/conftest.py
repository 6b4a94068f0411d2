"""The help site, built once for all its tests, and served as the portal serves it."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from docs_tools.built_site import BuiltSite
from selfservice import help


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
