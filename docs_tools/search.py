"""The search of a built site: no accents, everyday words, and the words that mean a section."""

import json
import re
import unicodedata
from collections import Counter
from pathlib import Path
from typing import Any

import yaml

from selfservice import placeholders
from selfservice.help import OPERATORS

ADDITION = Path(__file__).with_name("search_fr.js")
WORDS = Path(__file__).with_name("search_words.yml")
LUNR = "assets/javascripts/lunr"
FRENCH_INDEX = f"{LUNR}/min/lunr.fr.min.js"
LOADED = {"lunr.fr.min.js", "lunr.stemmer.support.min.js"}
INDEX = "search/search_index.json"
VOCABULARY = 'WORDS_OF_PAGES = ""'  # where the script takes them
TAG = re.compile(r"<[^>]+>")
WORD = re.compile(r"[a-z]{4,}")
# A title counts 1000 times what a text does; its section's own words, this much.
WORDS_BOOST = 3000.0


class UnknownSectionError(LookupError):
    """search_words.yml names a section that the site does not have."""


def improve(folder: Path, place: str = "", *, words: Path = WORDS) -> None:
    """Improve the search of a site built at its place, « » or OPERATORS, below the customers'.

    Raises UnknownSectionError.
    """
    site_dir = folder / place
    index = json.loads((site_dir / INDEX).read_text("utf-8"))
    _add_words(index, place, yaml.load(words.read_text("utf-8"), yaml.CSafeLoader))
    french = site_dir / FRENCH_INDEX
    addition = ADDITION.read_text("utf-8").replace(
        VOCABULARY, f'WORDS_OF_PAGES = "{" ".join(_words(index))}"'
    )
    french.write_text(french.read_text("utf-8") + addition, "utf-8")
    written = json.dumps(index, ensure_ascii=False)
    for address in _portal_addresses(site_dir) if not place else ():
        written = written.replace(address, placeholders.PORTAL)
    (site_dir / INDEX).write_text(written, "utf-8")
    _leave_out_other_languages(site_dir)


def _portal_addresses(site_dir: Path) -> set[str]:
    """Return what stands for the portal's address in the pages, whose index has lost the places."""
    texts = (page.read_text("utf-8") for page in site_dir.rglob("index.html"))
    places = (found for text in texts for found in placeholders.VALUE.findall(text))
    return {otherwise for name, otherwise in places if name == "portal_url"}


def _words(index: dict[str, Any]) -> list[str]:
    """Return every word that a page has, without accents, the frequent first."""
    counted = Counter[str]()
    for section in index["docs"]:
        text = " ".join([section["title"], TAG.sub(" ", section["text"]), *section.get("tags", ())])
        letters = unicodedata.normalize("NFD", text.lower())
        counted.update(WORD.findall("".join(c for c in letters if not unicodedata.combining(c))))
    return [word for word, _ in counted.most_common()]


def _leave_out_other_languages(site_dir: Path) -> None:
    for script in (site_dir / LUNR).rglob("*.js"):
        if script.name not in LOADED:
            script.unlink()


def _add_words(index: dict[str, Any], place: str, words: dict[str, str]) -> None:
    """Give sections their words as Material's « tags », the one field that it leaves free."""
    sections = {place + section["location"]: section for section in index["docs"]}
    for location, meant in words.items():
        if location.startswith(OPERATORS) != bool(place):
            continue
        if location not in sections:
            raise UnknownSectionError(location)
        sections[location]["tags"] = meant.split()
    index["config"]["fields"]["tags"]["boost"] = WORDS_BOOST
