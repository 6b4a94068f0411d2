"""Python-Markdown extension: French no-break spaces and apostrophes.

Writers type ordinary spaces; code, samples and block-level HTML are left as typed.
"""

import re
from collections.abc import Iterator
from typing import Any
from xml.etree.ElementTree import Element

from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor

WIDE = "\N{NO-BREAK SPACE}"
THIN = "\N{NARROW NO-BREAK SPACE}"
UNITS = "mois|ans?|jours?|heures?|minutes?|secondes?|caractères?|chiffres?|pages?|Ko|Mo|Go|€|%"
MONTHS = "janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
VERBATIM = {"code", "kbd", "pre", "samp", "script", "style", "svg", "textarea"}

ANY = f"[ {WIDE}{THIN}]"
PLACEHOLDER = "\x02"  # Python-Markdown's mark where an inline piece was set aside

RULES = tuple(
    (re.compile(pattern), replacement)
    for pattern, replacement in (
        (rf"(?<=\S){ANY}?([?!;])(?=[\s).»\"{PLACEHOLDER}]|$)", THIN + r"\1"),
        (rf"^{ANY}?([?!;])(?=\s|$)", THIN + r"\1"),
        (rf"{ANY}?:(?=\s|$)", WIDE + ":"),
        (rf"«{ANY}?", "«" + WIDE),
        (rf"{ANY}?»", WIDE + "»"),
        (rf"(\d) ((?:{UNITS})(?!\w))", rf"\1{WIDE}\2"),
        (rf"\b(\d\d?|1er) (?={MONTHS})", rf"\1{WIDE}"),
        (r"(?<=\d) (?=\d{3}(?!\d))", THIN),
        (r"(n°|art\.) (?=\d)", rf"\1{WIDE}"),
        (r"(?<=\w) / (?=\w)", WIDE + "/ "),
        (rf"(?<=[^\W\d_])'(?=[\w«{PLACEHOLDER}]|$)", "\N{RIGHT SINGLE QUOTATION MARK}"),
    )
)
# Most texts hold nothing that a rule is about.
CONCERNED = re.compile(r"[?!;:«»/']|\d |1er |[°.] \d")


def set_spaces(text: str) -> str:
    """Return the text with the spaces and apostrophes of French typography."""
    if not CONCERNED.search(text):
        return text
    for pattern, replacement in RULES:
        text = pattern.sub(replacement, text)
    return text


def _readable(element: Element) -> Iterator[Element]:
    """Yield the elements whose own text is prose, in document order."""
    if element.tag in VERBATIM:
        return
    yield element
    for child in element:
        yield from _readable(child)


class FrenchTypography(Treeprocessor):
    """Set the spaces of every text node that is neither code nor sample."""

    def run(self, root: Element) -> None:
        for element in _readable(root):
            element.text = element.text and set_spaces(element.text)
            if element.tag == "abbr":
                element.set("title", set_spaces(element.get("title", "")))
            for child in element:
                child.tail = child.tail and set_spaces(child.tail)


class TypoFrExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (name set by Python-Markdown)
        # After inline parsing (20), before the table of contents copies the headings (5).
        md.treeprocessors.register(FrenchTypography(md), "typo_fr", 7)


def makeExtension(**options: Any) -> TypoFrExtension:  # noqa: N802 (name set by Python-Markdown)
    return TypoFrExtension(**options)
