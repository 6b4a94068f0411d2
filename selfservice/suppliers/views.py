"""The supplier's colours and logo: public, and cached by browsers."""

from flask import Blueprint, Response, abort

from selfservice.suppliers import logos
from selfservice.suppliers.colours import dark_accent, light_accent
from selfservice.suppliers.errors import UnknownSupplierError
from selfservice.suppliers.models import Supplier
from selfservice.suppliers.registration import get_supplier

CACHE_SECONDS = 24 * 3600

blueprint = Blueprint("suppliers", __name__, url_prefix="/fournisseurs")


@blueprint.get("/<slug>/theme.css")
def theme(slug: str) -> Response:
    colour = _supplier_or_404(slug).colour
    light, dark = light_accent(colour), dark_accent(colour)
    css = (
        f":root{{--accent:light-dark({light.colour},{dark.colour});"
        f"--on-accent:light-dark({light.on_colour},{dark.on_colour})}}\n"
    )
    return _cached(Response(css, mimetype="text/css"))


@blueprint.get("/<slug>/logo")
def logo(slug: str) -> Response:
    sha256 = _supplier_or_404(slug).logo_sha256
    if sha256 is None or not logos.path_of(sha256).is_file():
        abort(404)
    content = logos.path_of(sha256).read_bytes()
    return _cached(Response(content, mimetype=logos.media_type(content)))


def _supplier_or_404(slug: str) -> Supplier:
    try:
        return get_supplier(slug)
    except UnknownSupplierError:
        abort(404)


def _cached(response: Response) -> Response:
    response.cache_control.public = True
    response.cache_control.max_age = CACHE_SECONDS
    return response
