"""Sign-in and sign-out."""

from flask import current_app

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
    refusal = BadCredentialsError(is_old_login=key.startswith(OLD_LOGIN_PREFIXES))
    if not passwords.is_password_of(user, password) or user is None:
        _record_failure(user, key, origin)
        raise refusal
    kept_hash = passwords.hash_password(password) if passwords.needs_rehash(user) else None
    with database.atomic():
        if not _is_still_valid(user, kept_hash):
            raise refusal
        secret = sessions.open_session(user, origin=origin, browser=browser)
        audit.record(
            "sign_in.done",
            company_id=user.company_id,
            user_id=user.id,
            actor=user.login,
            origin=origin,
        )
    return secret


def _is_still_valid(user: User, new_hash: str | None) -> bool:
    """Claim the login as it was verified: a change of password meanwhile wins."""
    claim = User.update(password_hash=new_hash or user.password_hash).where(
        User.id == user.id,
        User.password_hash == user.password_hash,
        User.is_active,
        User.closed_at.is_null(),
    )
    return bool(claim.execute())


def _record_failure(user: User | None, key: str, origin: str) -> None:
    """Keep an unknown login as a fingerprint: it may be a password typed in the wrong field."""
    if user is not None:
        audit.record(
            "sign_in.failed",
            company_id=user.company_id,
            user_id=user.id,
            actor=user.login,
            origin=origin,
        )
        return
    fingerprint = audit.pseudonym(key, key=current_app.config["SECRET_KEY"])
    audit.record("sign_in.failed", origin=origin, login=fingerprint)


def sign_out(user: User, *, origin: str) -> None:
    """End the session in use."""
    with database.atomic():
        sessions.end(user.session_secret)
        audit.record(
            "sign_out", company_id=user.company_id, user_id=user.id, actor=user.login, origin=origin
        )
