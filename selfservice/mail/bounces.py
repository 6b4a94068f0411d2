"""Mails that came back after a server had accepted them."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import dataclass, field

from flask import current_app

from selfservice import clock
from selfservice.db import database
from selfservice.mail import dsn, outcomes
from selfservice.mail.bounce_box import MAX_BYTES, BoxError, Waiting, opened
from selfservice.mail.outbox import NOTICES, OutboxAttempt, OutboxMail, attempts_of
from selfservice.mail.signed_sender import Claim, claims

RETURNED, DELAYED, KNOWN, FOREIGN, HARMLESS = (
    "returned",
    "delayed",
    "known",
    "foreign",
    "harmless",
)


class TooEarlyError(Exception):
    """The mail has left, and what became of it is not on record yet: read this again later."""


@dataclass(frozen=True)
class Bounce:
    """What a returned mail changed.

    `outcome` is returned or delayed, and otherwise nothing has changed: known (told already, or
    the mail has left again since), foreign (no address that the portal signed), harmless (signed,
    but no report: an absence, a receipt).
    """

    outcome: str
    mail: OutboxMail | None = None


@dataclass
class BounceReport:
    """What one reading of the box did; `faults` holds a line for each mail left in it."""

    returned: int = 0
    delayed: int = 0
    ignored: int = 0
    faults: list[str] = field(default_factory=list)


def receive(content: bytes) -> Bounce:
    """Read one returned mail and note what became of the mail inside, at most once.

    Opens its own transaction. Raises TooEarlyError.
    """
    content = content[:MAX_BYTES]
    found = _claimed(content.decode("latin-1"))
    if found is None:
        return Bounce(FOREIGN)
    mail, claim = found
    notice = dsn.read(content)
    if notice is None:
        return Bounce(HARMLESS, mail)
    with database.atomic():
        return Bounce(_note(mail, claim.sending, notice), mail)


def read_box(*, is_stopping: Callable[[], bool] = lambda: False) -> BounceReport:
    """Receive what waits in MAIL_BOUNCES; what is on record leaves the box, and no other mail.

    A process that is killed reads one again, to no effect. Raises BoxError where the box cannot
    be read.
    """
    report = BounceReport()
    with _opened() as box:
        for waiting in box:
            if is_stopping():
                break
            try:
                bounce = receive(waiting.read())
                waiting.settle(is_ours=bounce.outcome in (RETURNED, DELAYED, KNOWN))
            except TooEarlyError:
                continue  # it stays for the next reading
            except BoxError as error:
                report.faults.append(str(error))
                continue
            report.returned += bounce.outcome == RETURNED
            report.delayed += bounce.outcome == DELAYED
            report.ignored += bounce.outcome not in (RETURNED, DELAYED)
    return report


def check_box() -> None:
    """Open MAIL_BOUNCES and read nothing; raises BoxError."""
    with _opened():
        pass


def _opened() -> AbstractContextManager[Iterator[Waiting]]:
    settings = current_app.config
    return opened(settings["MAIL_BOUNCES"], timeout_seconds=settings["MAIL_TIMEOUT_SECONDS"])


def _claimed(text: str) -> tuple[OutboxMail, Claim] | None:
    """Return the mail that a signed address in a text names, and is truly of."""
    for claim in claims(text):
        mail = OutboxMail.get_or_none(OutboxMail.id == claim.mail_id)
        if mail is not None and claim.is_of(mail.address_key):
            return mail, claim
    return None


def _note(mail: OutboxMail, sending: int, notice: dsn.Notice) -> str:
    """Note a notice of the last sending, once; whatever else it is of is known already."""
    mail = OutboxMail.get_by_id(mail.id)  # as it is inside this transaction
    history = list(attempts_of(mail))
    sendings = [each for each in history if each.outcome not in NOTICES]
    if sending >= len(sendings) and mail.state in ("queued", "sending"):
        raise TooEarlyError(mail.id)
    is_of_last = sending == len(sendings) - 1 and mail.state == "sent"
    if not is_of_last or (not notice.is_final and history[-1].outcome in NOTICES):
        return KNOWN
    outcome = RETURNED if notice.is_final else DELAYED
    told = {"reason": notice.reason, "answer": str(notice.reply)}
    OutboxAttempt.create(mail=mail, at=clock.now(), outcome=outcome, **told)
    if notice.is_final:
        OutboxMail.update(state="returned", **told).where(OutboxMail.id == mail.id).execute()
        outcomes.tell(outcomes.mail_returned, mail)
    elif not mail.reason:
        OutboxMail.update(told).where(OutboxMail.id == mail.id).execute()
    return outcome
