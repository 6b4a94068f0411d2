"""Mail domains, and the SMTP server itself, left alone for a while; shared by all workers."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from peewee import CharField, DateTimeField, IntegerField

from selfservice import clock
from selfservice.db import BaseModel, Prepared

SERVER = ""  # the name under which the SMTP server itself pauses
MINUTES = (1, 5, 15, 60, 180)
SERVER_MINUTES = (1, 2, 5)
LONGEST = timedelta(minutes=MINUTES[-1])


class MailPause(BaseModel):
    """Nothing goes to `domain` before `until_at`, after so many failures in a row."""

    domain = CharField(max_length=320, primary_key=True)
    failures = IntegerField()
    until_at = DateTimeField()


def begin(domain: str) -> None:
    """Pause a domain, longer at each failure in a row."""
    now = clock.now()
    rows = (
        MailPause.insert(domain=domain, failures=1, until_at=now)
        .on_conflict(
            conflict_target=[MailPause.domain],
            update={MailPause.failures: MailPause.failures + 1},
        )
        .returning(MailPause.failures)
        .execute()
    )
    failures = next(iter(rows)).failures
    delay = _delay(SERVER_MINUTES if domain == SERVER else MINUTES, failures)
    MailPause.update(until_at=now + delay).where(MailPause.domain == domain).execute()


def end(*domains: str) -> None:
    """Forget the pause and the failures of domains that answer again."""
    _END.run(domains)


def until(domain: str) -> datetime | None:
    """Return when (UTC) the pause of a domain ends; None where it is not paused now."""
    now = clock.now()
    found = _RUNNING.first(now, now + LONGEST, domain)
    return found[0].until_at if found else None


def current() -> dict[str, datetime]:
    """Return the domains that are paused now, and until when (UTC)."""
    now = clock.now()
    return {pause.domain: pause.until_at for pause in _running(now, now + LONGEST, None)}


def _running(now: Any, latest: Any, domain: Any) -> Any:
    """Build the query of the pauses that end by `latest`.

    One longer than any could be dates from a clock since set back.
    """
    running = MailPause.select().where(MailPause.until_at > now, MailPause.until_at <= latest)
    return running if domain is None else running.where(MailPause.domain == domain)


def _ended(domains: Any) -> Any:
    return MailPause.delete().where(MailPause.domain.in_(domains))


_RUNNING, _END = Prepared(MailPause, build=_running), Prepared(build=_ended)


def _delay(minutes: Sequence[int], failures: int) -> timedelta:
    return timedelta(minutes=minutes[min(failures, len(minutes)) - 1])
