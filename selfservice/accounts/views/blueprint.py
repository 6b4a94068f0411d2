"""The blueprint that the modules of views fill."""

from flask import Blueprint

blueprint = Blueprint("accounts", __name__)
