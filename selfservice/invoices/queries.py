"""Which documents may be seen: every screen, link, mail and purge begins with one of these."""

from datetime import date, timedelta
from typing import Any

from flask import current_app

from selfservice import clock
from selfservice.accounts.models import ProfileContract, User
from selfservice.invoices.models import Invoice

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
