"""When the worker last lived and the last backup ended."""

from peewee import CharField, DateTimeField, Model


def up(migrator, db):
    class Milestone(Model):
        name = CharField(primary_key=True, max_length=32)
        at = DateTimeField()

        class Meta:
            database = db
            table_name = "milestone"

    db.create_tables([Milestone])
