"""« Mes factures »: the list, its documents, and what is kept of them."""

from selfservice.invoices.views import documents, index  # noqa: F401  (they register their pages)
from selfservice.invoices.views.blueprint import blueprint as blueprint
