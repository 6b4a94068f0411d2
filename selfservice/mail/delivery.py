"""Delivery: which mail leaves next, and what is written of each attempt."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, fields
from datetime import datetime, timedelta
from typing import Any

from peewee import fn

from selfservice import clock, db
from selfservice.db import Prepared, database
from selfservice.mail import backoff, transport
from selfservice.mail.backoff import MailPause
from selfservice.mail.mime import Letter
from selfservice.mail.outbox import PRIORITIES, OutboxAttempt, OutboxMail

DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440))

log = logging.getLogger(__name__)


@dataclass
class DeliveryReport:
    """What one delivery run did; `faults` holds one line for each mail that did not leave."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    dropped: int = 0
    faults: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class _Leaving:
    """A claimed mail; `may_pause` where any domain was paused when it was claimed."""

    letter: Letter
    id: int
    domain: str
    attempts: int
    is_secret: bool
    may_pause: bool


def deliver_due(
    *,
    is_stopping: Callable[[], bool] = lambda: False,
    on_progress: Callable[[], None] = lambda: None,
) -> DeliveryReport:
    """Send every mail that is due, by priority, then oldest first, over one connection.

    One process at a time: whatever is « sending » when it begins was left by a killed one, and
    goes again with the same Message-ID. Ends early, between two mails, once `is_stopping`; calls
    `on_progress` after each mail, outside any transaction.
    """
    report = DeliveryReport()
    with db.exclusive("delivery"):
        _requeue_interrupted()
        _drop_late(report)
        with transport.carrier() as carrier:
            with database.atomic():
                mail = None if is_stopping() else _claim_next()
            while mail:
                answer = _send(mail, carrier)
                is_last = isinstance(answer, transport.UnreachableError) or is_stopping()
                # What became of a mail is on record before the next one leaves: a process that is
                # killed doubles one at most.
                with database.atomic():
                    _record(mail, answer, report)
                    mail = None if is_last else _claim_next()
                on_progress()
    return report


def _requeue_interrupted() -> None:
    OutboxMail.update(state="queued").where(OutboxMail.state == "sending").execute()


def _drop_late(report: DeliveryReport) -> None:
    now = clock.now()
    OutboxMail.update(body_text="", body_html="").where(
        OutboxMail.is_secret, OutboxMail.state == "failed", OutboxMail.deadline_at <= now
    ).execute()
    late: Sequence[OutboxMail] = list(
        OutboxMail.select().where(OutboxMail.state == "queued", OutboxMail.deadline_at <= now)
    )
    for mail in late:
        with database.atomic():
            _record_attempt(mail, "dropped", mail.reason or "late", mail.answer)
        report.dropped += 1
        report.faults.append(f"{mail.id} {mail.to_address}: {mail.answer or 'deadline passed'}")


def _claim_next() -> _Leaving | None:
    while found := _CLAIM.rows(clock.now()):
        mail = _Leaving(Letter(*found[0][5:]), *found[0][:5])
        until = backoff.until(mail.domain) if mail.may_pause else None
        if until is None:
            return mail
        _hold_back(mail.domain, until)
    return None


def _claim(now: Any) -> Any:
    # A query a priority: the index then leads straight to the oldest, past however many wait.
    due = (
        OutboxMail.select(OutboxMail.id)
        .where(
            OutboxMail.state == "queued",
            OutboxMail.priority == priority,
            OutboxMail.due_at <= now,
            OutboxMail.deadline_at > now,
        )
        .order_by(OutboxMail.due_at, OutboxMail.id)
        .limit(1)
        for priority in PRIORITIES
    )
    claimed = OutboxMail.update(state="sending", claimed_at=now).where(
        OutboxMail.id == fn.COALESCE(*due), OutboxMail.state == "queued"
    )
    facts = [OutboxMail.id, OutboxMail.domain, OutboxMail.attempts, OutboxMail.is_secret]
    letter = [getattr(OutboxMail, each.name) for each in fields(Letter)]
    return claimed.returning(*facts, fn.EXISTS(MailPause.select(MailPause.domain)), *letter)


def _hold_back(domain: str, until: datetime) -> None:
    OutboxMail.update(state="queued", due_at=until).where(
        OutboxMail.domain == domain,
        OutboxMail.state.in_(("queued", "sending")),
        OutboxMail.due_at < until,
    ).execute()


def _send(mail: _Leaving, carrier: transport.Carrier) -> str | transport.TransportError:
    """Send one claimed mail and return what the server answered, or why it did not leave."""
    try:
        return carrier.send(mail.letter)
    except transport.TransportError as error:
        return error
    except Exception as error:
        # One mail that nobody foresaw must not hold up all the others.
        log.exception("mail %s", mail.id)
        return transport.DeferredError(f"{type(error).__name__}: {error}", "surprise")


def _record(mail: _Leaving, answer: str | transport.TransportError, report: DeliveryReport) -> None:
    if isinstance(answer, str):
        if mail.may_pause:
            backoff.end(mail.domain, backoff.SERVER)
        _record_attempt(mail, "sent", "", answer)
        report.sent += 1
        return
    report.faults.append(f"{mail.id} {mail.letter.to_address}: {answer.answer}")
    if isinstance(answer, transport.RefusedError):
        _record_attempt(mail, "failed", answer.reason, answer.answer)
        report.failed += 1
    else:
        _defer(mail, answer)
        report.deferred += 1


def _defer(mail: _Leaving, error: transport.TransportError) -> None:
    """Put a mail back for later, and leave alone the domain or the server that is in trouble."""
    due_at: datetime | None = clock.now() + DELAYS[min(mail.attempts, len(DELAYS) - 1)]
    if isinstance(error, transport.UnreachableError):
        backoff.begin(backoff.SERVER)
        if not error.is_mail_suspect:
            due_at = None  # not its fault: it keeps its place
    elif error.reason == "later":
        backoff.begin(mail.domain)
    _record_attempt(mail, "queued", error.reason, error.answer, due_at=due_at)


def _record_attempt(
    mail: OutboxMail | _Leaving,
    state: str,
    reason: str,
    answer: str,
    *,
    due_at: datetime | None = None,
) -> None:
    """Keep an attempt, and what the mail is after it, without its text where that is a secret."""
    now = clock.now()
    _ATTEMPT.run(mail.id, now, "deferred" if state == "queued" else state, reason, answer)
    sent_at = now if state == "sent" else None
    is_over = bool(mail.is_secret) and state in ("sent", "dropped")
    _OUTCOME.run(mail.id, state, reason, answer, due_at, sent_at, is_over=is_over)


def _attempt(mail_id: Any, at: Any, outcome: Any, reason: Any, answer: Any) -> Any:
    return OutboxAttempt.insert(mail=mail_id, at=at, outcome=outcome, reason=reason, answer=answer)


def _outcome(
    mail_id: Any, state: Any, reason: Any, answer: Any, due_at: Any, sent_at: Any, *, is_over: bool
) -> Any:
    instants = {"due_at": due_at, "sent_at": sent_at}
    changes = {name: at for name, at in instants.items() if at is not None}
    changes |= {"body_text": "", "body_html": ""} if is_over else {}
    return OutboxMail.update(
        state=state, attempts=OutboxMail.attempts + 1, reason=reason, answer=answer, **changes
    ).where(OutboxMail.id == mail_id)


_CLAIM, _ATTEMPT, _OUTCOME = (Prepared(build=each) for each in (_claim, _attempt, _outcome))
