"""The help site under /aide/, served from its built folder, and help links by key."""

import logging
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache
from gzip import compress
from hashlib import sha256
from pathlib import Path
from threading import Lock
from typing import Any, NamedTuple, NoReturn
from wsgiref.headers import Headers

from flask import Blueprint, Flask, Response, abort, current_app, redirect, request
from werkzeug.http import parse_accept_header
from werkzeug.wrappers import Response as WerkzeugResponse
from whitenoise import WhiteNoise

from selfservice import placeholders, texts
from selfservice.files import STATIC, hashed_name

PREFIX = "/aide/"
OPERATORS = "exploitation/"  # the site of those who run the portal, below the customers'
FAQ = "foire-aux-questions/"
FAQ_KEYS = (
    "portail-e-facture",
    "acceder-factures",
    "mail-activation-non-recu",
    "retrouver-identifiant",
    "se-connecter",
    "factures-autre-fournisseur",
    "factures-plus-3-mois",
    "notification-nouvelle-facture",
    "mot-de-passe-oublie",
    "mail-reinitialisation-non-recu",
    "historique-avant-2022-12-02",
    "notification-non-recue",
    "acces-collaborateurs",
    "duree-disponibilite",
    "adresse-notification",
    "qui-contacter",
)
FAQ_SECTIONS = (
    "suivre-le-lien",
    "choisir-le-mot-de-passe",
    "sessions-ouvertes",
    "tout-telecharger",
)
PAGES = {
    "accueil": "",
    "guide": "guide-de-connexion/",
    "connexion-impossible": "je-n-arrive-pas-a-me-connecter/",
    "faq": FAQ,
    "conseillers": f"{OPERATORS}pour-les-conseillers/",
    "accessibilite": "accessibilite/",
    "mentions-legales": "mentions-legales/",
    "donnees-personnelles": "donnees-personnelles/",
    "contact": "contact/",
    "double-authentification": "double-authentification/",
    "double-authentification-perdue": "double-authentification/#telephone-perdu",
} | {key: f"{FAQ}#{key}" for key in FAQ_KEYS + FAQ_SECTIONS}

CONTENT_SECURITY_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; worker-src 'self' blob:; connect-src 'self'; object-src 'none'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
SEARCH_INDEX = "search/search_index.json"
# What else than pages changes with the supplier of the host.
FILLED = {SEARCH_INDEX: "application/json", "sitemap.xml": "application/xml"}
MAX_AGE_SECONDS = 60
PAGE_PATH = re.compile(r"(?:[a-z0-9-]{1,80}/){0,4}")

log = logging.getLogger(__name__)

blueprint = Blueprint("help", __name__)


class HelpfulText(str):
    """A message of the portal that knows the help section which explains it."""

    __slots__ = ("help_key",)

    def __new__(cls, text: str, help_key: str) -> "HelpfulText":
        message = super().__new__(cls, text)
        message.help_key = help_key
        return message

    help_key: str


def help_url(key: str) -> str:
    """Return the address of the help that answers a question.

    Raises KeyError for an unknown key, so that a page cannot point nowhere.
    """
    return PREFIX + PAGES[key]


def is_page(path: str) -> bool:
    """Tell whether the built site has a page at this address, relative to PREFIX (« » is home)."""
    return _page_of(current_app.config["HELP_SITE_DIR"], path) is not None


def _page_of(site: Path, path: str) -> Path | None:
    page = site / path / "index.html"
    return page if PAGE_PATH.fullmatch(path) and page.is_file() else None


class _Files(WhiteNoise):
    @staticmethod
    def serve(static_file: Any, environ: dict[str, Any], start_response: Any) -> Any:
        """Serve a file, never in a coding that its visitor refuses (« br;q=0 »)."""
        codings = parse_accept_header(environ.get("HTTP_ACCEPT_ENCODING"))
        environ["HTTP_ACCEPT_ENCODING"] = ", ".join(name for name, quality in codings if quality)
        return WhiteNoise.serve(static_file, environ, start_response)


class PublishedSite:
    """Serve the help site and the portal's own files; after `make site`, the new ones at once.

    A build is a folder that never changes once a symbolic link names it. Each answer takes its
    headers and its content from one build, which stays on the disk for a while.
    """

    def __init__(self, application: Any, folder: Path) -> None:
        self._application = application
        self._folder = folder
        self._changing = Lock()
        self._build = _identity_of(folder)
        self._files = self._read()

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        build = _identity_of(self._folder)
        # Whoever comes while another reads the new build still gets the former.
        if build != self._build and self._changing.acquire(blocking=False):
            try:
                self._files = self._read()
                self._build = build
            except OSError:  # published once more meanwhile: the next request reads that one
                log.warning("the help site changed while it was read")
            finally:
                self._changing.release()
        answer: Iterable[bytes] = self._files(environ, start_response)
        return answer

    def _read(self) -> WhiteNoise:
        files = _Files(
            self._application,
            max_age=MAX_AGE_SECONDS,
            allow_all_origins=False,
            add_headers_function=_add_headers,
            index_file=True,
            immutable_file_test=r"^/static/[\w-]+\.[0-9a-f]{10}\.\w+$",
        )
        build = self._folder.resolve()
        if build.is_dir():
            files.add_files(str(build), prefix=PREFIX)
            for address in _filled(build):
                del files.files[address]
        _add_static(files, build / "static")
        return files


def _identity_of(folder: Path) -> tuple[int, int] | None:
    """Return what tells a build from every other, None where there is none."""
    try:
        known = folder.stat()
    except OSError:
        return None
    return known.st_ino, known.st_ctime_ns


def _filled(build: Path) -> Iterator[str]:
    """Yield the addresses that the portal answers itself: what they hold depends on its host."""
    pages = [
        page
        for page in build.rglob("index.html")
        if placeholders.has_places(page.read_text("utf-8"))
    ]
    for file in (*pages, *(build / name for name in FILLED)):
        if file.is_file():
            yield PREFIX + file.relative_to(build).as_posix().removesuffix("index.html")


def _no_file(**_values: str) -> NoReturn:
    abort(404)


def init_app(app: Flask, *, facts_of_host: Callable[[str], Mapping[str, str]]) -> None:
    """Serve the help; `facts_of_host` says what its pages may tell of a supplier at a host."""
    app.extensions["facts_of_host"] = facts_of_host
    app.register_blueprint(blueprint)
    app.jinja_env.globals["help_url"] = help_url
    site = PublishedSite(app.wsgi_app, app.config["HELP_SITE_DIR"])
    app.wsgi_app = site  # type: ignore[method-assign]
    app.view_functions["static"] = _no_file  # Flask's own view overlooks a slash at the end


def _add_static(static: WhiteNoise, built: Path) -> None:
    """Serve each file under its own name and under the one that its content gives it.

    `make site` has laid a copy of it that comes compressed, unless the file has changed since.
    """
    for file in STATIC.iterdir():
        copy = built / file.name
        is_fresh = copy.is_file() and copy.read_bytes() == file.read_bytes()
        for name in (file.name, hashed_name(file)):
            static.add_file_to_dictionary(f"/static/{name}", str(copy if is_fresh else file))


class _Filled(NamedTuple):
    content: bytes
    compressed: bytes
    fingerprint: str


@blueprint.get(PREFIX)
@blueprint.get(f"{PREFIX}<path:path>")
def page(path: str = "") -> WerkzeugResponse:
    """Answer a page with the facts of the host's supplier, else what stands for it."""
    site: Path = current_app.config["HELP_SITE_DIR"].resolve()  # one build, to the end
    if path in FILLED and (site / path).is_file():
        return _conditional(_answer(site / path, FILLED[path]))
    if file := _page_of(site, path):
        return _conditional(_answer(file, "text/html"))
    if _page_of(site, OPERATORS + path):  # where both sites were one
        return redirect(f"{PREFIX}{OPERATORS}{path}", 301)
    missing = site / (OPERATORS if path.startswith(OPERATORS) else "") / "404.html"
    if missing.is_file():
        response = _answer(missing, "text/html")
        response.status_code = 404
        return response
    return Response("Le site d'aide n'est pas construit : make site.", 404, mimetype="text/plain")


@blueprint.get("/robots.txt")
def robots() -> Response:
    """Let search engines read the help and home, nothing of the customers'."""
    portal_url = current_app.extensions["facts_of_host"](request.host)["portal_url"]
    rules = (
        f"User-agent: *\nAllow: {PREFIX}\nAllow: /$\nDisallow: /\n"
        f"Sitemap: {portal_url}{PREFIX}sitemap.xml\n"
    )
    return Response(rules, mimetype="text/plain")


def _conditional(answer: Response) -> WerkzeugResponse:
    """Answer 304 to who has it already, 206 to who asks for a part."""
    length = answer.content_length
    return answer.make_conditional(request, accept_ranges=True, complete_length=length)


def _answer(file: Path, mimetype: str) -> Response:
    facts = current_app.extensions["facts_of_host"](request.host)
    filled = _fill(file, file.stat().st_mtime_ns, tuple(sorted(facts.items())))
    is_compressed = request.accept_encodings["gzip"] > 0
    response = Response(filled.compressed if is_compressed else filled.content, mimetype=mimetype)
    response.set_etag(filled.fingerprint + ("-gzip" if is_compressed else ""))
    response.vary.add("Accept-Encoding")
    if is_compressed:
        response.content_encoding = "gzip"
    response.cache_control.public = True
    response.cache_control.max_age = MAX_AGE_SECONDS
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


@lru_cache(maxsize=256)
def _fill(file: Path, _changed_at: int, facts: tuple[tuple[str, str], ...]) -> _Filled:
    content = placeholders.fill(file.read_text("utf-8"), dict(facts)).encode()
    if file.suffix == ".html":
        content = texts.unbroken_page(content)
    return _Filled(content, compress(content, mtime=0), sha256(content).hexdigest()[:16])


def _add_headers(headers: Headers, _path: str, url: str) -> None:
    if url.startswith(PREFIX):
        headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
