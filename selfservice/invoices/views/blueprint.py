"""The one blueprint of the invoices, and the reader it serves."""

from flask import Blueprint

from selfservice.accounts.models import User
from selfservice.accounts.views.visitor import signed_in

blueprint = Blueprint("invoices", __name__, url_prefix="/factures")


def reader() -> User:
    return signed_in()
