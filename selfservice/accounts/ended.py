"""What became of a login that opens nothing any more: told by mail, never on a page."""

import logging
from contextlib import suppress
from datetime import timedelta

from limits.errors import StorageError
from peewee import IntegrityError, ModelSelect

from selfservice import clock, mail, ratelimit, tokens, web
from selfservice.accounts.models import User
from selfservice.db import database
from selfservice.suppliers.colours import light_accent
from selfservice.suppliers.models import Company, Supplier

log = logging.getLogger(__name__)

MAIL = "login_ended"
ASKED = MAIL  # the purpose of tokens that wait for the worker; nobody holds their secrets
ASKED_LIFETIME = timedelta(hours=1)
MOST_TOLD = 10  # of one mailbox a day: one of a hundred closed logins uses up nobody's mails


class _NobodyError(Exception):
    """The mailbox has no login that has ended."""


def ask(key: str) -> None:
    """Have a mailbox told of its closed and switched-off logins by the worker, a moment later.

    Writing the mails here would tell by its time how many there are. The work is the same, with
    or without any. Call inside a transaction, and wake the worker.
    """
    with suppress(_NobodyError), database.atomic():
        tokens.issue(ASKED, key, lifetime=ASKED_LIFETIME)
        if not _logins_of(key).exists():
            raise _NobodyError


def tell_asked() -> None:
    """Tell the mailboxes that `ask` has named since. Call outside any transaction.

    Where no limit can be counted now, a later call tells them: other mails do not wait for that.
    """
    for token in tokens.living(ASKED):
        try:
            _tell_mailbox(token.subject)
        except StorageError as error:
            log.warning("ended logins are not told of yet: %s", error)
            return
        with suppress(tokens.UsedTokenError), database.atomic():
            tokens.consume(token)


def _tell_mailbox(key: str) -> None:
    """Tell a mailbox of its last closed and switched-off logins, of proven mailboxes first."""
    order = (User.is_from_activation.desc(), User.closed_at.desc(), User.id.desc())
    for user in _logins_of(key).order_by(*order).limit(MOST_TOLD):
        tell(user)


def _logins_of(key: str) -> "ModelSelect[User]":
    return User.select().where(
        User.email_key == key, ~User.is_active | User.closed_at.is_null(False)
    )


def tell(user: User) -> None:
    """Tell its owner what became of a login, at most once a Paris day.

    A mailbox that no register knows gets no more of these mails than of links, beside which they
    count. Past a limit nothing is told. Call outside any transaction.
    """
    cause = f"{MAIL}:{user.id}:{clock.today().isoformat()}"
    if not user.email_key or mail.is_queued(cause):
        return
    try:
        if not user.has_proven_mailbox:
            # Of its own: who names others' mailboxes takes no link from them.
            ratelimit.hit("recovery_unproven", f"ended {user.email_key}")
            ratelimit.hit("recovery_company", str(user.company_id))
        ratelimit.hit("recovery_all")
    except ratelimit.LimitReachedError:
        return
    with suppress(IntegrityError), database.atomic():  # told by another at this very moment
        _queue(user, cause)


def _queue(user: User, cause: str) -> None:
    company: Company = user.company
    supplier: Supplier = company.supplier
    closed_on = clock.paris(user.closed_at).date() if user.closed_at else None
    mail.enqueue(
        MAIL,
        {
            "accent": light_accent(supplier.colour).colour,
            "login": user.login if user.has_proven_mailbox else "",  # else others typed it
            "is_superseded": user.is_superseded,
            "closed_on": clock.format_long_day(closed_on) if closed_on else "",
            "company_name": company.name,
            "client_number": company.client_number,
            "supplier_name": supplier.name,
            "contact": supplier.contact,
            "portal_url": web.public_url("/", hostname=supplier.hostname),
        },
        to_address=str(user.email),
        address_key=str(user.email_key),
        sender_name=supplier.name,
        reply_to=supplier.mail,
        cause=cause,
        company_id=company.id if user.has_registered_address else None,
        priority=mail.AWAITED if user.has_proven_mailbox else mail.TYPED,
    )
