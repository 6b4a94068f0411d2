"""The second factor: codes of an application (TOTP, RFC 6238), and rescue codes.

The secret shared with the application is stored nowhere. It is derived from a random seed in the
database and from the portal's secret key, which is outside it: one of the two alone gives no code.
"""

import base64
import hmac
import re
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, timedelta

from flask import current_app
from peewee import IntegrityError, ModelDelete, ModelSelect, ModelUpdate
from pyotp import TOTP
from pyotp.exceptions import OTPVerificationError

from selfservice import audit, clock, mail, ratelimit, tokens, web
from selfservice.accounts import passwords, sessions
from selfservice.accounts.models import RescueCode, SecondFactor, User
from selfservice.db import database
from selfservice.texts import identifier

SETUP = "second_factor_setup"
SETUP_LIFETIME = timedelta(minutes=15)
MAIL = "second_factor_changed"
SECRET_BYTES = 20  # RFC 4226, section 4
LABEL_LENGTH = 64  # of the names that the application shows; a QR code holds 2,953 bytes
RESCUE_CODES = 10
RESCUE_DIGITS = 20  # 66 bits; digits, as for the six of the application


class WrongCodeError(Exception):
    """The code is neither a current code nor an unused rescue code."""


class DemandedError(Exception):
    """The company demands the second factor: it cannot be switched off."""


class NotSetUpError(Exception):
    """The user has no second factor."""


def of(user: User) -> SecondFactor | None:
    """Return a user's second factor, if it is set up."""
    factor: SecondFactor | None = SecondFactor.get_or_none(SecondFactor.user == user.id)
    return factor


def rescue_codes_of(factor: SecondFactor) -> "ModelSelect[RescueCode]":
    return RescueCode.select().where(RescueCode.factor == factor)


def is_missing(user: User) -> bool:
    """Tell whether the company demands a second factor that the user has not set up yet."""
    return user.company.is_second_factor_required and of(user) is None


def start(user: User, *, password: str, origin: str) -> str:
    """Begin a setup, end earlier ones, and return its secret. Raises WrongPasswordError."""
    passwords.confirm(user, password, origin=origin)
    with database.atomic():
        return _issue_setup(_first(user))


def start_again(user: User, *, password: str, code: str, origin: str) -> str:
    """Begin a setup for another phone and return its secret; the present phone works until then.

    Raises WrongPasswordError or WrongCodeError.
    """
    passwords.confirm(user, password, origin=origin)
    with proven(user, code, origin=origin):
        return _issue_setup(_further(user))


def application(user: User, setup: str) -> TOTP:
    """Return what a setup gives to the application. Raises a TokenError if the setup has ended."""
    _read_setup(user, setup)
    return _totp(user, setup)


def confirm(user: User, setup: str, code: str, *, origin: str) -> list[str]:
    """Switch the second factor on by a first code, and return the rescue codes.

    The other sessions, opened without it, end. Raises a TokenError or WrongCodeError.
    """
    token = _read_setup(user, setup)
    step = _matching_step(user, setup, _compact(code))
    if step is None:
        raise WrongCodeError
    passwords.count_change(user)
    codes = _new_rescue_codes(user)
    try:
        with database.atomic():
            # Of a sign-in without a code at the same time, the session is seen and ends below.
            if not passwords.is_unchanged(user):
                raise tokens.UsedTokenError(token.subject)
            tokens.consume(token)
            if token.subject == _further(user):
                _forget(user)
            SecondFactor.create(user=user, seed=setup, last_step=step, enabled_at=clock.now())
            _keep(user, codes)
            sessions.end_all(user, except_secret=user.session_secret)
            _tell(user, "enabled")
            audit.record_of("second_factor.enabled", user, origin=origin)
    except IntegrityError as error:  # another setup was quicker
        raise tokens.UsedTokenError(token.subject) from error
    return list(codes)


def code_of_the_moment(user: User) -> str:
    """Return what the user's application shows now, empty without one.

    Only the telephone of a demonstration asks for it.
    """
    factor = of(user)
    return _totp(user, factor.seed).at(clock.now().replace(tzinfo=UTC)) if factor else ""


@contextmanager
def proven(user: User, code: str, *, origin: str) -> Iterator[None]:
    """Open a transaction that uses up a code; the caller does in it what the code allows.

    If one code is used several times at once, exactly one use succeeds (ASVS 6.5.1). Wrong ones
    count by login. Raises WrongCodeError or LimitReachedError.
    """
    with (
        ratelimit.failure("second_factor", user.login_key, of=WrongCodeError),
        _used(user, code, origin=origin),
    ):
        yield


@contextmanager
def _used(user: User, code: str, *, origin: str) -> Iterator[None]:
    compact = _compact(code)
    claim = _claim(user, compact)
    try:
        with database.atomic():
            if claim is None or claim.execute() != 1:
                raise WrongCodeError
            audit.record_of(
                "second_factor.used",
                user,
                origin=origin,
                is_rescue_code=len(compact) == RESCUE_DIGITS,
            )
            yield
    except WrongCodeError:
        audit.record_of("second_factor.failed", user, origin=origin)
        raise


def renew_rescue_codes(user: User, *, password: str, code: str, origin: str) -> list[str]:
    """Replace the rescue codes and return them. Raises WrongPasswordError or WrongCodeError."""
    passwords.confirm(user, password, origin=origin)
    codes = _new_rescue_codes(user)
    with proven(user, code, origin=origin):
        passwords.count_change(user)
        RescueCode.delete().where(RescueCode.factor == user.id).execute()
        _keep(user, codes)
        _tell(user, "codes")
        audit.record_of("second_factor.codes_renewed", user, origin=origin)
    return list(codes)


def disable(user: User, *, password: str, code: str, origin: str) -> None:
    """Switch the user's own second factor off; the other sessions end.

    Raises DemandedError, WrongPasswordError or WrongCodeError.
    """
    if user.company.is_second_factor_required:
        raise DemandedError
    passwords.confirm(user, password, origin=origin)
    with proven(user, code, origin=origin):
        passwords.count_change(user)
        _forget(user)
        sessions.end_all(user, except_secret=user.session_secret)
        _tell(user, "disabled")
        audit.record_of("second_factor.disabled", user, origin=origin)


def remove(user: User, *, by: User | None = None, origin: str = "", why: str = "") -> None:
    """Remove the second factor of a user who lost phone and codes; every session ends.

    `by` is the administrator or the adviser, None for the operator. Raises NotSetUpError.
    """
    with database.atomic():
        if not _forget(user):
            raise NotSetUpError
        sessions.end_all(user)
        _tell(user, "disabled")
        actor = by.login if by else "system"
        audit.record_of("second_factor.removed", user, actor=actor, origin=origin, why=why)


def _first(user: User) -> str:
    return str(user.id)


def _further(user: User) -> str:
    """Return the subject of a setup that may replace the present second factor."""
    return f"{user.id} again"


def _issue_setup(subject: str) -> str:
    tokens.replace_all(SETUP, subject)
    return tokens.issue(SETUP, subject, lifetime=SETUP_LIFETIME)


def _read_setup(user: User, setup: str) -> tokens.Token:
    token = tokens.read(SETUP, setup)
    if token.subject not in (_first(user), _further(user)):
        raise tokens.UnknownTokenError
    return token


def _totp(user: User, seed: str, key: str | None = None) -> TOTP:
    """Return what the application and we share; `key` is a former one of the instance."""
    key = key or current_app.config["SECRET_KEY"]
    # SHA-512: the journal holds fingerprints made with the same key and SHA-256.
    message = f"second factor of {user.id}: {seed}".encode("utf-8", "surrogatepass")
    derived = hmac.digest(key.encode(), message, "sha512")
    return TOTP(
        base64.b32encode(derived[:SECRET_BYTES]).decode(),
        name=user.login[:LABEL_LENGTH],
        issuer=user.company.supplier.name[:LABEL_LENGTH],
    )


def _matching_step(user: User, seed: str, code: str) -> int | None:
    """Return the time step of a code: the current step, the one before or the one after.

    An application set up under a former key goes on while that key is among the fallbacks.
    """
    keys = (current_app.config["SECRET_KEY"], *current_app.config["SECRET_KEY_FALLBACKS"])
    steps = (_step_of(_totp(user, seed, key), code) for key in keys)
    return next((step for step in steps if step is not None), None)


def _step_of(totp: TOTP, code: str) -> int | None:
    if not re.fullmatch(r"[0-9]{6}", code):
        return None
    now = clock.now().replace(tzinfo=UTC)
    try:
        return totp.verify_and_get_timecode(code, for_time=now, valid_window=1)
    except OTPVerificationError:
        return None


def _claim(user: User, code: str) -> ModelUpdate | ModelDelete | None:
    """Return the conditional query that uses up a code, None for a wrong code."""
    factor = of(user)
    if factor is None:
        return None
    if re.fullmatch(rf"[0-9]{{{RESCUE_DIGITS}}}", code):
        for kept in rescue_codes_of(factor):
            if passwords.is_hash_of(kept.code_hash, code):
                return RescueCode.delete().where(RescueCode.id == kept.id)
        return None
    step = _matching_step(user, factor.seed, code)
    if step is None:
        return None
    return SecondFactor.update(last_step=step).where(
        SecondFactor.user == user.id,
        SecondFactor.seed == factor.seed,
        SecondFactor.last_step < step,
    )


def _new_rescue_codes(user: User) -> dict[str, str]:
    """Return new codes as people read them, each with its hash. Call outside any transaction."""
    passwords.count_hashing(user, times=RESCUE_CODES)
    codes = [
        f"{secrets.randbelow(10**RESCUE_DIGITS):0{RESCUE_DIGITS}}" for _ in range(RESCUE_CODES)
    ]
    return {" ".join(re.findall(r"\d{5}", code)): passwords.hash_password(code) for code in codes}


def _keep(user: User, codes: dict[str, str]) -> None:
    rows = [{"factor": user.id, "code_hash": code_hash} for code_hash in codes.values()]
    RescueCode.insert_many(rows).execute()


def _forget(user: User) -> bool:
    return bool(SecondFactor.delete().where(SecondFactor.user == user.id).execute())


def _compact(code: str) -> str:
    return re.sub(r"[\s-]", "", identifier(code))


def _tell(user: User, change: str) -> None:
    """Tell the owner of a proven mailbox; `change` is enabled, disabled or codes."""
    if not (user.has_proven_mailbox and user.email and user.email_key):
        return
    supplier = user.company.supplier
    mail.enqueue(
        MAIL,
        {
            "change": change,
            "is_adviser": user.is_adviser,
            "login": user.login,
            "company_name": user.company.name,
            "changed_at": clock.now(),
            "account_url": web.public_url(
                "/profil/double-authentification", hostname=supplier.hostname
            ),
            "recovery_url": web.public_url("/recuperation", hostname=supplier.hostname),
        },
        to_address=user.email,
        address_key=user.email_key,
        sender_name=supplier.name,
        reply_to=supplier.mail,
        company_id=user.company_id,
        priority=mail.AWAITED,
    )
