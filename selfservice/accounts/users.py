"""What the operator does for users: list them, give a password, reset or close a login."""

from peewee import ModelSelect

from selfservice import audit
from selfservice.accounts import activation, passwords, recovery, second_factor, sessions
from selfservice.accounts.models import User
from selfservice.db import database
from selfservice.suppliers.addresses import normalise
from selfservice.suppliers.models import Company, Supplier


class UnknownLoginError(Exception):
    """No user has this login."""


def all_users() -> "ModelSelect[User]":
    """Return every user with company and supplier, by supplier, company and login."""
    return (
        User.select(User, Company, Supplier)
        .join(Company)
        .join(Supplier)
        .order_by(Supplier.slug, Company.client_number, User.login_key)
    )


def active_administrators() -> "ModelSelect[User]":
    return User.select().where(User.is_administrator, User.is_active, User.closed_at.is_null())


def administrator_names(company_id: int) -> list[str]:
    """Return the names of a company's active administrators, for those who are none."""
    found = active_administrators().where(User.company == company_id)
    return sorted(user.full_name for user in found)


def by_login(login: str) -> User:
    """Return the user of a login. Raises UnknownLoginError."""
    user: User | None = all_users().where(User.login_key == normalise(login)).get_or_none()
    if user is None:
        raise UnknownLoginError(login)
    return user


def give_password(user: User, password: str) -> None:
    """Set a password that the operator chose and hands over. Raises PasswordRefusedError."""
    passwords.check(password, login=user.login, names=passwords.names_of(user))
    password_hash = passwords.hash_password(password)
    with database.atomic():
        store_given_password(user, password_hash, actor="system")


def store_given_password(user: User, password_hash: str, *, actor: str, origin: str = "") -> None:
    """Store a password that somebody else chose; every session and recovery link ends.

    Call inside a transaction.
    """
    User.update(password_hash=password_hash, is_password_from_other=True).where(
        User.id == user.id
    ).execute()
    sessions.end_all(user)
    recovery.end_links(user)
    activation.close_superseded(user)
    audit.record_of("password.given", user, actor=actor, origin=origin)


def reset_second_factor(login: str) -> User:
    """Remove the second factor of a login. Raises UnknownLoginError or NotSetUpError."""
    user = by_login(login)
    second_factor.remove(user)
    return user


def close_login(login: str) -> User:
    """Close a login at once. Raises UnknownLoginError."""
    user = by_login(login)
    with database.atomic():
        activation.close(user, reason="closed by the operator")
    return user
