"""`/conseil/<client_number>`: the sheet, its journal, and the list as the customer sees it."""

from flask import abort, current_app, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from selfservice import mail, submissions
from selfservice.accounts.forms import PortalForm
from selfservice.accounts.models import User
from selfservice.accounts.views.visitor import origin, signed_in
from selfservice.administration import messages as journal_words
from selfservice.administration.journal import JournalPage, journal_of
from selfservice.advisers import acts, looks, messages
from selfservice.advisers.companies import find_company
from selfservice.advisers.sheet import find_login, owner_of, read_sheet
from selfservice.advisers.views.blueprint import blueprint, or_404
from selfservice.invoices.filters import clean_filters
from selfservice.invoices.listing import list_invoices
from selfservice.invoices.messages import STATE_LABELS
from selfservice.invoices.queries import MAX_ID
from selfservice.notifications import messages as mail_words
from selfservice.requests import messages as request_words
from selfservice.suppliers.messages import DELIVERY_LABELS, NOTIFICATION_LABELS
from selfservice.suppliers.models import Company


@blueprint.get("/<path:client_number>")
@or_404()
def sheet(client_number: str) -> Response | str:
    company = find_company(signed_in(), client_number)
    if submissions.is_led_by_another_site():
        return _to_the_search(company)
    looks.note_sheet(signed_in(), company, origin=origin())
    found = read_sheet(company)
    return render_template(
        "advisers/sheet.html",
        company=company,
        sheet=found,
        standing=messages.standing(found),
        lines=_lines(found.journal),
        questions=messages.QUESTION_LABELS,
        messages=mail_words,
        next_attempt_at=mail.next_attempts(),
        sender=current_app.config["MAIL_DEFAULT_SENDER"],
        notification_labels=NOTIFICATION_LABELS,
        delivery_labels=DELIVERY_LABELS,
        state_labels=STATE_LABELS,
        request_words=request_words,
    )


@blueprint.get("/<path:client_number>/journal")
@or_404()
def journal(client_number: str) -> str:
    company = find_company(signed_in(), client_number)
    before_id = request.args.get("avant", type=int)
    is_first_page = before_id is None or not 0 <= before_id <= MAX_ID
    page = journal_of({company.id: company.name}, before_id=None if is_first_page else before_id)
    return render_template(
        "advisers/journal.html",
        company=company,
        lines=_lines(page),
        next_id=page.next_id,
        is_first_page=is_first_page,
    )


@blueprint.get("/<path:client_number>/factures")
@or_404()
def documents(client_number: str) -> Response | str:
    """Show the list as one of the company's logins sees it; nothing is opened, nothing marked."""
    company = find_company(signed_in(), client_number)
    if submissions.is_led_by_another_site():
        return _to_the_search(company)
    reader = _reader(company)
    looks.note_list(signed_in(), company, origin=origin())
    filters = clean_filters(request.args)
    return render_template(
        "advisers/documents.html",
        company=company,
        reader=reader,
        filters=filters,
        listing=list_invoices(reader, filters),
    )


@blueprint.post("/<path:client_number>/appel")
@or_404()
def call(client_number: str) -> Response:
    company = find_company(signed_in(), client_number)
    question = request.form.get("question", "")
    if PortalForm().validate_on_submit() and question in messages.QUESTION_LABELS:
        acts.note_call(question)
        flash(messages.CALL_COUNTED)
    else:
        flash(messages.UNKNOWN_QUESTION, "error")
    return redirect(url_for("advisers.sheet", client_number=company.client_number))


def _to_the_search(company: Company) -> Response:
    """Lead to the search whom another site's page has led to what the journal tells of.

    That page would else have a thousand customers told that the adviser has looked at them, who
    could open no sheet more for an hour (LIMIT_JOURNAL_USER).
    """
    return redirect(url_for("advisers.index", q=company.client_number))


def _lines(page: JournalPage) -> list[journal_words.JournalLine]:
    return [
        journal_words.describe(entry, login=login, company_name=company_name)
        for entry, login, company_name in page.entries
    ]


def _reader(company: Company) -> User:
    """Return the login whose list is asked for, or 404; by default the registered address's.

    Where there is none yet, what it would see.
    """
    wanted = request.args.get("login", type=int)
    if wanted is None:
        reader = owner_of(company) or User(company=company)
    else:
        reader = find_login(company, wanted) or abort(404)
    reader.company = company
    return reader
