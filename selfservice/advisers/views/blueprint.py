"""The blueprint of the adviser's pages; anyone else gets 404 there, and an adviser elsewhere."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, abort, redirect, request, url_for
from werkzeug.wrappers import Response

from selfservice.accounts.views.visitor import (
    is_signed_in,
    note_denial,
    send_to_sign_in,
    signed_in,
)
from selfservice.advisers.companies import UnknownCompanyError

blueprint = Blueprint("advisers", __name__, url_prefix="/conseil")

# An adviser has no documents, company or colleagues: the customers' pages are none of theirs.
CUSTOMERS_PAGES = ("invoices", "administration")
CUSTOMERS_OWN = (
    "accounts.preferences",
    "requests.index",
    "requests.ask",
    "requests.answer_notices",
    "requests.object_to",
)


@blueprint.before_request
def _only_advisers() -> Response | None:
    if not is_signed_in():  # not by login_required: it lets OPTIONS through
        return send_to_sign_in()
    if not signed_in().is_adviser:
        note_denial()
        abort(404)
    return None


@blueprint.before_app_request
def _keep_to_the_desk() -> Response | None:
    is_customers = request.blueprint in CUSTOMERS_PAGES or request.endpoint in CUSTOMERS_OWN
    if not is_customers or not is_signed_in() or not signed_in().is_adviser:
        return None
    if request.endpoint != "invoices.index":
        note_denial()
        abort(404)
    return redirect(url_for("advisers.index"))


@contextmanager
def or_404() -> Iterator[None]:
    """Answer 404 for a client number that the adviser's supplier does not have; a decorator."""
    try:
        yield
    except UnknownCompanyError:
        note_denial()
        abort(404)
