"""What both peers show alike: French amounts and days, durations, the rows of a page by month."""

import calendar
from datetime import date, timedelta
from itertools import groupby

KINDS = {"invoice": "Facture", "credit_note": "Avoir"}
STATES = {"original": "Original", "duplicate": "Duplicata", "copy": "Copie"}
HISTORY_MONTHS = 3
RETENTION_MONTHS = 24
LEAVING_DAYS = 60
PAGE_ROWS = 50
COUNT_CAP = 1000
CONTRACTS = 100
PARTICULARS = ("kind", "state", "contract")  # shown where they differ from row to row
MONTHS = [
    "Janvier",
    "Février",
    "Mars",
    "Avril",
    "Mai",
    "Juin",
    "Juillet",
    "Août",
    "Septembre",
    "Octobre",
    "Novembre",
    "Décembre",
]


def amount(cents: int | None) -> str:
    if cents is None:
        return "—"
    whole, rest = divmod(abs(cents), 100)
    sign = "\u2212" if cents < 0 else ""
    grouped = f"{whole:,}".replace(",", "\u202f")
    return f"{sign}{grouped},{rest:02d}\u00a0€"


def day(value: date | None) -> str:
    return f"{value:%d/%m/%Y}" if value else "—"


def add_months(value: date, months: int) -> date:
    years, month = divmod(value.year * 12 + value.month - 1 + months, 12)
    last = calendar.monthrange(years, month + 1)[1]
    return date(years, month + 1, min(value.day, last))


def month_bounds(invoices) -> tuple[date, date]:
    """Return the first day of the oldest month of a page and the last of its newest."""
    days = [each.issued_on for each in invoices]
    return min(days).replace(day=1), add_months(max(days).replace(day=1), 1) - timedelta(days=1)


def by_month(invoices, sums: dict[str, int]) -> list[dict[str, object]]:
    """Return the rows of a page by month, each with what its documents sum up to."""
    return [
        {
            "name": f"{MONTHS[int(month[5:]) - 1]} {month[:4]}",
            "sum": sums[month],
            "rows": list(rows),
        }
        for month, rows in groupby(invoices, lambda each: f"{each.issued_on:%Y-%m}")
    ]


def differing(invoices) -> set[str]:
    return {name for name in PARTICULARS if len({getattr(each, name) for each in invoices}) > 1}


def totals(invoices) -> dict[str, int]:
    names = ("net_cents", "vat_cents", "gross_cents")
    return {name: sum(getattr(each, name) or 0 for each in invoices) for name in names}
