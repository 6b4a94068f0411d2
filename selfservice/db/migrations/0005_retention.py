"""Tombstones of purged documents, and the indexes that retention reads by."""

from peewee import AutoField, CharField, DateTimeField, ForeignKeyField, Model, SqliteDatabase
from playhouse.sqlite_ext import AutoIncrementField

INDEXES = (
    """CREATE INDEX "invoice_undownloaded" ON "invoice" ("company_id", "issued_on")
    WHERE ("downloaded_at" IS NULL)""",
    'CREATE INDEX "outbox_mail_created_at" ON "outbox_mail" ("created_at")',
)


def up(migrator, db):
    identity = AutoIncrementField if isinstance(db, SqliteDatabase) else AutoField

    class Supplier(Model):
        id = identity()

        class Meta:
            database = db
            table_name = "supplier"

    class Tombstone(Model):
        id = identity()
        supplier = ForeignKeyField(Supplier, on_delete="RESTRICT", index=False)
        number = CharField(max_length=100)
        purged_at = DateTimeField()

        class Meta:
            database = db
            table_name = "tombstone"
            indexes = ((("supplier", "number"), True),)

    db.create_tables([Tombstone])
    for statement in INDEXES:
        db.execute_sql(statement)


def down(migrator, db):
    db.execute_sql('DROP INDEX "outbox_mail_created_at"')
    db.execute_sql('DROP INDEX "invoice_undownloaded"')
    migrator.migrate(migrator.drop_table("tombstone"))
