"""Reasons of faults, pauses of mail domains, uses of direct links."""

from peewee import CharField, DateTimeField, IntegerField, Model


def up(migrator, db):
    # By hand: playhouse would build the SQLite tables anew, and drop what refers to them.
    for column in ("outbox_mail.reason", "outbox_attempt.reason"):
        table, name = column.split(".")
        db.execute_sql(f"ALTER TABLE {table} ADD COLUMN {name} VARCHAR(24) NOT NULL DEFAULT ''")
    db.execute_sql("ALTER TABLE outbox_mail ADD COLUMN domain VARCHAR(320) NOT NULL DEFAULT ''")
    db.execute_sql("CREATE INDEX outbox_mail_domain ON outbox_mail (domain)")
    db.execute_sql("ALTER TABLE token ADD COLUMN use_count INTEGER NOT NULL DEFAULT 0")
    _fill_domains(db)

    class MailPause(Model):
        domain = CharField(primary_key=True, max_length=320)
        failures = IntegerField()
        until_at = DateTimeField()

        class Meta:
            database = db
            table_name = "mail_pause"

    db.create_tables([MailPause])


def _fill_domains(db):
    class OutboxMail(Model):
        address_key = CharField()
        domain = CharField()
        state = CharField()

        class Meta:
            database = db
            table_name = "outbox_mail"

    waiting = OutboxMail.select(OutboxMail.address_key).where(OutboxMail.state != "sent").distinct()
    for mail in list(waiting):
        OutboxMail.update(domain=mail.address_key.rpartition("@")[2]).where(
            OutboxMail.address_key == mail.address_key
        ).execute()


def down(migrator, db):
    db.execute_sql("DROP TABLE mail_pause")
    db.execute_sql("DROP INDEX outbox_mail_domain")
    for column in ("outbox_mail.reason", "outbox_mail.domain", "outbox_attempt.reason"):
        table, name = column.split(".")
        db.execute_sql(f"ALTER TABLE {table} DROP COLUMN {name}")
    db.execute_sql("ALTER TABLE token DROP COLUMN use_count")
