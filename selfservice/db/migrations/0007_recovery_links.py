"""Up to which token the recovery links are dead for a login, its mailbox's other logins apart."""


def up(migrator, db):
    # The migrator would make the table again, which the rows that refer to it forbid.
    db.execute_sql("ALTER TABLE users ADD COLUMN dead_links_up_to INTEGER NOT NULL DEFAULT 0")


def down(migrator, db):
    db.execute_sql("ALTER TABLE users DROP COLUMN dead_links_up_to")
