"""Looks at a customer's sheet and list, as that customer's journal tells of them."""

from datetime import timedelta

from selfservice import audit, clock
from selfservice.accounts.models import User
from selfservice.audit import AuditEntry
from selfservice.suppliers.models import Company

TOLD_EVERY = timedelta(hours=1)


def note_sheet(adviser: User, company: Company, *, origin: str) -> None:
    """Tell the journal that the adviser looks at the sheet, once in TOLD_EVERY."""
    if not _is_told("adviser.looked", adviser, company):
        audit.record("adviser.looked", company_id=company.id, actor=adviser.login, origin=origin)


def note_list(adviser: User, company: Company, *, origin: str) -> None:
    """Tell the journal that the adviser sees the list as the customer, once in TOLD_EVERY."""
    if not _is_told("adviser.saw_list", adviser, company):
        audit.record("adviser.saw_list", company_id=company.id, actor=adviser.login, origin=origin)


def _is_told(event: str, adviser: User, company: Company) -> bool:
    told = AuditEntry.select().where(
        AuditEntry.company_id == company.id,
        AuditEntry.event == event,
        AuditEntry.actor == adviser.login,
        AuditEntry.at > clock.now() - TOLD_EVERY,
    )
    return bool(told.exists())
