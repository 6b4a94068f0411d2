"""What is kept of the list: an archive of documents, and the register."""

from typing import Any

from flask import Response, abort, flash, redirect, render_template, request, url_for
from flask_login import login_required
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from selfservice import clock
from selfservice.accounts.views.visitor import origin
from selfservice.files import LongBody, Place, TooManyLongBodiesError
from selfservice.help import help_url
from selfservice.invoices import downloads, export
from selfservice.invoices import zip as archives
from selfservice.invoices.downloads import UnknownInvoiceError
from selfservice.invoices.export import CsvRegister, TooLongForASheetError, XlsxRegister
from selfservice.invoices.filters import NAMES, clean_filters
from selfservice.invoices.views.blueprint import blueprint, reader
from selfservice.invoices.views.documents import name_content
from selfservice.invoices.zip import Archive, Document, TooManyDocumentsError

NOTHING_TICKED = "Cochez au moins un document."
NOTHING_FOUND = "Il n’y a aucun document à télécharger."
TOO_MANY = (
    "Cette sélection compte {count} documents, et une archive en contient {limit} au plus. "
    "Limitez-la par une période, puis téléchargez les suivants de la même façon."
)
TOO_LONG = (
    "Ce registre compte plus de {limit} documents, trop pour une feuille de calcul. "
    "Limitez-le par une période, ou prenez le CSV."
)
HELP = "Comment tout télécharger\u202f?"
RETRY_SECONDS = "30"
ID_DIGITS = 19
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("/archive.zip")
@login_required
def archive() -> BaseResponse:
    filters = clean_filters(request.args)
    is_all = request.args.get("choix") == "tout"
    if is_all and filters.problems:
        return _back()
    place = Place(reader().id)  # before anything is read: a crowd costs little
    try:
        documents = archives.choose_all(reader(), filters) if is_all else _ticked()
    except UnknownInvoiceError:
        abort(404)
    except TooManyDocumentsError as error:
        return _back(TOO_MANY.format(count=error.count, limit=error.limit))
    if not documents:
        return _back(NOTHING_FOUND if is_all else NOTHING_TICKED)
    made = Archive(documents)
    response = _attached("application/zip", "factures", "zip")
    if made.size is not None:
        response.content_length = made.size
    if request.method != "HEAD":
        response.response = LongBody(made.pieces(), place)
        ids = [each.id for each in documents]
        downloads.mark_all_opened(reader(), ids, origin=origin())
    return response


@blueprint.get("/registre.csv")
@login_required
def register_csv() -> BaseResponse:
    return _register(CsvRegister, Place(reader().id), "csv", "text/csv; charset=utf-8")


@blueprint.get("/registre.xlsx")
@login_required
def register_xlsx() -> BaseResponse:
    place = Place(reader().id)
    try:
        export.check_sheet(reader(), clean_filters(request.args))
    except TooLongForASheetError as error:
        return _back(TOO_LONG.format(limit=error.limit))
    return _register(XlsxRegister, place, "xlsx", XLSX)


def _register(
    form: type[CsvRegister] | type[XlsxRegister], place: Place, extension: str, content_type: str
) -> BaseResponse:
    filters = clean_filters(request.args)
    if filters.problems:
        return _back()
    response = _attached(content_type, "registre", extension)
    if request.method != "HEAD":
        made = form(export.pages(reader(), filters))
        response.response = LongBody(
            made.pieces(), place, steps=made.steps(), length=made.size, on_close=made.close
        )
        export.record_export(reader(), form=extension, origin=origin())
    return response


def _ticked() -> list[Document]:
    ids = request.args.getlist("id")
    if not all(each.isascii() and each.isdigit() and len(each) <= ID_DIGITS for each in ids):
        raise UnknownInvoiceError
    return archives.choose(reader(), [int(each) for each in ids])


def _attached(content_type: str, subject: str, extension: str) -> Response:
    response = Response(content_type=content_type, direct_passthrough=True)
    name = f"{subject}-{reader().company.client_number}-{clock.today()}.{extension}"
    return name_content(response, "attachment", name)


def _back(message: str = "") -> BaseResponse:
    """Return to the list as it was, with what it has to say."""
    if message:
        link = Markup(' <a href="{}">{}</a>').format(help_url("tout-telecharger"), HELP)
        flash(Markup("{}{}").format(message, link), "error")
    kept: dict[str, Any] = {
        name: value for name, value in request.args.items() if name in NAMES.values()
    }
    return redirect(url_for("invoices.index", **kept))


@blueprint.errorhandler(TooManyLongBodiesError)
def _on_crowd(_error: TooManyLongBodiesError) -> tuple[str, int, dict[str, str]]:
    return render_template("invoices/crowd.html"), 503, {"Retry-After": RETRY_SECONDS}
