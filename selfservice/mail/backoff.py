"""Mail domains, and the SMTP server itself, left alone for a while; shared by all workers."""

from datetime import datetime, timedelta

from peewee import CharField, DateTimeField, IntegerField, ModelSelect

from selfservice import clock
from selfservice.db import BaseModel

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
    """Pause a domain, longer at each failure in a row. Call inside a transaction.

    A pause that runs is long enough: the failure is that of a mail which did not wait for its end.
    """
    if until(domain):
        return
    now = clock.now()
    pause, _ = MailPause.get_or_create(domain=domain, defaults={"failures": 0, "until_at": now})
    pause.failures += 1
    minutes = SERVER_MINUTES if domain == SERVER else MINUTES
    delay = minutes[min(pause.failures, len(minutes)) - 1]
    pause.until_at = now + timedelta(minutes=delay)
    pause.save()


def end(*domains: str) -> None:
    """Forget the pause and the failures of domains that answer again."""
    MailPause.delete().where(MailPause.domain.in_(domains)).execute()


def has_failed(domain: str) -> bool:
    """Tell whether a domain failed when it was last tried, paused or not."""
    return bool(MailPause.select().where(MailPause.domain == domain).exists())


def running() -> "ModelSelect[MailPause]":
    """Return the domains that are paused now, with the end of their pause.

    One longer than any could be dates from a clock that was set back since: it has ended.
    """
    now = clock.now()
    return MailPause.select().where(MailPause.until_at > now, MailPause.until_at <= now + LONGEST)


def until(domain: str) -> datetime | None:
    """Return when (UTC) the pause of a domain ends; None where it is not paused now."""
    pause = running().where(MailPause.domain == domain).first()
    return pause.until_at if pause else None
