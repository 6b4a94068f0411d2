"""What is taken away from the list: a ZIP of documents, and the register.

It marks and journals what its reader took: a page of another site that leads here gets the list.
"""

from collections.abc import Callable
from typing import IO, Any

from flask import Response, abort, flash, redirect, render_template, request, send_file, url_for
from flask_login import login_required
from markupsafe import Markup
from werkzeug.wrappers import Response as BaseResponse

from selfservice import clock, ratelimit, submissions
from selfservice.accounts.views.visitor import note_denial, origin
from selfservice.help import help_url
from selfservice.invoices import downloads, export
from selfservice.invoices import zip as archives
from selfservice.invoices.downloads import ForeignInvoiceError, UnknownInvoiceError
from selfservice.invoices.export import TooLongForASheetError
from selfservice.invoices.filters import NAMES, clean_filters
from selfservice.invoices.places import NoPlaceError, WaitingFile, building
from selfservice.invoices.views.blueprint import blueprint, reader, reader_of_all
from selfservice.invoices.views.documents import as_private, plain
from selfservice.invoices.zip import Document, NoDocumentError, TooManyDocumentsError

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
HELP = "Comment tout télécharger ?"
RETRY_SECONDS = "30"
ID_DIGITS = 19
WritePages = Callable[[export.Pages, IO[bytes], export.Headings], None]
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@blueprint.get("/archive.zip")
@login_required
def archive() -> BaseResponse:
    filters = clean_filters(request.args)
    is_all = request.args.get("choix") == "tout"
    if submissions.is_led_by_another_site() or (is_all and filters.problems):
        return _back()

    def write(file: IO[bytes]) -> None:
        documents = archives.choose_all(reader(), filters) if is_all else _ticked()
        archives.write_zip(documents, file)
        if request.method != "HEAD":
            downloads.mark_all_opened(
                reader(), [(each.id, each.company_id) for each in documents], origin=origin()
            )

    try:
        return _attached(write, "application/zip", "factures.zip")
    except UnknownInvoiceError as error:
        if isinstance(error, ForeignInvoiceError):
            note_denial()
        abort(404)
    except TooManyDocumentsError as error:
        return _back(TOO_MANY.format(count=error.count, limit=error.limit))
    except NoDocumentError:
        return _back(NOTHING_FOUND if is_all else NOTHING_TICKED)


@blueprint.get("/registre.csv")
@login_required
def register_csv() -> BaseResponse:
    return _register(export.write_csv, "text/csv", "registre.csv")


@blueprint.get("/registre.xlsx")
@login_required
def register_xlsx() -> BaseResponse:
    try:
        export.check_sheet(reader(), clean_filters(request.args))
    except TooLongForASheetError as error:
        return _back(TOO_LONG.format(limit=error.limit))
    return _register(export.write_xlsx, XLSX, "registre.xlsx")


def _register(
    write_pages: Callable[[export.Pages, IO[bytes], export.Headings], None],
    mimetype: str,
    name: str,
) -> BaseResponse:
    filters = clean_filters(request.args)
    if submissions.is_led_by_another_site() or filters.problems:
        return _back()

    def write(file: IO[bytes]) -> None:
        write_pages(export.pages(reader(), filters), file, export.headings(reader()))
        if request.method != "HEAD":
            form = name.rpartition(".")[2]
            export.record_export(reader(), form=form, origin=origin())

    return _attached(write, mimetype, name)


def _ticked() -> list[Document]:
    ids = request.args.getlist("id")
    if not all(each.isascii() and each.isdigit() and len(each) <= ID_DIGITS for each in ids):
        raise UnknownInvoiceError
    return archives.choose(reader_of_all(), [int(each) for each in ids])


def _attached(write: Callable[[IO[bytes]], None], mimetype: str, name: str) -> Response:
    """Answer with the file that `write` writes; its name gets the client number and the day."""
    stem, _, extension = name.rpartition(".")
    name = f"{stem}-{_whose()}-{clock.today()}.{extension}"
    network = ratelimit.customer_network_of(origin())
    user = reader()
    # Before reading: a crowd costs little.
    file = WaitingFile(user.counts_for(user.company_id), network, login=str(user.login))
    try:
        with building():
            write(file)
    except Exception:
        file.close()
        raise
    size = file.tell()
    file.seek(0)
    response = send_file(file, mimetype=mimetype, as_attachment=True, download_name=plain(name))
    response.content_length = size
    return as_private(response)


def _whose() -> str:
    spaces = reader().spaces
    if len(spaces) > 1:
        return "toutes"
    return str(spaces[0].client_number if spaces else reader().company.client_number)


def _back(message: str = "") -> BaseResponse:
    """Return to the list as it was, with what it has to say."""
    if message:
        link = Markup(' <a href="{}">{}</a>').format(help_url("tout-telecharger"), HELP)
        flash(Markup("{}{}").format(message, link), "error")
    kept: dict[str, Any] = {
        name: value for name, value in request.args.items() if name in NAMES.values()
    }
    return redirect(url_for("invoices.index", **kept))


@blueprint.errorhandler(NoPlaceError)
def _on_crowd(_error: NoPlaceError) -> tuple[str, int, dict[str, str]]:
    return render_template("invoices/crowd.html"), 503, {"Retry-After": RETRY_SECONDS}
