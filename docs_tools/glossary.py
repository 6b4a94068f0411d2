"""Python-Markdown extension: the words of the glossary explain themselves on every page.

Each is marked once a section, as an `abbr` whose title is the first sentence of its definition.
Headings, links, code and quoted words stay as they are. A term with the class « ordinaire » is
on the page of the glossary only.
"""

import functools
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor

from docs_tools.typo_fr import set_spaces

SOURCE = Path(__file__).resolve().parent.parent / "site_docs" / "glossaire.md"
TERM = re.compile(
    r"^(?P<names>[^\n:]+?) \{ #[\w-]+(?P<ordinary> \.ordinaire)? \}\n:   (?P<text>.+)$",
    re.MULTILINE,
)
SENTENCE = re.compile(r".+?[.](?= |$)")
HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
UNMARKED = {*HEADINGS, "a", "abbr", "code", "dt", "figcaption", "mark", "pre", "samp", "th"}
UNMARKED_CLASSES = {"admonition-title", "mail", "tasks"}
RAW_HTML = re.compile("\x02wzxhzdk:(\\d+)\x03")  # where Python-Markdown set a raw tag aside
RAW_UNMARKED = re.compile(r"<(/?)(?:a|code|samp)\b")


class GlossaryError(ValueError):
    """The first sentence of a definition is not one that a tooltip can show."""


@functools.cache  # each page has a Markdown of its own
def definitions(text: str) -> dict[str, str]:
    """Return what each term means, by the forms it is written in. Raises GlossaryError."""
    found = {}
    for entry in TERM.finditer(text):
        if not entry["ordinary"]:
            sentence = SENTENCE.match(entry["text"])
            if sentence is None or re.search(r"[{[*`]", sentence[0]):
                raise GlossaryError(entry["names"])
            found |= dict.fromkeys(entry["names"].split(", "), set_spaces(sentence[0]))
    return found


def _pattern(term: str) -> str:
    """Match a term and its plural; its first letter may be a capital, acronyms stay as they are."""
    words = [rf"{re.escape(word)}[sx]?" for word in set_spaces(term).split(" ")]
    text = r"\s".join(words)
    return text if term.isupper() else f"(?i:{text[0]}){text[1:]}"


class GlossaryTooltips(Treeprocessor):
    """Mark the terms in the prose of a page."""

    def __init__(self, md: Markdown, meanings: dict[str, str]) -> None:
        super().__init__(md)
        longest_first = sorted(meanings, key=len, reverse=True)
        groups = "|".join(f"({_pattern(term)})" for term in longest_first)
        self._terms = re.compile(rf"(?<![\w-])(?:{groups})(?![\w-])")
        self._meanings = [meanings[term] for term in longest_first]
        self._seen: set[str] = set()
        self._is_in_raw = False

    def run(self, root: Element) -> None:
        title = root.find("h1")
        if title is not None and "".join(title.itertext()).strip() == "Glossaire":
            return
        self._seen.clear()
        self._is_in_raw = False
        self._visit(root)

    def _visit(self, element: Element) -> None:
        if element.tag == "h2":
            self._seen.clear()
        if element.tag in UNMARKED or UNMARKED_CLASSES & set(element.get("class", "").split()):
            return
        children = list(element)
        element.text = self._mark(element, 0, element.text)
        for child in children:
            self._visit(child)
            child.tail = self._mark(element, list(element).index(child) + 1, child.tail)

    def _mark(self, parent: Element, place: int, text: str | None) -> str:
        """Insert the terms of a text as children at `place`; return what stands before them."""
        before, last = "", None
        for piece in self._pieces(text or ""):
            if isinstance(piece, Element):
                parent.insert(place, piece)
                place, last = place + 1, piece
            elif last is None:
                before += piece
            else:
                last.tail = (last.tail or "") + piece
        return before

    def _pieces(self, text: str) -> Iterator[str | Element]:
        """Yield the text in order, each term that is met for the first time as an element."""
        for number, part in enumerate(RAW_HTML.split(text)):
            if number % 2:
                tag = RAW_UNMARKED.match(str(self.md.htmlStash.rawHtmlBlocks[int(part)]))
                self._is_in_raw = not tag[1] if tag else self._is_in_raw
                yield f"\x02wzxhzdk:{part}\x03"
            elif self._is_in_raw:
                yield part
            else:
                yield from self._terms_in(part)

    def _terms_in(self, text: str) -> Iterator[str | Element]:
        end = 0
        for found in self._terms.finditer(text):
            meaning = self._meanings[(found.lastindex or 0) - 1]
            if meaning not in self._seen:
                self._seen.add(meaning)
                yield text[end : found.start()]
                # In the order of the Tab key: so a keyboard and a finger show the meaning too.
                term = Element("abbr", title=meaning, tabindex="0")
                term.text = found[0]
                yield term
                end = found.end()
        yield text[end:]


class GlossaryExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (name set by Python-Markdown)
        meanings = definitions(SOURCE.read_text("utf-8"))
        # After the typography (7), before the table of contents copies the headings (5).
        md.treeprocessors.register(GlossaryTooltips(md, meanings), "glossary", 6)


def makeExtension(**options: Any) -> GlossaryExtension:  # noqa: N802 (name set by Python-Markdown)
    return GlossaryExtension(**options)
