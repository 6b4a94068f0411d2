"""The daily purge. It stops when the clock has leapt, because what it removes never comes back."""

import logging
from datetime import datetime, timedelta

from peewee import fn

from selfservice import clock
from selfservice.audit import AuditEntry
from selfservice.invoices.models import Invoice
from selfservice.operations import heartbeats
from selfservice.retention import purge

LONGEST_LEAP = timedelta(days=31)

log = logging.getLogger(__name__)


def purge_as_asked() -> dict[str, int]:
    """Purge and return how many of each kind went. Whoever asks for it vouches for the clock."""
    heartbeats.note(heartbeats.PURGE)
    return purge.purge()


def purge_of_the_day() -> None:
    """Purge, unless the clock leapt since the last purge.

    Only a purge moves that mark: a sign-in or a deposit is dated by the clock that may be wrong.
    """
    believed_at = leapt_since()
    if believed_at is None:
        purge_as_asked()
        return
    heartbeats.note(heartbeats.PURGE, believed_at)  # so that a later sign of life moves nothing
    log.warning(
        "Nothing is purged: the clock says %s, more than %d days after %s. Set it right, or run"
        " `selfservice retention purge`.",
        f"{clock.now():%Y-%m-%d}",
        LONGEST_LEAP.days,
        f"{believed_at:%Y-%m-%d}",
    )


def leapt_since() -> datetime | None:
    """Return when the clock was last believed, None if it still is."""
    believed_at = heartbeats.last(heartbeats.PURGE) or _last_sign_of_life()
    if believed_at is None or clock.now() - believed_at <= LONGEST_LEAP:
        return None
    return believed_at


def _last_sign_of_life() -> datetime | None:
    """Return what counts as the last purge in an instance that never had one."""
    signs = (
        heartbeats.last(heartbeats.WORKER),
        Invoice.select(fn.MAX(Invoice.deposited_at)).scalar(),
        AuditEntry.select(fn.MAX(AuditEntry.at)).scalar(),
    )
    return max((each for each in signs if each), default=None)
