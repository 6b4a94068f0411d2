"""What a typed text may mean: a part of a number, and an amount, a day or a month.

`condition` says what is found; on SQLite an index (migration 0013) narrows what it is asked of.
"""

import re
import unicodedata
from calendar import monthrange
from dataclasses import dataclass
from datetime import date
from functools import reduce
from operator import or_
from typing import Any

from peewee import JOIN, Expression, Table, fn

from selfservice.db import database, is_sqlite
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

# Migration 0013: the index's rowid is the day of issue, then the document's id.
ID_BITS = 40
LONGEST_PIECE = 5
BETWEEN_WORDS = "\n"
SAMPLE, PORTAL_SHARE = 1000, 10
MERGED_PAGES = 500


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `since` to `until`, both included."""

    since: date
    until: date


def condition(text: str) -> Any:
    """Return the condition of the documents that a typed text may mean, any of its readings."""
    found = reduce(or_, map(Invoice.number.contains, _cases(text)))
    cents, period = read_amount(text), read_period(text)
    if cents is not None:
        amounts = (cents, -cents)
        found |= Invoice.gross_cents.in_(amounts) | Invoice.net_cents.in_(amounts)
    if period:
        found |= Invoice.issued_on.between(period.since, period.until)
    return found


class Index:
    """The search index of SQLite, joined before the documents that it names."""

    def __init__(self) -> None:
        # The column named as the table is what MATCH is asked of.
        self._table: Any = Table("invoice_search", ("rowid", "invoice_search"))

    @property
    def stamp(self) -> Any:
        """What sorts and compares as issue date and id together."""
        return self._table.rowid

    def narrow(self, query: Any, expression: str, since: date | None, until: date | None) -> Any:
        """Have a query of documents read only those that the expression finds, in a period.

        CROSS JOIN keeps SQLite from asking the index once for each document.
        """
        is_named = Invoice.id == self.stamp.bin_and((1 << ID_BITS) - 1)
        joined = self._table.join(Invoice, JOIN.CROSS, on=is_named)
        query = query.from_(joined).where(
            Expression(self._table.invoice_search, "MATCH", expression)
        )
        if since:
            query = query.where(self.stamp >= stamp(since, 0))
        if until:
            query = query.where(self.stamp < stamp(until, 0) + (1 << ID_BITS))
        return query


def stamp(day: date, invoice_id: int) -> int:
    """Return the rowid of a document in the index."""
    return (_day_number(day) << ID_BITS) | invoice_id


def expression(text: str, company_id: int) -> str | None:
    """Return what to ask of the index: all that `condition` finds, and a little more.

    None where there is no index, or no document's number could have such words.
    """
    if not text or BETWEEN_WORDS in text or not is_sqlite():
        return None
    readings = [" AND ".join(map(_quoted, _pieces(text)))]
    cents, period = read_amount(text), read_period(text)
    if cents is not None:
        readings.append(f"amount{cents}")
    if period:
        is_day = period.since == period.until
        word = f"day{period.since}" if is_day else f"month{period.since:%Y-%m}"
        readings.append(_quoted(word))
    found = " OR ".join(f"({each})" for each in readings)
    return found if _is_large_in_portal(company_id) else f"({found}) AND company{company_id}"


def merge() -> None:
    """Put the parts of the index together, a little at a time: deposits leave many.

    A search asks each of them: where there are twelve, it takes four times as long.
    """
    if not is_sqlite():
        return
    pages = -MERGED_PAGES  # less than zero: whatever their sizes, all become one
    while _has_merged(pages):
        pages = MERGED_PAGES


def _has_merged(pages: int) -> bool:
    merging = "INSERT INTO invoice_search(invoice_search, rank) VALUES ('merge', ?)"
    before: int = database.connection().total_changes
    with database.atomic():
        database.execute_sql(merging, (pages,))
    after: int = database.connection().total_changes
    return after - before > 1  # the command counts as one


def _pieces(text: str) -> list[str]:
    """Return words of the index that say most of a text: one, where it is short enough.

    A few, from its beginning to its end: each costs time, and `condition` knows the whole text.
    """
    last = len(text) - LONGEST_PIECE
    if last <= 0:
        return [text]
    gaps = max(round(len(text) / LONGEST_PIECE), 2) - 1
    starts = [last * each // gaps for each in range(gaps + 1)]
    return [text[start : start + LONGEST_PIECE] for start in starts]


def _cases(text: str) -> set[str]:
    """Return the writings that SQLite must be given apart: its LIKE folds the case of A to Z."""
    if text.isascii() or not is_sqlite():
        return {text}
    return {text, text.lower(), text.upper()}


def _is_large_in_portal(company_id: int) -> bool:
    """Tell a company to which at least a tenth of what was deposited lately belongs.

    Its documents are found soon among all; those of others are sought by company too.
    """
    newest = Invoice.select(Invoice.id).where(Invoice.company == company_id)
    newest = newest.order_by(Invoice.issued_on.desc(), Invoice.id.desc())
    nth = newest.offset(SAMPLE - 1).limit(1)
    span = Invoice.select(fn.MAX(Invoice.id) - nth).scalar()
    return span is not None and span < SAMPLE * PORTAL_SHARE


def _quoted(word: str) -> str:
    return '"' + word.replace('"', '""') + '"'


def _day_number(day: date) -> int:
    return (day - date(1970, 1, 1)).days


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
