"""The French of the built pages: spelling by hunspell, grammar by Grammalecte.

What readers see is checked, code left out; both tools are Debian packages.
"""

import copy
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from lxml import html

from docs_tools.built_site import BuiltSite
from docs_tools.places import of_built

KNOWN_WORDS = Path(__file__).with_name("mots.txt")
PACKAGES = {"hunspell": "hunspell hunspell-fr", "grammalecte-cli": "grammalecte-cli"}
BLOCKS = ("p", "li", "h1", "h2", "h3", "h4", "td", "th", "dt", "dd", "figcaption")
LAYOUT = (*BLOCKS, "ul", "ol", "table")
STAND_IN = "MkDocs"  # a name without gender or number, for code within a sentence
# Typography is typo_fr.py's business; cells and items need no capital nor full stop.
RULES_OFF = (
    *("apos", "eepi", "esp", "nbsp", "num", "tab", "typo", "unit", "virg"),
    "maj",
)
# What Grammalecte takes for a mistake and is not: kind of rule, then the words around.
FALSE_ALARMS = {
    "gn": re.compile(r"service clients|finances rectificative"),
    "imp": re.compile(r"^(Remplit|Reprend|Sert) "),
    "eleu": re.compile(r"de index\.csv"),
    "notype": re.compile(r"\(…\)"),
}


@dataclass(frozen=True)
class Line:
    """One block of text of a page."""

    page: str
    text: str


def missing_tools() -> list[str]:
    """Return the Debian packages to install, none where both tools are there."""
    return [package for tool, package in PACKAGES.items() if not shutil.which(tool)]


def lines(site: BuiltSite) -> list[Line]:
    """Return the prose of every page, a block a line."""
    return [
        Line(page.file, text)
        for page in site.pages.values()
        for article in page.tree.xpath("//article")
        for text in _blocks(article)
    ]


def _blocks(article: html.HtmlElement) -> Iterator[str]:
    article = copy.deepcopy(article)
    for piece in article.xpath(
        ".//pre | .//a[@class='headerlink'] | .//*[starts-with(@id, 'selfservice')]"
    ):
        piece.drop_tree()
    for code in article.xpath(".//code | .//samp"):
        code[:] = []
        code.text = STAND_IN
    for block in article.iter(*BLOCKS):
        own = copy.deepcopy(block)
        own.tail = None
        for inner in list(own.iterdescendants(*LAYOUT)):
            if inner.getparent() is not None:
                inner.drop_tree()
        text = " ".join(own.text_content().split())
        if text:
            yield text


def faults(prose: list[Line]) -> Iterator[str]:
    """Yield the unknown words and the mistakes of grammar, one line each."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder, "prose.txt")
        file.write_text("\n".join(line.text for line in prose) + "\n", "utf-8")
        yield from _spelling(prose, file)
        yield from _grammar(prose, file)


def _spelling(prose: list[Line], file: Path) -> Iterator[str]:
    command = ["hunspell", "-d", "fr_FR", "-i", "utf-8", "-p", str(KNOWN_WORDS), "-l", str(file)]
    unknown = dict.fromkeys(_run(command).split())
    for word in unknown:
        whole = re.compile(rf"\b{re.escape(word)}\b")
        line = next((line for line in prose if whole.search(line.text)), Line("?", ""))
        where = of_built(line.page, word, near=line.text)
        yield f"{where} : mot inconnu, « {word} » (s'il est juste : docs_tools/mots.txt)"


def _grammar(prose: list[Line], file: Path) -> Iterator[str]:
    command = ["grammalecte-cli", "-f", str(file), "-j", "-ctx", "-off", *RULES_OFF]
    for paragraph in json.loads(_run(command))["data"]:
        line = prose[paragraph["iParagraph"] - 1]
        for error in paragraph["lGrammarErrors"]:
            around = line.text[max(0, error["nStart"] - 30) : error["nEnd"] + 30]
            known = FALSE_ALARMS.get(error["sType"])
            if not (known and known.search(around)):
                wrong = line.text[error["nStart"] : error["nEnd"]]
                where = of_built(line.page, wrong, near=around)
                yield f"{where} : {error['sMessage']} [{error['sType']}] « …{around}… »"


def _run(command: list[str]) -> str:
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout
