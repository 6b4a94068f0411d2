"""Which documents may be seen, what filters find among them, and in what order.

The SQL of the list is here; every screen, link, mail, archive and purge begins with one of these.
"""

from collections.abc import Iterable
from dataclasses import replace
from datetime import date, timedelta
from typing import Any, NamedTuple

from flask import current_app
from peewee import (
    SQL,
    BigIntegerField,
    Cast,
    CharField,
    DateField,
    Expression,
    Field,
    ModelSelect,
    Tuple,
    fn,
)

from selfservice import clock
from selfservice.accounts.models import ProfileContract, User
from selfservice.db import Prepared, is_sqlite
from selfservice.invoices.filters import SORTS, Filters
from selfservice.invoices.models import Invoice
from selfservice.invoices.search import Term, read_terms

MAX_ID = 2**63 - 1  # beyond it the database driver overflows
LEAVING_DAYS = 60
SUM_UNIT = 1_000_000  # cents
BATCH = 500  # ids in one statement


def earliest_available(on: date) -> date:
    """Return the first issue date not past retention on a Paris day."""
    return clock.earliest_lasting(on, months=current_app.config["RETENTION_MONTHS"])


def available_until(issued_on: date) -> date:
    """Return the last Paris day on which a document is available."""
    return clock.add_months(issued_on, current_app.config["RETENTION_MONTHS"])


def available(on: date) -> "ModelSelect[Invoice]":
    """Return the documents not past retention on a Paris day (FAQ 14)."""
    return Invoice.select().where(Invoice.issued_on >= earliest_available(on))


def past_retention(on: date) -> "ModelSelect[Invoice]":
    """Return the documents that `available` leaves out on a Paris day: what a purge removes."""
    return Invoice.select().where(Invoice.issued_on < earliest_available(on))


def is_leaving(on: date) -> Expression:
    """Return the condition of what leaves within LEAVING_DAYS and nobody has downloaded."""
    days = Invoice.issued_on.between(earliest_available(on), last_leaving(on))
    return days & Invoice.downloaded_at.is_null()


def last_leaving(on: date) -> date:
    """Return the last issue date of what leaves within LEAVING_DAYS of a Paris day."""
    return earliest_available(on + timedelta(days=LEAVING_DAYS + 1)) - timedelta(days=1)


def earliest_shown(user: User) -> date:
    """Return the first issue date that the user's display history still shows."""
    return clock.earliest_lasting(clock.today(), months=user.display_history_months)


class Asked(NamedTuple):
    """What is asked for, as values of SQL; None where nothing narrows.

    A `db.Prepared` query has placeholders in their stead, hence Any.
    """

    company_ids: Any
    profile_id: Any
    since: Any
    until: Any = None
    leaving_until: Any = None
    is_not_downloaded: Any = None
    kind: Any = None
    state: Any = None
    contract: Any = None


def asked(user: User, filters: Filters | None = None) -> Asked:
    """Return what a user asks for with filters; never of what is past retention today."""
    filters, today = filters or Filters(), clock.today()
    return Asked(
        company_ids=_company_ids(user, filters),
        profile_id=user.profile_id,
        # One bound: beside a second one, SQLite would read all that lies between the two.
        since=max(earliest_available(today), filters.since or date.min),
        until=filters.until,
        leaving_until=last_leaving(today) if filters.is_leaving else None,
        is_not_downloaded=filters.is_not_downloaded or None,
        kind=filters.kind or None,
        state=filters.state or None,
        contract=filters.contract or None,
    )


def _company_ids(user: User, filters: Filters) -> tuple[int, ...]:
    if not filters.client:
        return user.read_company_ids
    chosen = tuple(each.id for each in user.spaces if each.client_number == filters.client)
    return chosen or (0,)  # no company has it: an unknown number widens nothing


def visible_to(user: User) -> "ModelSelect[Invoice]":
    """Return the documents that a user may read today: the door of every view."""
    return narrowed(asked(user))


def matching(user: User, filters: Filters) -> "ModelSelect[Invoice]":
    """Return all that filters find of `visible_to`, whatever the display history, in no order."""
    return narrowed(asked(user, filters), terms_of(user, filters))


def shown(user: User, filters: Filters) -> "ModelSelect[Invoice]":
    """Return what the list shows of `matching` on all its pages, in no order."""
    return matching(user, within_history(user, filters))


def within_history(user: User, filters: Filters) -> Filters:
    """Narrow the period to the reader's display history, where it applies (FAQ 7)."""
    return filters.within(since=earliest_shown(user)) if filters.is_within_history else filters


def terms_of(user: User, filters: Filters, parts: dict[str, bool] | None = None) -> list[Term]:
    """Return what is searched, neighbours that are together a part of one number as one term.

    « fl 2503 100 2 » is FL2503-100-2 alone, where the user may read one of that number. Each
    answer reads every document of the company: who asks again keeps the answers in `parts`.
    """
    terms: list[Term] = []
    parts = {} if parts is None else parts
    for term in _with_companies(user, read_terms(filters.q, clock.today())):
        joined = terms[-1].beside(term) if terms else term
        if terms and joined.key not in parts:
            parts[joined.key] = visible_to(user).where(_is_part(joined)).exists()
        if terms and parts[joined.key]:
            terms[-1] = joined
        else:
            terms.append(term)
    return terms


def _with_companies(user: User, terms: list[Term]) -> list[Term]:
    """Let a term also mean a company by its name or number, where several are shown."""
    if len(user.spaces) < 2:
        return terms
    return [
        replace(term, company_ids=tuple(each.id for each in user.spaces if term.key in each.key))
        for term in terms
    ]


def _is_of(company_ids: Any) -> Expression:
    is_one = len(company_ids) == 1
    found: Expression = (
        Invoice.company == company_ids[0] if is_one else Invoice.company.in_(company_ids)
    )
    return found


def _is_part(term: Term) -> Expression:
    return Invoice.search_key.contains(term.key)


def _is_meant(term: Term) -> Expression:
    """Return the condition of what a term may mean, by any of its readings."""
    if term.kind:
        return Invoice.kind == term.kind
    found = _is_part(term)
    if term.cents:
        first, last = term.cents
        for amount in (Invoice.gross_cents, Invoice.net_cents):
            found |= amount.between(first, last) | amount.between(-last, -first)
    if term.period:
        found |= Invoice.issued_on.between(term.period.since, term.period.until)
    if term.company_ids:
        found |= Invoice.company.in_(term.company_ids)
    return found


def narrowed(asked: Asked, terms: Iterable[Term] = ()) -> "ModelSelect[Invoice]":
    """Return the documents that are asked for and that each of the terms may mean.

    A profile narrows them to its contracts; a document without contract is in none (FAQ 13).
    """
    query = Invoice.select().where(_is_of(asked.company_ids), Invoice.issued_on >= asked.since)
    if asked.profile_id is not None:
        contracts = ProfileContract.select(ProfileContract.contract)
        own = contracts.where(ProfileContract.profile == asked.profile_id)
        query = query.where(Invoice.contract.in_(own))
    if asked.until is not None:
        query = query.where(Invoice.issued_on <= asked.until)
    if asked.leaving_until is not None:
        query = query.where(
            Invoice.issued_on <= asked.leaving_until, Invoice.downloaded_at.is_null()
        )
    if asked.is_not_downloaded is not None:
        query = query.where(Invoice.downloaded_at.is_null())
    if asked.kind is not None:
        query = query.where(Invoice.kind == asked.kind)
    if asked.state is not None:
        query = query.where(Invoice.state == asked.state)
    if asked.contract is not None:
        query = query.where(Invoice.contract == asked.contract)
    for term in terms:
        query = query.where(_is_meant(term))
    return query


def billed_contracts(company_id: int, profile_id: int | None = None, *, limit: int) -> list[str]:
    """Return the first contracts, sorted, of a company's available documents.

    A profile narrows them to its own.
    """
    since = earliest_available(clock.today())
    return _read_contracts(Asked((company_id,), profile_id, since), limit=limit)


def contracts_of(user: User, *, limit: int) -> list[str]:
    """Return the first contracts, sorted, of the available documents that a user reads."""
    return _read_contracts(asked(user), limit=limit)


def _read_contracts(asked: Asked, *, limit: int) -> list[str]:
    return [contract for (contract,) in _CONTRACTS.rows(asked, limit=limit)]


def _contracts(asked: Asked, *, limit: int) -> "ModelSelect[Invoice]":
    contracts = narrowed(asked).select(Invoice.contract).where(Invoice.contract != "")
    return contracts.distinct().order_by(Invoice.contract).limit(limit)


_CONTRACTS = Prepared(build=_contracts)


class Key(NamedTuple):
    """Where a page begins: after the document with these values, in the order of the list."""

    value: Any
    issued_on: Any
    id: Any


def write_key(sort: str, row: Any) -> str:
    """Return the key of a row of the list, as an address carries it."""
    value = getattr(row, _column(sort)[0].name)
    return f"{'' if value is None else value},{row.issued_on},{row.id}"


def read_key(filters: Filters) -> Key | None:
    """Return where the page begins; None for the first, and for what is no key of this order."""
    value, *ends = filters.after.rsplit(",", 2)
    if len(ends) != 2 or not _is_id(ends[1]):
        return None
    try:
        column, _ = _column(filters.sort)
        return Key(_read_value(column, value), date.fromisoformat(ends[0]), int(ends[1]))
    except ValueError:
        return None


def from_key(filters: Filters, key: Key | None) -> Filters:
    """Narrow the period to what a key by date leaves of it: the bound that an index begins at."""
    column, is_descending = _column(filters.sort)
    if key is None or column is not Invoice.issued_on:
        return filters
    day: date = key.issued_on
    return filters.within(until=day) if is_descending else filters.within(since=day)


def following(query: "ModelSelect[Invoice]", sort: str, key: Key) -> "ModelSelect[Invoice]":
    """Narrow documents to what comes after a key in the order asked for."""
    return query.where(_beyond(sort, key))


def write_key_before(
    query: "ModelSelect[Invoice]", sort: str, key: Key, *, rows: int
) -> str | None:
    """Return the key that opens a page of so many rows ending at a key; None for the first page."""
    columns = _column(sort)[0], Invoice.issued_on, Invoice.id
    before = preceding(query, sort, key).select(*columns).offset(rows).limit(1)
    return next((write_key(sort, each) for each in before), None)


def is_by_date(sort: str) -> bool:
    """Tell whether documents of one month stand together in the order asked for."""
    return _column(sort)[0] is Invoice.issued_on


def sums_by_month(query: "ModelSelect[Invoice]") -> "ModelSelect[Invoice]":
    """Return months (« 2026-11 »), currencies and gross cents, as so many SUM_UNITs and a rest.

    A hundred of the largest amounts add up to more than SQLite can hold.
    """
    # Literals: PostgreSQL takes two parameters for two expressions, and would not group by them.
    month = fn.SUBSTR(Cast(Invoice.issued_on, "TEXT"), SQL("1"), SQL("7"))
    unit = SQL(str(SUM_UNIT))
    units = Invoice.gross_cents / unit
    rest = Invoice.gross_cents - units * unit
    sums = query.select(month, Invoice.currency, fn.SUM(units), fn.SUM(rest))
    return sums.group_by(month, Invoice.currency).order_by(Invoice.currency)


def preceding(query: "ModelSelect[Invoice]", sort: str, key: Key) -> "ModelSelect[Invoice]":
    """Narrow documents to those up to a key, its own among them, the nearest first."""
    return _reversed(query.where(~_beyond(sort, key)), sort)


def _beyond(sort: str, key: Key) -> Any:
    column, is_descending = _column(sort)
    parts: list[Any] = [Invoice.issued_on, Invoice.id]
    values = [key.issued_on, key.id]
    if column is not Invoice.issued_on and key.value is not None:
        parts, values = [_comparable(column), *parts], [key.value, *values]
    left, right = Tuple(*parts), Tuple(*values)
    beyond = left < right if is_descending else left > right
    if not column.null:
        return beyond
    is_absent = column.is_null()
    return is_absent & beyond if key.value is None else is_absent | beyond


def ordered(query: "ModelSelect[Invoice]", sort: str) -> "ModelSelect[Invoice]":
    """Put documents in the order asked for: ties by issue date and id, absent values last."""
    return query.order_by(*_order(sort, is_reversed=False))


def _reversed(query: "ModelSelect[Invoice]", sort: str) -> "ModelSelect[Invoice]":
    return query.order_by(*_order(sort, is_reversed=True))


def _order(sort: str, *, is_reversed: bool) -> list[Any]:
    column, is_descending = _column(sort)
    parts: list[Any] = [Invoice.issued_on, Invoice.id]
    if column is not Invoice.issued_on:
        parts = [_comparable(column), *parts]
    order = [each.desc() if is_descending != is_reversed else each.asc() for each in parts]
    if not column.null:
        return order
    is_absent = column.is_null()
    return [is_absent.desc() if is_reversed else is_absent.asc(), *order]


def _column(sort: str) -> tuple[Field, bool]:
    """Return what a sort goes by, and whether it is descending."""
    name = SORTS[sort.removeprefix("-") or "emise"]
    return getattr(Invoice, name), not sort or sort.startswith("-")


def _comparable(column: Field) -> Any:
    """Return a column as it sorts, text by its characters' numbers whatever the host's language."""
    if not isinstance(column, CharField):
        return column
    return column.collate("BINARY" if is_sqlite() else '"C"')


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= MAX_ID


def _read_value(column: Field, text: str) -> Any:
    if column.null and not text:
        return None
    if isinstance(column, DateField):
        return date.fromisoformat(text)
    if not isinstance(column, BigIntegerField):
        return text
    if not _is_id(text.removeprefix("-")):
        raise ValueError(f"not cents: {text!r}")
    return int(text)
