"""Mails. Features come in by this door: `mail.enqueue(...)`."""

from selfservice.mail.bounce_box import MAX_BYTES, BoxError
from selfservice.mail.bounces import (
    Bounce,
    BounceReport,
    TooEarlyError,
    check_box,
    read_box,
    receive,
)
from selfservice.mail.delivery import DeliveryReport, deliver_due
from selfservice.mail.errors import DeferredError, RefusedError, UnreachableError
from selfservice.mail.folder import REFUSING_DOMAIN, mail_folder
from selfservice.mail.message import sample_sender
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
    fault_of_address,
    faulty_addresses,
    is_queued,
    is_server_paused,
    last_refusal_of_the_portal,
    mails,
    next_attempts,
    render,
    repeat,
    retry,
    sending_of,
    withdraw,
    withdraw_from,
)
from selfservice.mail.outcomes import mail_accepted, mail_returned
from selfservice.mail.signed_sender import signed
from selfservice.mail.smtp import VerifiedConnection

__all__ = [
    "ACCOUNT",
    "AWAITED",
    "BULK",
    "ENDED",
    "MAX_BYTES",
    "NO_TEXT",
    "REFUSING_DOMAIN",
    "Bounce",
    "BounceReport",
    "BoxError",
    "DeferredError",
    "DeliveryReport",
    "OutboxMail",
    "RefusedError",
    "TooEarlyError",
    "UnknownMailError",
    "UnreachableError",
    "VerifiedConnection",
    "attempts_of",
    "check_box",
    "count_queued",
    "deliver_due",
    "enqueue",
    "fault_of_address",
    "faulty_addresses",
    "is_queued",
    "is_server_paused",
    "last_refusal_of_the_portal",
    "mail_accepted",
    "mail_folder",
    "mail_returned",
    "mails",
    "next_attempts",
    "read_box",
    "receive",
    "render",
    "repeat",
    "retry",
    "sample_sender",
    "sending_of",
    "signed",
    "withdraw",
    "withdraw_from",
]
