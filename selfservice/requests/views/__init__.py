"""The pages of requests: the customer's, and those of the mailed links."""

from selfservice.requests.views import customer, links
from selfservice.requests.views.blueprint import blueprint

__all__ = ["blueprint"]

_MODULES = (customer, links)
