"""The glossary: its words explain themselves in the prose of the pages."""

import re

from playwright.sync_api import Browser, expect

from docs_tools.built_site import BuiltSite
from selfservice.config import REPOSITORY
from selfservice.help import FAQ, PREFIX

LINE = re.compile(r"^\*\[(.+)\]: (.+)$", re.MULTILINE)
MEANINGS = dict(LINE.findall((REPOSITORY / "docs_tools/abreviations.md").read_text("utf-8")))
NAMED = ("raison sociale", "identifiant", "historique d'affichage", "duplicata", "numéro client")


def plain(text: str) -> str:
    return re.sub(r"\s+", " ", text).replace("’", "'")


def test_words_of_the_portal_are_all_explained(site: BuiltSite) -> None:
    terms = site.pages[f"{PREFIX}glossaire/"].tree.xpath("//article//dt//text()")
    for word in NAMED:
        assert word in plain(" ".join(terms)).casefold()


def test_a_word_means_the_same_in_a_page_and_in_the_glossary(site: BuiltSite) -> None:
    told = plain(site.pages[f"{PREFIX}glossaire/"].tree.xpath("string(//article)"))
    assert [word for word, meaning in MEANINGS.items() if meaning not in told] == []
    for page in site.pages.values():
        for word in page.tree.xpath("//article//abbr"):
            assert plain(word.get("title")) == MEANINGS[plain(word.text)]


def test_questions_explain_their_words(site: BuiltSite) -> None:
    page = site.pages[PREFIX + FAQ].tree
    assert len(page.xpath("//article//abbr[@title]")) > 20
    assert not page.xpath("//article//*[self::a or self::h2 or self::h3 or self::code]//abbr")


def test_word_that_has_the_focus_tells_its_meaning(chromium: Browser, help_address: str) -> None:
    page = chromium.new_page(locale="fr-FR", viewport={"width": 1280, "height": 900})
    page.goto(help_address + FAQ)
    word = page.locator("article abbr").first
    meaning = MEANINGS[plain(word.text_content() or "")].replace("'", "’")
    word.focus()
    expect(page.locator(".md-tooltip2")).to_have_text(re.compile(re.sub(r"\W+", ".+", meaning)))
    page.close()
