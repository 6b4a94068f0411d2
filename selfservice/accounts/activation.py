"""The login that the owner of a registered address receives (guide, FAQ 2, 3, 6, 15)."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from peewee import IntegrityError

from selfservice import audit, clock
from selfservice.accounts import sessions
from selfservice.accounts.models import Activation, User
from selfservice.db import database
from selfservice.suppliers.addresses import is_like_a_link, normalise
from selfservice.suppliers.models import Company

MOST_LOOKED_UP = 1000  # logins in one query


@dataclass(frozen=True)
class Activated:
    """The login of a company's registered address; a new one needs the activation mail."""

    user: User
    is_new: bool


def activate(company: Company) -> Activated:
    """Make sure that the registered address of a company has its login.

    A pair (company, address) is activated once; an address that comes back finds its login
    reopened. Call inside the transaction that queues the mail.
    """
    known: Activation | None = Activation.get_or_none(
        Activation.company == company, Activation.email_key == company.email_key
    )
    if known is not None:
        _reopen(known.user)
        return Activated(known.user, is_new=False)
    user = _create_owner(company)
    Activation.create(
        company=company, email_key=company.email_key, user=user, activated_at=clock.now()
    )
    audit.record_of("user.activated", user, actor="system", login=user.login)
    return Activated(user, is_new=True)


def close_superseded(owner: User) -> None:
    """Close the logins of the company's former addresses, once an owner has a password (FAQ 15).

    If the address has changed again since, only the logins older than this owner's close, and never
    the one of the address that is registered now: it has come back. Call inside a transaction.
    """
    # Read again: hashing takes a while, in which another address may have been registered.
    owner = User.select(User, Company).join(Company).where(User.id == owner.id).get()
    if not owner.is_from_activation or owner.closed_at is not None:
        return
    company: Company = owner.company
    others = User.select().where(
        User.company == company,
        User.is_from_activation,
        User.closed_at.is_null(),
        User.id != owner.id,
    )
    if owner.email_key != company.email_key:
        others = others.where(User.created_at < owner.created_at)
        if company.email_key:
            others = others.where(User.email_key != company.email_key)
    for user in others:
        close(user, reason="address changed", is_superseded=True)


def close(
    user: User,
    *,
    reason: str,
    is_superseded: bool = False,
    actor: str = "system",
    origin: str = "",
    why: str = "",
) -> None:
    """Close a login. A superseded one, and no other, opens again when its address comes back."""
    User.update(closed_at=clock.now(), is_superseded=is_superseded).where(
        User.id == user.id
    ).execute()
    sessions.end_all(user)
    audit.record_of("user.closed", user, actor=actor, origin=origin, reason=reason, why=why)


def owner_with_password(company: Company) -> User | None:
    """Return the open login of the registered address that has a password: the address came back.

    The logins of other addresses have nothing to wait for then.
    """
    owner: User | None = (
        User.select()
        .join(Activation)
        .where(
            Activation.company == company,
            Activation.email_key == company.email_key,
            User.closed_at.is_null(),
            User.password_hash.is_null(False),
        )
        .first()
    )
    return owner


def _reopen(user: User) -> None:
    """Reopen a superseded login; the other addresses' logins close if it has a password."""
    if user.closed_at is not None and user.is_superseded:
        User.update(closed_at=None, is_superseded=False).where(User.id == user.id).execute()
        user.closed_at = None
        audit.record_of("user.reopened", user, actor="system")
    if user.closed_at is None and user.password_hash is not None:
        close_superseded(user)


def _create_owner(company: Company) -> User:
    address = str(company.email)
    if _may_serve_as_login(str(company.email_key)):
        user = _try_login(company, address)
        if user is not None:
            return user
    stem = re.sub("[:/]", "-", address.rpartition("@")[0].casefold())
    tried = (_try_login(company, login) for login in _free_logins(stem))
    return next(user for user in tried if user is not None)


def _free_logins(stem: str) -> Iterator[str]:
    """Yield « stem_1 », « stem_2 »… as far as nobody has them; ever more are looked up at once."""
    first, size = 1, 10
    while True:
        logins = {normalise(f"{stem}_{n}"): f"{stem}_{n}" for n in range(first, first + size)}
        taken = User.select(User.login_key).where(User.login_key.in_(list(logins)))
        found = {user.login_key for user in taken}
        yield from (login for key, login in logins.items() if key not in found)
        first, size = first + size, min(10 * size, MOST_LOOKED_UP)


def _may_serve_as_login(email_key: str) -> bool:
    """Tell whether a single company registered the address, and no user has or ever had it."""
    if is_like_a_link(email_key):
        return False
    registered = Company.select().where(Company.email_key == email_key).count()
    taken = User.select().where((User.login_key == email_key) | (User.email_key == email_key))
    return registered == 1 and not taken.exists()


def _try_login(company: Company, login: str) -> User | None:
    try:
        with database.atomic():
            owner: User = User.create(
                company=company,
                login=login,
                login_key=normalise(login),
                email=company.email,
                email_key=company.email_key,
                is_from_activation=True,
                is_administrator=True,
                created_at=clock.now(),
            )
    except IntegrityError:
        if not User.select().where(User.login_key == normalise(login)).exists():
            raise
        return None
    return owner
