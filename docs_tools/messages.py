"""The index of messages: what the portal can say, from its code; why and what to do, from YAML.

messages.yml lists the messages by section; a test holds it against the code both ways. The
index is Markdown: each message with its cause, what to do, and where it is explained.
"""

import functools
import importlib
import pkgutil
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from html import escape
from pathlib import Path

import yaml
from markdown.extensions.toc import slugify
from wtforms.i18n import get_builtin_gnu_translations

import selfservice
from docs_tools.pages import title_of
from docs_tools.places import line_of, place
from docs_tools.screen_words import screen
from selfservice.help import OPERATORS, PAGES
from selfservice.notifications.messages import Reason

Render = Callable[[str], str]
SECTIONS = Path(__file__).with_name("messages.yml")
# What these modules name so are words of a page, and no sentence of its own.
NO_SENTENCES = re.compile(r"(_LABELS|_SUMMARY|_LINE|FAMILIES|EVENTS)$")
NO_MESSAGES = {
    "accounts.PASSWORD_RULES",  # shown before typing, beside the field
    "files.KINDS",
    "files.SEPARATORS",
    "notifications.NO_COMPANY",
    "operations.FINE",
    "operations.ASK_OUTSIDE",  # « outside » explains it
    "operations.MISSING_DOCUMENT",
    "operations.MISSING_IN_ARCHIVE",
}
BUILT_IN = ("Not a valid choice.", "Invalid Choice: could not coerce.")


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
    """Messages met at the same place; `site` is « exploitation » where customers never see them."""

    anchor: str
    title: str
    site: str
    entries: list[Entry]


def collect() -> dict[str, Message]:
    """Return every message of the code by its name, « accounts.BAD_CREDENTIALS »."""
    found = {}
    for module in pkgutil.walk_packages(selfservice.__path__, "selfservice."):
        if module.name.endswith((".messages", "selfservice.files")):
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


def faults() -> Iterator[str]:
    """Yield the messages that nothing explains, and the explanations that nothing asks for."""
    text = yaml.load(SECTIONS.read_text("utf-8"), yaml.CSafeLoader)
    explained = {row["of"] for section in text for row in section["messages"] if "of" in row}
    known = collect().keys()
    for name in sorted(known - explained):
        yield f"{place(SECTIONS)} : message à expliquer, {name}"
    for name in sorted(explained - known):
        where = place(SECTIONS, line_of(SECTIONS, f"of: {name}"))
        yield f"{where} : le portail ne dit plus {name}"


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
            each.get("site", ""),
            [_entry(row, known, each.get("help", "")) for row in each["messages"]],
        )
        for each in yaml.load(SECTIONS.read_text("utf-8"), yaml.CSafeLoader)
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


class MessageIndex:
    """Writes messages.yml as Markdown; `render` fills in durations, `link_to` leads to a page."""

    def __init__(self, docs_dir: Path, *, render: Render, link_to: Render) -> None:
        self._render = render
        self._link_to = link_to
        self._title_of = functools.cache(functools.partial(title_of, docs_dir))

    def whole(self, site: str = "") -> str:
        """Return every section for the readers of one site, after a list of them."""
        found = [section for section in sections() if section.site == site]
        contents = "\n".join(f"- [{section.title}](#{section.anchor})" for section in found)
        return "\n\n".join([contents, *map(self._section, found)])

    def table(self, anchor: str) -> str:
        """Return one section as a table of messages and remedies. Raises StopIteration."""
        section = next(each for each in sections() if each.anchor == anchor)
        rows = [
            f"| {_quoted(each.text)} | {self._render(each.remedy)} |" for each in section.entries
        ]
        return "\n".join(["| Raison | Que faire |", "| --- | --- |", *rows])

    def _section(self, section: Section) -> str:
        entries = "\n\n".join(map(self._entry, section.entries))
        return f"## {section.title} {{ #{section.anchor} }}\n\n{entries}"

    def _entry(self, entry: Entry) -> str:
        told = self._render(f"{entry.cause} **Que faire ?** {entry.remedy}")
        return f"{_quoted(entry.text)} {{ #{entry.anchor} }}\n:   {told} {self._link(entry)}"

    def _link(self, entry: Entry) -> str:
        target = target_of(entry.help_key)
        return f"[{self._render(self._title_of(target))}]({self._link_to(target)})"


def target_of(help_key: str) -> str:
    """Return the page, and its anchor, that a help key or a path means: « contact.md »."""
    if ".md" in help_key:
        return help_key
    path, mark, anchor = PAGES[help_key].removeprefix(OPERATORS).partition("#")
    return f"{path.rstrip('/') or 'index'}.md{mark}{anchor}"


def _quoted(text: str) -> str:
    return f"<samp>{escape(text, quote=False)}</samp>"
