"""Which documents may be seen: every screen, link, mail and purge begins with one of these."""

from calendar import monthrange
from collections.abc import Iterable
from datetime import date, timedelta
from typing import Any, NamedTuple

from flask import current_app
from peewee import JOIN, SQL, Cast, Table, fn

from selfservice import clock, db
from selfservice.accounts.models import ProfileContract, User
from selfservice.db import Prepared
from selfservice.invoices.models import Invoice, MonthlyTotal

MAX_ID = 2**63 - 1  # beyond it the database driver overflows
LEAVING_DAYS = 60


class Scope(NamedTuple):
    """The values by which `visible_to` narrows; `since` is never before retention."""

    company_id: Any
    profile_id: Any
    since: Any


def available(on: date) -> Any:
    """Return the documents not past retention on a Paris day (FAQ 14)."""
    return _issued_since(earliest_available(on))


def past_retention(on: date) -> Any:
    """Return the documents that `available` leaves out on a Paris day: what a purge removes."""
    return Invoice.select().where(Invoice.issued_on < earliest_available(on))


def is_leaving(on: date) -> Any:
    """Return the condition of what leaves within LEAVING_DAYS and nobody has downloaded."""
    return (Invoice.issued_on >= earliest_available(on)) & is_leaving_until(last_leaving(on))


def is_leaving_until(day: Any) -> Any:
    """Return the condition of what nobody has downloaded, issued until a day (`last_leaving`)."""
    return Invoice.downloaded_at.is_null() & (Invoice.issued_on <= day)


def last_leaving(on: date) -> date:
    """Return the last issue date of what leaves within LEAVING_DAYS of a Paris day."""
    return earliest_available(on + timedelta(days=LEAVING_DAYS + 1)) - timedelta(days=1)


def scope_of(user: User, *, since: date | None = None) -> Scope:
    """Return what a user may read today, of what was issued `since` a day.

    SQLite reads an index from one bound only: a second one beside it would have it read all
    that lies between.
    """
    first = earliest_available(clock.today())
    return Scope(user.company_id, user.profile_id, max(first, since or first))


def visible_to(user: User, *, since: date | None = None) -> Any:
    """Return the documents a user may read today, issued `since` a day: the door of every view."""
    return visible_in(scope_of(user, since=since))


def visible_in(scope: Scope) -> Any:
    """Return the documents of a scope (`scope_of` a user): the same door, for prepared queries.

    A profile narrows them to its contracts; a document without contract is in none (FAQ 13).
    """
    documents = _issued_since(scope.since).where(Invoice.company == scope.company_id)
    if scope.profile_id is None:
        return documents
    return documents.where(Invoice.contract.in_(contracts_of(scope.profile_id)))


def contracts_of(profile_id: Any) -> Any:
    """Return the contracts of a profile."""
    contracts = ProfileContract.select(ProfileContract.contract)
    return contracts.where(ProfileContract.profile == profile_id)


def _issued_since(day: Any) -> Any:
    return Invoice.select().where(Invoice.issued_on >= day)


def earliest_available(on: date) -> date:
    """Return the first issue date not past retention on a Paris day."""
    return clock.earliest_lasting(on, months=current_app.config["RETENTION_MONTHS"])


def earliest_shown(user: User) -> date:
    """Return the first issue date that the user's display history still shows."""
    return clock.earliest_lasting(clock.today(), months=user.display_history_months)


def available_until(issued_on: date) -> date:
    """Return the last Paris day on which a document is available."""
    return clock.add_months(issued_on, current_app.config["RETENTION_MONTHS"])


def listed(ids: Iterable[int]) -> str:
    """Return ids as the one value that `among` and `is_listed` take of them, however many."""
    text = ",".join(map(str, ids))
    return f"[{text}]" if db.is_sqlite() else f"{{{text}}}"


def among(query: Any, those: Any) -> Any:
    """Narrow documents to `listed` ids, each looked up by its key.

    CROSS JOIN: SQLite would else read all the documents of their company.
    """
    if not db.is_sqlite():
        return query.where(is_listed(those))
    listing = _listing()
    joined = listing.join(Invoice, JOIN.CROSS, on=Invoice.id == listing.value)
    return query.from_(joined).where(listing.json == those)


def is_listed(those: Any) -> Any:
    """Return the condition of documents whose ids are `listed`."""
    if not db.is_sqlite():
        return Invoice.id == fn.ANY(Cast(those, "bigint[]"))
    listing = _listing()
    return Invoice.id.in_(listing.select(listing.value).where(listing.json == those))


def _listing() -> Any:
    return Table("json_each", ("value", "json"))


def totals_visible_to(user: User, *, since: date, until: date) -> list[tuple[str, str, str, int]]:
    """Return (month, kind, currency, gross cents) of what `visible_to` shows, « 2026-11 » a month.

    Whole months only, from that of `since` to that of `until`: one that retention cuts is left
    out. Who has a profile gets its documents summed one by one, anybody else the sums that the
    database keeps.
    """
    first_available = earliest_available(clock.today())
    scope = scope_of(user, since=max(since, _first_whole_month(first_available)))
    months = _month(scope.since), _month(until)
    found = _TOTALS.rows(scope, until, months)
    return [(*names, int(gross_cents)) for *names, gross_cents in found]  # PostgreSQL: Decimal


def totals_in(scope: Scope, until: Any, months: tuple[Any, Any]) -> Any:
    if scope.profile_id is None:
        kept = MonthlyTotal
        return kept.select(kept.month, kept.kind, kept.currency, kept.gross_cents).where(
            kept.company == scope.company_id, kept.month.between(*months)
        )
    month = _month_column()
    return (
        visible_in(scope)
        .select(month, Invoice.kind, Invoice.currency, fn.SUM(Invoice.gross_cents))
        .where(Invoice.issued_on <= until)
        .group_by(month, Invoice.kind, Invoice.currency)
    )


def whole_months(since: date, until: date | None) -> tuple[str, str]:
    """Return the texts between which the months stand that a period holds whole.

    « 2026-03 » stands behind « 2026-02-15 », « 2026-02 » before « 2026-02-28 ».
    """
    last = until or date.max
    is_end = last.day == monthrange(last.year, last.month)[1]
    return (
        _month(since) if since.day == 1 else since.isoformat(),
        last.isoformat() if is_end else _month(last),
    )


def kept_count(company_id: Any, months: tuple[Any, Any]) -> Any:
    """Return how many documents `whole_months` have, by the sums that the database keeps."""
    kept, (first, end) = MonthlyTotal, months
    return kept.select(fn.COALESCE(fn.SUM(kept.documents), 0)).where(
        kept.company == company_id, kept.month >= first, kept.month < end
    )


_TOTALS = Prepared(build=totals_in)


def _first_whole_month(since: date) -> date:
    return since if since.day == 1 else clock.add_months(since.replace(day=1), 1)


def _month(day: date) -> str:
    return day.isoformat()[:7]


def _month_column() -> Any:
    if db.is_sqlite():
        return fn.SUBSTR(Invoice.issued_on, 1, 7)
    return fn.TO_CHAR(Invoice.issued_on, SQL("'YYYY-MM'"))
