"""The pages as written: their headings, and the dates that their front matter promises."""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

from mkdocs.utils.meta import get_data

from docs_tools.places import DOCS, line_of, place

FAQ = "foire-aux-questions.md"
HEADING = re.compile(
    r"^#+ (?P<text>.+?) \{ #(?P<id>[\w-]+)(?: data-toc-label=\"(?P<short>[^\"]+)\")? \}$",
    re.MULTILINE,
)
NUMBER = re.compile(r"(\d+)\. ")


class UnknownTargetError(LookupError):
    """No page of the site has this path, or none of its headings this id."""


def headings(page: Path) -> dict[str, str]:
    """Return the headings that have an id, macros unrendered, in the order of the page."""
    return {match["id"]: match["text"] for match in HEADING.finditer(page.read_text("utf-8"))}


def questions(docs_dir: Path = DOCS) -> dict[str, str]:
    """Return the sixteen questions by id, without their numbers."""
    return {
        key: NUMBER.sub("", text, count=1)
        for key, text in headings(docs_dir / FAQ).items()
        if NUMBER.match(text)
    }


def short_names(docs_dir: Path = DOCS) -> dict[str, str]:
    """Return what the contents call each heading that has a short name, by its id."""
    text = (docs_dir / FAQ).read_text("utf-8")
    return {match["id"]: match["short"] for match in HEADING.finditer(text) if match["short"]}


def title_of(docs_dir: Path, target: str) -> str:
    """Return what a link may say: « Question 9 », the heading, or the title of the page.

    Raises UnknownTargetError.
    """
    path, _, anchor = target.partition("#")
    page = docs_dir / path
    if not page.is_file() or (anchor and anchor not in headings(page)):
        raise UnknownTargetError(target)
    if not anchor:
        return str(_meta(page)["title"])
    heading = headings(page)[anchor]
    number = NUMBER.match(heading)
    return f"Question {number[1]}" if number and path == FAQ else heading


def faults(docs_dir: Path, *, today: date) -> Iterator[str]:
    """Yield what is wrong with the dates of the pages, one line each."""
    for page in sorted(docs_dir.rglob("*.md")):
        verified, expire = (_meta(page).get(name) for name in ("verified", "expire"))
        if not isinstance(verified, date):
            where = place(page, line_of(page, "verified:"))
            yield f"{where} : la date de vérification manque (verified: {today})"
        where = place(page, line_of(page, "expire:"))
        if expire is not None and not isinstance(expire, date):
            yield f"{where} : « expire » n'est pas une date ({expire})"
        elif expire is not None and expire < today:
            yield f"{where} : périmée depuis le {expire} : relisez-la, puis changez sa date"


def _meta(page: Path) -> dict[str, Any]:
    _, meta = get_data(page.read_text("utf-8"))
    return meta
