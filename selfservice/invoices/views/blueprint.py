"""The one blueprint of the invoices, and the reader it serves."""

from flask import Blueprint, abort, request

from selfservice.accounts import spaces
from selfservice.accounts.models import User
from selfservice.accounts.views.visitor import note_denial, signed_in

blueprint = Blueprint("invoices", __name__, url_prefix="/factures")


def reader() -> User:
    """Return the signed-in user, reading the companies that « societe » asks for, or 404."""
    return _reading(request.args.get("societe", ""))


def reader_of_all() -> User:
    """Return the signed-in user, reading all companies that they may: for what ids name."""
    return _reading(spaces.ALL)


def _reading(wanted: str) -> User:
    user = signed_in()
    try:
        spaces.enter(user, wanted)
    except spaces.UnknownSpaceError:
        note_denial()
        abort(404)
    return user
