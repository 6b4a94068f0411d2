"""Mails. Features come in by this door: `mail.enqueue(...)`."""

from selfservice.mail.delivery import DeliveryReport, deliver_due
from selfservice.mail.errors import DeferredError, RefusedError, UnreachableError
from selfservice.mail.folder import REFUSING_DOMAIN, mail_folder
from selfservice.mail.outbox import (
    ACCOUNT,
    AWAITED,
    BULK,
    ENDED,
    NO_TEXT,
    OutboxMail,
    UnknownMailError,
    attempts_of,
    count_queued,
    enqueue,
    is_queued,
    is_server_paused,
    last_refusal_of_the_portal,
    mails,
    next_attempts,
    render,
    retry,
    withdraw,
)
from selfservice.mail.smtp import VerifiedConnection

__all__ = [
    "ACCOUNT",
    "AWAITED",
    "BULK",
    "ENDED",
    "NO_TEXT",
    "REFUSING_DOMAIN",
    "DeferredError",
    "DeliveryReport",
    "OutboxMail",
    "RefusedError",
    "UnknownMailError",
    "UnreachableError",
    "VerifiedConnection",
    "attempts_of",
    "count_queued",
    "deliver_due",
    "enqueue",
    "is_queued",
    "is_server_paused",
    "last_refusal_of_the_portal",
    "mail_folder",
    "mails",
    "next_attempts",
    "render",
    "retry",
    "withdraw",
]
