"""Delivery: which mail leaves next, and what is written of each attempt."""

import logging
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from flask_mail import Message

from selfservice import clock, db
from selfservice.db import database
from selfservice.mail import backoff, folder, message, outcomes
from selfservice.mail.errors import DeferredError, RefusedError, SendingError, UnreachableError
from selfservice.mail.outbox import NO_SPARE_TEXT, NO_TEXT, TYPED, OutboxAttempt, OutboxMail
from selfservice.mail.smtp import VerifiedConnection

DELAYS = tuple(timedelta(minutes=minutes) for minutes in (1, 5, 15, 60, 180, 360, 720, 1440))
# Of a mail that may be why the server refused the portal: not long after somebody mends that.
SUSPECT_DELAYS = DELAYS[:4]

log = logging.getLogger(__name__)
Deliver = Callable[[Message, str, bool], str]  # from that sender of the envelope, patiently or not


@dataclass
class DeliveryReport:
    """What one delivery run did; `faults` holds one line for each mail that did not leave."""

    sent: int = 0
    deferred: int = 0
    failed: int = 0
    dropped: int = 0
    faults: list[str] = field(default_factory=list)


def deliver_due(
    *,
    only_awaited: bool = False,
    is_stopping: Callable[[], bool] = lambda: False,
    on_progress: Callable[[], None] = lambda: None,
) -> DeliveryReport:
    """Send every mail that is due, by priority, then oldest first, over one connection.

    One process at a time: whatever is « sending » when it begins was left by a killed one, and
    goes again with the same Message-ID. Ends early, between two mails, once `is_stopping`; calls
    `on_progress` after each mail, outside any transaction. `only_awaited` takes the mails that
    somebody waits for before a screen, and leaves the others. Where the server falls silent over a
    typed address, its like wait for the next run, and all others pass.
    """
    report = DeliveryReport()
    with db.exclusive("delivery"):
        OutboxMail.update(state="queued").where(OutboxMail.state == "sending").execute()
        _drop_late(report)
        with _transport() as deliver:
            conditions = [OutboxMail.priority <= TYPED] if only_awaited else []
            mail = None if is_stopping() else _claim_next(conditions)
            while mail:
                answer = _send(mail, deliver)
                is_alone = _is_alone(mail, answer)
                if is_alone:
                    conditions.append(OutboxMail.priority != TYPED)
                is_last = (isinstance(answer, UnreachableError) and not is_alone) or is_stopping()
                # What became of a mail is on record before the next one leaves: a process that is
                # killed doubles one at most.
                with database.atomic():
                    _record(mail, answer, report)
                    mail = None if is_last else _claim_next(conditions)
                on_progress()
    return report


@contextmanager
def _transport() -> Iterator[Deliver]:
    """Give what sends one mail and returns the answer, for a batch."""
    if current_app.config["MAIL_TRANSPORT"] == "file":
        yield folder.write
    else:
        with closing(VerifiedConnection(current_app.extensions["mail"])) as connection:
            yield connection.deliver


def _drop_late(report: DeliveryReport) -> None:
    is_late = OutboxMail.deadline_at <= clock.now()
    is_useless = is_late & OutboxMail.is_secret & (OutboxMail.state == "failed")
    OutboxMail.update(NO_TEXT).where(is_useless).execute()
    for mail in list(OutboxMail.select().where(is_late, OutboxMail.state == "queued")):
        with database.atomic():
            _record_attempt(mail, "dropped", mail.reason or "late", mail.answer)
        report.dropped += 1
        report.faults.append(f"{mail.id} {mail.to_address}: {mail.answer or 'deadline passed'}")


def _claim_next(conditions: list[Any]) -> OutboxMail | None:
    """Claim the first mail that is due, past those whose domain is paused."""
    while mail := _first_due(conditions):
        until = backoff.until(mail.domain)
        if until and mail.waits_until(until):
            _hold_back(mail, until)
            continue
        claim = OutboxMail.update(state="sending").where(
            OutboxMail.id == mail.id, OutboxMail.state == "queued"
        )
        if claim.execute() == 1:
            return mail
    return None


def _first_due(conditions: list[Any]) -> OutboxMail | None:
    now = clock.now()
    query = OutboxMail.select().where(
        OutboxMail.state == "queued",
        OutboxMail.due_at <= now,
        OutboxMail.deadline_at > now,
        *conditions,
    )
    mail: OutboxMail | None = query.order_by(
        OutboxMail.priority, OutboxMail.due_at, OutboxMail.id
    ).first()
    if mail is not None and mail.priority == TYPED:
        # The newest: nobody waits for the sixty silent ones that somebody else typed before.
        mail = query.where(OutboxMail.priority == TYPED).order_by(OutboxMail.id.desc()).first()
    return mail


def _hold_back(mail: OutboxMail, until: datetime) -> None:
    """Let a mail, and its like to the same domain, wait for the end of a pause."""
    is_like_it = (
        (OutboxMail.domain == mail.domain)
        & (OutboxMail.priority == mail.priority)
        & (OutboxMail.state == "queued")
        & (OutboxMail.due_at < until)
        & (OutboxMail.deadline_at > until)
    )
    OutboxMail.update(due_at=until).where(is_like_it | (OutboxMail.id == mail.id)).execute()


def _send(mail: OutboxMail, deliver: Deliver) -> str | SendingError:
    """Send one claimed mail and return what the server answered, or why it did not leave."""
    # Whoever types addresses may choose one over whose mails the server falls silent.
    is_patient = mail.priority != TYPED
    try:
        return deliver(message.build(mail), message.envelope_sender(mail), is_patient)
    except SendingError as error:
        return error
    except db.FAULTS:
        raise
    except Exception as error:
        # One mail that nobody foresaw must not hold up all the others.
        log.exception("mail %s", mail.id)
        return DeferredError(f"{type(error).__name__}: {error}", "surprise")


def _is_alone(mail: OutboxMail, answer: str | SendingError) -> bool:
    """Tell whether the portal seems refused, or the server silent, over one typed address.

    Whoever types addresses chooses the name servers and mailboxes that the server may ask.
    """
    is_suspect = isinstance(answer, SendingError) and answer.is_mail_suspect
    return is_suspect and mail.priority == TYPED


def _record(mail: OutboxMail, answer: str | SendingError, report: DeliveryReport) -> None:
    if isinstance(answer, str):
        backoff.end(mail.domain, backoff.SERVER)
        is_lightened = mail.attachment_name and not mail.attachment_path
        _record_attempt(mail, "sent", "without_attachment" if is_lightened else "", answer)
        report.sent += 1
        return
    # One that was accepted once, and came back, has no other text any more.
    if answer.reason == "too_large" and mail.attachment_path and mail.spare_text:
        _lighten(mail, answer)
        return
    report.faults.append(f"{mail.id} {mail.to_address}: {answer.answer}")
    if isinstance(answer, RefusedError):
        _record_attempt(mail, "failed", answer.reason, answer.answer)
        report.failed += 1
    else:
        _defer(mail, answer)
        report.deferred += 1


def _lighten(mail: OutboxMail, error: SendingError) -> None:
    """Let a mail that is too large go at once without its attachment, whose text says so."""
    _record_attempt(
        mail,
        "queued",
        error.reason,
        error.answer,
        body_text=mail.spare_text,
        body_html=mail.spare_html,
        attachment_path=None,
    )


def _defer(mail: OutboxMail, error: SendingError) -> None:
    """Put a mail back for later, and leave alone the domain or the server that is in trouble."""
    delays = DELAYS
    if isinstance(error, UnreachableError):
        if not _is_alone(mail, error):
            backoff.begin(backoff.SERVER)
        delays = SUSPECT_DELAYS if error.is_mail_suspect else (timedelta(0),)
    is_later = error.reason == "later" and mail.priority != TYPED  # who types may choose any domain
    if is_later:
        backoff.begin(mail.domain)
    if is_later or error.is_mail_suspect:
        _let_others_pass(mail)
    # What is not its fault costs it no place.
    delay = delays[min(mail.attempts, len(delays) - 1)]
    due_at = clock.now() + delay if delay else mail.due_at
    _record_attempt(mail, "queued", error.reason, error.answer, due_at=due_at)


def _let_others_pass(mail: OutboxMail) -> None:
    """Put what goes to a mailbox behind the mails of all others, at the end of its domain's pause.

    A hundred hold up no more than one.
    """
    later = (backoff.until(mail.domain) or clock.now()) + SUSPECT_DELAYS[0]
    OutboxMail.update(due_at=later).where(
        OutboxMail.address_key == mail.address_key,
        OutboxMail.state == "queued",
        OutboxMail.due_at < later,
    ).execute()


def _record_attempt(
    mail: OutboxMail, state: str, reason: str, answer: str, **changes: object
) -> None:
    """Keep an attempt, and what the mail is after it, without its text where that is a secret."""
    now = clock.now()
    outcome = "deferred" if state == "queued" else state
    OutboxAttempt.create(mail=mail, at=now, outcome=outcome, reason=reason, answer=answer)
    if state == "sent":
        mail.sent_at = now
        changes |= {"sent_at": now, **NO_SPARE_TEXT}
    if mail.is_secret and state in ("sent", "dropped"):
        changes |= NO_TEXT
    OutboxMail.update(
        state=state, attempts=OutboxMail.attempts + 1, reason=reason, answer=answer, **changes
    ).where(OutboxMail.id == mail.id).execute()
    if state == "sent":
        outcomes.tell(outcomes.mail_accepted, mail)
