"""The index of messages: what the portal can say, from its code; why and what to do, from YAML.

messages.yml lists the messages by section; a test holds it against the code both ways.
"""

import ast
import importlib
import pkgutil
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from markdown.extensions.toc import slugify
from wtforms.i18n import get_builtin_gnu_translations

import selfservice
from docs_tools import yaml_file
from docs_tools.screen_words import TEMPLATES, screen
from selfservice.config import REPOSITORY
from selfservice.help import PAGES
from selfservice.notifications.messages import Reason

SECTIONS = Path(__file__).with_name("messages.yml")
# What these modules name so are words of a page, and no sentence of its own.
NO_SENTENCES = re.compile(r"(_LABELS|_SUMMARY|_LINE|FAMILIES|EVENTS)$")
NO_MESSAGES = {
    "accounts.PASSWORD_RULES",  # shown before typing, beside the field
    "suppliers.COLUMN_PROBLEMS",  # a word of another message
    "notifications.NO_COMPANY",
    "operations.FINE",
    "operations.MISSING_DOCUMENT",
}
BUILT_IN = ("Not a valid choice.", "Invalid Choice: could not coerce.")
# Where a template says something by itself: a band, an empty list, the heading of an error page.
PLACE = re.compile(r'class="(?:band|empty)[ "]')
HEADING = re.compile(r"{% set heading = ")
GENERIC = {"_flash.html": 1, "_forms.html": 1}  # bands that show the messages collected above
OF_THE_DEMONSTRATION = "demo/"


@dataclass(frozen=True)
class Message:
    """One sentence of the portal; `help_key` and `remedy` are empty where the code has none."""

    text: str
    help_key: str = ""
    remedy: str = ""


@dataclass(frozen=True)
class Entry:
    """A message as the index shows it; `anchor` names it on the page."""

    anchor: str
    text: str
    cause: str
    remedy: str
    help_key: str


@dataclass(frozen=True)
class Section:
    """Messages met at the same place."""

    anchor: str
    title: str
    entries: list[Entry]


def collect() -> dict[str, Message]:
    """Return every message of the code by its name, « accounts.BAD_CREDENTIALS »."""
    found = {}
    for module in pkgutil.walk_packages(selfservice.__path__, "selfservice."):
        if module.name.endswith(".messages"):
            found.update(_of_module(module.name))
    french = get_builtin_gnu_translations(["fr"])
    return found | {f"wtforms.{text}": Message(french.gettext(text)) for text in BUILT_IN}


def _of_module(module_name: str) -> Iterator[tuple[str, Message]]:
    room = module_name.split(".")[1]
    for name, value in vars(importlib.import_module(module_name)).items():
        full_name = f"{room}.{name}"
        if not name.isupper() or name.startswith("_") or NO_SENTENCES.search(name):
            continue
        if full_name in NO_MESSAGES:
            continue
        if isinstance(value, dict):
            yield from (
                (f"{full_name}.{key}", _message(each))
                for key, each in value.items()
                if isinstance(each, str | Reason) and _message(each).text != "…"
            )
        elif isinstance(value, str) and value not in PAGES:
            yield full_name, _message(value)


def _message(value: str | Reason) -> Message:
    if isinstance(value, Reason):
        return Message(_dotted(value.words), remedy=_dotted(value.advice))
    return Message(_dotted(value), getattr(value, "help_key", ""))


def _dotted(text: str) -> str:
    return re.sub(r"\{[\w.]+\}", "…", text)


def places() -> dict[str, int]:
    """Return how many things each template says by itself."""
    found = {}
    for path in sorted(TEMPLATES.rglob("*.html")):
        name = path.relative_to(TEMPLATES).as_posix()
        text = path.read_text("utf-8")
        is_page_of_error = name.startswith("errors/") or name == "accounts/dead_link.html"
        count = len(PLACE.findall(text)) - GENERIC.get(name, 0)
        count += len(HEADING.findall(text)) if is_page_of_error else 0
        if count and not name.startswith(OF_THE_DEMONSTRATION):
            found[name] = count
    return found


def literals() -> Iterator[str]:
    """Yield the sentences that code shows without naming them in a module of messages."""
    for path in sorted(Path(selfservice.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _is_shown(node, path):
                yield f"{path.relative_to(REPOSITORY)}:{node.lineno}"


def _is_shown(call: ast.Call, path: Path) -> bool:
    shown = {"flash", "ValidationError", "DataRequired", "InputRequired", "EqualTo", "Length"}
    if path.stem != "messages":
        shown.add("HelpfulText")
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return getattr(call.func, "id", "") in shown and any(
        isinstance(value, ast.Constant) and isinstance(value.value, str) and " " in value.value
        for value in values
    )


def written() -> list[dict[str, Any]]:
    """Return messages.yml."""
    sections: list[dict[str, Any]] = yaml_file.read(SECTIONS)
    return sections


def sections() -> list[Section]:
    """Return the index: each entry of messages.yml with the text of the code.

    Raises KeyError for a message that the code no longer has, NotOnScreenError for the words of
    a template that no longer shows them.
    """
    known = collect()
    return [
        Section(
            each["id"],
            each["title"],
            [_entry(row, known, each.get("help", "")) for row in each["messages"]],
        )
        for each in written()
    ]


def _entry(row: dict[str, str], known: dict[str, Message], help_key: str) -> Entry:
    if "of" in row:
        message, anchor = known[row["of"]], row["of"]
    else:
        message, anchor = Message(_whole(screen(row["screen"], row["template"]))), row["screen"]
    return Entry(
        anchor=slugify(re.sub(r"[\W_]+", " ", anchor), "-"),
        text=message.text,
        cause=row["cause"],
        remedy=row.get("remedy") or message.remedy,
        help_key=row.get("help") or message.help_key or help_key,
    )


def _whole(words: str) -> str:
    return f"… {words}" if words[0].islower() else words


def main() -> int:
    """Print the messages of the portal, for who writes messages.yml."""
    for name, message in collect().items():
        print(f"{name}: {message.text}")
    for template, count in places().items():
        print(f"{template}: {count}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
