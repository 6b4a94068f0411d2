"""The supplier's colours and logo: public, and cached by browsers."""

from collections.abc import Callable
from functools import lru_cache, partial
from gzip import compress

import brotli
from flask import Blueprint, Response, abort, render_template, request

from selfservice import web
from selfservice.files import STATIC, hashed_name
from selfservice.suppliers import identity, logos
from selfservice.suppliers.colours import dark_accent, light_accent
from selfservice.suppliers.errors import UnknownSupplierError
from selfservice.suppliers.facts import facts_of
from selfservice.suppliers.models import Supplier
from selfservice.suppliers.registration import get_supplier

CACHE_SECONDS = 3600
# A page asks by « ?v= » for the version it wants: what such an address answers never changes.
CACHE_NAMED_SECONDS = 365 * 24 * 3600

STYLESHEET = STATIC / "portal.css"
CODINGS: dict[str, Callable[[bytes], bytes]] = {
    "br": brotli.compress,
    "gzip": partial(compress, mtime=0),
}

blueprint = Blueprint("suppliers", __name__, url_prefix="/fournisseurs")


pages = Blueprint("contact", __name__)


def facts_of_host(host: str) -> dict[str, str]:
    """Return what the help tells at a host: the facts of the supplier shown there, if any."""
    supplier = identity.told_by_the_help(host)
    if supplier is None:
        return {"portal_url": web.public_url("")}
    return facts_of(supplier) | {"portal_url": web.public_url("", hostname=supplier.hostname)}


@pages.get("/contact")
def contact() -> str:
    """Show whom to ask: the supplier of the page, else each that says it."""
    suppliers = [each for each in identity.named_at(request.host) if each.contact]
    return render_template("suppliers/contact.html", suppliers=suppliers)


@blueprint.get("/<slug>/portal.css")
def stylesheet(slug: str) -> Response:
    """Answer with the portal's stylesheet and the supplier's colours in one file."""
    colour = _supplier_or_404(slug).colour
    coding = request.accept_encodings.best_match(CODINGS) or ""
    response = Response(_packed(colour, coding), mimetype="text/css")
    response.vary.add("Accept-Encoding")
    if coding:
        response.content_encoding = coding
    return _cached(response, version=stylesheet_version(colour))


@lru_cache(maxsize=32)
def stylesheet_version(colour: str) -> str:
    """Return a text that changes with the stylesheet: « 0a1b2c3d4e-0b5a7a »."""
    _, fingerprint, _ = hashed_name(STYLESHEET).split(".")
    return f"{fingerprint}-{colour.lstrip('#')}"


@lru_cache(maxsize=32)
def _packed(colour: str, coding: str) -> bytes:
    light, dark = light_accent(colour), dark_accent(colour)
    theme = (
        f":root{{--accent:{light.colour};--on-accent:{light.on_colour}}}\n"
        "@media screen and (prefers-color-scheme:dark){"
        f":root{{--accent:{dark.colour};--on-accent:{dark.on_colour}}}}}\n"
    )
    css = STYLESHEET.read_bytes() + theme.encode()
    return CODINGS[coding](css) if coding else css


@blueprint.get("/<slug>/logo")
def logo(slug: str) -> Response:
    sha256 = _supplier_or_404(slug).logo_sha256
    if sha256 is None or not logos.path_of(sha256).is_file():
        abort(404)
    content = logos.path_of(sha256).read_bytes()
    return _cached(Response(content, mimetype=logos.media_type(content)), version=sha256[:10])


def _supplier_or_404(slug: str) -> Supplier:
    try:
        return get_supplier(slug)
    except UnknownSupplierError:
        abort(404)


def _cached(response: Response, *, version: str) -> Response:
    is_named = request.args.get("v") == version
    response.cache_control.public = True
    response.cache_control.max_age = CACHE_NAMED_SECONDS if is_named else CACHE_SECONDS
    response.cache_control.immutable = is_named
    return response
