"""The sheet of a company: what its people ask about first, in a few short reads."""

from dataclasses import dataclass
from typing import Any

from peewee import JOIN, ModelSelect

from selfservice import clock
from selfservice.accounts.models import Activation, Profile, SecondFactor, User
from selfservice.administration import mails
from selfservice.administration.journal import JournalPage, journal_of
from selfservice.invoices.models import Invoice
from selfservice.invoices.queries import MAX_ID, earliest_available
from selfservice.mail import OutboxMail
from selfservice.notifications import unreceived
from selfservice.notifications.unreceived import Answer
from selfservice.requests import listing
from selfservice.requests.models import CustomerRequest
from selfservice.suppliers import register
from selfservice.suppliers.models import Company, RegisterChange

SHOWN_LOGINS = 500  # as many as are open at most; closed ones come last
SHOWN_MAILS = 6
SHOWN_DOCUMENTS = 5
SHOWN_LINES = 5
SHOWN_REQUESTS = 3


@dataclass(frozen=True, kw_only=True)
class Sheet:
    """What is known of a company.

    `answer` says how far the registered address is on its way to a login; `owner` is that login, if
    it has ever been made. `changes` are who decided the present values on the portal, by field.
    `can_activate`: a document is there, so the activation need not wait for the next one.
    """

    company: Company
    answer: Answer
    owner: User | None
    can_activate: bool
    changes: dict[str, RegisterChange | None]
    logins: list[User]
    mails: list[OutboxMail]
    documents: list[Invoice]
    document_count: int
    requests: list[CustomerRequest]
    journal: JournalPage


def read_sheet(company: Company) -> Sheet:
    documents = documents_of(company)
    newest = documents.order_by(Invoice.issued_on.desc(), Invoice.id.desc())
    owner = owner_of(company)
    return Sheet(
        company=company,
        answer=unreceived.answer(company.id),
        owner=owner,
        can_activate=can_activate(company, owner),
        changes={field: register.last_change(company, field) for field in register.FIELDS},
        logins=list(logins_of(company).limit(SHOWN_LOGINS)),
        mails=list(mails.mails_to([company.id]).limit(SHOWN_MAILS)),
        documents=list(newest.limit(SHOWN_DOCUMENTS)),
        document_count=documents.count(),
        requests=list(requests_of(company).limit(SHOWN_REQUESTS)),
        journal=journal_of({company.id: company.name}, rows=SHOWN_LINES),
    )


def documents_of(company: Company) -> "ModelSelect[Invoice]":
    """Return the documents of a company that its users may see today, in no order."""
    since = earliest_available(clock.today())
    return Invoice.select().where(Invoice.company == company.id, Invoice.issued_on >= since)


def requests_of(company: Company) -> "ModelSelect[CustomerRequest]":
    """Return what a company has asked for, what waits for a decision first, then the newest."""
    is_decided = CustomerRequest.decided_at.is_null(False)
    return (
        listing.all_requests()
        .where(CustomerRequest.company == company)
        .order_by(is_decided, CustomerRequest.id.desc())
    )


def owner_of(company: Company) -> User | None:
    """Return the login that the registered address received; None before its activation."""
    found: User | None = (
        User.select()
        .join(Activation, on=Activation.user == User.id)
        .where(Activation.company == company.id, Activation.email_key == company.email_key)
        .first()
    )
    return found


def can_activate(company: Company, owner: User | None) -> bool:
    """Tell whether an address waits for its login, new or closed by an earlier change, for nothing.

    The next deposit would do no more than what can be done now: a document is there.
    """
    is_waiting = owner is None or (owner.closed_at is not None and owner.is_superseded)
    return bool(company.email_key) and is_waiting and documents_of(company).exists()


def logins_of(company: Company) -> "ModelSelect[User]":
    """Return the logins of a company with profile and second factor, the open ones first."""
    factor: Any = SecondFactor.user == User.id
    return (
        User.select(User, Profile, SecondFactor.enabled_at)
        .join(Profile, JOIN.LEFT_OUTER)
        .switch(User)
        .join(SecondFactor, JOIN.LEFT_OUTER, on=factor, attr="factor")
        .where(User.company == company.id)
        .order_by(User.closed_at.is_null(False), ~User.is_from_activation, User.login_key)
    )


def find_login(company: Company, user_id: int) -> User | None:
    """Return one of `logins_of`, without the others: closed ones may be a hundred thousand."""
    if not 0 <= user_id <= MAX_ID:
        return None
    found: User | None = logins_of(company).where(User.id == user_id).first()
    return found
