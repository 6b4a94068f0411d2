"""A demonstration served by real processes, and Debian's Chromium to visit it."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page

from tests.conftest import free_port
from tests.postgresql import copy_instance
from tests.processes import running, serving

SIZES = {"phone": (390, 844), "desk": (1280, 900)}


@pytest.fixture(params=["phone", pytest.param("desk", marks=pytest.mark.soak)])
def size(request: pytest.FixtureRequest) -> str:
    """A way is gone on a phone; on a desk too by `make soak`, and by the newcomer."""
    name: str = request.param
    return name


@contextmanager
def demonstration(filled: Path, folder: Path, site_dir: Path) -> Iterator[str]:
    """Serve a copy of the demonstration with its worker, and give its address."""
    instance = folder / "instance"
    copy_instance(filled, instance)
    port = free_port()
    keys = {"HELP_SITE_DIR": str(site_dir), "PUBLIC_URL": f"http://127.0.0.1:{port}"}
    with serving(instance, port, **keys) as address, running(instance, "worker", **keys):
        yield address


@pytest.fixture
def portal(filled_instance: Path, site_dir: Path, tmp_path: Path) -> Iterator[str]:
    """The address of a demonstration that the test may change."""
    with demonstration(filled_instance, tmp_path, site_dir) as address:
        yield address


@pytest.fixture(scope="session")
def shared_portal(
    filled_instance: Path, site_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a demonstration for tests that only look."""
    with demonstration(filled_instance, tmp_path_factory.mktemp("shared"), site_dir) as address:
        yield address


@contextmanager
def watched(chromium: Browser, portal: str, size: tuple[int, int]) -> Iterator[Page]:
    """Open a page; an error in its console or a request to another host fails the test."""
    width, height = size
    context = chromium.new_context(
        base_url=portal,
        viewport={"width": width, "height": height},
        locale="fr-FR",
        timezone_id="Europe/Paris",
        reduced_motion="reduce",
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    faults: list[str] = []
    context.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    context.on(
        "request",
        lambda sent: None if sent.url.startswith((portal, "data:")) else faults.append(sent.url),
    )
    yield page
    context.close()
    assert faults == []


@pytest.fixture
def page(chromium: Browser, portal: str, size: str) -> Iterator[Page]:
    """A watched page at one size."""
    with watched(chromium, portal, SIZES[size]) as page:
        yield page
