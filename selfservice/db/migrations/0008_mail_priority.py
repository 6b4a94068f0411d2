"""Mails that somebody waits for leave before those of a deposit."""


def up(migrator, db):
    # By hand: playhouse would build the SQLite tables anew, and drop what refers to them.
    db.execute_sql("ALTER TABLE outbox_mail ADD COLUMN priority INTEGER NOT NULL DEFAULT 2")
    db.execute_sql(
        "UPDATE outbox_mail SET priority = 0 WHERE kind IN"
        " ('recovery', 'password_changed', 'second_factor_changed')"
    )
    db.execute_sql("UPDATE outbox_mail SET priority = 1 WHERE kind = 'activation'")
    db.execute_sql("DROP INDEX outboxmail_state_due_at")
    db.execute_sql(
        "CREATE INDEX outbox_mail_state_priority_due_at ON outbox_mail (state, priority, due_at)"
    )


def down(migrator, db):
    db.execute_sql("DROP INDEX outbox_mail_state_priority_due_at")
    db.execute_sql("ALTER TABLE outbox_mail DROP COLUMN priority")
    db.execute_sql("CREATE INDEX outboxmail_state_due_at ON outbox_mail (state, due_at)")
