"""The supplier's colours and logo: public, and cached by browsers."""

from flask import Blueprint, Response, abort, request

from selfservice.suppliers import logos
from selfservice.suppliers.colours import dark_accent, light_accent
from selfservice.suppliers.errors import UnknownSupplierError
from selfservice.suppliers.models import Supplier
from selfservice.suppliers.registration import get_supplier

CACHE_SECONDS = 3600
# Pages name the colour or the logo they want: under that address it never changes.
CACHE_NAMED_SECONDS = 365 * 24 * 3600

blueprint = Blueprint("suppliers", __name__, url_prefix="/fournisseurs")


@blueprint.get("/<slug>/theme.css")
def theme(slug: str) -> Response:
    colour = _supplier_or_404(slug).colour
    light, dark = light_accent(colour), dark_accent(colour)
    css = (
        f":root{{--accent:light-dark({light.colour},{dark.colour});"
        f"--on-accent:light-dark({light.on_colour},{dark.on_colour})}}\n"
    )
    return _cached(Response(css, mimetype="text/css"), version=colour.lstrip("#"))


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
