"""« Mes factures »: the list."""

from datetime import date, timedelta

from flask import render_template, request
from flask_login import login_required

from selfservice import clock
from selfservice.invoices.filters import clean_filters
from selfservice.invoices.listing import list_invoices
from selfservice.invoices.views.blueprint import blueprint, reader


@blueprint.get("")
@login_required
def index() -> str:
    filters = clean_filters(request.args)
    return render_template(
        "invoices/index.html",
        listing=list_invoices(reader(), filters),
        filters=filters,
        usual_periods=_usual_periods(clock.today()),
        today=clock.today(),
    )


def _usual_periods(today: date) -> list[tuple[str, date, date]]:
    month = today.replace(day=1)
    return [
        ("Ce mois-ci", month, clock.add_months(month, 1) - timedelta(days=1)),
        ("Cette année", date(today.year, 1, 1), date(today.year, 12, 31)),
        ("L’année dernière", date(today.year - 1, 1, 1), date(today.year - 1, 12, 31)),
    ]
