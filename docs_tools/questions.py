"""The sixteen questions: their titles, read from the headings of the FAQ."""

import re
from pathlib import Path

FAQ = "foire-aux-questions.md"
HEADING = re.compile(r"^## (?P<title>\d+\. .+?) \{ #(?P<id>[\w-]+) \}$", re.MULTILINE)


class UnknownQuestionError(KeyError):
    """No heading of the FAQ has this id."""


def titles(docs_dir: Path) -> dict[str, str]:
    """Return the titles by id, macros unrendered, numbers left out, in the order of the page."""
    text = (docs_dir / FAQ).read_text("utf-8")
    return {match["id"]: match["title"].split(". ", 1)[1] for match in HEADING.finditer(text)}
