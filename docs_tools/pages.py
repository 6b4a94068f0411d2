"""The pages as written: their front matter and what it promises."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from selfservice.config import REPOSITORY

DOCS = REPOSITORY / "site_docs"
FRONT_MATTER = re.compile(r"\A---\n(.*?)\n---\n", re.DOTALL)


@dataclass(frozen=True)
class SourcePage:
    """A Markdown file of the site, by its path below docs_dir."""

    path: str
    meta: dict[str, Any]
    text: str


def read_pages(docs_dir: Path) -> list[SourcePage]:
    return [
        read_page(file, file.relative_to(docs_dir).as_posix())
        for file in sorted(docs_dir.rglob("*.md"))
    ]


def read_page(file: Path, path: str) -> SourcePage:
    """Return a page; `path` is what it is called below docs_dir."""
    text = file.read_text("utf-8")
    matter = FRONT_MATTER.match(text)
    meta = yaml.safe_load(matter[1]) if matter else {}
    return SourcePage(path, meta, text[matter.end() :] if matter else text)


def faults(pages: list[SourcePage], *, today: date) -> Iterator[str]:
    """Yield what is wrong with the pages as written, one line each."""
    for page in pages:
        yield from _date_faults(page, today)
        if "](#)" in page.text:
            yield f"{page.path} : un lien ne mène nulle part, ](#)"


def _date_faults(page: SourcePage, today: date) -> Iterator[str]:
    verified, expire = page.meta.get("verified"), page.meta.get("expire")
    if not isinstance(verified, date):
        yield f"{page.path} : la date de vérification manque (verified: {today})"
    if expire is not None and not isinstance(expire, date):
        yield f"{page.path} : « expire » n'est pas une date ({expire})"
    elif expire is not None and expire < today:
        yield f"{page.path} : périmée depuis le {expire} : relisez-la, puis changez sa date"
