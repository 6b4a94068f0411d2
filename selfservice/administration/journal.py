"""The journal of an administrator's companies, newest first."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass

from selfservice.accounts.models import User
from selfservice.accounts.spaces import companies_of
from selfservice.audit import AuditEntry
from selfservice.suppliers.addresses import normalise

PAGE_ROWS = 100
MOST_SEARCHED = 50_000  # entries that one page looks through; the following page goes on


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
    return journal_of(names, events=events, login=login, before_id=before_id)


def journal_of(
    names: Mapping[int | None, str],
    *,
    events: Collection[str] = (),
    login: str = "",
    before_id: int | None = None,
    rows: int | None = None,
) -> JournalPage:
    """Return one page of what happened in the companies of these ids, as `read_journal`."""
    rows = rows or PAGE_ROWS
    query = AuditEntry.select().where(AuditEntry.company_id.in_(list(names)))
    if before_id is not None:
        query = query.where(AuditEntry.id < before_id)
    query = query.order_by(AuditEntry.id.desc())
    beyond: int | None = None  # the first that is not looked through
    if events or login:
        beyond = query.select(AuditEntry.id).offset(MOST_SEARCHED).limit(1).scalar()
    if beyond is not None:
        query = query.where(AuditEntry.id > beyond)
    if events:
        query = query.where(AuditEntry.event.in_(list(events)))
    if login:
        users = User.select(User.id).where(
            User.company.in_(list(names)), User.login_key.contains(normalise(login))
        )
        query = query.where(AuditEntry.user_id.in_(users) | AuditEntry.actor.contains(login))
    found = list(query.limit(rows + 1))
    logins = _logins(found)
    entries = [
        (entry, logins.get(entry.user_id, ""), names[entry.company_id]) for entry in found[:rows]
    ]
    next_id = beyond + 1 if beyond is not None else None
    if len(found) > rows:
        next_id = found[rows - 1].id
    return JournalPage(entries=entries, has_companies=len(names) > 1, next_id=next_id)


def _logins(entries: list[AuditEntry]) -> dict[int | None, str]:
    ids = {entry.user_id for entry in entries if entry.user_id is not None}
    users = User.select(User.id, User.login).where(User.id.in_(ids))
    return {user.id: user.login for user in users}
