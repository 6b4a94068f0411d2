"""The search box: without accents, with everyday words, the right answer comes first."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from selfservice import help

QUERIES = yaml.safe_load(Path(__file__).with_name("queries.yml").read_text("utf-8"))

META = ".md-search-result__meta"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def search_page(chromium: Browser, help_address: str) -> Iterator[Page]:
    page = chromium.new_page(locale="fr-FR", viewport={"width": 1280, "height": 900})
    page.goto(help_address)
    yield page
    page.close()


def first_links(page: Page, query: str) -> list[str]:
    """Return where the first page of the results and its sections lead, below /aide/."""
    type_at_once(page, "")
    expect(page.locator(META)).to_have_text("Taper pour démarrer la recherche")
    type_at_once(page, query)
    expect(page.locator(META)).to_have_text(re.compile(r"document.? trouvé"))
    first = page.locator(".md-search-result__item").first
    addresses = first.locator("a.md-search-result__link").evaluate_all(
        "links => links.map(link => new URL(link.href)).map(url => url.pathname + url.hash)"
    )
    return [address.removeprefix(help.PREFIX) for address in addresses]


def type_at_once(page: Page, query: str) -> None:
    """Type as one keystroke, so that a single search runs."""
    box = page.locator(".md-search__input")
    box.fill(query)
    box.dispatch_event("keyup")


@pytest.mark.parametrize("wanted", QUERIES, ids=[wanted["query"] for wanted in QUERIES])
def test_query_finds_its_answer_first(search_page: Page, wanted: dict[str, str]) -> None:
    page, *sections = first_links(search_page, wanted["query"])
    assert page == wanted["page"]
    if "section" in wanted:
        assert sections[0] == f"{wanted['page']}#{wanted['section']}"
