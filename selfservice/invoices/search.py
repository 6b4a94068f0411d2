"""What a typed text may mean: a part of a number, an amount, a day or a month."""

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_

from peewee import Expression

from selfservice.db import is_sqlite
from selfservice.invoices.models import Invoice
from selfservice.money import parse_cents

MONTHS = (
    *("janvier", "fevrier", "mars", "avril", "mai", "juin"),
    *("juillet", "aout", "septembre", "octobre", "novembre", "decembre"),
)
SEPARATOR = r"\s*[/.-]\s*"
DAYS = (
    rf"(?P<year>[0-9]{{4}}){SEPARATOR}(?P<month>[0-9]{{1,2}}){SEPARATOR}(?P<day>[0-9]{{1,2}})",
    rf"(?P<day>[0-9]{{1,2}}){SEPARATOR}(?P<month>[0-9]{{1,2}}){SEPARATOR}(?P<year>[0-9]{{4}})",
    r"(?P<day>[0-9]{1,2})(er)?\s+(?P<month>[a-z]{3,})\.?\s+(?P<year>[0-9]{4})",
)
MONTHS_OF_A_YEAR = (
    rf"(?P<year>[0-9]{{4}}){SEPARATOR}(?P<month>[0-9]{{1,2}})",
    rf"(?P<month>[0-9]{{1,2}}){SEPARATOR}(?P<year>[0-9]{{4}})",
    r"(?P<month>[a-z]{3,})\.?\s+(?P<year>[0-9]{4})",
)


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `since` to `until`, both included."""

    since: date
    until: date


def condition(text: str) -> Expression:
    """Return the condition of the documents that a typed text may mean, any of its readings."""
    found = reduce(or_, map(Invoice.number.contains, _cases(text)))
    cents, period = read_amount(text), read_period(text)
    if cents is not None:
        amounts = (cents, -cents)
        found |= Invoice.gross_cents.in_(amounts) | Invoice.net_cents.in_(amounts)
    if period:
        found |= Invoice.issued_on.between(period.since, period.until)
    return found


def _cases(text: str) -> set[str]:
    """Return the writings to look for: LIKE of SQLite ignores the case of A to Z alone."""
    if text.isascii() or not is_sqlite():
        return {text}
    return {text, text.lower(), text.upper()}


def read_day(text: str) -> date | None:
    """Return the day of « 12/03/2026 », « 2026-03-12 » or « 12 mars 2026 »; None for no day."""
    found = _first_match(DAYS, text)
    try:
        return (
            date(int(found["year"]), _month(found["month"]), int(found["day"])) if found else None
        )
    except ValueError:
        return None


def read_period(text: str) -> Period | None:
    """Return the day, or the month of « mars 2026 », « 03/2026 » or « 2026-03 », that is written.

    A year alone is too vague: it is a part of a number.
    """
    day = read_day(text)
    if day:
        return Period(day, day)
    found = _first_match(MONTHS_OF_A_YEAR, text)
    try:
        first = date(int(found["year"]), _month(found["month"]), 1) if found else None
    except ValueError:
        return None
    return (
        Period(first, first.replace(day=monthrange(first.year, first.month)[1])) if first else None
    )


def read_amount(text: str) -> int | None:
    """Return the cents of « 1 234,50 », « 1234.5 », « −89,90 € »; never negative.

    Amounts are found whatever their sign: nobody types that of a credit note.
    """
    bare = re.sub(r"\s*(€|eur)$", "", text.strip(), flags=re.IGNORECASE)
    bare = bare.replace("\N{MINUS SIGN}", "-")
    if "," in bare:
        bare = bare.replace(".", "")
    try:
        return abs(parse_cents(bare))
    except ValueError:
        return None


def _first_match(patterns: tuple[str, ...], text: str) -> re.Match[str] | None:
    letters = unicodedata.normalize("NFKD", text.strip().casefold())
    plain = "".join(each for each in letters if not unicodedata.combining(each))
    return next((found for each in patterns if (found := re.fullmatch(each, plain))), None)


def _month(text: str) -> int:
    """Return a month's number from its digits or the beginning of its name; ValueError if none."""
    if text.isdigit():
        return int(text)
    (month,) = [number for number, name in enumerate(MONTHS, 1) if name.startswith(text)]
    return month
