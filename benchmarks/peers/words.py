"""What both peers show alike: French amounts and days, the months of availability, their sums."""

import calendar
from datetime import date

KINDS = {"invoice": "Facture", "credit_note": "Avoir"}
STATES = {"original": "Original", "duplicate": "Duplicata", "copy": "Copie"}
HISTORY_MONTHS = 3
RETENTION_MONTHS = 24
LEAVING_DAYS = 60
PAGE_ROWS = 50
COUNT_CAP = 1000
CHART_MONTHS = 12
CONTRACTS = 100


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


def first_month(today: date) -> date:
    return add_months(today.replace(day=1), 1 - CHART_MONTHS)


def sum_up(sums: list[tuple[str, str, int]]) -> list[dict[str, object]]:
    """Return a line a month (« 2026-11 »), newest first, of sums by month and kind."""
    months: dict[str, dict[str, int]] = {}
    for month, kind, cents in sums:
        months.setdefault(month, dict.fromkeys(KINDS, 0))[kind] = cents
    return [
        {"name": name, **found, "net": sum(found.values())}
        for name, found in sorted(months.items(), reverse=True)
    ]
