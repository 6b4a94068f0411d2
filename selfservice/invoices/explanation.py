"""Why a search or a period finds nothing, when the portal knows (FAQ 11)."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.invoices import queries
from selfservice.invoices.filters import Filters
from selfservice.invoices.search import Period, Term


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why nothing was found.

    `kind` is « before_opening » (`on`: the day the supplier's portal opened), « expired » (`on`:
    the first day of issue still available), « future », or « former_login » (a login of the
    supplier's former portal is no number). `year` is set when only a year inside the number
    searched tells of its age.
    """

    kind: str
    on: date | None = None
    year: int | None = None


def explain_absence(user: User, filters: Filters, terms: Iterable[Term]) -> Explanation | None:
    """Return why what was asked for is not here; None when it is only unknown."""
    if user.company.supplier.is_former_login(filters.q):
        return Explanation("former_login")
    asked = Period(filters.since or date.min, filters.until or date.max)
    for period in (term.period for term in terms if term.period):
        asked = Period(max(asked.since, period.since), min(asked.until, period.until))
    if found := _explain_period(user, asked):
        return found
    if asked.since > clock.today():
        return Explanation("future")
    return _explain_year(user, filters.q)


def _explain_period(user: User, asked: Period) -> Explanation | None:
    opened_on = user.company.supplier.opened_on
    first = queries.earliest_available(clock.today())
    if opened_on and asked.until < opened_on:
        return Explanation("before_opening", opened_on)
    return Explanation("expired", first) if asked.until < first else None


def _explain_year(user: User, text: str) -> Explanation | None:
    """Read the year inside a number such as « FA-2021-0042 »."""
    years = [int(year) for year in re.findall(r"(?<![0-9])20[0-9]{2}(?![0-9])", text)]
    if len(years) != 1:
        return None
    (year,) = years
    found = _explain_period(user, Period(date(year, 1, 1), date(year, 12, 31)))
    return Explanation(found.kind, found.on, year) if found else None
