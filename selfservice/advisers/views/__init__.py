"""The adviser's pages: finding a customer, the sheet, the acts."""

from selfservice.advisers.views import acts, index, requests, sheet
from selfservice.advisers.views.blueprint import blueprint

__all__ = ["blueprint"]

_MODULES = (acts, index, requests, sheet)
