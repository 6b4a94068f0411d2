"""What a credit note says it credits, and how long the XML inside a document is."""

from peewee import AutoField, CharField, ForeignKeyField, Model, SqliteDatabase
from playhouse.sqlite_ext import AutoIncrementField


def up(migrator, db):
    identity = AutoIncrementField if isinstance(db, SqliteDatabase) else AutoField

    class Invoice(Model):
        id = identity()

        class Meta:
            database = db
            table_name = "invoice"

    class Credited(Model):
        id = identity()
        invoice = ForeignKeyField(Invoice, on_delete="CASCADE", index=False)
        number = CharField(index=True, max_length=100)

        class Meta:
            database = db
            table_name = "credited"
            indexes = ((("invoice", "number"), True),)

    db.create_tables([Credited])
    # By hand: playhouse would build the SQLite table anew, and drop what refers to it.
    db.execute_sql("ALTER TABLE invoice ADD COLUMN xml_size_bytes INTEGER")


def down(migrator, db):
    db.execute_sql("ALTER TABLE invoice DROP COLUMN xml_size_bytes")
    migrator.migrate(migrator.drop_table("credited"))
