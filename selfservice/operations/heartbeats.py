"""When the worker, the backup and others last ran; in the database, so that all hosts see it."""

from datetime import datetime, timedelta

from peewee import CharField, DateTimeField

from selfservice import clock
from selfservice.db import BaseModel

WORKER = "worker"
BACKUP = "backup"  # a whole one
PARTIAL_BACKUP = "partial-backup"
PURGE = "purge"
HEALTH = "health"  # what /sante writes to know that it can


class Heartbeat(BaseModel):
    name = CharField(primary_key=True, max_length=32)
    at = DateTimeField()

    class Meta:
        table_name = "milestone"


def note(name: str, at: datetime | None = None) -> None:
    """Note that something ran at an instant, now by default."""
    at = at or clock.now()
    Heartbeat.insert(name=name, at=at).on_conflict(
        conflict_target=[Heartbeat.name], update={Heartbeat.at: at}
    ).execute()


def beat() -> None:
    """Note that the worker lives; it calls this each minute."""
    note(WORKER)


def last(name: str) -> datetime | None:
    """Return when something last ran, None for never."""
    found = Heartbeat.get_or_none(Heartbeat.name == name)
    return found.at if found else None


def age(name: str) -> timedelta | None:
    """Return how long ago something last ran, None for never."""
    at = last(name)
    return clock.now() - at if at else None
