"""The site as built: its pages, and what MkDocs cannot see in them.

MkDocs checks the links of Markdown. Those of templates and HTML, those into the portal, those of
the portal's own help, what pages load, and the texts of images are checked here.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from lxml import html

from docs_tools.places import of_built
from selfservice.help import PAGES, PREFIX


@dataclass(frozen=True)
class BuiltPage:
    """An HTML file of the built site; `address` is where the portal serves it."""

    file: str
    address: str
    tree: html.HtmlElement

    @cached_property
    def ids(self) -> set[str]:
        return set(self.tree.xpath("//@id"))


class BuiltSite:
    """Every page of a built site, by its address."""

    def __init__(self, site_dir: Path) -> None:
        self._site_dir = site_dir
        files = sorted(site_dir.rglob("*.html"))
        self.pages = {page.address: page for page in map(self._read, files)}

    def _read(self, path: Path) -> BuiltPage:
        file = path.relative_to(self._site_dir).as_posix()
        tree = html.document_fromstring(path.read_text("utf-8"))
        return BuiltPage(file, PREFIX + file.removesuffix("index.html"), tree)

    def holds(self, path: str) -> bool:
        """Tell whether an address below the help site is a page or a file of it."""
        inside = unquote(path).removeprefix(PREFIX)
        return path in self.pages or (self._site_dir / inside).is_file()

    def has_anchor(self, path: str, anchor: str) -> bool:
        return path in self.pages and anchor in self.pages[path].ids


def faults(site: BuiltSite, *, is_portal_page: Callable[..., bool]) -> Iterator[str]:
    """Yield what is wrong with the built pages, one line each."""
    for page in site.pages.values():
        yield from _link_faults(site, page, is_portal_page)
        yield from _image_faults(site, page)
    for key, target in PAGES.items():
        path, _, anchor = target.partition("#")
        if not site.holds(PREFIX + path):
            yield f"selfservice/help.py : la rubrique « {key} » mène à {path}, qui n'existe pas"
        elif anchor and not site.has_anchor(PREFIX + path, anchor):
            yield f"selfservice/help.py : la rubrique « {key} » mène à #{anchor}, absente de {path}"


def _link_faults(
    site: BuiltSite, page: BuiltPage, is_portal_page: Callable[..., bool]
) -> Iterator[str]:
    for element, _, link, _ in page.tree.iterlinks():
        where = partial(of_built, page.file, link, near=element.text_content())
        target = urlsplit(urljoin(page.address, link))
        if target.scheme or target.netloc:
            if target.netloc and element.tag != "a" and element.get("rel") != "canonical":
                yield f"{where()} : ressource demandée à un autre site, {link}"
        elif not target.path.startswith(PREFIX):
            if not is_portal_page(target.path, method=element.get("method", "get").upper()):
                yield f"{where()} : le portail n'a pas de page {target.path}"
        elif not site.holds(target.path):
            yield f"{where()} : lien cassé vers {link}"
        elif link == "#" or (target.fragment and not site.has_anchor(target.path, target.fragment)):
            yield f"{where()} : ancre absente, {link}"


def _image_faults(site: BuiltSite, page: BuiltPage) -> Iterator[str]:
    for image in page.tree.xpath("//img"):
        name = image.get("src", "?")
        where = partial(of_built, page.file, name.rpartition("/")[2])
        if image.get("alt") is None:
            yield f"{where()} : image sans texte de remplacement, {name}"
        for source in image.xpath("preceding-sibling::source/@srcset"):
            if not site.holds(urljoin(page.address, source)):
                yield f"{where()} : image introuvable, {source}"
        if not (image.get("width") and image.get("height")):
            yield f"{where()} : image sans largeur ni hauteur, {name}"
