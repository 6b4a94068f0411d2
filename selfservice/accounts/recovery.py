"""Recovery of a forgotten password or login by a link sent to the mailbox (FAQ 4, 9, 10)."""

from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app
from peewee import ModelSelect

from selfservice import audit, clock, mail, ratelimit, tokens, web
from selfservice.accounts import activation, ended, passwords, sessions
from selfservice.accounts.models import User
from selfservice.db import FRENCH, database
from selfservice.queue import queue
from selfservice.suppliers.addresses import address_key
from selfservice.suppliers.models import Company, Supplier

PURPOSE = MAIL = "recovery"
REPEAT_WITHIN = timedelta(hours=24)
ALL_LOGINS = 0  # in place of a user's id: every login that the register gave the mailbox


class WrongLoginError(Exception):
    """The chosen login does not belong to the mailbox of the link."""


class _UndoneError(Exception):
    """What was done is to be undone."""


@dataclass(frozen=True)
class Requested:
    """Whether an active user has the address, and whether it was asked for less than a day ago."""

    is_known: bool
    is_repeat: bool


def request_link(address: str, *, origin: str) -> Requested:
    """Send a recovery link to the address as the users have it; it ends earlier links.

    The journals of the companies that registered the address tell of it; a company that only
    typed it learns nothing. The journal keeps any other address as a keyed fingerprint. The limit
    of all counts mails that leave: requests for unknown addresses use up nothing of the others'.
    What became of the mailbox's closed and switched-off logins is told by mail alone.
    Raises LimitReachedError.
    """
    key = address_key(address)
    users = _logins_to_mail(key, origin)
    if users:
        ratelimit.hit("recovery_all")
    else:
        with suppress(ratelimit.LimitReachedError):
            ratelimit.hit("recovery_all", "unknown")  # for its time alone
    fingerprint = audit.pseudonym(key, key=current_app.config["SECRET_KEY"])
    with database.atomic():
        ended.ask(key)
        if not users:
            audit.record("recovery.unknown", origin=origin, address=fingerprint)
            _take_as_long(key)
            return Requested(is_known=False, is_repeat=False)
        since = clock.now() - REPEAT_WITHIN
        is_repeat = tokens.count_issued(PURPOSE, key, since=since) > 0
        _send_link(key, users)
        registered = [user for user in users if user.has_registered_address]
        audit.record_of_each("recovery.requested", registered, origin=origin)
        if not registered:
            audit.record("recovery.requested", origin=origin, address=fingerprint)
    return Requested(is_known=True, is_repeat=is_repeat)


def active_logins() -> "ModelSelect[User]":
    """Return the logins that open, companies and suppliers joined, in the order of their names."""
    return (
        User.select(User, Company, Supplier)
        .join(Company)
        .join(Supplier)
        .where(User.is_active, User.closed_at.is_null())
        .order_by(
            Supplier.name.collate(FRENCH),
            Supplier.id,
            Company.name.collate(FRENCH),
            User.login_key,
        )
    )


def logins_of(key: str) -> "ModelSelect[User]":
    """Return the logins of a mailbox that open."""
    return active_logins().where(User.email_key == key)


def choices(secret: str) -> list[User]:
    """Return the logins that a link offers; consumes nothing.

    Raises a TokenError, also when the mailbox has no login any more.
    """
    token = tokens.read(PURPOSE, secret)
    users = _opened_by(token)
    if not users:
        raise tokens.ReplacedTokenError(token.subject)
    return users


def choose_password(secret: str, *, user_id: int, password: str, origin: str) -> list[User]:
    """Set the password of one login of the mailbox, or of ALL_LOGINS, and use the link up.

    A login that somebody added with the address takes a password only if it is chosen by itself.
    All or nothing. Every session of these logins ends, one mail tells their owner, and earlier
    logins of a changed address close. Raises a TokenError, WrongLoginError or PasswordRefusedError.
    """
    users = [
        user
        for user in choices(secret)
        if user.id == user_id or (user_id == ALL_LOGINS and user.is_from_activation)
    ]
    if not users:
        raise WrongLoginError(user_id)
    passwords.check_for(users, password)
    password_hash = passwords.hash_password(password)  # one hash for all: they have one owner
    with database.atomic():
        token = tokens.read(PURPOSE, secret)
        tokens.consume(token)
        if not set(users) <= set(_opened_by(token)):
            raise WrongLoginError(user_id)
        for user in users:
            store_password(user, password_hash)
            user.password_hash = password_hash
            audit.record(
                "password.changed",
                company_id=_company_id([user]),
                user_id=user.id,
                actor=user.login,
                origin=origin,
            )
        tell_change(users)
    return users


def store_password(user: User, password_hash: str, *, keep: str | None = None) -> None:
    """Store a password that the owner chose; other sessions and links end, earlier logins close.

    `keep` is the secret of the session that stays open. Call inside a transaction.
    """
    User.update(password_hash=password_hash, is_password_from_other=False).where(
        User.id == user.id
    ).execute()
    sessions.end_all(user, except_secret=keep)
    end_links(user)
    activation.close_superseded(user)


def end_links(user: User) -> None:
    """End for one login the links sent so far; the other logins of the mailbox keep theirs.

    Call inside a transaction.
    """
    User.update(dead_links_up_to=tokens.newest_id()).where(User.id == user.id).execute()


def tell_change(users: list[User]) -> None:
    """Tell a mailbox which of its logins got a new password.

    Call inside the transaction that stored it.
    """
    owner = _owner(users)
    if not owner.email or not owner.email_key:
        return
    suppliers = _suppliers(users)
    hostname = _hostname(suppliers)
    mail.enqueue(
        "password_changed",
        {
            "logins": [{"login": user.login, "company_name": user.company.name} for user in users],
            "changed_at": clock.now(),
            "portal_url": web.public_url("/", hostname=hostname),
            "recovery_url": web.public_url("/recuperation", hostname=hostname),
        },
        to_address=owner.email,
        address_key=owner.email_key,
        sender_name=" · ".join(supplier.name for supplier in suppliers),
        reply_to=_reply_to(suppliers),
        company_id=_company_id(users),
        priority=mail.AWAITED if owner.has_proven_mailbox else mail.TYPED,
    )


def _logins_to_mail(key: str, origin: str) -> list[User]:
    """Return the active users of a mailbox; one that no register knows gets a few links a day.

    Whoever has asked for all of them from one network leaves its reader one more.
    They also count for the companies that typed it, so that none uses up the mails of all, and
    half of them for a network, which leaves a company's others the rest. Past them a neutral answer
    takes it for unknown, or it would tell that it is not; an explicit one raises LimitReachedError.
    """
    users = list(logins_of(key))
    if not users or any(user.has_proven_mailbox for user in users):
        _take_as_long_to_count(origin)
        return users
    try:
        company_id = _company_to_count_for(users, origin)
        ratelimit.hit_leaving_one("recovery_unproven", key, origin)
        ratelimit.hit_leaving_half("recovery_company", company_id, origin)
    except ratelimit.LimitReachedError:
        if current_app.config["RECOVERY_MESSAGE"] != "neutral":
            raise
        return []
    return users


def _company_to_count_for(users: list[User], origin: str) -> str:
    """Return the id of a company of the users that has mails left: one alone stops none.

    Asked before the mailbox's own links are counted: what is refused here uses up none of them.
    Raises LimitReachedError.
    """
    *others, last = sorted({user.company_id for user in users})
    for company_id in others:
        with suppress(ratelimit.LimitReachedError):
            ratelimit.check_leaving_half("recovery_company", str(company_id), origin)
            return str(company_id)
    ratelimit.check_leaving_half("recovery_company", str(last), origin)
    return str(last)


def _take_as_long_to_count(origin: str) -> None:
    """Count as for an address that no register knows, to no effect: no time tells who is known."""
    with suppress(ratelimit.LimitReachedError):
        ratelimit.check_leaving_half("recovery_company", "others", origin)
    for name in ("recovery_unproven", "recovery_company"):
        for _ in range(2):
            with suppress(ratelimit.LimitReachedError):
                ratelimit.hit(name, "others")


def _opened_by(token: tokens.Token) -> list[User]:
    return list(logins_of(token.subject).where(User.dead_links_up_to < token.id))


def _take_as_long(key: str) -> None:
    """Do what a known address costs and undo it, so that no time tells who is known."""
    company = Company(supplier=Supplier(name="Fournisseur"))
    with suppress(_UndoneError), database.atomic():
        tokens.count_issued(PURPOSE, key, since=clock.now() - REPEAT_WITHIN)
        _send_link(key, [User(email=key, email_key=key, company=company)])
        raise _UndoneError
    queue.wake()  # an undone mail does not


def _send_link(key: str, users: list[User]) -> None:
    lifetime = timedelta(minutes=current_app.config["RECOVERY_LINK_MINUTES"])
    tokens.replace_all(PURPOSE, key)
    secret = tokens.issue(PURPOSE, key, lifetime=lifetime)
    proven = [user for user in users if user.has_proven_mailbox]
    suppliers = _suppliers(proven or users)  # no other speaks to whom the register knows
    names = [supplier.name for supplier in suppliers]
    mail.enqueue(
        MAIL,
        # It opens the added logins too: no single supplier's host is told the secret of another's.
        _mail_context(secret, names, hostname=_hostname(_suppliers(users))),
        to_address=str(_owner(users).email),
        address_key=key,
        sender_name=" · ".join(names),
        reply_to=_reply_to(suppliers),
        company_id=_company_id(users),
        lifetime=lifetime,
        is_secret=True,
        priority=mail.AWAITED if proven else mail.TYPED,
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


def _owner(users: list[User]) -> User:
    """Return the user whose spelling of the address is used: a proven one, if there is one."""
    return next((user for user in users if user.has_proven_mailbox), users[0])


def _company_id(users: list[User]) -> int | None:
    """Return a company that registered the mailbox: journal and mails are its business."""
    return next((user.company_id for user in users if user.has_registered_address), None)


def _suppliers(users: list[User]) -> list[Supplier]:
    return list({user.company.supplier.id: user.company.supplier for user in users}.values())


def _reply_to(suppliers: list[Supplier]) -> str:
    """Return where answers go: to the supplier, if it is one that has given its mail."""
    return suppliers[0].mail if len(suppliers) == 1 else ""


def _hostname(suppliers: list[Supplier]) -> str | None:
    """Return the host of a single supplier; a mail for several leads to the portal's own host."""
    return suppliers[0].hostname if len(suppliers) == 1 else None
