"""The password rule, and the hashing of passwords."""

import os
import re
import secrets
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from importlib import resources

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError
from flask import current_app

from selfservice import audit, ratelimit
from selfservice.accounts.models import User
from selfservice.ratelimit import LimitReachedError
from selfservice.texts import password_form
from selfservice.turns import NoTurnError, Turns

MINIMUM_LENGTH = 8
MAXIMUM_LENGTH = 128
NAME_LENGTH = 4
MOST_READ = 320  # of a login or name: none is longer, and normalising takes time quadratic in it
TRIES = 20  # at a proposal
FEW = 4
OWN_FAULTS = ("login", "name")  # they depend on the login too
LEET = str.maketrans("013457@$", "oleastas")

# Hashing costs as much as ten pages: at most half of the cores do it.
MAX_HASHING = max(1, min(2, (os.cpu_count() or 1) // 2))
WAIT_SECONDS = 2
_turns = Turns(at_once=MAX_HASHING, wait_seconds=WAIT_SECONDS)


class WrongPasswordError(Exception):
    """The current password given is not the login's."""


class PasswordRefusedError(Exception):
    """The password breaks the rule; `faults` names how.

    `logins` names the logins that a fault concerns, if several were to get the password.
    """

    def __init__(self, faults: list[str], logins: dict[str, list[str]] | None = None) -> None:
        super().__init__(", ".join(faults))
        self.faults = faults
        self.logins = logins or {}


def check(password: str, *, login: str, names: tuple[str, ...]) -> None:
    """Check a password by the whole rule. Raises PasswordRefusedError with every fault."""
    faults = _faults(password, login=login, names=names)
    if faults:
        raise PasswordRefusedError(faults)


def check_for(users: list[User], password: str) -> None:
    """Check a password by the whole rule for each login that is to get it.

    Raises PasswordRefusedError with every fault.
    """
    logins: dict[str, list[str]] = {}
    for user in users:
        for name in _faults(password, login=user.login, names=names_of(user)):
            logins.setdefault(name, []).append(user.login)
    if logins:
        owned = {name: logins[name] for name in OWN_FAULTS if name in logins}
        raise PasswordRefusedError(list(logins), owned if len(users) > 1 else None)


def _faults(password: str, *, login: str, names: tuple[str, ...]) -> list[str]:
    # The seed's rule (FAQ 9) first, then what is refused beyond it (ASVS 6.2).
    password, login = password_form(password), login[:MOST_READ]
    words = re.findall(r"[^\W\d_]+", _fold(" ".join(name[:MOST_READ] for name in names)))
    folded = _fold(password[: MAXIMUM_LENGTH + 1])  # what is longer is refused as such
    tests = {
        "short": len(password) < MINIMUM_LENGTH,
        "long": len(password) > MAXIMUM_LENGTH,
        "upper": not any(c.isupper() for c in password),
        "digit": not any(c.isdecimal() for c in password),
        "special": all(c.isalnum() for c in password),
        "common": _is_common(folded),
        "login": bool(login) and _fold(login) in folded,
        "name": any(word in folded for word in words if len(word) >= NAME_LENGTH),
    }
    return [name for name, is_broken in tests.items() if is_broken]


def propose(*, login: str, names: tuple[str, ...]) -> str:
    """Return a password that can be said on the phone, « Kavo-Rilu-Tefi-58 »: 2^59 of them.

    A login may be in each, as « - » is: its form says so.
    """
    for _ in range(TRIES):
        words = ["".join(_syllable() + _syllable()).capitalize() for _ in range(3)]
        proposed = "-".join([*words, f"{secrets.randbelow(90) + 10}"])
        if not _faults(proposed, login=login, names=names):
            break
    return proposed


def _syllable() -> str:
    return secrets.choice("bcdfgjkmnprstvz") + secrets.choice("aeiou")


def names_of(user: User) -> tuple[str, ...]:
    company = user.company
    return (user.first_name, user.last_name, company.name, company.supplier.name)


def hash_password(password: str) -> str:
    """Return the Argon2id hash, with the cost of the configuration.

    Raises LimitReachedError where too many wait to hash.
    """
    with _turn():
        return _hasher().hash(_encoded(password))


def is_password_of(user: User | None, password: str) -> bool:
    """Tell whether the password opens the login. Every kind of failure takes the same time.

    For an unknown login, or one without a password, a dummy hash is verified. Raises
    LimitReachedError where too many wait to hash.
    """
    known = user.password_hash if user is not None else None
    return is_hash_of(known or _dummy_hash(), password) and known is not None


def confirm(user: User, current: str, *, origin: str) -> None:
    """Check the current password of the signed-in user; call outside any transaction.

    Wrong ones count by session: others who know the login use up no try of its user. Raises
    WrongPasswordError or LimitReachedError.
    """
    if not current:
        raise WrongPasswordError
    count_hashing(user)
    opened_at = user.session and user.session.opened_at  # what stays of it, by whatever cookie
    with ratelimit.failure("sign_in_login", f"{user.id} {opened_at}", of=WrongPasswordError):
        if is_password_of(user, current):
            return
        audit.record_of("password.refused", user, origin=origin)
        raise WrongPasswordError


def count_hashing(user: User, *, times: int = 1) -> None:
    """Count what is to be hashed for a signed-in user: a password, right or wrong, or codes.

    A company has so many a minute: it leaves turns for those who sign in, and one of its users
    leaves some for the others. Call outside any transaction. Raises LimitReachedError.
    """
    ratelimit.hit("hashing_user", str(user.id), times=times)
    ratelimit.hit("hashing_company", user.counts_for(user.company_id), times=times)


def count_change(user: User) -> None:
    """Count a change of one's own password or codes.

    A mail and the journal tell of each: who changes without end would use up what the mail server
    takes from all. Raises LimitReachedError.
    """
    ratelimit.hit("own_changes", str(user.id))


def is_unchanged(user: User) -> bool:
    """Tell whether an open login's password is still the one loaded, and lock it until the commit.

    Call inside a transaction. Of two changes at once, the second fails.
    """
    claim = User.update(password_hash=user.password_hash).where(
        User.id == user.id,
        User.password_hash == user.password_hash,
        User.is_active,
        User.closed_at.is_null(),
    )
    return bool(claim.execute())


def is_hash_of(known: str, text: str) -> bool:
    """Tell whether `hash_password` made the hash of this text."""
    with _turn():
        try:
            return _hasher().verify(known, _encoded(text))
        except (VerificationError, InvalidHashError):
            return False


def needs_rehash(user: User) -> bool:
    return _hasher().check_needs_rehash(str(user.password_hash))


@contextmanager
def _turn() -> Iterator[None]:
    """Wait for one's turn to hash. Raises LimitReachedError where too many hash or wait."""
    try:
        with _turns.one():
            yield
    except NoTurnError as error:
        raise LimitReachedError("hashing", WAIT_SECONDS) from error


def _hasher() -> PasswordHasher:
    return PasswordHasher(
        time_cost=current_app.config["PASSWORD_HASH_ITERATIONS"],
        memory_cost=current_app.config["PASSWORD_HASH_MEMORY_KIB"],
        parallelism=1,
    )


def _encoded(password: str) -> bytes:
    return password_form(password).encode("utf-8", "surrogatepass")


def _dummy_hash() -> str:
    hashes: dict[str, str] = current_app.extensions.setdefault("dummy_hash", {})
    if "hash" not in hashes:
        hashes["hash"] = hash_password("a password that nobody has")
    return hashes["hash"]


def _fold(text: str) -> str:
    decomposed = unicodedata.normalize("NFKD", text)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).casefold()


def _is_common(folded: str) -> bool:
    plain = re.sub(r"[\W_]+", "", folded)
    letters = re.sub(r"\d+", "", plain)
    unleeted = re.sub(r"[\W\d_]+", "", folded.translate(LEET))
    return len(set(folded)) < FEW or not _common_words().isdisjoint(
        (folded, plain, letters, unleeted)
    )


@cache
def _common_words() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # slow to load, and few commands need it

    text = resources.files(__package__).joinpath("common_passwords.txt").read_text("utf-8")
    return frozenset(_fold(word) for word in (*text.split(), *FREQUENCY_LISTS["passwords"]))
