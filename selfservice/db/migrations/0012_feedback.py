"""Votes on the pages of the help, and searches in vain, counted by day."""

from peewee import AutoField, BooleanField, CharField, DateField, IntegerField, Model


def up(migrator, db):
    class HelpVote(Model):
        id = AutoField()
        page = CharField(max_length=200)
        voted_on = DateField(index=True)
        is_useful = BooleanField()
        votes = IntegerField()

        class Meta:
            database = db
            table_name = "help_vote"
            indexes = ((("page", "voted_on", "is_useful"), True),)

    class MissedSearch(Model):
        id = AutoField()
        words = CharField(max_length=80)
        searched_on = DateField(index=True)
        times = IntegerField()

        class Meta:
            database = db
            table_name = "missed_search"
            indexes = ((("words", "searched_on"), True),)

    db.create_tables([HelpVote, MissedSearch])


def down(migrator, db):
    migrator.migrate(migrator.drop_table("missed_search"))
    migrator.migrate(migrator.drop_table("help_vote"))
