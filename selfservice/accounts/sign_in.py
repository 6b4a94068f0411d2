"""Sign-in and sign-out."""

from selfservice import audit
from selfservice.accounts import passwords, sessions
from selfservice.accounts.models import User
from selfservice.db import database
from selfservice.suppliers.addresses import normalise

OLD_LOGIN_PREFIXES = ("dc-", "dl-")


class BadCredentialsError(Exception):
    """Unknown login, wrong password, switched off or closed: nobody learns which.

    `is_old_login` tells a login of the former E-Fact portal (FAQ 11).
    """

    def __init__(self, *, is_old_login: bool) -> None:
        super().__init__("bad credentials")
        self.is_old_login = is_old_login


def sign_in(login: str, password: str, *, origin: str, browser: str) -> str:
    """Open a session and return its secret id. Raises BadCredentialsError."""
    key = normalise(login)
    user: User | None = User.get_or_none(
        User.login_key == key, User.is_active, User.closed_at.is_null()
    )
    if not passwords.is_password_of(user, password) or user is None:
        audit.record("sign_in.failed", actor=key, origin=origin)
        raise BadCredentialsError(is_old_login=key.startswith(OLD_LOGIN_PREFIXES))
    with database.atomic():
        if passwords.needs_rehash(user):
            new_hash = passwords.hash_password(password)
            User.update(password_hash=new_hash).where(User.id == user.id).execute()
        secret = sessions.open_session(user, origin=origin, browser=browser)
        audit.record(
            "sign_in.done",
            company_id=user.company_id,
            user_id=user.id,
            actor=user.login,
            origin=origin,
        )
    return secret


def sign_out(user: User, *, origin: str) -> None:
    """End the session in use."""
    with database.atomic():
        sessions.end(user.session_secret)
        audit.record(
            "sign_out", company_id=user.company_id, user_id=user.id, actor=user.login, origin=origin
        )
