"""Open sessions: one row each. The cookie holds a random id; the row holds its hash."""

from datetime import datetime, timedelta
from typing import Any, cast

from flask import current_app
from peewee import ModelSelect

from selfservice import clock
from selfservice.accounts.models import User, UserSession
from selfservice.db import Prepared
from selfservice.suppliers.models import Company, Supplier
from selfservice.tokens import hash_secret, new_secret

USE_NOTED_EVERY = timedelta(minutes=1)
BROWSER_LENGTH = 300
MAX_OPEN = 20  # of one user; nobody uses so many devices in a day


def open_session(user: User, *, origin: str, browser: str) -> str:
    """Open a session, note the sign-in and return the secret id for the cookie.

    Beyond MAX_OPEN sessions of the user, the oldest end. Call inside a transaction.
    """
    secret = new_secret()
    now = clock.now()
    UserSession.create(
        id_hash=hash_secret(secret),
        user=user,
        opened_at=now,
        used_at=now,
        previous_sign_in_at=user.signed_in_at,
        origin=origin[:64],
        browser=browser[:BROWSER_LENGTH],
    )
    kept = UserSession.select(UserSession.id_hash).where(UserSession.user == user)
    kept = kept.order_by(UserSession.opened_at.desc()).limit(MAX_OPEN)
    UserSession.delete().where(
        UserSession.user == user,
        UserSession.opened_at < now,
        UserSession.id_hash.not_in(list(kept.tuples())),
    ).execute()
    User.update(signed_in_at=now).where(User.id == user.id).execute()
    return secret


def load(secret: str) -> User | None:
    """Return the user of a living session, company and supplier joined, in one query."""
    now = clock.now()
    found = _LIVING_USER.first(*_limits(now), hash_secret(secret))
    if found is None:
        return None
    session, user = found[:2]
    if not _is_living(session, user, now):
        return None
    if now - session.used_at >= USE_NOTED_EVERY:
        UserSession.update(used_at=now).where(UserSession.id_hash == session.id_hash).execute()
    user.session, user.session_secret = session, secret
    return cast(User, user)


def living() -> "ModelSelect[UserSession]":
    """Return the sessions that are neither idle nor open for too long."""
    return _living_since(*_limits(clock.now()))


def _living_since(idle: Any, oldest: Any) -> "ModelSelect[UserSession]":
    return UserSession.select().where(UserSession.used_at > idle, UserSession.opened_at > oldest)


def _living_user(idle: Any, oldest: Any, id_hash: Any) -> Any:
    return (
        _living_since(idle, oldest)
        .select(UserSession, User, Company, Supplier)
        .join_from(UserSession, User)
        .join(Company)
        .join(Supplier)
        .where(UserSession.id_hash == id_hash, User.is_active, User.closed_at.is_null())
        .limit(1)
    )


_LIVING_USER = Prepared(UserSession, User, Company, Supplier, build=_living_user)


def open_sessions(user: User) -> "ModelSelect[UserSession]":
    alive = _living_since(*_limits(clock.now(), of=user))
    return alive.where(UserSession.user == user).order_by(UserSession.used_at.desc())


def end(secret: str) -> None:
    UserSession.delete().where(UserSession.id_hash == hash_secret(secret)).execute()


def end_one(user: User, id_hash: str) -> bool:
    """End one session of a user; False where the user has no such session."""
    query = UserSession.delete().where(UserSession.user == user, UserSession.id_hash == id_hash)
    return bool(query.execute())


def end_all(user: User, *, except_secret: str | None = None) -> int:
    """End every session of a user, except the one given, and return how many."""
    query = UserSession.delete().where(UserSession.user == user)
    if except_secret is not None:
        query = query.where(UserSession.id_hash != hash_secret(except_secret))
    return int(query.execute())


def renew(user: User) -> str:
    """Give the session in use another secret and return it: a copied cookie opens it no more."""
    secret = new_secret()
    known = hash_secret(user.session_secret)
    UserSession.update(id_hash=hash_secret(secret)).where(UserSession.id_hash == known).execute()
    return secret


def end_everybodys() -> int:
    """End every session of everybody and return how many."""
    return int(UserSession.delete().execute())


def forget_ended() -> int:
    """Delete the sessions that are idle or open for too long."""
    idle, oldest = _limits(clock.now())
    query = UserSession.delete().where(
        (UserSession.used_at <= idle) | (UserSession.opened_at <= oldest)
    )
    return int(query.execute())


def _is_living(session: UserSession, user: User, now: datetime) -> bool:
    idle, oldest = _limits(now, of=user)
    return session.used_at > idle and session.opened_at > oldest


def _limits(now: datetime, *, of: User | None = None) -> tuple[datetime, datetime]:
    """Return since when a session must have been used, and opened; an adviser's are shorter."""
    config, prefix = current_app.config, "ADVISER_" if of and of.is_adviser else ""
    idle = timedelta(minutes=config[f"{prefix}SESSION_IDLE_MINUTES"])
    longest = timedelta(hours=config[f"{prefix}SESSION_HOURS"])
    return now - idle, now - longest
