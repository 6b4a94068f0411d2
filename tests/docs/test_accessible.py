"""Accessibility of the help site: no violation, nothing scrolls sideways, no other host."""

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page

pytestmark = pytest.mark.browser

SIZES = {"phone": (390, 844), "desk": (1280, 900)}
PAGES = ("guide-de-connexion/", "foire-aux-questions/")
OTHER_PAGES = ("", "glossaire/", "contact/", "exploitation/", "contribuer/", "404.html")


@pytest.fixture(params=SIZES)
def size(request: pytest.FixtureRequest) -> tuple[int, int]:
    return SIZES[request.param]


@pytest.fixture(params=("light", "dark"))
def help_page(
    chromium: Browser, size: tuple[int, int], request: pytest.FixtureRequest
) -> Iterator[Page]:
    width, height = size
    page = chromium.new_page(
        locale="fr-FR",
        viewport={"width": width, "height": height},
        color_scheme=request.param,
        reduced_motion="reduce",
    )
    yield page
    page.close()


@pytest.mark.parametrize("path", PAGES)
def test_axe_finds_no_violation(help_page: Page, help_address: str, path: str) -> None:
    help_page.goto(help_address + path, wait_until="load")
    results = Axe().run(help_page)
    assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("path", OTHER_PAGES)
def test_axe_finds_no_violation_elsewhere(chromium: Browser, help_address: str, path: str) -> None:
    page = chromium.new_page(locale="fr-FR", viewport={"width": 390, "height": 844})
    page.goto(help_address + path, wait_until="load")
    results = Axe().run(page)
    page.close()
    assert results.violations_count == 0, results.generate_report()


def test_page_fits_its_width(help_page: Page, help_address: str) -> None:
    for path in (*PAGES, "", "exploitation/"):
        help_page.goto(help_address + path)
        inside, outside = help_page.evaluate(
            "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"
        )
        assert inside <= outside, path


def test_nothing_is_asked_of_another_host(chromium: Browser, help_address: str) -> None:
    page = chromium.new_page(locale="fr-FR")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    for path in ("", *PAGES, "404.html"):
        page.goto(help_address + path, wait_until="networkidle")
    page.locator(".md-search__input").click()
    page.wait_for_load_state("networkidle")
    page.close()
    host = help_address.removesuffix("/aide/")
    assert [url for url in asked if not url.startswith((f"{host}/", "data:", "blob:"))] == []
