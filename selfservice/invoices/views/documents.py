"""One document: its PDF and its Factur-X XML."""

import io

from flask import Response, abort, current_app, redirect, request, send_file, url_for
from flask_login import login_required
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from selfservice import submissions
from selfservice.accounts import spaces
from selfservice.accounts.models import User
from selfservice.accounts.views.visitor import note_denial, origin
from selfservice.invoices import downloads, storage
from selfservice.invoices.downloads import Readable
from selfservice.invoices.views.blueprint import blueprint, reader_of_all

PDF = "application/pdf"
# The list shows a document beside itself, in a frame. Safari's viewer obeys the document's own
# policy: it is an <embed> of the same address, with a style of its own. No script may run.
PDF_POLICY = (
    "default-src 'none'; object-src 'self'; img-src 'self' data: blob:; "
    "style-src 'unsafe-inline'; form-action 'none'; base-uri 'none'; frame-ancestors 'self'"
)
# A private document is never a 304: a browser keeps none.
REVALIDATION = {"HTTP_IF_NONE_MATCH", "HTTP_IF_MODIFIED_SINCE"}


@blueprint.get("/<int:invoice_id>.pdf")
@login_required
def pdf(invoice_id: int) -> BaseResponse:
    user = reader_of_all()
    document = _document_or_404(user, invoice_id)
    if submissions.is_led_by_another_site():
        return _to_its_row(user, document)
    is_attached = "telecharger" in request.args
    response = send_pdf(document.sha256, number=document.number, is_attached=is_attached)
    try:
        _mark_opened(user, document)  # after: a lost file was not opened
    except Exception:
        response.close()
        raise
    return response


@blueprint.get("/<int:invoice_id>.xml")
@login_required
def xml(invoice_id: int) -> BaseResponse:
    user = reader_of_all()
    document = _document_or_404(user, invoice_id)
    if submissions.is_led_by_another_site():
        return _to_its_row(user, document)
    try:
        content = downloads.read_xml(document)
    except downloads.UnknownInvoiceError:
        abort(404)
    _mark_opened(user, document)
    # Always attached: a browser would run the scripts of an XML page shown on our address.
    name = plain(f"{document.number}.xml")
    file = io.BytesIO(content)
    response = send_file(file, mimetype="application/xml", as_attachment=True, download_name=name)
    response.content_type = "application/xml"  # its own first line names its coding
    return as_private(response)


def send_pdf(sha256: str, *, number: str, is_attached: bool) -> Response:
    """Answer with the file of a document, or the part of it that Range asks for.

    With ACCEL_REDIRECT_PREFIX the answer is empty, and tells nginx which file to send instead.
    """
    path, prefix = storage.path_of(sha256), current_app.config["ACCEL_REDIRECT_PREFIX"]
    path.stat()  # raises FileNotFoundError before anything is marked as read
    response = send_file(
        io.BytesIO() if prefix else path,
        mimetype=PDF,
        as_attachment=is_attached,
        download_name=plain(f"{number}.pdf"),
        conditional=False,
        etag=sha256,
    )
    if prefix:
        response.headers["X-Accel-Redirect"] = f"{prefix}{storage.name_of(sha256)}"
    else:
        _cut_to_part(response)
    response.headers["Content-Security-Policy"] = PDF_POLICY
    return as_private(response)


def as_private(response: Response) -> Response:
    """Forbid to keep a response, which `send_file` would allow."""
    response.headers["Cache-Control"] = "no-store"
    response.headers.pop("Last-Modified", None)
    return response


def plain(name: str) -> str:
    """Return a file name without separators of folders and what no screen shows."""
    return "".join(each if each.isprintable() and each not in "/\\" else "-" for each in name)


def _cut_to_part(response: Response) -> None:
    """Keep of a file the part asked for, if any; raises 416 for one outside of it."""
    ignored = REVALIDATION if request.method == "GET" else REVALIDATION | {"HTTP_RANGE"}
    asked = {name: value for name, value in request.environ.items() if name not in ignored}
    try:
        response.make_conditional(
            asked, accept_ranges=True, complete_length=response.content_length
        )
    except HTTPException:
        response.close()
        raise


def _document_or_404(user: User, invoice_id: int) -> Readable:
    try:
        return downloads.find_document(user, invoice_id)
    except downloads.UnknownInvoiceError as error:
        if isinstance(error, downloads.ForeignInvoiceError):
            note_denial()
        abort(404)


def _to_its_row(user: User, document: Readable) -> BaseResponse:
    """Lead to the list whom another site's page has led to a document.

    That page would else have a thousand marked and journalled in its reader's name, who could open
    nothing more for an hour (LIMIT_JOURNAL_USER).
    """
    space = None if document.company_id == user.company_id else spaces.ALL
    # At the document's own anchor, which the link may name, the page would open it after all.
    address = url_for("invoices.index", q=document.number, societe=space, _anchor="liste")
    return redirect(address)


def _mark_opened(user: User, document: Readable) -> None:
    if request.method != "HEAD":
        downloads.mark_opened(user, document, origin=origin())
