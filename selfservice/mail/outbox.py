"""The table of mails: written with their cause, sent by the worker, every attempt kept."""

import secrets
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from flask import current_app
from peewee import (
    AutoField,
    BooleanField,
    Case,
    CharField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    ModelSelect,
    TextField,
    fn,
)

from selfservice import clock
from selfservice.db import BaseModel, Prepared
from selfservice.mail import backoff
from selfservice.mail.replies import ADDRESS, PORTAL
from selfservice.queue import queue
from selfservice.texts import unbroken, unbroken_page

LIFETIME = timedelta(days=14)
SUBJECT_LENGTH = (
    400  # the names of a supplier and a company may have 200 each, and more goes with them
)
ENDED = ("sent", "returned", "failed", "dropped")
# Attempts that are none: what a server told of a mail that another had accepted.
NOTICES = ("returned", "delayed")
# Which mails leave first: what somebody waits for before a screen, at an address that a register
# gave, then at one that a customer typed; the opening of an account; the thousands of a deposit.
AWAITED, TYPED, ACCOUNT, BULK = PRIORITIES = (0, 1, 2, 3)
NO_SPARE_TEXT = {"spare_text": "", "spare_html": ""}
NO_TEXT = {"body_text": "", "body_html": "", **NO_SPARE_TEXT}
_REPEATED = (
    *("kind", "company_id", "to_address", "address_key", "domain", "sender_name", "reply_to"),
    *("subject", "body_text", "body_html", "attachment_path", "attachment_name"),
    *("spare_text", "spare_html"),
)
WITHDRAWN = "sans objet : le document n'est plus disponible"
OF_FORMER_ADDRESS = "sans objet : cette adresse n'est plus celle de la société"


class OutboxMail(BaseModel):
    """One mail to one recipient.

    `cause` is unique where given: the same cause never queues twice. `repeats` is the id of the
    first mail of a cause, where this one was sent once more. `state` is queued, sending, sent,
    returned (it came back after that), failed (given up) or dropped (its deadline passed before it
    could leave). `answer` holds the server's last words, `reason` what they mean
    (`replies.REASONS`, empty while none was bad). A secret mail loses its bodies as soon as it has
    left or can leave no more. The spare bodies are those of a mail that must leave without its
    attachment. `attachment_path` is relative to DOCUMENTS_DIR, which may move while the mail waits.
    """

    id = AutoField()
    kind = CharField(max_length=32)
    cause = CharField(max_length=400, null=True, unique=True)
    repeats = IntegerField(null=True, index=True)
    company_id = IntegerField(null=True, index=True)
    to_address = CharField(max_length=320)
    address_key = CharField(max_length=320, index=True)
    domain = CharField(max_length=320, default="", index=True)
    sender_name = CharField(max_length=200, default="")
    reply_to = CharField(max_length=320, default="")
    message_id = CharField(max_length=200, unique=True)
    subject = CharField(max_length=SUBJECT_LENGTH)
    body_text = TextField()
    body_html = TextField()
    attachment_path = CharField(max_length=500, null=True)
    attachment_name = CharField(max_length=200, null=True)
    spare_text = TextField(default="")
    spare_html = TextField(default="")
    is_secret = BooleanField(default=False)
    state = CharField(max_length=8, default="queued")
    priority = IntegerField(default=BULK)
    created_at = DateTimeField(index=True, default=clock.now)
    due_at = DateTimeField(default=clock.now)
    deadline_at = DateTimeField()
    sent_at = DateTimeField(null=True)
    attempts = IntegerField(default=0)
    reason = CharField(max_length=24, default="")
    answer = TextField(default="")

    class Meta:
        indexes = ((("state", "priority", "due_at"), False),)

    def waits_until(self, end: datetime) -> bool:
        """Tell whether a pause of its domain, which other mails began, is this one's too.

        Not where somebody waits for it before a screen, nor where it would be too late after.
        """
        return self.priority > TYPED and end < self.deadline_at


class OutboxAttempt(BaseModel):
    id = AutoField()
    mail = ForeignKeyField(OutboxMail, backref="history", on_delete="CASCADE")
    at = DateTimeField()
    outcome = CharField(max_length=16)
    reason = CharField(max_length=24, default="")
    answer = TextField(default="")


class UnknownMailError(Exception):
    """No such mail that could leave again."""


def enqueue(
    kind: str,
    context: Mapping[str, object],
    *,
    to_address: str,
    address_key: str,
    sender_name: str = "",
    reply_to: str = "",
    company_id: int | None = None,
    cause: str | None = None,
    lifetime: timedelta = LIFETIME,
    is_secret: bool = False,
    priority: int = BULK,
    attachment: tuple[str, str] | None = None,
) -> OutboxMail:
    """Write a mail from templates/mails/<kind>/, in the transaction of its cause.

    The worker is woken once that is committed. `attachment` is (path in DOCUMENTS_DIR, name); the
    templates get `is_attached`, and `is_too_large` in the text for a server that will not have it.
    After `lifetime` an unsent mail is dropped. Raises peewee's IntegrityError where the same
    `cause` has queued before.
    """
    path, name = attachment or (None, None)
    spare: dict[str, str] = {}
    if attachment:
        light = render(kind, {**context, "is_attached": False, "is_too_large": True})
        spare = {"spare_text": light["body_text"], "spare_html": light["body_html"]}
    mail: OutboxMail = OutboxMail.create(
        kind=kind,
        cause=cause,
        company_id=company_id,
        to_address=to_address,
        address_key=address_key,
        domain=address_key.rpartition("@")[2],
        sender_name=sender_name[:200],
        reply_to=reply_to,
        message_id=_message_id(),
        attachment_path=path,
        attachment_name=name,
        is_secret=is_secret,
        priority=priority,
        deadline_at=clock.now() + lifetime,
        **render(kind, {**context, "is_attached": bool(attachment)}),
        **spare,
    )
    queue.wake()
    return mail


def render(kind: str, context: Mapping[str, object]) -> dict[str, str]:
    """Return the subject and both bodies of a mail."""
    subject, body_text, body_html = (
        current_app.jinja_env.get_template(f"mails/{kind}/{part}").render(context)
        for part in ("subject.txt", "body.txt", "body.html")
    )
    return {
        "subject": unbroken(" ".join(subject.split()))[:SUBJECT_LENGTH],
        "body_text": unbroken(body_text),
        "body_html": unbroken_page(body_html.encode()).decode(),
    }


def is_queued(cause: str) -> bool:
    """Tell whether a mail of this cause was ever written."""
    return bool(OutboxMail.select().where(OutboxMail.cause == cause).exists())


def is_server_paused() -> bool:
    """Tell whether the SMTP server was out of reach a moment ago, and is left alone."""
    return backoff.until(backoff.SERVER) is not None


def last_refusal_of_the_portal() -> OutboxAttempt | None:
    """Return the last attempt if the server then refused the portal or fell silent.

    None once it has taken a mail since.
    """
    if not backoff.has_failed(backoff.SERVER):
        return None
    attempts = OutboxAttempt.select().where(OutboxAttempt.reason.in_(PORTAL))
    attempt: OutboxAttempt | None = attempts.order_by(OutboxAttempt.id.desc()).first()
    return attempt


def count_queued() -> int:
    """Return how many mails are still to leave."""
    return int(OutboxMail.select().where(OutboxMail.state == "queued").count())


def next_attempts() -> Callable[[OutboxMail], datetime]:
    """Return a function that says when (UTC) a queued mail is tried next, at the earliest."""
    paused = {pause.domain: pause.until_at for pause in backoff.running()}

    def next_attempt_at(mail: OutboxMail) -> datetime:
        ends = (paused.get(name) for name in (backoff.SERVER, mail.domain))
        return max([mail.due_at, *(end for end in ends if end and mail.waits_until(end))])

    return next_attempt_at


def mails(
    *, address_key: str | None = None, is_returned: bool = False
) -> "ModelSelect[OutboxMail]":
    """Return the outbox, oldest first, of one address or of all.

    `is_returned` keeps those that came back, were refused or were given up.
    """
    query = OutboxMail.select().order_by(OutboxMail.id)
    if is_returned:
        query = query.where(OutboxMail.state.in_(("returned", "failed", "dropped")))
    return query if address_key is None else query.where(OutboxMail.address_key == address_key)


def attempts_of(mail: OutboxMail) -> "ModelSelect[OutboxAttempt]":
    """Return every attempt to send a mail, oldest first."""
    return OutboxAttempt.select().where(OutboxAttempt.mail == mail).order_by(OutboxAttempt.id)


def sending_of(mail: OutboxMail) -> int:
    """Return how often a mail was sent, or tried to be, so far."""
    return int(attempts_of(mail).where(OutboxAttempt.outcome.not_in(NOTICES)).count())


def fault_of_address(address_key: str | None) -> OutboxMail | None:
    """Return the last mail to an address if it did not arrive and others will not either.

    Every page of who is signed in asks this.
    """
    found = _LAST_ENDED.rows(address_key) if address_key else []
    is_fault = any(state != "sent" and reason in ADDRESS for _, state, reason in found)
    return OutboxMail.get_by_id(found[0][0]) if is_fault else None


def _last_ended(address_key: Any) -> Any:
    is_ended = OutboxMail.state.in_(("sent", "returned", "failed"))
    return (
        OutboxMail.select(OutboxMail.id, OutboxMail.state, OutboxMail.reason)
        .where(OutboxMail.address_key == address_key, is_ended)
        .order_by(OutboxMail.id.desc())
        .limit(1)
    )


_LAST_ENDED = Prepared(build=_last_ended)


def faulty_addresses() -> "ModelSelect[OutboxMail]":
    """Return the addresses of which `fault_of_address` tells one, as a subquery."""
    newest = (
        OutboxMail.select(fn.MAX(OutboxMail.id))
        .where(OutboxMail.state.in_(("sent", "returned", "failed")))
        .group_by(OutboxMail.address_key)
    )
    return OutboxMail.select(OutboxMail.address_key).where(
        OutboxMail.id.in_(newest), OutboxMail.state != "sent", OutboxMail.reason.in_(ADDRESS)
    )


def retry(mail_id: int) -> OutboxMail:
    """Make a mail that did not arrive due at once, with a full new lifetime unless a link ends it.

    Raises UnknownMailError for an unknown, sent or just leaving one, and for one whose link died.
    """
    now = clock.now()
    deadline = Case(None, ((OutboxMail.is_secret, OutboxMail.deadline_at),), now + LIFETIME)
    changed = (
        OutboxMail.update(
            state="queued", due_at=now, deadline_at=deadline, attempts=0, reason="", answer=""
        )
        .where(
            OutboxMail.id == mail_id,
            OutboxMail.state.in_(("queued", "returned", "failed", "dropped")),
            OutboxMail.body_text != "",
        )
        .execute()
    )
    if not changed:
        raise UnknownMailError(mail_id)
    mail: OutboxMail = OutboxMail.get_by_id(mail_id)
    backoff.end(mail.domain, backoff.SERVER)
    queue.wake()
    return mail


def repeat(mail_id: int) -> OutboxMail:
    """Queue once more a mail that has left, with an id of its own, and return the new one.

    Raises UnknownMailError for an unknown or unsent one, a secret one, and one whose text is gone.
    """
    found: OutboxMail | None = OutboxMail.get_or_none(
        OutboxMail.id == mail_id,
        OutboxMail.state.in_(ENDED),
        ~OutboxMail.is_secret,
        OutboxMail.body_text != "",
    )
    if found is None:
        raise UnknownMailError(mail_id)
    kept = {name: getattr(found, name) for name in _REPEATED}
    mail: OutboxMail = OutboxMail.create(
        **kept,
        # What it is about stays to be read at its beginning; the first cause is the first mail's.
        cause=found.cause and f"{found.cause[:380]}:{secrets.token_hex(8)}",
        repeats=found.repeats or found.id,
        message_id=_message_id(),
        priority=ACCOUNT,
        deadline_at=clock.now() + LIFETIME,
    )
    queue.wake()
    return mail


def withdraw(causes: Sequence[str]) -> None:
    """Take back the mails of causes that are no more, and what repeats them: none leaves now.

    Their text goes. Call inside the transaction that removes the causes. A mail that is leaving at
    this moment gets no second try.
    """
    first = OutboxMail.alias()
    firsts = first.select(first.id).where(first.cause.in_(causes))
    found = OutboxMail.select(OutboxMail.id).where(
        OutboxMail.id.in_(firsts) | OutboxMail.repeats.in_(firsts)
    )
    is_of_these = OutboxMail.id.in_([mail.id for mail in found])
    OutboxMail.update(state="dropped", answer=WITHDRAWN).where(
        is_of_these, OutboxMail.state == "queued"
    ).execute()
    OutboxMail.update(NO_TEXT | {"attachment_path": None}).where(is_of_these).execute()
    _give_no_second_try(is_of_these)


def withdraw_from(address_key: str, *, company_id: int, kinds: Sequence[str]) -> None:
    """Take back what still waits to leave for an address that is no longer the company's.

    Call inside the transaction that changes it.
    """
    is_of_these = (
        (OutboxMail.address_key == address_key)
        & (OutboxMail.company_id == company_id)
        & OutboxMail.kind.in_(kinds)
    )
    _give_no_second_try(is_of_these)
    OutboxMail.update(
        {"state": "dropped", "answer": OF_FORMER_ADDRESS, "attachment_path": None, **NO_TEXT}
    ).where(is_of_these, OutboxMail.state == "queued").execute()


def _give_no_second_try(is_of_these: Any) -> None:
    """Whoever is sending one has its text in hand; a next try finds the deadline passed."""
    OutboxMail.update(deadline_at=OutboxMail.created_at).where(
        is_of_these, OutboxMail.state == "sending"
    ).execute()


def _message_id() -> str:
    domain = current_app.config["MAIL_DEFAULT_SENDER"].rpartition("@")[2]
    return f"{clock.now():%Y%m%d%H%M%S}.{secrets.token_hex(12)}@{domain}"
