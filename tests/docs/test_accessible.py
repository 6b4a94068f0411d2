"""Every page of the help site: no violation, nothing scrolls sideways, no other host."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from docs_tools.built_site import BuiltSite
from selfservice.help import PREFIX
from tests import axe

pytestmark = pytest.mark.browser

SIZES = {"phone": (390, 844), "desk": (1280, 900)}
# A scheme changes colours and nothing else: what is dark is held against their rule only.
NAMES = {"light": "default", "dark": "slate"}
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@pytest.fixture(params=SIZES)
def help_page(chromium: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page of one size; a request to another host fails the test."""
    width, height = SIZES[request.param]
    page = chromium.new_page(
        locale="fr-FR", viewport={"width": width, "height": height}, reduced_motion="reduce"
    )
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    host = "/".join(page.url.split("/")[:3])
    page.close()
    assert [url for url in asked if not url.startswith((f"{host}/", "data:", "blob:"))] == []


def show_in(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.locator(f"body[data-md-color-scheme={NAMES[scheme]}]").wait_for()


def test_no_page_has_a_violation_or_scrolls_sideways(
    help_page: Page, help_address: str, site: BuiltSite
) -> None:
    found = []
    for address in site.pages:
        help_page.goto(help_address + address.removeprefix(PREFIX), wait_until="load")
        for scheme in axe.RULES:
            show_in(help_page, scheme)
            if report := axe.report(help_page, scheme):
                found.append(report)
        inside, outside = help_page.evaluate(WIDTHS)
        if inside > outside:
            found.append(f"{address} is {inside} wide")
    assert not found, "\n".join(found)


def test_search_and_print_ask_nothing_of_another_host(help_page: Page, help_address: str) -> None:
    help_page.goto(f"{help_address}?q=mdp")
    help_page.locator(".md-search-result__item").first.wait_for()
    help_page.emulate_media(media="print")
