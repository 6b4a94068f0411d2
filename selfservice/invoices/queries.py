"""Which documents may be seen: every screen, link, mail and purge begins with one of these."""

from datetime import date, timedelta
from typing import Any

from flask import current_app

from selfservice import clock
from selfservice.accounts.models import ProfileContract, User
from selfservice.invoices.models import Invoice

MAX_ID = 2**63 - 1  # beyond it the database driver overflows
LEAVING_DAYS = 60


def available(on: date) -> Any:
    """Return the documents not past retention on a Paris day (FAQ 14)."""
    months = current_app.config["RETENTION_MONTHS"]
    return Invoice.select().where(Invoice.issued_on >= clock.earliest_lasting(on, months=months))


def past_retention(on: date) -> Any:
    """Return the documents that `available` leaves out on a Paris day: what a purge removes."""
    months = current_app.config["RETENTION_MONTHS"]
    return Invoice.select().where(Invoice.issued_on < clock.earliest_lasting(on, months=months))


def is_leaving(on: date) -> Any:
    """Return the condition of what leaves within LEAVING_DAYS and nobody has downloaded."""
    months = current_app.config["RETENTION_MONTHS"]
    first = clock.earliest_lasting(on, months=months)
    after = clock.earliest_lasting(on + timedelta(days=LEAVING_DAYS + 1), months=months)
    return (
        Invoice.downloaded_at.is_null() & (Invoice.issued_on >= first) & (Invoice.issued_on < after)
    )


def visible_to(user: User) -> Any:
    """Return the documents a user may read today: the only door of every view.

    A profile narrows them to its contracts; a document without contract is in none (FAQ 13).
    """
    documents = available(clock.today()).where(Invoice.company == user.company)
    if user.profile_id is None:
        return documents
    contracts = ProfileContract.select(ProfileContract.contract)
    return documents.where(
        Invoice.contract.in_(contracts.where(ProfileContract.profile == user.profile_id))
    )


def within_history(query: Any, user: User) -> Any:
    """Narrow a query to the months of the user's « Historique d'affichage » (FAQ 7)."""
    return query.where(Invoice.issued_on >= earliest_shown(user))


def earliest_shown(user: User) -> date:
    """Return the first issue date that the user's display history still shows."""
    return clock.earliest_lasting(clock.today(), months=user.display_history_months)


def available_until(issued_on: date) -> date:
    """Return the last Paris day on which a document is available."""
    return clock.add_months(issued_on, current_app.config["RETENTION_MONTHS"])
