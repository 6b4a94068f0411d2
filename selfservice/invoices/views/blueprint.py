"""The one blueprint of the invoices, and the reader it serves."""

from typing import cast

from flask import Blueprint
from flask_login import current_user

from selfservice.accounts.models import User

blueprint = Blueprint("invoices", __name__, url_prefix="/factures")


def reader() -> User:
    return cast(User, current_user)
