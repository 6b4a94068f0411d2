"""The site as built: its pages, where their links lead, what they load."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import unquote, urljoin, urlsplit

from lxml import html

from selfservice.help import PAGES, PREFIX

STATIC = "/static/"
RESOURCES = (
    "//script/@src | //img/@src | //iframe/@src | //source/@src | //video/@src | //audio/@src"
    " | //link[not(@rel='canonical' or @rel='prev' or @rel='next')]/@href"
)


@dataclass(frozen=True)
class BuiltPage:
    """An HTML file of the built site; `address` is where the portal serves it."""

    file: str
    address: str
    tree: html.HtmlElement

    @property
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


def faults(site: BuiltSite, *, is_portal_page: Callable[..., bool]) -> Iterator[str]:
    """Yield what is wrong with the built pages, one line each."""
    for page in site.pages.values():
        yield from _link_faults(site, page, is_portal_page)
        yield from _form_faults(page, is_portal_page)
        yield from _resource_faults(site, page)
        yield from _image_faults(page)
    yield from _help_key_faults(site)


def _link_faults(
    site: BuiltSite, page: BuiltPage, is_portal_page: Callable[..., bool]
) -> Iterator[str]:
    for link in page.tree.xpath("//a/@href"):
        target = urlsplit(urljoin(page.address, link))
        if target.scheme or target.netloc:
            continue
        if not target.path.startswith(PREFIX):
            if not is_portal_page(target.path):
                yield f"{page.file} : le portail n'a pas de page {target.path}"
        elif not site.holds(target.path):
            yield f"{page.file} : lien cassé vers {link}"
        elif target.fragment and target.fragment not in site.pages[target.path].ids:
            yield f"{page.file} : ancre absente, {link}"


def _form_faults(page: BuiltPage, is_portal_page: Callable[..., bool]) -> Iterator[str]:
    for form in page.tree.xpath("//form[@action]"):
        method = form.get("method", "get").upper()
        if not is_portal_page(form.get("action"), method=method):
            yield f"{page.file} : le portail ne reçoit pas de formulaire à {form.get('action')}"


def _resource_faults(site: BuiltSite, page: BuiltPage) -> Iterator[str]:
    for resource in page.tree.xpath(RESOURCES):
        target = urlsplit(urljoin(page.address, resource))
        if target.scheme == "data" or target.path.startswith(STATIC):
            continue
        if target.scheme or target.netloc:
            yield f"{page.file} : ressource demandée à un autre site, {resource}"
        elif not site.holds(target.path):
            yield f"{page.file} : ressource absente, {resource}"


def _image_faults(page: BuiltPage) -> Iterator[str]:
    for image in page.tree.xpath("//img"):
        name = image.get("src", "?")
        if image.get("alt") is None:
            yield f"{page.file} : image sans texte de remplacement, {name}"
        if not (image.get("width") and image.get("height")):
            yield f"{page.file} : image sans largeur ni hauteur, {name}"


def _help_key_faults(site: BuiltSite) -> Iterator[str]:
    for key, target in PAGES.items():
        path, _, anchor = target.partition("#")
        page = site.pages.get(PREFIX + path)
        if page is None:
            yield f"selfservice/help.py : la rubrique « {key} » mène à {path}, qui n'existe pas"
        elif anchor and anchor not in page.ids:
            yield f"selfservice/help.py : la rubrique « {key} » mène à #{anchor}, absente de {path}"
