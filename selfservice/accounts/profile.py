"""What a user changes about himself: coordinates, display history, password."""

from selfservice import audit
from selfservice.accounts import passwords, recovery
from selfservice.accounts.models import DISPLAY_HISTORY_CHOICES, User
from selfservice.db import database


class WrongPasswordError(Exception):
    """The current password given is not the login's."""


def save_display_history(user: User, months: int) -> None:
    """Keep how many months of documents the list shows (FAQ 7)."""
    if months not in DISPLAY_HISTORY_CHOICES:
        raise ValueError(months)
    User.update(display_history_months=months).where(User.id == user.id).execute()


def save_coordinates(
    user: User, *, last_name: str, first_name: str, phone: str, mobile: str, origin: str
) -> None:
    """Keep names and phones; the address stays the register's or the administrator's."""
    with database.atomic():
        User.update(last_name=last_name, first_name=first_name, phone=phone, mobile=mobile).where(
            User.id == user.id
        ).execute()
        audit.record(
            "user.coordinates",
            company_id=user.company_id,
            user_id=user.id,
            actor=user.login,
            origin=origin,
        )


def change_password(user: User, *, current: str, password: str, origin: str) -> None:
    """Replace the password; the session in use stays open, the others end.

    Raises WrongPasswordError or PasswordRefusedError.
    """
    if not passwords.is_password_of(user, current):
        audit.record(
            "password.refused",
            company_id=user.company_id,
            user_id=user.id,
            actor=user.login,
            origin=origin,
        )
        raise WrongPasswordError
    passwords.check(password, login=user.login, names=passwords.names_of(user))
    password_hash = passwords.hash_password(password)
    with database.atomic():
        recovery.store_password(user, password_hash, origin=origin, keep=user.session_secret)
        recovery.tell_change([user])
