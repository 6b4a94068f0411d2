"""The pages as written: what their braces call, and what their writer alone can add.

Each fault names its file and line, before MkDocs would stop at the first of them.
"""

import re
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, meta, nodes
from mkdocs.utils.yaml import yaml_load

from docs_tools import macros, offers, pages
from docs_tools.figures import UnknownCaptureError
from docs_tools.pages import UnknownTargetError
from docs_tools.places import line_of, place
from docs_tools.screen_words import NotOnScreenError
from selfservice.config import REPOSITORY
from selfservice.help import FAQ_KEYS

CONFIGURATION = REPOSITORY / "mkdocs.yml"
OF_MKDOCS = {"page", "config", "environment", "navigation", "files", "macros_info"}
WITHOUT_TEXT = re.compile(r"!\[\s*\]\(|<img\b(?![^>]*\balt=\"[^\"]+\")")
LISTED = re.compile(r'<div class="tasks".*?</div>', re.DOTALL)
TOPIC = re.compile(r'topic\("([\w-]+)"\)')
SAID = {
    NotOnScreenError: "le portail n'affiche plus « {} »",
    UnknownTargetError: "aucune question n'a l'identifiant « {} »",
    UnknownCaptureError: "captures.yml n'a pas de capture « {} »",
}
# What the build says in English, and what a writer reads; the source holds the link as written.
OF_THE_BUILD = (
    (
        r"Doc file '(?P<file>[^']+)' contains a link '(?P<link>[^']+)', but the target.* not found",
        "lien cassé vers {link}",
    ),
    (
        r"Doc file '(?P<file>[^']+)' contains a link '(?P<link>[^']+)', but [^\n]* anchor",
        "ancre absente, {link}",
    ),
    (
        r"Doc file '(?P<file>[^']+)' contains an (?:abs|unrec)[\w ]+ link '(?P<link>[^']+)'",
        "lien à écrire vers le fichier .md de sa page, {link}",
    ),
    (
        r"Doc file '(?P<file>[^']+)' contains a link to '(?P<link>[^']+)' which is excluded",
        "lien cassé : {link} est une page de l'autre site",
    ),
    (r"^ +- (?P<link>(?P<file>\S+\.md))$", "page absente du menu (nav:)"),
)


class Names:
    """Stands for MkDocs' macros plugin: what a page may call, and the page that calls."""

    def __init__(self, configuration: Path = CONFIGURATION) -> None:
        self.conf: dict[str, Any] = yaml_load(configuration.read_text("utf-8"))
        self.conf.setdefault("extra", {})
        self.project_dir = str(configuration.parent)
        self.variables: dict[str, Any] = {}
        self.macros: dict[str, Callable[..., str]] = {}
        self.page: Any = None
        macros.define_env(self)

    def macro(self, function: Callable[..., str], name: str = "") -> Callable[..., str]:
        self.macros[name or function.__name__] = function
        return function

    def open(self, source: str) -> None:
        self.page = SimpleNamespace(file=SimpleNamespace(src_uri=source))


def faults(docs_dir: Path, names: Names) -> Iterator[str]:
    """Yield what is wrong in the pages as written, one line each."""
    for page in sorted(docs_dir.rglob("*.md")):
        names.open(page.relative_to(docs_dir).as_posix())
        text = page.read_text("utf-8")
        yield from _brace_faults(page, text, names)
        for number, line in enumerate(text.splitlines(), 1):
            if WITHOUT_TEXT.search(line):
                yield f"{place(page, number)} : image sans texte de remplacement"


def _brace_faults(page: Path, text: str, names: Names) -> Iterator[str]:
    try:
        tree = Environment().parse(text)  # noqa: S701 (nothing is rendered)
    except TemplateSyntaxError as error:
        yield f"{place(page, error.lineno)} : accolades mal écrites ({error.message})"
        return
    known = names.variables.keys() | names.macros.keys() | OF_MKDOCS
    unknown = meta.find_undeclared_variables(tree) - known
    for name in tree.find_all(nodes.Name):
        if name.name in unknown:
            yield f"{place(page, name.lineno)} : nom inconnu entre accolades, « {name.name} »"
    for call in tree.find_all(nodes.Call):
        if fault := _call_fault(call, names):
            yield f"{place(page, call.lineno)} : {fault}"


def _call_fault(call: nodes.Call, names: Names) -> str:
    """Return what a call with plain words answers wrongly; a call of calls is seen by parts."""
    function = names.macros.get(call.node.name) if isinstance(call.node, nodes.Name) else None
    if function is None or call.kwargs or not all(isinstance(a, nodes.Const) for a in call.args):
        return ""
    words = [argument.value for argument in call.args if isinstance(argument, nodes.Const)]
    try:
        function(*words)
    except Exception as error:  # whatever a macro refuses, its writer must read where
        said = SAID.get(type(error), f"{call.node.name} refuse {{}}")
        return said.format(", ".join(map(str, words)) or error)
    return ""


def contents_faults(docs_dir: Path, keys: Iterable[str] = FAQ_KEYS) -> Iterator[str]:
    """Yield the questions that the contents, or the portal, do not know."""
    page = docs_dir / pages.FAQ
    text = page.read_text("utf-8")
    listed = TOPIC.findall(" ".join(LISTED.findall(text)))
    asked = pages.questions(docs_dir)
    for key in asked:
        where = place(page, line_of(page, f"#{key} "))
        if listed.count(key) != 1:
            yield f"{where} : question absente du sommaire, « {key} » (ou deux fois)"
        if key not in keys:
            yield f"{where} : question inconnue du portail, « {key} » (selfservice/help.py)"
    for key in keys:
        if key not in asked:
            yield f"{place(page)} : la question « {key} » du portail n'a pas de réponse"


def pdf_faults(docs_dir: Path, site_dir: Path, kept: Path = offers.KEPT) -> Iterator[str]:
    """Yield the PDF that no longer say what their page says."""
    for offer in offers.offers(site_dir):
        if not offer.is_kept_as(kept / offer.pdf.name):
            source = docs_dir / f"{offer.page.parent.relative_to(site_dir)}.md"
            yield f"{place(source, line_of(source, 'pdf:'))} : PDF périmé (make pdf)"


def of_the_build(said: str, docs_dir: Path) -> Iterator[str]:
    """Yield what MkDocs refused, in French, with file and line; its own words where none fit."""
    found = False
    for pattern, words in OF_THE_BUILD:
        for match in re.finditer(pattern, said, re.MULTILINE):
            page = docs_dir / match["file"]
            if page.is_file():
                found = True
                kind = words
                line = line_of(page, f"]({match['link']}")
                if _is_image(page, match["link"]):
                    kind = kind.replace("lien cassé vers", "image introuvable,")
                yield f"{place(page, line)} : {kind.format(link=match['link'])}"
    if not found:
        yield said


def _is_image(page: Path, link: str) -> bool:
    return bool(re.search(rf"!\[[^\]]*\]\({re.escape(link)}", page.read_text("utf-8")))
