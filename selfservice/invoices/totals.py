"""What the reader was charged: this month, this year, and each of the last twelve months."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date, timedelta

from babel.dates import get_month_names
from peewee import Cast, fn

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.db import rows
from selfservice.invoices import queries
from selfservice.invoices.filters import Filters
from selfservice.invoices.models import Invoice

CHART_MONTHS = 12
CHART_HEIGHT = 100
MONTH_WIDTH, BAR_WIDTH = 10, 6


@dataclass(slots=True)
class Total:
    """Gross cents of one currency; those of credit notes are negative."""

    currency: str
    invoices_cents: int = 0
    credit_notes_cents: int = 0

    @property
    def balance_cents(self) -> int:
        return self.invoices_cents + self.credit_notes_cents

    def add(self, kind: str, gross_cents: int) -> None:
        if kind == "credit_note":
            self.credit_notes_cents += gross_cents
        else:
            self.invoices_cents += gross_cents


@dataclass(slots=True)
class Period:
    """Days from `since` to `until`, both counted, and what they sum up to by currency.

    A month has a `short_name` too (« novembre 2026 », « nov. »).
    """

    name: str
    since: date
    until: date
    short_name: str = ""
    totals: dict[str, Total] = field(default_factory=dict)

    def add(self, kind: str, currency: str, gross_cents: int) -> None:
        self.totals.setdefault(currency, Total(currency)).add(kind, gross_cents)


@dataclass(frozen=True, slots=True)
class Chart:
    """The bars of one currency, the one with the largest sum, a month each.

    `invoices` stand on the line at `base_y`, `credit_notes` hang from it; both are the data of
    an SVG path.
    """

    currency: str
    highest_cents: int
    width: int
    base_y: int
    invoices: str
    credit_notes: str


@dataclass(frozen=True, slots=True)
class Totals:
    """`month` and `year` are the current ones, `months` the last twelve, oldest first."""

    month: Period
    year: Period
    months: list[Period]
    chart: Chart


def sum_months(user: User) -> Totals | None:
    """Return the sums of what the user may see; None where there is nothing in twelve months.

    A month that retention cuts is left out.
    """
    today = clock.today()
    months = {f"{each.since:%Y-%m}": each for each in _months_until(today)}
    year = Period(str(today.year), date(today.year, 1, 1), date(today.year, 12, 31))
    found = _sum(user, since=next(iter(months.values())).since, until=today)
    for month, kind, currency, gross_cents in found:
        months[month].add(kind, currency, gross_cents)
        if month.startswith(year.name):
            year.add(kind, currency, gross_cents)
    if not found:
        return None
    listed = list(months.values())
    return Totals(listed[-1], year, listed, _chart(listed))


def _sum(user: User, *, since: date, until: date) -> list[tuple[str, str, str, int]]:
    """Return (month, kind, currency, gross cents), « 2026-11 » a month, of whole months."""
    day_before = queries.earliest_available(clock.today()) - timedelta(days=1)
    first_whole = clock.add_months(day_before.replace(day=1), 1)
    filters = Filters(since=max(since, first_whole), until=until)
    month = fn.SUBSTR(Cast(Invoice.issued_on, "TEXT"), 1, 7).alias("month")
    sums = (
        queries.matching(user, filters)
        .select(month, Invoice.kind, Invoice.currency, fn.SUM(Invoice.gross_cents))
        .group_by(month, Invoice.kind, Invoice.currency)
    )
    return [(*names, int(gross_cents)) for *names, gross_cents in rows(sums)]


def _months_until(today: date) -> Iterator[Period]:
    """Yield the last CHART_MONTHS months, this one last."""
    names, short_names = (get_month_names(width, locale="fr") for width in ("wide", "abbreviated"))
    for ago in range(1 - CHART_MONTHS, 1):
        first = clock.add_months(today.replace(day=1), ago)
        last = clock.add_months(first, 1) - timedelta(days=1)
        yield Period(f"{names[first.month]} {first.year}", first, last, short_names[first.month])


def _chart(months: list[Period]) -> Chart:
    currency = _main_currency(months)
    totals = [each.totals.get(currency, Total(currency)) for each in months]
    above = max(each.invoices_cents for each in totals)
    below = max(-each.credit_notes_cents for each in totals)
    base_y = _height(above, above + below)
    full_cents = above + below
    heights = [_height(each.invoices_cents, full_cents) for each in totals]
    depths = [_height(-each.credit_notes_cents, full_cents) for each in totals]
    return Chart(
        currency,
        above,
        MONTH_WIDTH * len(months),
        base_y,
        "".join([_bar(place, base_y, -height) for place, height in enumerate(heights)]),
        "".join([_bar(place, base_y, depth) for place, depth in enumerate(depths)]),
    )


def _bar(place: int, base_y: int, height: int) -> str:
    """Return a month's rectangle from the line on, downwards if positive; none of no height."""
    x = place * MONTH_WIDTH + (MONTH_WIDTH - BAR_WIDTH) // 2
    return f"M{x} {base_y}v{height}h{BAR_WIDTH}v{-height}z" if height else ""


def _main_currency(months: list[Period]) -> str:
    sums: dict[str, int] = {}
    for month in months:
        for currency, total in month.totals.items():
            sums[currency] = sums.get(currency, 0) + total.invoices_cents
    return max(sums, key=lambda currency: sums[currency])


def _height(cents: int, full_cents: int) -> int:
    """Return a height of the chart; what is not nothing stays visible."""
    return max(1, CHART_HEIGHT * cents // full_cents) if cents > 0 else 0
