"""The direct link of the daily mail."""

from flask import Blueprint, Response, abort, render_template, request

from selfservice import ratelimit, tokens
from selfservice.accounts.views.visitor import origin
from selfservice.invoices.views.documents import send_pdf
from selfservice.notifications import direct_links

blueprint = Blueprint("notifications", __name__)


@blueprint.get("/telechargement/<secret>")
def download(secret: str) -> Response | tuple[str, int]:
    ratelimit.hit_from("download_ip", origin())
    try:
        link = direct_links.read(secret)
    except tokens.UnknownTokenError:
        abort(404)
    except tokens.DeadTokenError:
        return render_template("errors/410.html"), 410
    invoice = link.invoice
    response = send_pdf(invoice.sha256, number=invoice.number, is_attached=True)
    if request.method != "HEAD":  # after: a lost file is an error, and was not fetched
        direct_links.mark_fetched(link, origin=origin())
    return response


@blueprint.after_request
def _keep_the_secret(response: Response) -> Response:
    """Tell nobody the address, whatever the answer is."""
    response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
