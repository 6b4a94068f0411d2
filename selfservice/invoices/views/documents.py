"""One document: its PDF and its Factur-X XML."""

from urllib.parse import quote

from flask import Response, abort, request
from flask_login import login_required
from werkzeug.http import dump_options_header
from werkzeug.wsgi import wrap_file

from selfservice.accounts.views.visitor import origin
from selfservice.invoices import opening
from selfservice.invoices.models import Invoice
from selfservice.invoices.views.blueprint import blueprint, reader


@blueprint.get("/<int:invoice_id>.pdf")
@login_required
def pdf(invoice_id: int) -> Response:
    invoice = _invoice_or_404(invoice_id)
    response = send_document(invoice, "attachment" if "telecharger" in request.args else "inline")
    _mark_opened(invoice)  # after: a lost file is an error, and was not opened
    return response


@blueprint.get("/<int:invoice_id>.xml")
@login_required
def xml(invoice_id: int) -> Response:
    invoice = _invoice_or_404(invoice_id)
    try:
        content = opening.read_xml(invoice)
    except opening.UnknownInvoiceError:
        abort(404)
    _mark_opened(invoice)
    # Always attached: a browser would run the scripts of an XML page shown on our address.
    response = Response(content, content_type="application/xml")
    return _private(response, "attachment", f"{invoice.number}.xml")


def send_document(invoice: Invoice, kind: str) -> Response:
    """Answer with the file of a document, `kind` « inline » or « attachment »."""
    path = opening.document_path(invoice)
    body = wrap_file(request.environ, path.open("rb"))
    response = Response(body, mimetype="application/pdf", direct_passthrough=True)
    response.content_length = path.stat().st_size
    return _private(response, kind, f"{invoice.number}.pdf")


def _invoice_or_404(invoice_id: int) -> Invoice:
    try:
        return opening.find_invoice(reader(), invoice_id)
    except opening.UnknownInvoiceError:
        abort(404)


def _mark_opened(invoice: Invoice) -> None:
    if request.method != "HEAD":
        opening.mark_opened(reader(), invoice, origin=origin())


def _private(response: Response, kind: str, name: str) -> Response:
    response.headers["Content-Disposition"] = content_disposition(kind, name)
    response.headers["Cache-Control"] = "no-store"
    response.headers["X-Content-Type-Options"] = "nosniff"
    return response


def content_disposition(kind: str, name: str) -> str:
    """Return the header that names a file exactly, whatever its number is made of (RFC 6266).

    Path separators become hyphens: no system could store them.
    """
    name = name.replace("/", "-").replace("\\", "-")
    if name.isascii() and name.isprintable():
        return dump_options_header(kind, {"filename": name})
    simple = "".join(each if each.isascii() and each.isprintable() else "_" for each in name)
    exact = quote(name, safe="!#$&+-.^_`|~", errors="replace")
    return dump_options_header(kind, {"filename": simple, "filename*": f"UTF-8''{exact}"})
