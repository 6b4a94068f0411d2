"""One document: its PDF and its Factur-X XML."""

from pathlib import Path
from typing import Any
from urllib.parse import quote

from flask import Response, abort, current_app, request
from flask_login import login_required
from werkzeug.http import dump_options_header
from werkzeug.wsgi import wrap_file
from whitenoise.responders import SlicedFile

from selfservice.accounts.views.visitor import origin
from selfservice.invoices import opening
from selfservice.invoices.models import Invoice
from selfservice.invoices.views.blueprint import blueprint, reader
from selfservice.web import CONTENT_SECURITY_POLICY

# The list shows a document beside itself, in a frame.
FRAMED_POLICY = CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")


@blueprint.get("/<int:invoice_id>.pdf")
@login_required
def pdf(invoice_id: int) -> Response:
    invoice = _invoice_or_404(invoice_id)
    response = send_document(invoice, "attachment" if "telecharger" in request.args else "inline")
    response.headers["Content-Security-Policy"] = FRAMED_POLICY
    _mark_opened(invoice, is_further_part=_is_further_part())  # after: a lost file was not opened
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
    return private(response, "attachment", f"{invoice.number}.xml")


def send_document(invoice: Invoice, kind: str) -> Response:
    """Answer with the file of a document, `kind` « inline » or « attachment ».

    The whole of it, the part that Range asks for, or a word to nginx to send either.
    """
    path = opening.document_path(invoice)
    size = path.stat().st_size
    if prefix := current_app.config["ACCEL_REDIRECT_PREFIX"]:
        response = Response(mimetype="application/pdf")
        response.headers["X-Accel-Redirect"] = f"{prefix}{path.parent.name}/{path.name}"
    else:
        response = _send_part(path, size, _asked_part(size, etag=invoice.sha256))
        response.headers["Accept-Ranges"] = "bytes"
        response.set_etag(invoice.sha256)
    return private(response, kind, f"{invoice.number}.pdf")


def _asked_part(size: int, *, etag: str) -> tuple[int, int]:
    """Return the bytes asked for, the end excluded; answers 416 to what lies outside the file."""
    asked, only_if = request.range, request.if_range
    is_of_another = (only_if.etag or only_if.date) and only_if.etag != etag
    if asked is None or request.method != "GET" or is_of_another:
        return 0, size
    if asked.units != "bytes" or len(asked.ranges) != 1:  # we may leave out what we do not do
        return 0, size
    start, end = asked.ranges[0]
    start = max(size + start, 0) if start < 0 else start  # « -500 »: the last 500
    end = size if end is None else min(end, size)
    if start >= end:
        abort(Response(status=416, headers={"Content-Range": f"bytes */{size}"}))
    return start, end


def _send_part(path: Path, size: int, part: tuple[int, int]) -> Response:
    start, end = part
    file = path.open("rb")
    is_whole = end - start == size
    content: Any = file if is_whole else SlicedFile(file, start, end - 1)
    body = wrap_file(request.environ, content)
    response = Response(body, mimetype="application/pdf", direct_passthrough=True)
    response.content_length = end - start
    if not is_whole:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return response


def _is_further_part() -> bool:
    return request.range is not None and request.range.ranges[0][0] != 0


def _invoice_or_404(invoice_id: int) -> Invoice:
    try:
        return opening.find_invoice(reader(), invoice_id)
    except opening.UnknownInvoiceError:
        abort(404)


def _mark_opened(invoice: Invoice, *, is_further_part: bool = False) -> None:
    if request.method == "HEAD" or (is_further_part and opening.is_opened(reader(), invoice)):
        return
    opening.mark_opened(reader(), invoice, origin=origin())


def private(response: Response, kind: str, name: str) -> Response:
    """Name what a response holds, `kind` « inline » or « attachment », and have it kept nowhere."""
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
