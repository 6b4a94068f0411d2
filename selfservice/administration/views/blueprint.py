"""The blueprint of the pages. A user who is no administrator gets 404."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import Blueprint, abort, flash, redirect, render_template, request
from werkzeug.wrappers import Response

from selfservice.accounts.messages import WRONG_PASSWORD
from selfservice.accounts.passwords import WrongPasswordError
from selfservice.accounts.users import administrator_names
from selfservice.accounts.views.visitor import (
    is_signed_in,
    note_denial,
    send_to_sign_in,
    signed_in,
)
from selfservice.administration import messages
from selfservice.administration.companies import ChangedMeanwhileError, NotFoundError
from selfservice.administration.forms import OwnPasswordForm
from selfservice.invoices.queries import MAX_ID
from selfservice.texts import one_form

MAX_SEARCH_LENGTH = 100

blueprint = Blueprint("administration", __name__, url_prefix="/administration")


@blueprint.before_request
def _only_administrators() -> Response | tuple[str, int] | None:
    if not is_signed_in():  # not by login_required: it lets OPTIONS through
        return send_to_sign_in()
    if not signed_in().is_administrator:
        note_denial()
        names = administrator_names(signed_in().company_id)
        return render_template("errors/404.html", administrators=names), 404
    return None


@contextmanager
def or_404() -> Iterator[None]:
    """Answer 404 for what the administrator's companies do not have; a decorator of views."""
    try:
        yield
    except NotFoundError:
        note_denial()
        abort(404)


@blueprint.errorhandler(ChangedMeanwhileError)
def _show_anew(_error: ChangedMeanwhileError) -> Response:
    """Show the page again as things are now: to save the former one would undo a decision."""
    flash(messages.CHANGED_MEANWHILE, "error")
    return redirect(request.path)


@contextmanager
def own_password(form: OwnPasswordForm) -> Iterator[None]:
    """Show a wrong password of one's own at its field."""
    try:
        yield
    except WrongPasswordError:
        is_wrong = bool(form.current.data)
        form.current.errors = (WRONG_PASSWORD if is_wrong else messages.OWN_PASSWORD_MISSING,)


def searched(name: str, *, length: int = MAX_SEARCH_LENGTH) -> str:
    """Return a field of a search, cut, without characters that no database stores."""
    text = request.args.get(name, "").encode("utf-8", "ignore").decode("utf-8")
    return one_form(text.replace("\0", ""))[:length].strip()


def page_id(name: str) -> int | None:
    """Return the id with which the page before ended, None for what is no id."""
    found = request.args.get(name, type=int)
    return found if found is not None and 0 <= found <= MAX_ID else None
