"""The second factor of users, their rescue codes, and the companies that demand it."""

from peewee import (
    AutoField,
    CharField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    Model,
    SqliteDatabase,
)
from playhouse.sqlite_ext import AutoIncrementField


def up(migrator, db):
    identity = AutoIncrementField if isinstance(db, SqliteDatabase) else AutoField

    class User(Model):
        id = identity()

        class Meta:
            database = db
            table_name = "users"

    class SecondFactor(Model):
        user = ForeignKeyField(User, on_delete="CASCADE", primary_key=True)
        seed = CharField(max_length=64)
        last_step = IntegerField()
        enabled_at = DateTimeField()

        class Meta:
            database = db
            table_name = "second_factor"

    db.create_tables([SecondFactor])

    class RescueCode(Model):
        id = identity()
        factor = ForeignKeyField(SecondFactor, on_delete="CASCADE")
        code_hash = CharField(max_length=255)

        class Meta:
            database = db
            table_name = "rescue_code"

    db.create_tables([RescueCode])
    # The migrator would make the table again, which the rows that refer to it forbid.
    db.execute_sql(
        "ALTER TABLE company ADD COLUMN is_second_factor_required BOOLEAN NOT NULL DEFAULT FALSE"
    )


def down(migrator, db):
    db.execute_sql("ALTER TABLE company DROP COLUMN is_second_factor_required")
    migrator.migrate(migrator.drop_table("rescue_code"))
    migrator.migrate(migrator.drop_table("second_factor"))
