"""The journal of an administrator's companies, newest first."""

from collections.abc import Collection
from dataclasses import dataclass

from selfservice.accounts.models import User
from selfservice.accounts.spaces import companies_of
from selfservice.audit import AuditEntry
from selfservice.suppliers.addresses import normalise

PAGE_ROWS = 100


@dataclass(frozen=True, kw_only=True)
class JournalPage:
    """Entries, each with the login concerned and the name of the company.

    `next_id` opens the following page (None on the last).
    """

    entries: list[tuple[AuditEntry, str, str]]
    has_companies: bool
    next_id: int | None


def read_journal(
    administrator: User,
    *,
    events: Collection[str] = (),
    login: str = "",
    before_id: int | None = None,
) -> JournalPage:
    """Return one page of what happened in the administrator's companies.

    `events` keeps these events only, `login` what users with this part of a login did or had done
    to them, `before_id` what came earlier.
    """
    names: dict[int | None, str] = {
        company.id: company.name for company in companies_of(administrator)
    }
    query = AuditEntry.select().where(AuditEntry.company_id.in_(list(names)))
    if events:
        query = query.where(AuditEntry.event.in_(list(events)))
    if login:
        users = User.select(User.id).where(
            User.company.in_(list(names)), User.login_key.contains(normalise(login))
        )
        query = query.where(AuditEntry.user_id.in_(users) | AuditEntry.actor.contains(login))
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    found = list(query.order_by(AuditEntry.id.desc()).limit(PAGE_ROWS + 1))
    logins = _logins(found)
    entries = [
        (entry, logins.get(entry.user_id, ""), names[entry.company_id])
        for entry in found[:PAGE_ROWS]
    ]
    next_id = found[PAGE_ROWS - 1].id if len(found) > PAGE_ROWS else None
    return JournalPage(entries=entries, has_companies=len(names) > 1, next_id=next_id)


def _logins(entries: list[AuditEntry]) -> dict[int | None, str]:
    ids = {entry.user_id for entry in entries if entry.user_id is not None}
    users = User.select(User.id, User.login).where(User.id.in_(ids))
    return {user.id: user.login for user in users}
