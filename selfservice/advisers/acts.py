"""What an adviser does for a company: each act with a reason, in the journal that it reads."""

from collections.abc import Iterator
from contextlib import contextmanager

from peewee import IntegrityError

from selfservice import audit, clock, mail, ratelimit
from selfservice.accounts import activation, second_factor
from selfservice.accounts.models import User
from selfservice.advisers import sheet
from selfservice.db import database
from selfservice.feedback import counting
from selfservice.mail import OutboxMail
from selfservice.notifications import mails, unreceived
from selfservice.suppliers import register
from selfservice.suppliers.models import Company, Supplier

LEFT = ("sent", "returned")


class NothingToDoError(Exception):
    """The act has no object any more: done by somebody else, or never possible."""


class FormerAddressError(Exception):
    """The mail went to an address that is no longer the registered one."""


def change_address(
    adviser: User, company: Company, address: str, *, expected: str, reason: str, origin: str
) -> None:
    """Register another address, or none; its owner gets nothing before the next deposit (FAQ 15).

    Raises register.ChangedMeanwhileError, WrongRegisterValueError, NothingToDoError or
    LimitReachedError.
    """
    if address:
        _count_mail(adviser)
    done = register.change(
        company, "email", address, by=adviser, reason=reason, origin=origin, expected=expected
    )
    if not done:
        raise NothingToDoError


def change_sending(
    adviser: User,
    company: Company,
    values: dict[str, str],
    *,
    expected: dict[str, str],
    reason: str,
    origin: str,
) -> None:
    """Change mode and delivery, all or nothing, from the next deposit on (FAQ 8).

    `values` and `expected` are by field of the register. Raises as `change_address`.
    """
    with database.atomic():
        done = [
            register.change(
                company,
                field,
                value,
                by=adviser,
                reason=reason,
                origin=origin,
                expected=expected[field],
            )
            for field, value in values.items()
        ]
        if not any(done):
            raise NothingToDoError


def activate_now(adviser: User, company: Company, *, reason: str, origin: str) -> User:
    """Send the activation mail without waiting for the next document; return the login.

    The pair of company and address never gets a second login, whoever else activates it now or
    later. Raises NothingToDoError or LimitReachedError.
    """
    _count_mail(adviser)
    try:
        with _locked(company) as row:
            if not sheet.can_activate(row, sheet.owner_of(row)):
                raise NothingToDoError
            owner = activation.activate(row)
            mails.queue_activation(row, owner.user, again_at=None if owner.is_new else clock.now())
            audit.record_of(
                "adviser.activated", owner.user, actor=adviser.login, origin=origin, why=reason
            )
    except IntegrityError as error:  # the worker, after a deposit, was quicker
        raise NothingToDoError from error
    return owner.user


def send_link(adviser: User, company: Company, *, reason: str, origin: str) -> None:
    """Send the registered address what its owner needs to sign in; nobody else sees the link.

    Raises NothingToDoError before the activation, or LimitReachedError.
    """
    _count_mail(adviser)
    if not unreceived.send_again(company.id, origin=origin):
        raise NothingToDoError
    audit.record(
        "adviser.link_sent", company_id=company.id, actor=adviser.login, origin=origin, why=reason
    )


def repeatable(company: Company, mail_id: int) -> OutboxMail:
    """Return a mail of a company that may be sent again.

    Raises NothingToDoError, also for one whose text holds a link and is therefore gone, and
    FormerAddressError.
    """
    found: OutboxMail | None = OutboxMail.get_or_none(
        OutboxMail.id == mail_id,
        OutboxMail.company_id == company.id,
        OutboxMail.state != "sending",
        ~OutboxMail.is_secret,
        OutboxMail.body_text != "",
    )
    if found is None:
        raise NothingToDoError
    if found.address_key != company.email_key:
        raise FormerAddressError
    return found


def send_mail_again(
    adviser: User, company: Company, mail_id: int, *, reason: str, origin: str
) -> None:
    """Send a mail of the company again, to the registered address alone.

    Raises NothingToDoError, FormerAddressError or LimitReachedError.
    """
    _count_mail(adviser)
    with _locked(company) as row:
        found = repeatable(row, mail_id)
        try:
            mail.repeat(found.id) if found.state in LEFT else mail.retry(found.id)
        except mail.UnknownMailError as error:
            raise NothingToDoError from error
        audit.record(
            "adviser.mail_sent_again",
            company_id=company.id,
            actor=adviser.login,
            origin=origin,
            why=reason,
        )


def close_login(adviser: User, company: Company, user_id: int, *, reason: str, origin: str) -> User:
    """Close a login of the company at once. Raises NothingToDoError."""
    with _locked(company) as row:
        user = login_of(row, user_id)
        activation.close(
            user, reason="closed by the adviser", actor=adviser.login, origin=origin, why=reason
        )
    return user


def remove_second_factor(
    adviser: User, company: Company, user_id: int, *, reason: str, origin: str
) -> User:
    """Remove the second factor of a login whose owner lost phone and codes.

    Raises NothingToDoError.
    """
    user = login_of(company, user_id)
    try:
        second_factor.remove(user, by=adviser, origin=origin, why=reason)
    except second_factor.NotSetUpError as error:
        raise NothingToDoError from error
    return user


def note_call(question: str) -> None:
    """Count what a customer called about; nothing says who."""
    with database.atomic():
        counting.count_call(question)


def login_of(company: Company, user_id: int) -> User:
    """Return an open login of the company. Raises NothingToDoError."""
    found: User | None = User.get_or_none(
        User.id == user_id, User.company == company.id, User.closed_at.is_null()
    )
    if found is None:
        raise NothingToDoError
    found.company = company
    return found


def _count_mail(adviser: User) -> None:
    """Count what an adviser sends by hand, an address too: a former one may be told of it.

    One who writes to all of a supplier's customers, or a thousand times to one, would else use up
    the recovery mails of everybody, and what the mail server takes. Raises LimitReachedError.
    """
    ratelimit.hit("adviser_mails", str(adviser.id))


@contextmanager
def _locked(company: Company) -> Iterator[Company]:
    """Open a transaction in which nobody else acts for the company, and give its present row."""
    with database.atomic():
        # An update of nothing locks the row on every database; SQLite knows no FOR UPDATE.
        Company.update(name=Company.name).where(Company.id == company.id).execute()
        query = Company.select(Company, Supplier).join(Supplier)
        yield query.where(Company.id == company.id).get()
