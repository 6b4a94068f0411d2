"""The help site, built once for all its tests, and served as the portal serves it."""

import shutil
import threading
from collections.abc import Iterator
from dataclasses import asdict
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from docs_tools.built_site import BuiltSite
from selfservice import help, placeholders
from selfservice.demo import register
from selfservice.suppliers.facts import facts_of
from selfservice.suppliers.models import Supplier


@pytest.fixture(scope="session")
def site(site_dir: Path) -> BuiltSite:
    return BuiltSite(site_dir)


def filled(site_dir: Path, folder: Path, seller: register.Seller) -> Path:
    """Return a copy of the site as the portal serves it for a supplier of the demonstration."""
    row = Supplier(name=seller.name, **asdict(seller.contact), **asdict(seller.facts))
    facts = facts_of(row) | {"portal_url": f"https://{seller.slug}.example"}
    copy = folder / help.PREFIX.strip("/")
    shutil.copytree(site_dir, copy)
    for file in (*copy.rglob("*.html"), copy / help.SEARCH_INDEX):
        file.write_text(placeholders.fill(file.read_text("utf-8"), facts), "utf-8")
    return copy


@pytest.fixture(scope="session")
def site_of_diac(site_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(site_dir, tmp_path_factory.mktemp("diac"), register.DIAC)


@pytest.fixture(scope="session")
def site_of_martin(site_dir: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return filled(site_dir, tmp_path_factory.mktemp("martin"), register.MARTIN)


class QuietHandler(SimpleHTTPRequestHandler):
    """Serves the built files below /aide/, silently."""

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 (name inherited)
        pass


@pytest.fixture(scope="session")
def help_address(site_of_diac: Path) -> Iterator[str]:
    handler = partial(QuietHandler, directory=str(site_of_diac.parent))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}{help.PREFIX}"
        server.shutdown()
        thread.join()
