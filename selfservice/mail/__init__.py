"""Mails. Features come in by this door: `mail.enqueue(...)`."""

from selfservice.mail.delivery import deliver_due
from selfservice.mail.folder import mail_folder
from selfservice.mail.outbox import (
    ACCOUNT,
    AWAITED,
    BULK,
    ENDED,
    OutboxMail,
    UnknownMailError,
    attempts_of,
    enqueue,
    is_queued,
    is_server_paused,
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
    "OutboxMail",
    "UnknownMailError",
    "VerifiedConnection",
    "attempts_of",
    "deliver_due",
    "enqueue",
    "is_queued",
    "is_server_paused",
    "mail_folder",
    "mails",
    "next_attempts",
    "render",
    "retry",
    "withdraw",
]
