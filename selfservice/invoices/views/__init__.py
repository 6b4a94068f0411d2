"""« Mes factures »: the list, its documents, and what is kept of them."""

from selfservice.invoices.views import (  # noqa: F401  (they register their pages)
    documents,
    exports,
    index,
)
from selfservice.invoices.views.blueprint import blueprint as blueprint
