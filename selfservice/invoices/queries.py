"""Which documents may be seen: every screen, link, mail and purge begins with one of these."""

from datetime import date, timedelta
from typing import Any

from flask import current_app
from peewee import SQL, fn

from selfservice import clock, db
from selfservice.accounts.models import ProfileContract, User
from selfservice.invoices.models import Invoice, MonthlyTotal

MAX_ID = 2**63 - 1  # beyond it the database driver overflows
LEAVING_DAYS = 60


def available(on: date, *, since: date | None = None) -> Any:
    """Return the documents not past retention on a Paris day (FAQ 14), issued `since` a day."""
    first = earliest_available(on)
    return Invoice.select().where(Invoice.issued_on >= max(first, since or first))


def past_retention(on: date) -> Any:
    """Return the documents that `available` leaves out on a Paris day: what a purge removes."""
    return Invoice.select().where(Invoice.issued_on < earliest_available(on))


def is_leaving(on: date) -> Any:
    """Return the condition of what leaves within LEAVING_DAYS and nobody has downloaded."""
    first = earliest_available(on)
    after = earliest_available(on + timedelta(days=LEAVING_DAYS + 1))
    return (
        Invoice.downloaded_at.is_null() & (Invoice.issued_on >= first) & (Invoice.issued_on < after)
    )


def visible_to(user: User, *, since: date | None = None) -> Any:
    """Return the documents a user may read today: the only door of every view.

    A profile narrows them to its contracts; a document without contract is in none (FAQ 13).
    `since` leaves out what was issued before: SQLite reads an index from one bound only, so a
    second one beside it would have it read all that lies between.
    """
    documents = available(clock.today(), since=since).where(Invoice.company == user.company)
    if user.profile_id is None:
        return documents
    contracts = ProfileContract.select(ProfileContract.contract)
    return documents.where(
        Invoice.contract.in_(contracts.where(ProfileContract.profile == user.profile_id))
    )


def earliest_available(on: date) -> date:
    """Return the first issue date not past retention on a Paris day."""
    return clock.earliest_lasting(on, months=current_app.config["RETENTION_MONTHS"])


def earliest_shown(user: User) -> date:
    """Return the first issue date that the user's display history still shows."""
    return clock.earliest_lasting(clock.today(), months=user.display_history_months)


def available_until(issued_on: date) -> date:
    """Return the last Paris day on which a document is available."""
    return clock.add_months(issued_on, current_app.config["RETENTION_MONTHS"])


def totals_visible_to(user: User, *, since: date, until: date) -> Any:
    """Return (month, kind, currency, gross cents) of what `visible_to` shows, « 2026-11 » a month.

    Whole months only, from that of `since` to that of `until`: one that retention cuts is left
    out. Who has a profile gets its documents summed one by one, anybody else the sums that the
    database keeps.
    """
    since = max(since, _first_whole_month())
    if user.profile_id is None:
        kept = MonthlyTotal
        return (
            kept.select(kept.month, kept.kind, kept.currency, kept.gross_cents)
            .where(kept.company == user.company, kept.month.between(*map(_month, (since, until))))
            .tuples()
        )
    month = _month_column()
    return (
        visible_to(user)
        .select(month, Invoice.kind, Invoice.currency, fn.SUM(Invoice.gross_cents))
        .where(Invoice.issued_on.between(since, until))
        .group_by(month, Invoice.kind, Invoice.currency)
        .tuples()
    )


def _first_whole_month() -> date:
    months = current_app.config["RETENTION_MONTHS"]
    first = clock.earliest_lasting(clock.today(), months=months)
    return first if first.day == 1 else clock.add_months(first.replace(day=1), 1)


def _month(day: date) -> str:
    return day.isoformat()[:7]


def _month_column() -> Any:
    if db.is_sqlite():
        return fn.SUBSTR(Invoice.issued_on, 1, 7)
    return fn.TO_CHAR(Invoice.issued_on, SQL("'YYYY-MM'"))
