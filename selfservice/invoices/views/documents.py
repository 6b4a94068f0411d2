"""One document: its PDF and its Factur-X XML."""

import os
from typing import Any
from urllib.parse import quote

from flask import Response, abort, current_app, request
from flask_login import login_required
from werkzeug.http import dump_options_header
from werkzeug.wsgi import wrap_file
from whitenoise.responders import SlicedFile

from selfservice.accounts.models import User
from selfservice.accounts.views.visitor import origin
from selfservice.invoices import downloads, storage
from selfservice.invoices.downloads import Readable
from selfservice.invoices.views.blueprint import blueprint, reader
from selfservice.web import CONTENT_SECURITY_POLICY

PDF = "application/pdf"
# The list shows a document beside itself, in a frame.
FRAMED_POLICY = CONTENT_SECURITY_POLICY.replace("frame-ancestors 'none'", "frame-ancestors 'self'")


@blueprint.get("/<int:invoice_id>.pdf")
@login_required
def pdf(invoice_id: int) -> Response:
    user = reader()
    document = _document_or_404(user, invoice_id)
    kind = "attachment" if "telecharger" in request.args else "inline"
    response = send_pdf(document.sha256, number=document.number, kind=kind)
    response.headers["Content-Security-Policy"] = FRAMED_POLICY
    if not (document.is_opened and _is_further_part()):
        _mark_opened(user, document)  # after: a lost file was not opened
    return response


@blueprint.get("/<int:invoice_id>.xml")
@login_required
def xml(invoice_id: int) -> Response:
    user = reader()
    document = _document_or_404(user, invoice_id)
    try:
        content = downloads.read_xml(document)
    except downloads.UnknownInvoiceError:
        abort(404)
    _mark_opened(user, document)
    # Always attached: a browser would run the scripts of an XML page shown on our address.
    response = Response(content, content_type="application/xml")
    return name_content(response, "attachment", f"{document.number}.xml")


def send_pdf(sha256: str, *, number: str, kind: str) -> Response:
    """Answer with the file of a document, `kind` « inline » or « attachment ».

    The whole of it, the part that Range asks for, or a word to nginx to send either.
    """
    path = storage.name_of(sha256)
    size = os.stat(path).st_size  # noqa: PTH116 (a Path costs more than this)
    if prefix := current_app.config["ACCEL_REDIRECT_PREFIX"]:
        response = Response(content_type=PDF)
        response.headers["X-Accel-Redirect"] = f"{prefix}{sha256[:2]}/{sha256}.pdf"
    else:
        response = _send_part(path, size, _asked_part(size, etag=sha256))
        response.headers["Accept-Ranges"] = "bytes"
        response.headers["ETag"] = f'"{sha256}"'
    return name_content(response, kind, f"{number}.pdf")


def _asked_part(size: int, *, etag: str) -> tuple[int, int]:
    """Return the bytes asked for, the end excluded; answers 416 to what lies outside the file."""
    asked = request.range
    if asked is None or request.method != "GET" or _is_of_another(etag):
        return 0, size
    if asked.units != "bytes" or len(asked.ranges) != 1:  # we may leave out what we do not do
        return 0, size
    start, end = asked.ranges[0]
    start = max(size + start, 0) if start < 0 else start  # « -500 »: the last 500
    end = size if end is None else min(end, size)
    if start >= end:
        abort(Response(status=416, headers={"Content-Range": f"bytes */{size}"}))
    return start, end


def _is_of_another(etag: str) -> bool:
    """Tell whether the visitor has begun with another file than this one (If-Range)."""
    only_if = request.if_range
    return bool(only_if.etag or only_if.date) and only_if.etag != etag


def _send_part(path: str, size: int, part: tuple[int, int]) -> Response:
    start, end = part
    file = open(path, "rb")  # noqa: PTH123, SIM115 (a Path costs more; the response closes it)
    is_whole = end - start == size
    content: Any = file if is_whole else SlicedFile(file, start, end - 1)
    body = wrap_file(request.environ, content)
    response = Response(body, content_type=PDF, direct_passthrough=True)
    response.headers["Content-Length"] = str(end - start)
    if not is_whole:
        response.status_code = 206
        response.headers["Content-Range"] = f"bytes {start}-{end - 1}/{size}"
    return response


def _is_further_part() -> bool:
    return request.range is not None and request.range.ranges[0][0] != 0


def _document_or_404(user: User, invoice_id: int) -> Readable:
    try:
        return downloads.find_document(user, invoice_id)
    except downloads.UnknownInvoiceError:
        abort(404)


def _mark_opened(user: User, document: Readable) -> None:
    if request.method != "HEAD":
        downloads.mark_opened(user, document, origin=origin())


def name_content(response: Response, kind: str, name: str) -> Response:
    """Name what a response holds, `kind` « inline » or « attachment »."""
    response.headers["Content-Disposition"] = content_disposition(kind, name)
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
