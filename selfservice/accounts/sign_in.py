"""Sign-in, in one step or two, and sign-out."""

from contextlib import suppress
from datetime import timedelta

from flask import current_app

from selfservice import audit, ratelimit, tokens
from selfservice.accounts import ended, passwords, second_factor, sessions
from selfservice.accounts.models import User
from selfservice.db import database
from selfservice.suppliers.addresses import address_key, normalise
from selfservice.suppliers.models import Company

HALF_WAY = "half_way"
HALF_WAY_LIFETIME = timedelta(minutes=5)


class BadCredentialsError(Exception):
    """The login is unknown, switched off or closed, or its password wrong: nobody learns which."""


class CodeNeededError(Exception):
    """The password is right and a code must follow; `secret` leads to it and opens nothing."""

    def __init__(self, secret: str) -> None:
        super().__init__("code needed")
        self.secret = secret


def counted_as(login: str) -> str:
    """Return under what the wrong passwords of a login count.

    It changes with the password: who chooses one by a recovery link begins anew.
    """
    key = normalise(login)
    kept = User.select(User.password_hash).where(User.login_key == key).scalar()
    return f"{key} {kept or ''}"


def mark_of(user: User) -> str:
    """Return what tells the present password of a login from any other, and nothing of it."""
    return tokens.hash_secret(str(user.password_hash))


def sign_in(login: str, password: str, *, origin: str, browser: str) -> str:
    """Open a session and return its secret id. Raises BadCredentialsError or CodeNeededError.

    The owner of a closed or switched-off login, who gives its password, learns by mail what became
    of it, if the mailbox is proven: a typed one would be told by whoever typed it.
    """
    key = normalise(login)
    user: User | None = User.get_or_none(User.login_key == key)
    if not passwords.is_password_of(user, password) or user is None:
        _record_failure(user, key, origin)
        raise BadCredentialsError
    if not user.is_active or user.closed_at is not None:
        _record_failure(user, key, origin)
        if user.has_proven_mailbox:  # another gets what its owner asks for by a recovery
            ended.tell(user)
        raise BadCredentialsError
    kept_hash = passwords.hash_password(password) if passwords.needs_rehash(user) else None
    with database.atomic():
        if not _is_still_valid(user, kept_hash):
            raise BadCredentialsError
        user.password_hash = kept_hash or user.password_hash
        if second_factor.of(user) is None:
            return _open(user, origin=origin, browser=browser)
        secret = tokens.issue(HALF_WAY, _half_way_subject(user), lifetime=HALF_WAY_LIFETIME)
    raise CodeNeededError(secret)


def half_way_user(secret: str) -> User:
    """Return the user who gave the right password and now owes a code; consumes nothing.

    Raises a TokenError, also when the login or its password changed meanwhile.
    """
    return _half_way(secret)[1]


def finish(secret: str, code: str, *, origin: str, browser: str) -> str:
    """Check the code of a half-way visitor, open the session and return its secret id.

    Raises a TokenError or WrongCodeError.
    """
    token, user = _half_way(secret)
    with second_factor.proven(user, code, origin=origin):
        tokens.consume(token)
        if not _is_still_valid(user):
            raise tokens.ReplacedTokenError(token.subject)
        return _open(user, origin=origin, browser=browser)


def _half_way(secret: str) -> tuple[tokens.Token, User]:
    token = tokens.read(HALF_WAY, secret)
    user: User | None = User.get_or_none(User.id == int(token.subject.partition(" ")[0]))
    if user is None or token.subject != _half_way_subject(user):
        raise tokens.ReplacedTokenError(token.subject)
    return token, user


def _half_way_subject(user: User) -> str:
    """Return the user's id and a hash that a change of password changes, which ends the token."""
    return f"{user.id} {mark_of(user)}"


def _open(user: User, *, origin: str, browser: str) -> str:
    secret = sessions.open_session(user, origin=origin, browser=browser)
    audit.record_of("sign_in.done", user, origin=origin)
    return secret


def _is_still_valid(user: User, new_hash: str | None = None) -> bool:
    """Claim the login as it was verified; False if its password changed since."""
    claim = User.update(password_hash=new_hash or user.password_hash).where(
        User.id == user.id,
        User.password_hash == user.password_hash,
        User.is_active,
        User.closed_at.is_null(),
    )
    return bool(claim.execute())


def _record_failure(user: User | None, key: str, origin: str) -> None:
    """Record an unknown login as a fingerprint: it may be a password typed in the wrong field.

    So is an address that others registered than who typed it as a colleague's login: its owner, who
    takes it for theirs, tells that company neither when nor from where.
    A network makes the journal grow by LIMIT_JOURNAL_STRANGER at most. Those of a known login have
    a limit of their own; they are counted here too, so that both take the same time.
    """
    if _is_of_others(user, key):
        user = None
    with suppress(ratelimit.LimitReachedError):
        ratelimit.hit_from("journal_stranger", origin)
        if user is None:
            fingerprint = audit.pseudonym(key, key=current_app.config["SECRET_KEY"])
            audit.record("sign_in.failed", origin=origin, login=fingerprint)
    if user is not None:
        audit.record_of("sign_in.failed", user, origin=origin)


def _is_of_others(user: User | None, key: str) -> bool:
    """Tell whether a login is a mail address that other companies alone registered.

    An unknown one is looked up too, so that both take the same time.
    """
    registered = Company.select(Company.id).where(Company.email_key == address_key(key))
    ids = {company.id for company in registered}
    return bool(user and ids and not user.is_from_activation and user.company_id not in ids)


def sign_out(user: User, *, origin: str) -> None:
    """End the session in use."""
    with database.atomic():
        sessions.end(user.session_secret)
        audit.record_of("sign_out", user, origin=origin)
