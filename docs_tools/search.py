"""The search of the built site: no accents, everyday words, and the words that mean a section."""

import json
from pathlib import Path
from typing import Any

import yaml

ADDITION = Path(__file__).with_name("search_fr.js")
WORDS = Path(__file__).with_name("search_words.yml")
LUNR = "assets/javascripts/lunr"
FRENCH_INDEX = f"{LUNR}/min/lunr.fr.min.js"
LOADED = {"lunr.fr.min.js", "lunr.stemmer.support.min.js"}
INDEX = "search/search_index.json"
# A title counts 1000 times what a text does; its section's own words, this much.
WORDS_BOOST = 3000.0


class UnknownSectionError(LookupError):
    """search_words.yml names a section that the site does not have."""


def improve(site_dir: Path, words: Path = WORDS) -> None:
    """Improve the search of a built site. Raises UnknownSectionError."""
    french = site_dir / FRENCH_INDEX
    french.write_text(french.read_text("utf-8") + ADDITION.read_text("utf-8"), "utf-8")
    index = json.loads((site_dir / INDEX).read_text("utf-8"))
    _add_words(index, yaml.safe_load(words.read_text("utf-8")))
    (site_dir / INDEX).write_text(json.dumps(index, ensure_ascii=False), "utf-8")
    _leave_out_other_languages(site_dir)


def _leave_out_other_languages(site_dir: Path) -> None:
    for script in (site_dir / LUNR).rglob("*.js"):
        if script.name not in LOADED:
            script.unlink()


def _add_words(index: dict[str, Any], words: dict[str, str]) -> None:
    """Give sections their words as Material's « tags », the one field that it leaves free."""
    sections = {section["location"]: section for section in index["docs"]}
    for location, meant in words.items():
        if location not in sections:
            raise UnknownSectionError(location)
        sections[location]["tags"] = meant.split()
    index["config"]["fields"]["tags"]["boost"] = WORDS_BOOST
