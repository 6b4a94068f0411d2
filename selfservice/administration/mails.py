"""The mails to an administrator's companies (FAQ 3, 10, 12)."""

from peewee import ModelSelect

from selfservice.accounts.models import User
from selfservice.accounts.spaces import companies_of
from selfservice.mail import OutboxMail
from selfservice.notifications import chain
from selfservice.suppliers.models import Company

_SHOWN = (
    OutboxMail.id,
    OutboxMail.kind,
    OutboxMail.company_id,
    OutboxMail.to_address,
    OutboxMail.address_key,
    OutboxMail.domain,
    OutboxMail.subject,
    OutboxMail.is_secret,
    OutboxMail.state,
    OutboxMail.priority,
    OutboxMail.created_at,
    OutboxMail.due_at,
    OutboxMail.deadline_at,
    OutboxMail.sent_at,
    OutboxMail.reason,
    OutboxMail.answer,
)


def registrations_of(administrator: User) -> list[chain.Registration]:
    """Return how far each company's registered address is on its way to a first mail."""
    return chain.registrations(Company.id.in_(list(companies_of(administrator))))


def mails_of(administrator: User, *, before: int | None = None) -> "ModelSelect[OutboxMail]":
    """Return the mails of the administrator's companies; see `mails_to`."""
    return mails_to([company.id for company in companies_of(administrator)], before=before)


def mails_to(ids: list[int], *, before: int | None = None) -> "ModelSelect[OutboxMail]":
    """Return the mails of companies, newest first, without their bodies.

    `before` keeps those with a smaller id. A recovery mail serves every company that registered its
    address and opened a login to it, so it shows to each. Other mails to that address may be
    another supplier's.
    """
    addresses = (
        User.select(User.email_key)
        .join(Company)
        .where(
            Company.id.in_(ids),
            Company.email_key == User.email_key,
            User.is_from_activation,
            User.closed_at.is_null(),
        )
    )
    is_own = OutboxMail.company_id.in_(ids)
    is_shared = (OutboxMail.kind == "recovery") & OutboxMail.address_key.in_(addresses)
    query = OutboxMail.select(*_SHOWN).where(is_own | is_shared).order_by(OutboxMail.id.desc())
    return query if before is None else query.where(OutboxMail.id < before)
