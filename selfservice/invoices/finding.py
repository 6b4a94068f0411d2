"""The queries of the list: what filters find of what a reader may see, each written once."""

from dataclasses import replace
from datetime import date
from typing import Any, NamedTuple

from peewee import JOIN, Case, fn

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.db import Prepared, rows
from selfservice.invoices import queries, search, sorting
from selfservice.invoices.filters import Filters
from selfservice.invoices.models import Invoice, Opening
from selfservice.invoices.queries import Scope


class Asked(NamedTuple):
    """The values of filters, as a query takes them; None where nothing is asked."""

    scope: Scope
    until: Any
    leaving_until: Any
    is_not_downloaded: Any
    kind: Any
    state: Any
    contract: Any

    @property
    def is_period(self) -> bool:
        """Tell whether all documents of a company are asked for, in a period at most."""
        return self.scope.profile_id is None and not any(self[2:])


def matching(user: User, filters: Filters) -> Any:
    """Return all that the filters find among what the user may see, in no order.

    The display history does not apply: this is what a register holds.
    """
    query = _narrowed(_asked(user, filters))
    return query.where(search.condition(filters.q)) if filters.q else query


def shown(user: User, filters: Filters) -> Any:
    """Return what the list shows of `matching` on all its pages, in no order."""
    return matching(user, within_history(user, filters))


def within_history(user: User, filters: Filters) -> Filters:
    """Narrow the period to the reader's display history, where it applies (FAQ 7)."""
    return within(filters, since=queries.earliest_shown(user)) if is_limited(filters) else filters


def within(filters: Filters, *, since: date | None = None, until: date | None = None) -> Filters:
    """Narrow the period, so that one bound at each end is asked for."""
    return replace(
        filters,
        since=max(filter(None, (filters.since, since)), default=None),
        until=min(filter(None, (filters.until, until)), default=None),
    )


def is_limited(filters: Filters) -> bool:
    return not (filters.q or filters.is_showing_all or filters.is_leaving)


def find_page(
    user: User, filters: Filters, expression: str | None, *, limit: int
) -> list[tuple[Any, ...]]:
    """Return the first documents after the filters' key, in their order (the columns of `_page`).

    `expression` asks the search index first (`search.expression`).
    """
    key = sorting.read_key(filters.sort, filters.after)
    filters = _from_key(filters, key)
    if not filters.q:
        return _PAGE.rows(_asked(user, filters), user.id, key, sort=filters.sort, limit=limit)
    query, index = _indexed(user, filters, expression)
    return rows(_with_columns(_in_order(query, filters.sort, key, index), user.id).limit(limit))


def count_found(user: User, filters: Filters, expression: str | None, *, limit: int) -> int:
    """Count documents, without reading more than a limit."""
    if not filters.q:
        asked = _asked(user, filters)
        months = queries.whole_months(asked.scope.since, asked.until)
        found = _COUNT.rows(asked, months, limit=limit)
    else:
        query, index = _indexed(user, filters, expression)
        query = query.order_by(index.stamp.desc()) if index else query
        found = rows(_counted(query, limit))
    return int(found[0][0])


def find_leaving(user: User, *, limit: int) -> tuple[int, Any, Any]:
    """Return the count of what leaves soon, up to a limit, and its first and last day of issue."""
    last_on = queries.last_leaving(clock.today())
    ((count, first, last),) = _LEAVING.rows(queries.scope_of(user), last_on, limit=limit)
    return count, first, last


def _asked(user: User, filters: Filters) -> Asked:
    return Asked(
        scope=queries.scope_of(user, since=filters.since),
        until=filters.until,
        leaving_until=queries.last_leaving(clock.today()) if filters.is_leaving else None,
        is_not_downloaded=filters.is_not_downloaded or None,
        kind=filters.kind or None,
        state=filters.state or None,
        contract=filters.contract or None,
    )


def _narrowed(asked: Asked) -> Any:
    query = queries.visible_in(asked.scope)
    if asked.until is not None:
        query = query.where(Invoice.issued_on <= asked.until)
    if asked.leaving_until is not None:
        query = query.where(queries.is_leaving_until(asked.leaving_until))
    if asked.is_not_downloaded is not None:
        query = query.where(Invoice.downloaded_at.is_null())
    for column, value in (
        (Invoice.kind, asked.kind),
        (Invoice.state, asked.state),
        (Invoice.contract, asked.contract),
    ):
        if value is not None:
            query = query.where(column == value)
    return query


def _page(asked: Asked, user_id: Any, key: sorting.Key | None, *, sort: str, limit: int) -> Any:
    query = _in_order(_narrowed(asked), sort, key, None)
    return _with_columns(query, user_id).limit(limit)


def _with_columns(query: Any, user_id: Any) -> Any:
    opened = (Opening.invoice == Invoice.id) & (Opening.user == user_id)
    return query.select(
        Invoice.id,
        Invoice.number,
        Invoice.kind,
        Invoice.contract,
        Invoice.issued_on,
        Invoice.due_on,
        Invoice.currency,
        Invoice.net_cents,
        Invoice.vat_cents,
        Invoice.gross_cents,
        Invoice.state,
        Invoice.downloaded_at,
        Invoice.has_xml,
        Opening.id,
    ).join(Opening, JOIN.LEFT_OUTER, on=opened)


def _counted(query: Any, limit: int) -> Any:
    found = query.select(Invoice.id).limit(limit)  # in its order, which count() drops
    return Invoice.select(fn.COUNT(found.c.id)).from_(found)


def _count(asked: Asked, months: tuple[Any, Any], *, limit: int) -> Any:
    """Count documents, unless the whole months of the period have enough of them already."""
    counted = _counted(_narrowed(asked), limit)
    if not asked.is_period:
        return counted
    kept = queries.kept_count(asked.scope.company_id, months)
    return Invoice.select(Case(None, [(kept >= limit, limit)], counted)).from_()


def _leaving(scope: Scope, last_on: Any, *, limit: int) -> Any:
    """Count up to a limit, and take each end from the index: all that leaves may be much."""
    soon = queries.visible_in(scope).where(queries.is_leaving_until(last_on))
    ends = [soon.select(end(Invoice.issued_on)) for end in (fn.MIN, fn.MAX)]
    return Invoice.select(_counted(soon, limit), *ends).from_()


_PAGE, _COUNT, _LEAVING = Prepared(build=_page), Prepared(build=_count), Prepared(build=_leaving)


def _from_key(filters: Filters, key: sorting.Key | None) -> Filters:
    if not (key and sorting.is_by_date(filters.sort)):
        return filters
    if sorting.is_descending(filters.sort):
        return within(filters, until=key.issued_on)
    return within(filters, since=key.issued_on)


def _indexed(
    user: User, filters: Filters, expression: str | None
) -> tuple[Any, search.Index | None]:
    """Return what the filters find, joined to the search index where there is an expression."""
    query = matching(user, filters)
    if not expression:
        return query, None
    index = search.Index()
    return index.narrow(query, expression, filters.since, filters.until), index


def _in_order(query: Any, sort: str, key: sorting.Key | None, index: search.Index | None) -> Any:
    if index and sorting.is_by_date(sort):
        begin = search.stamp(key.issued_on, key.id) if key else None
        return sorting.by_stamp(query, sort, index.stamp, begin)
    query = sorting.following(query, sort, key) if key else query
    return sorting.ordered(query, sort)
