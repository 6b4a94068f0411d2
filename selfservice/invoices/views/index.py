"""« Mes factures »: the list."""

from flask import render_template, request
from flask_login import login_required

from selfservice.invoices.filters import clean_filters
from selfservice.invoices.listing import list_invoices
from selfservice.invoices.views.blueprint import blueprint, reader


@blueprint.get("", strict_slashes=False)
@login_required
def index() -> str:
    filters = clean_filters(request.args)
    found = list_invoices(reader(), filters)
    return render_template("invoices/index.html", listing=found, filters=filters)
