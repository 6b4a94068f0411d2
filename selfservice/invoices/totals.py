"""What the reader was charged: this month, this year, and each of the last twelve months."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from functools import lru_cache
from typing import NamedTuple

from babel.dates import format_date

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.invoices import queries

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


class Month(NamedTuple):
    """A month (« 2026-11 »), its names (« novembre 2026 », in short « nov. ») and its days."""

    month: str
    name: str
    short_name: str
    since: date
    until: date


@dataclass(slots=True)
class Period:
    """Days from `since` to `until`, both counted, and what they sum up to by currency."""

    name: str
    since: date
    until: date
    totals: dict[str, Total] = field(default_factory=dict)

    def add(self, kind: str, currency: str, gross_cents: int) -> None:
        if currency not in self.totals:
            self.totals[currency] = Total(currency)
        self.totals[currency].add(kind, gross_cents)


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
    """`month` and `year` are the current ones, `months` the last twelve, oldest first, as they
    stand in the `calendar`.
    """

    month: Period
    year: Period
    months: list[Period]
    calendar: tuple[Month, ...]
    chart: Chart


def sum_months(user: User) -> Totals | None:
    """Return the sums of what the user may see; None where there is nothing in twelve months.

    One short read, whatever the number of documents (unless a profile narrows them).
    """
    today = clock.today()
    calendar = _calendar(today.replace(day=1))
    months = {f"{each.since:%Y-%m}": Period(each.name, each.since, each.until) for each in calendar}
    year = Period(str(today.year), date(today.year, 1, 1), date(today.year, 12, 31))
    found = queries.totals_visible_to(user, since=calendar[0].since, until=today)
    for month, kind, currency, gross_cents in found:
        months[month].add(kind, currency, gross_cents)
        if month.startswith(year.name):
            year.add(kind, currency, gross_cents)
    if not found:
        return None
    listed = list(months.values())
    return Totals(listed[-1], year, listed, calendar, _chart(listed))


@lru_cache(maxsize=4)
def _calendar(this: date) -> tuple[Month, ...]:
    """Return the months up to this one, named once a month."""
    firsts = [clock.add_months(this, ago) for ago in range(1 - CHART_MONTHS, 1)]
    return tuple(
        Month(
            first.isoformat()[:7],
            format_date(first, "MMMM y", locale="fr"),
            format_date(first, "MMM", locale="fr"),
            first,
            clock.add_months(first, 1) - timedelta(days=1),
        )
        for first in firsts
    )


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
