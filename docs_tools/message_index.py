"""The index of messages as Markdown: each with its cause, what to do, and where it is explained."""

import functools
from collections.abc import Callable
from html import escape
from pathlib import Path

from docs_tools import messages
from docs_tools.pages import title_of
from selfservice.help import PAGES

Render = Callable[[str], str]


class MessageIndex:
    """Writes messages.yml as Markdown; `render` fills in durations, `link_to` leads to a page."""

    def __init__(self, docs_dir: Path, *, render: Render, link_to: Render) -> None:
        self._render = render
        self._link_to = link_to
        self._title_of = functools.cache(functools.partial(title_of, docs_dir))

    def whole(self) -> str:
        """Return every section, after a list of them."""
        sections = messages.sections()
        contents = "\n".join(f"- [{section.title}](#{section.anchor})" for section in sections)
        return "\n\n".join([contents, *map(self._section, sections)])

    def table(self, anchor: str) -> str:
        """Return one section as a table of messages and remedies. Raises StopIteration."""
        section = next(each for each in messages.sections() if each.anchor == anchor)
        rows = [
            f"| {_quoted(each.text)} | {self._render(each.remedy)} |" for each in section.entries
        ]
        return "\n".join(["| Raison | Que faire |", "| --- | --- |", *rows])

    def _section(self, section: messages.Section) -> str:
        entries = "\n\n".join(map(self._entry, section.entries))
        return f"## {section.title} {{ #{section.anchor} }}\n\n{entries}"

    def _entry(self, entry: messages.Entry) -> str:
        told = self._render(f"{entry.cause} **Que faire ?** {entry.remedy}")
        return f"{_quoted(entry.text)} {{ #{entry.anchor} }}\n:   {told} {self._link(entry)}"

    def _link(self, entry: messages.Entry) -> str:
        target = target_of(entry.help_key)
        return f"[{self._render(self._title_of(target))}]({self._link_to(target)})"


def target_of(help_key: str) -> str:
    """Return the page, and its anchor, that a help key or a path means: « contact.md »."""
    if ".md" in help_key:
        return help_key
    path, mark, anchor = PAGES[help_key].partition("#")
    return f"{path.rstrip('/') or 'index'}.md{mark}{anchor}"


def _quoted(text: str) -> str:
    return f"<samp>{escape(text, quote=False)}</samp>"
