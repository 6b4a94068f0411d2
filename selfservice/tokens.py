"""Random secrets: made, hashed, and, for links, issued, read and consumed once.

The database holds the SHA-256 of a secret only.
"""

import hashlib
import secrets
from datetime import datetime, timedelta

from peewee import AutoField, BooleanField, CharField, DateTimeField, IntegerField, fn

from selfservice import clock
from selfservice.db import BaseModel

SECRET_BYTES = 32
SAMPLE = "x" * 43


class TokenError(Exception):
    """A secret that opens nothing."""


class UnknownTokenError(TokenError):
    """Never issued for this purpose."""


class DeadTokenError(TokenError):
    """Issued once, no longer valid; carries the subject so that a new one can be offered."""

    def __init__(self, subject: str) -> None:
        super().__init__(subject)
        self.subject = subject


class ExpiredTokenError(DeadTokenError):
    """Its time has passed."""


class UsedTokenError(DeadTokenError):
    """It was consumed."""


class ReplacedTokenError(DeadTokenError):
    """A newer one, or a change of what it opens, ended it."""


class Token(BaseModel):
    id = AutoField()
    purpose = CharField(max_length=32)
    subject = CharField(max_length=320)
    secret_hash = CharField(max_length=64, unique=True)
    issued_at = DateTimeField()
    expires_at = DateTimeField(index=True)
    used_at = DateTimeField(null=True)
    replaced_at = DateTimeField(null=True)
    is_expired = BooleanField(default=False)
    use_count = IntegerField(default=0)

    class Meta:
        indexes = ((("purpose", "subject"), False),)


def new_secret() -> str:
    """Return a random secret of 256 bits, URL-safe."""
    return secrets.token_urlsafe(SECRET_BYTES)


def hash_secret(secret: str) -> str:
    """Return what is stored of a secret: its SHA-256. A secret of 256 bits needs no salt."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def issue(purpose: str, subject: str, *, lifetime: timedelta) -> str:
    """Store a token for a subject and return its secret."""
    secret = new_secret()
    now = clock.now()
    Token.create(
        purpose=purpose,
        subject=subject,
        secret_hash=hash_secret(secret),
        issued_at=now,
        expires_at=now + lifetime,
    )
    return secret


def read(purpose: str, secret: str) -> Token:
    """Return the valid token of a secret and consume nothing.

    Raises UnknownTokenError, UsedTokenError, ReplacedTokenError or ExpiredTokenError.
    """
    token: Token | None = Token.get_or_none(
        Token.purpose == purpose, Token.secret_hash == hash_secret(secret)
    )
    if token is None:
        raise UnknownTokenError
    if token.used_at is not None:
        raise UsedTokenError(token.subject)
    if token.replaced_at is not None:
        raise ReplacedTokenError(token.subject)
    # A clock set back revives nothing: a token issued in the future is not valid either.
    if token.is_expired or not token.issued_at <= clock.now() < token.expires_at:
        raise ExpiredTokenError(token.subject)
    return token


def living(purpose: str) -> list[Token]:
    """Return the tokens of a purpose that are still valid, oldest first."""
    now = clock.now()
    query = Token.select().where(
        Token.purpose == purpose,
        Token.used_at.is_null(),
        Token.replaced_at.is_null(),
        ~Token.is_expired,
        Token.issued_at <= now,
        Token.expires_at > now,
    )
    return list(query.order_by(Token.id))


def consume(token: Token) -> None:
    """Use a token up; of several callers at once exactly one succeeds.

    Call inside the transaction of what the token allows. Raises UsedTokenError for the others.
    """
    claimed = (
        Token.update(used_at=clock.now())
        .where(Token.id == token.id, Token.used_at.is_null(), Token.replaced_at.is_null())
        .execute()
    )
    if claimed != 1:
        raise UsedTokenError(token.subject)


def count_use(token: Token) -> None:
    """Count one more use of a token that may serve again."""
    Token.update(use_count=Token.use_count + 1).where(Token.id == token.id).execute()


def replace_all(purpose: str, subject: str, *, before: datetime | None = None) -> None:
    """End every living token of a subject, or those alone that were issued before an instant."""
    living = [
        Token.purpose == purpose,
        Token.subject == subject,
        Token.used_at.is_null(),
        Token.replaced_at.is_null(),
    ]
    if before is not None:
        living.append(Token.issued_at < before)
    Token.update(replaced_at=clock.now()).where(*living).execute()


def newest_id() -> int:
    """Return the id of the last token issued, whatever for; 0 before the first."""
    newest: int | None = Token.select(fn.MAX(Token.id)).scalar()
    return newest or 0


def count_issued(purpose: str, subject: str, *, since: datetime) -> int:
    """Return how many tokens a subject got from an instant (UTC) on."""
    query = Token.select().where(
        Token.purpose == purpose, Token.subject == subject, Token.issued_at >= since
    )
    return int(query.count())


def mark_expired() -> int:
    """Mark the expired tokens as such, so that a clock set back revives none."""
    query = Token.update(is_expired=True).where(Token.expires_at <= clock.now(), ~Token.is_expired)
    return int(query.execute())
