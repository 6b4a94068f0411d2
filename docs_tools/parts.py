"""Python-Markdown extension: what stands between two headings is one part.

The style sheet has the browser leave out the parts that are far from view, in style and layout
alike; headings, which links and the contents lead to, stay outside them.
"""

from typing import Any
from xml.etree.ElementTree import Element

from markdown import Extension, Markdown
from markdown.treeprocessors import Treeprocessor

HEADINGS = {"h1", "h2", "h3", "h4", "h5", "h6"}
PART = "part"


class Parts(Treeprocessor):
    """Gather the blocks that follow a heading."""

    def run(self, root: Element) -> None:
        gathered: list[Element] = []
        for block in root:
            if block.tag in HEADINGS:
                gathered.append(block)
                continue
            if not gathered or gathered[-1].get("class") != PART:
                gathered.append(Element("div", {"class": PART}))
            gathered[-1].append(block)
        root[:] = gathered


class PartsExtension(Extension):
    def extendMarkdown(self, md: Markdown) -> None:  # noqa: N802 (name set by Python-Markdown)
        # After the table of contents (5), which looks for headings everywhere.
        md.treeprocessors.register(Parts(md), "parts", 4)


def makeExtension(**options: Any) -> PartsExtension:  # noqa: N802 (name set by Python-Markdown)
    return PartsExtension(**options)
