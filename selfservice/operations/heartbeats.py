"""When something of the whole instance last happened; in the database, so that all hosts see it."""

from datetime import datetime, timedelta

from peewee import CharField, DateTimeField

from selfservice import clock
from selfservice.db import BaseModel

WORKER = "worker"
BACKUP = "backup"
PURGE = "purge"


class Milestone(BaseModel):
    name = CharField(primary_key=True, max_length=32)
    at = DateTimeField()


def reach(name: str) -> None:
    """Note that it happened now."""
    note(name, clock.now())


def note(name: str, at: datetime) -> None:
    """Note that it happened at an instant."""
    Milestone.insert(name=name, at=at).on_conflict(
        conflict_target=[Milestone.name], update={Milestone.at: at}
    ).execute()


def beat() -> None:
    """Note that the worker lives (it calls this each minute)."""
    reach(WORKER)


def reached_at(name: str) -> datetime | None:
    """Return when it last happened, None for never."""
    milestone = Milestone.get_or_none(Milestone.name == name)
    return milestone.at if milestone else None


def age(name: str) -> timedelta | None:
    """Return how long ago it last happened, None for never."""
    at = reached_at(name)
    return clock.now() - at if at else None
