"""Where a fault is, for whoever mends it: a file and its line, « site_docs/contact.md:12 »."""

import re
from pathlib import Path

from selfservice.config import REPOSITORY
from selfservice.help import OPERATORS

DOCS = REPOSITORY / "site_docs"
WORD = re.compile(r"\w{3,}")
# What a page shows and its writer types otherwise.
TYPED = str.maketrans({"\N{NO-BREAK SPACE}": " ", "\N{NARROW NO-BREAK SPACE}": " ", "’": "'"})


def place(path: Path, line: int = 1) -> str:
    """Return « file:line », below the project's folder where the file is in it."""
    if path.is_relative_to(REPOSITORY):
        path = path.relative_to(REPOSITORY)
    return f"{path.as_posix()}:{line}"


def line_of(path: Path, needle: str, *, near: str = "") -> int:
    """Return the line that holds these words and most of those `near` them; 1 where none does."""
    wanted = needle.translate(TYPED).casefold()
    around = set(WORD.findall(near.translate(TYPED).casefold()))
    best, best_line = -1, 1
    for number, text in enumerate(path.read_text("utf-8").splitlines(), 1):
        line = text.translate(TYPED).casefold()
        if wanted in line and (common := len(around & set(WORD.findall(line)))) > best:
            best, best_line = common, number
    return best_line


def source_of(file: str, docs_dir: Path = DOCS) -> Path | None:
    """Return the Markdown of a built page, None for those that have none: 404.html."""
    page = file.removesuffix("index.html").rstrip("/")
    outside = page.removeprefix(OPERATORS.rstrip("/")).lstrip("/")
    named = [docs_dir / f"{name}.md" for name in (page, outside) if name]
    found = [path for path in (*named, docs_dir / page / "index.md") if path.is_file()]
    return found[0] if found else None


def of_built(file: str, needle: str, *, near: str = "", docs_dir: Path = DOCS) -> str:
    """Return where a built page has its words from; the page itself where no source has them."""
    source = source_of(file, docs_dir)
    return place(source, line_of(source, needle, near=near)) if source else file
