"""« Mon profil »: what users change of their own: coordinates, display history, password."""

from selfservice import audit
from selfservice.accounts import passwords, recovery, sessions
from selfservice.accounts.models import DISPLAY_HISTORY_CHOICES, User
from selfservice.db import database


class UnknownSessionError(Exception):
    """The user has no such open session."""


def save_display_history(user: User, months: int) -> None:
    """Store how many months of documents the list shows (FAQ 7)."""
    if months not in DISPLAY_HISTORY_CHOICES:
        raise ValueError(months)
    User.update(display_history_months=months).where(User.id == user.id).execute()


def save_coordinates(
    user: User, *, last_name: str, first_name: str, phone: str, mobile: str, origin: str
) -> None:
    """Store names and phones. The mail address is not the user's to change."""
    names = {"last_name": last_name, "first_name": first_name, "phone": phone, "mobile": mobile}
    is_open = User.closed_at.is_null()  # whoever was removed a moment ago stays forgotten
    with database.atomic():
        if User.update(**names).where(User.id == user.id, is_open).execute():
            audit.record_of("user.coordinates", user, origin=origin)


def change_password(user: User, *, current: str, password: str, origin: str) -> None:
    """Replace the password; the session in use stays open, the others end.

    Raises WrongPasswordError, PasswordRefusedError or LimitReachedError.
    """
    passwords.confirm(user, current, origin=origin)
    passwords.check(password, login=user.login, names=passwords.names_of(user))
    passwords.count_change(user)
    password_hash = passwords.hash_password(password)
    with database.atomic():
        if not passwords.is_unchanged(user):
            raise passwords.WrongPasswordError
        recovery.store_password(user, password_hash, keep=user.session_secret)
        audit.record_of("password.changed", user, origin=origin)
        if user.has_proven_mailbox:  # an unproven mailbox gets what its owner asked for
            recovery.tell_change([user])


def close_session(user: User, id_hash: str, *, origin: str) -> None:
    """End one of the user's sessions. Raises UnknownSessionError."""
    with database.atomic():
        if not sessions.end_one(user, id_hash):
            raise UnknownSessionError(id_hash)
        audit.record_of("session.closed", user, origin=origin, count=1)


def close_sessions(user: User, *, keeps_current: bool, origin: str) -> None:
    """End all of the user's sessions, or all but the one in use."""
    with database.atomic():
        count = sessions.end_all(user, except_secret=user.session_secret if keeps_current else None)
        if count:
            audit.record_of("session.closed", user, origin=origin, count=count)
