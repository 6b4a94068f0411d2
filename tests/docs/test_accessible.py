"""Every page of the help site: no violation, nothing scrolls sideways, no other host."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page

from docs_tools.built_site import BuiltSite
from selfservice.help import OPERATORS, PREFIX
from tests.axe import looks, sample_then_all, violations

SIZES = {"phone": (390, 844), "desk": (1280, 900)}
# Pages of text in the frame of the others: one in four here, all in `make soak`.
OPERATORS_SITE = PREFIX + OPERATORS
NAMES = {"light": "default", "dark": "slate"}
# The theme gives the menu its height a few frames after another size of the window.
SETTLED = """async () => {
  const menu = document.querySelector(".md-sidebar--primary .md-sidebar__scrollwrap")
  for (let same = 0, height = 0; same < 3; same = height === menu.scrollHeight ? same + 1 : 0) {
    height = menu.scrollHeight
    await new Promise(requestAnimationFrame)
  }
}"""
WIDTHS = "[document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@pytest.fixture
def help_page(chromium: Browser) -> Iterator[Page]:
    """A page whose request to another host fails the test."""
    page = chromium.new_page(locale="fr-FR", reduced_motion="reduce")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    yield page
    host = "/".join(page.url.split("/")[:3])
    page.close()
    assert [url for url in asked if not url.startswith((f"{host}/", "data:", "blob:"))] == []


def show_in(page: Page, scheme: str) -> None:
    page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
    page.locator(f"body[data-md-color-scheme={NAMES[scheme]}]").wait_for()


def faults(page: Page, *, is_whole: bool) -> Iterator[str]:
    """Yield what is wrong with the page in its looks."""
    for scheme, (width, height) in looks(SIZES, is_whole=is_whole):
        show_in(page, scheme)
        page.set_viewport_size({"width": width, "height": height})
        page.evaluate(SETTLED)
        yield violations(page, scheme, is_whole=is_whole)
        inside, outside = page.evaluate(WIDTHS)
        if inside > outside:
            yield f"{page.url} is {inside} wide"


@sample_then_all
def test_no_page_has_a_violation_or_scrolls_sideways(
    help_page: Page, help_address: str, site: BuiltSite, is_whole: bool
) -> None:
    found: list[str] = []
    operators = [address for address in site.pages if address.startswith(OPERATORS_SITE)]
    left_out = set() if is_whole else {each for n, each in enumerate(operators) if n % 4}
    for address in site.pages.keys() - left_out:
        help_page.goto(help_address + address.removeprefix(PREFIX), wait_until="load")
        found += filter(None, faults(help_page, is_whole=is_whole))
    assert not found, "\n".join(found)


def test_search_and_print_ask_nothing_of_another_host(help_page: Page, help_address: str) -> None:
    help_page.goto(f"{help_address}?q=mdp")
    help_page.locator(".md-search-result__item").first.wait_for()
    help_page.emulate_media(media="print")
