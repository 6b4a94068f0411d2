"""When something of the whole instance last happened; in the database, so that all hosts see it."""

from datetime import timedelta

from peewee import CharField, DateTimeField

from selfservice import clock
from selfservice.db import BaseModel

WORKER = "worker"
BACKUP = "backup"


class Milestone(BaseModel):
    name = CharField(primary_key=True, max_length=32)
    at = DateTimeField()


def reach(name: str) -> None:
    """Note that it happened now."""
    Milestone.insert(name=name, at=clock.now()).on_conflict(
        conflict_target=[Milestone.name], update={Milestone.at: clock.now()}
    ).execute()


def beat() -> None:
    """Note that the worker lives (it calls this each minute)."""
    reach(WORKER)


def age(name: str) -> timedelta | None:
    """Return how long ago it last happened, None for never."""
    milestone = Milestone.get_or_none(Milestone.name == name)
    return clock.now() - milestone.at if milestone else None
