"""Each sentence of the two seed documents has its place: below its question, or in seeds.yml."""

import re
import unicodedata
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from lxml.html import HtmlElement

from docs_tools.built_site import BuiltSite
from selfservice.config import REPOSITORY
from selfservice.help import FAQ, FAQ_KEYS, PREFIX

SEEDS = REPOSITORY.parent / "shared" / "seeds"
CHANGED = yaml.safe_load(Path(__file__).with_name("seeds.yml").read_text("utf-8"))
GUIDE = "guide-de-connexion/"
BLOCK = re.compile(r"\n\s*\n|\n(?=\s*[-a-z]\.|\s*-|\d+\. )")
SENTENCE = re.compile(r"(?<=[.?!])\s+(?=[A-ZÀ-Ü*(])")
QUESTION = re.compile(r"^(?=\d+\. [^\[])", re.MULTILINE)
LINK = re.compile(r"\(#\)|https?://\S+")
ALIKE = 0.75  # of three words in a row

pytestmark = pytest.mark.skipif(not SEEDS.is_dir(), reason="needs ../shared/seeds")


def words(text: str) -> list[str]:
    letters = unicodedata.normalize("NFKD", text.casefold())
    return re.findall(r"\w+", "".join(c for c in letters if not unicodedata.combining(c)))


def in_threes(text: str) -> set[tuple[str, ...]]:
    found = words(text)
    return {tuple(found[at : at + 3]) for at in range(len(found) - 2)}


def sentences(text: str) -> Iterator[str]:
    for block in BLOCK.split(LINK.sub(" ", text)):
        yield from (
            each for each in SENTENCE.split(" ".join(block.split())) if len(words(each)) > 3
        )


def below(page: HtmlElement, key: str) -> str:
    """Return a question and its answer."""
    own = page.xpath(
        f"//article//*[self::h2[@id='{key}'] or preceding-sibling::h2[1][@id='{key}']]"
    )
    return " ".join(each.text_content() for each in own)


def missing(seed: str, said: str) -> list[str]:
    there = in_threes(said)
    return [
        each
        for each in sentences(seed)
        if len(in_threes(each) & there) < ALIKE * len(in_threes(each))
    ]


@pytest.fixture(scope="module")
def lost(site_of_diac: Path) -> list[str]:
    """The sentences that do not stand where they stood."""
    site = BuiltSite(site_of_diac)
    guide, faq = (site.pages[PREFIX + page].tree for page in (GUIDE, FAQ))
    contents, *answers = QUESTION.split((SEEDS / "foire-aux-questions.txt").read_text("utf-8"))
    assert len(answers) == len(FAQ_KEYS)
    found = missing((SEEDS / "guide-de-connexion.txt").read_text("utf-8"), guide.text_content())
    found += missing(contents, faq.text_content())
    for key, seed in zip(FAQ_KEYS, answers, strict=True):
        found += missing(seed, below(faq, key))
    return found


def test_every_sentence_stands_where_it_stood_or_in_the_table(lost: list[str]) -> None:
    told = tuple(row["seed"] for row in CHANGED)
    assert [each for each in lost if not each.startswith(told)] == []


def test_the_table_holds_no_sentence_that_stands_where_it_stood(lost: list[str]) -> None:
    assert [
        row["seed"] for row in CHANGED if not any(e.startswith(row["seed"]) for e in lost)
    ] == []


def test_what_took_the_place_of_a_sentence_is_said(site_of_diac: Path) -> None:
    site = BuiltSite(site_of_diac)
    for row in CHANGED:
        if "gone" not in row:
            said = words(site.pages[PREFIX + row["page"]].tree.text_content())
            assert " ".join(words(row["says"])) in " ".join(said), row
