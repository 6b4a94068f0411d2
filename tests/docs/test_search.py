"""The search box: without accents, with everyday words, the right answer comes first."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from playwright.sync_api import Browser, Page, expect

from docs_tools import search
from selfservice import help

QUERIES = yaml.safe_load(Path(__file__).with_name("queries.yml").read_text("utf-8"))

WRONG_AT_MOST = 3  # beside the customer's own words, where none may be
META = ".md-search-result__meta"


@pytest.fixture(scope="module")
def search_page(chromium: Browser, help_address: str) -> Iterator[Page]:
    page = chromium.new_page(locale="fr-FR", viewport={"width": 1280, "height": 900})
    page.goto(help_address)
    yield page
    page.close()


@pytest.fixture(scope="module")
def operators_page(chromium: Browser, help_address: str) -> Iterator[Page]:
    page = chromium.new_page(locale="fr-FR", viewport={"width": 1280, "height": 900})
    page.goto(help_address + help.OPERATORS)
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


def is_right(page: Page, wanted: dict[str, Any]) -> bool:
    found, *sections = first_links(page, wanted["query"])
    named = wanted.get("section", [])
    meant = [named] if isinstance(named, str) else named
    return found == wanted["page"] and (
        not meant or sections[:1] in [[f"{found}#{section}"] for section in meant]
    )


def test_queries_find_their_answer_first(search_page: Page, operators_page: Page) -> None:
    pages = {False: search_page, True: operators_page}
    wrong = [
        wanted
        for wanted in QUERIES
        if not is_right(pages[wanted["page"].startswith(help.OPERATORS)], wanted)
    ]
    assert [wanted["query"] for wanted in wrong if wanted.get("own")] == []
    assert len(wrong) <= WRONG_AT_MOST, [wanted["query"] for wanted in wrong]


def test_a_search_that_finds_nothing_leads_on(search_page: Page) -> None:
    type_at_once(search_page, "zzzz")
    answers = search_page.locator(".md-search-result .nothing-found")
    expect(answers.get_by_role("link")).to_have_count(7)
    type_at_once(search_page, "facture")
    expect(answers).to_have_count(0)


def test_queries_are_many_and_each_is_asked_once() -> None:
    asked = [wanted["query"] for wanted in QUERIES]
    assert len(set(asked)) == len(asked) >= 100


def test_words_of_a_section_that_is_gone_stop_the_build(site_dir: Path, tmp_path: Path) -> None:
    copy = tmp_path / "aide"
    for file in (search.FRENCH_INDEX, search.INDEX):
        (copy / file).parent.mkdir(parents=True)
        (copy / file).write_bytes((site_dir / file).read_bytes())
    words = tmp_path / "words.yml"
    words.write_text("foire-aux-questions/#absente: mot", "utf-8")
    with pytest.raises(search.UnknownSectionError, match="#absente"):
        search.improve(copy, words=words)
