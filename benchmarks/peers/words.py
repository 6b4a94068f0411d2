"""What both peers show alike: French amounts and days, the months of availability."""

import calendar
from datetime import date

KINDS = {"invoice": "Facture", "credit_note": "Avoir"}
STATES = {"original": "Original", "duplicate": "Duplicata", "copy": "Copie"}
HISTORY_MONTHS = 3
RETENTION_MONTHS = 24
LEAVING_DAYS = 60
PAGE_ROWS = 50
COUNT_CAP = 1000


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
