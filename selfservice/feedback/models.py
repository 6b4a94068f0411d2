"""Counts by day (Paris dates). No row says who sent them, from where, or at what time."""

from peewee import AutoField, BooleanField, CharField, DateField, IntegerField

from selfservice.db import BaseModel

MAX_WORDS = 80


class HelpVote(BaseModel):
    """How often a page of the help was found useful, or not, on one day."""

    id = AutoField()
    page = CharField(max_length=200)
    voted_on = DateField(index=True)
    is_useful = BooleanField()
    votes = IntegerField()

    class Meta:
        indexes = ((("page", "voted_on", "is_useful"), True),)


class Call(BaseModel):
    """How often customers called on one day about a question of the FAQ, as advisers noted it."""

    id = AutoField()
    question = CharField(max_length=64)
    called_on = DateField(index=True)
    calls = IntegerField()

    class Meta:
        indexes = ((("question", "called_on"), True),)


class MissedSearch(BaseModel):
    """How often words were searched in the help on one day, and nothing found."""

    id = AutoField()
    words = CharField(max_length=MAX_WORDS)
    searched_on = DateField(index=True)
    times = IntegerField()

    class Meta:
        indexes = ((("words", "searched_on"), True),)
