"""The adviser's pages: finding a customer, the sheet, the acts."""

from selfservice.advisers.views import index, requests
from selfservice.advisers.views.blueprint import blueprint

__all__ = ["blueprint"]

_MODULES = (index, requests)
