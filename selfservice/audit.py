"""The journal of who did what. It holds no password, token or mail body, and no raw address."""

import hashlib
import hmac
import json
from collections.abc import Iterable, Mapping
from contextlib import suppress
from math import ceil
from typing import Any, Protocol

from peewee import AutoField, CharField, DateTimeField, IntegerField, TextField, chunked

from selfservice import clock, ratelimit
from selfservice.db import BaseModel

# What others may bring about in a user's name, and what must succeed, counts for nobody: these
# have limits of their own, or follow a sign-in that counted.
UNCOUNTED = frozenset(
    {
        "access.denied",
        "sign_in.failed",
        "second_factor.failed",
        "password.refused",
        "recovery.requested",
        "proof.given",
        "request.opened",
        "request.proven",
        "request.objected",
        "activation.sent_again",
        "password.changed",
        "sign_out",
        "session.closed",
        "invoice.fetched",
    }
)


Facts = Mapping[str, str | int | bool | None]
COMPANIES_AT_ONCE = 100
MAX_FACT = 2000  # characters; only a list of contracts is longer


class AuditEntry(BaseModel):
    """One event. Its ids are plain numbers, because the journal outlives what they name."""

    id = AutoField()
    at = DateTimeField(index=True)
    event = CharField(max_length=64)
    company_id = IntegerField(null=True, index=True)
    user_id = IntegerField(null=True)
    actor = CharField(max_length=320, default="")
    origin = CharField(max_length=64, default="")
    facts = TextField(default="{}")

    @property
    def details(self) -> dict[str, str | int | bool | None]:
        """The facts by name."""
        found: dict[str, str | int | bool | None] = json.loads(self.facts)
        return found


class Person(Protocol):
    """What the journal needs to know of a user."""

    id: Any
    login: Any
    company_id: int


def record(
    event: str,
    *,
    company_id: int | None = None,
    user_id: int | None = None,
    actor: str = "",
    origin: str = "",
    **facts: str | int | bool | None,
) -> None:
    """Append one event, in the transaction of its cause where it has one.

    `actor` is a login or « system », `origin` the visitor's network address. Facts are kept as
    JSON, so that a line feed inside a value cannot forge a line.

    What a user does fills the journal up to LIMIT_JOURNAL_USER: then LimitReachedError undoes the
    transaction, so that nothing is done unseen and nobody makes the journal grow without bound.
    """
    if company_id is not None and origin and event not in UNCOUNTED:
        ratelimit.hit("journal_user", actor)
    AuditEntry.create(
        at=clock.now(),
        event=event,
        company_id=company_id,
        user_id=user_id,
        actor=_one_line(actor)[:320],
        origin=origin[:64],
        facts=_write(facts),
    )


def record_of_each(event: str, users: Iterable[Person], *, origin: str) -> None:
    """Append an event of UNCOUNTED to the journal of each user, in about the time of one."""
    _append([_entry(event, user, user.company_id, origin, {}) for user in users])


def record_in_each(
    event: str,
    user: Person,
    facts_of: Mapping[int, Facts],
    *,
    origin: str,
) -> None:
    """Append one act of a user to the journal of each company, given by its id with its facts.

    COMPANIES_AT_ONCE of them count as one act: whoever reads a thousand companies takes the
    register of all. Raises LimitReachedError, as `record`.
    """
    if facts_of:
        times = ceil(len(facts_of) / COMPANIES_AT_ONCE)
        ratelimit.hit("journal_user", str(user.login), times=times)
    _append([_entry(event, user, each, origin, facts) for each, facts in facts_of.items()])


def record_of(
    event: str,
    user: Person,
    *,
    company_id: int | None = None,
    actor: str = "",
    origin: str = "",
    **facts: str | int | bool | None,
) -> None:
    """Append one event that concerns a user, who did it unless `actor` names another login.

    `company_id` is whose documents are concerned, where they are not of the user's own company.
    """
    record(
        event,
        company_id=company_id or user.company_id,
        user_id=user.id,
        actor=actor or user.login,
        origin=origin,
        **facts,
    )


def record_denial(event: str, user: Person | None = None, *, origin: str, **facts: Any) -> None:
    """Append a refusal, of UNCOUNTED; a network brings LIMIT_DENIAL_IP of them about at most."""
    with suppress(ratelimit.LimitReachedError):
        ratelimit.hit_from("denial_ip", origin)
        if user:
            record_of(event, user, origin=origin, **facts)
        else:
            record(event, origin=origin, **facts)


def _entry(
    event: str, user: Person, company_id: int, origin: str, facts: Facts
) -> dict[str, object]:
    return {
        "at": clock.now(),
        "event": event,
        "company_id": company_id,
        "user_id": user.id,
        "actor": _one_line(user.login)[:320],
        "origin": origin[:64],
        "facts": _write(facts),
    }


def _append(entries: list[dict[str, object]]) -> None:
    for batch in chunked(entries, 100):
        AuditEntry.insert_many(batch).execute()


def _write(facts: Facts) -> str:
    """Return facts as JSON, each cut and in its own letters: escapes take up to twelve bytes.

    What shows nothing, or begins a line, is escaped all the same.
    """
    shown = {name: _cut(fact) if isinstance(fact, str) else fact for name, fact in facts.items()}
    written = json.dumps(shown, sort_keys=True, ensure_ascii=False)
    return written if written.isprintable() else "".join(map(_shown_or_escaped, written))


def _shown_or_escaped(letter: str) -> str:
    return letter if letter.isprintable() else json.dumps(letter)[1:-1]


def _cut(text: str) -> str:
    text = text if len(text) <= MAX_FACT else f"{text[: MAX_FACT - 1]}…"
    return text.encode("utf-8", "backslashreplace").decode()  # half a character is none


def pseudonym(text: str, *, key: str) -> str:
    """Return a keyed fingerprint of an unknown address or login, so that misses can be counted."""
    raw = text.encode("utf-8", "surrogatepass")
    return hmac.new(key.encode(), raw, hashlib.sha256).hexdigest()[:32]


def _one_line(text: str) -> str:
    return text.encode("unicode_escape").decode("ascii") if not text.isprintable() else text
