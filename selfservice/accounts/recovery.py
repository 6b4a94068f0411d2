"""Recovery of a forgotten password or login by a link sent to the mailbox (FAQ 4, 9, 10)."""

from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from peewee import ModelSelect

from selfservice import audit, clock, outbox, tokens, web
from selfservice.accounts import activation, passwords, sessions
from selfservice.accounts.models import User
from selfservice.db import database
from selfservice.suppliers.addresses import address_key
from selfservice.suppliers.models import Company, Supplier

PURPOSE = MAIL = "recovery"
REPEAT_WITHIN = timedelta(hours=24)


class WrongLoginError(Exception):
    """The chosen login does not belong to the mailbox of the link."""


@dataclass(frozen=True)
class Requested:
    """Whether an active user has the address, and whether this is a further request of the day."""

    is_known: bool
    is_repeat: bool


def request_link(address: str, *, origin: str) -> Requested:
    """Send a recovery link to the users' stored address; a newer link ends the earlier ones.

    A miss is kept with the address as a keyed fingerprint only.
    """
    key = address_key(address)
    users = list(logins_of(key))
    with database.atomic():
        if not users:
            fingerprint = audit.pseudonym(key, key=current_app.config["SECRET_KEY"])
            audit.record("recovery.unknown", origin=origin, address=fingerprint)
            outbox.rehearse(MAIL, _mail_context(tokens.SAMPLE, []))  # the time of a known address
            return Requested(is_known=False, is_repeat=False)
        since = clock.now() - REPEAT_WITHIN
        is_repeat = tokens.count_issued(PURPOSE, key, since=since) > 0
        _send_link(key, users)
        audit.record(
            "recovery.requested",
            company_id=users[0].company_id,
            actor=users[0].login,
            origin=origin,
            logins=len(users),
        )
    return Requested(is_known=True, is_repeat=is_repeat)


def logins_of(key: str) -> "ModelSelect[User]":
    """Return the active users of a mailbox, companies and suppliers joined."""
    return (
        User.select(User, Company, Supplier)
        .join(Company)
        .join(Supplier)
        .where(User.email_key == key, User.is_active, User.closed_at.is_null())
        .order_by(Supplier.name, Company.name, User.login_key)
    )


def choices(secret: str) -> list[User]:
    """Return the logins that a link lets choose from; consumes nothing.

    Raises a TokenError. A mailbox that has lost its last login ends the link.
    """
    token = tokens.read(PURPOSE, secret)
    users = list(logins_of(token.subject))
    if not users:
        raise tokens.ReplacedTokenError(token.subject)
    return users


def choose_password(secret: str, *, user_id: int, password: str, origin: str) -> User:
    """Set the password of one login of the mailbox and use the link up.

    Every session of the login ends, a mail tells its owner, earlier logins of a changed address
    close. Raises a TokenError, WrongLoginError or PasswordRefusedError.
    """
    users = {user.id: user for user in choices(secret)}
    if user_id not in users:
        raise WrongLoginError(user_id)
    user = users[user_id]
    passwords.check(password, login=user.login, names=passwords.names_of(user))
    password_hash = passwords.hash_password(password)
    with database.atomic():
        tokens.consume(tokens.read(PURPOSE, secret))
        store_password(user, password_hash, origin=origin)
        activation.close_superseded(user)
    return user


def store_password(user: User, password_hash: str, *, origin: str, keep: str | None = None) -> None:
    """Store a password that its owner chose, end the other sessions and links, and tell by mail.

    `keep` is the secret of the session that stays open. Call inside a transaction.
    """
    User.update(password_hash=password_hash, is_password_from_other=False).where(
        User.id == user.id
    ).execute()
    sessions.end_all(user, except_secret=keep)
    if user.email and user.email_key:
        tokens.replace_all(PURPOSE, user.email_key)
        _tell_change(user, user.email, user.email_key)
    audit.record(
        "password.changed",
        company_id=user.company_id,
        user_id=user.id,
        actor=user.login,
        origin=origin,
    )


def _send_link(key: str, users: list[User]) -> None:
    lifetime = timedelta(minutes=current_app.config["RECOVERY_LINK_MINUTES"])
    tokens.replace_all(PURPOSE, key)
    secret = tokens.issue(PURPOSE, key, lifetime=lifetime)
    suppliers = {user.company.supplier.id: user.company.supplier for user in users}
    hostname = next(iter(suppliers.values())).hostname if len(suppliers) == 1 else None
    # The register's writing of the address before one that somebody typed.
    owner = next((user for user in users if user.is_from_activation), users[0])
    names = [supplier.name for supplier in suppliers.values()]
    outbox.enqueue(
        MAIL,
        to_address=str(owner.email),
        address_key=key,
        context=_mail_context(secret, names, hostname=hostname),
        sender_name=" · ".join(names),
        company_id=users[0].company_id,
        lifetime=lifetime,
        is_secret=True,
    )


def _mail_context(
    secret: str, supplier_names: list[str], *, hostname: str | None = None
) -> dict[str, object]:
    return {
        "link_url": web.public_url(f"/reinitialisation/{secret}", hostname=hostname),
        "minutes": current_app.config["RECOVERY_LINK_MINUTES"],
        "portal_url": web.public_url("/", hostname=hostname),
        "supplier_names": supplier_names,
    }


def _tell_change(user: User, address: str, key: str) -> None:
    supplier = user.company.supplier
    outbox.enqueue(
        "password_changed",
        to_address=address,
        address_key=key,
        context={
            "login": user.login,
            "company_name": user.company.name,
            "changed_at": clock.now(),
            "portal_url": web.public_url("/", hostname=supplier.hostname),
            "recovery_url": web.public_url("/recuperation", hostname=supplier.hostname),
        },
        sender_name=supplier.name,
        company_id=user.company_id,
    )
