"""Pieces of one to five letters in the search index of SQLite, instead of three.

A text of up to five letters is then one word of the index, and the documents that hold it need no
looking for; a longer one is several. Trigrams had nearly every document looked at where each part
of a text is everywhere (« FA-2024 »), and knew nothing under three letters.

The words of a document: the pieces of its number, and one for its company, each amount, its month
and its day, longer than any piece. Nothing but their documents is kept of them. As before, the
rowid is the day of issue, then the document's id.
"""

from importlib import import_module

from peewee import SqliteDatabase

LONGEST_PIECE, LONGEST_NUMBER = 5, 100

# Every character is part of a word, but the one between two; case is folded, accents are kept.
TABLE = """CREATE VIRTUAL TABLE invoice_search USING fts5(
    words, content='', columnsize=0, detail=none,
    tokenize="unicode61 remove_diacritics 0 categories 'L* M* N* P* S* Z* C*' separators '\n'")"""

# Where a number is cut: triggers can count only along a table.
PIECES = """CREATE TABLE search_piece (
    ending INTEGER NOT NULL, start INTEGER NOT NULL, length INTEGER NOT NULL,
    PRIMARY KEY (ending, start)) WITHOUT ROWID"""


def values(row):
    """Return the rowid and the words of a document; `row` is « NEW. », « OLD. » or nothing."""
    pieces = f"""(SELECT group_concat(substr({row}number, start, length), char(10))
        FROM search_piece WHERE ending <= length({row}number))"""
    words = (
        pieces,
        f"'company' || {row}company_id",
        f"'amount' || abs({row}gross_cents)",
        f"'amount' || abs(coalesce({row}net_cents, {row}gross_cents))",
        f"'month' || substr({row}issued_on, 1, 7)",
        f"'day' || {row}issued_on",
    )
    stamp = f"((strftime('%s', {row}issued_on) / 86400) << 40) | {row}id"
    return f"{stamp}, {' || char(10) || '.join(words)}"


ADD = f"INSERT INTO invoice_search(rowid, words) VALUES ({values('NEW.')});"
REMOVE = (
    f"INSERT INTO invoice_search(invoice_search, rowid, words) VALUES ('delete', {values('OLD.')});"
)
SEARCHED = "id, number, company_id, gross_cents, net_cents, issued_on"
TRIGGERS = {
    "invoice_search_added": ("INSERT", ADD),
    "invoice_search_removed": ("DELETE", REMOVE),
    "invoice_search_changed": (f"UPDATE OF {SEARCHED}", REMOVE + ADD),
}


def up(migrator, db):
    if not isinstance(db, SqliteDatabase):
        return
    _drop(db)
    db.execute_sql(TABLE)
    db.execute_sql(PIECES)
    for length in range(1, LONGEST_PIECE + 1):
        for start in range(1, LONGEST_NUMBER - length + 2):
            row = (start + length - 1, start, length)
            db.execute_sql("INSERT INTO search_piece VALUES (?, ?, ?)", row)
    _fill(db, "rowid, words", values(""), TRIGGERS)


def _drop(db):
    for name in TRIGGERS:
        db.execute_sql(f"DROP TRIGGER {name}")
    db.execute_sql("DROP TABLE invoice_search")


def _fill(db, columns, expressions, triggers):
    db.execute_sql(
        f"INSERT INTO invoice_search({columns}) SELECT {expressions} FROM invoice"
        " ORDER BY issued_on, id"
    )
    for name, (event, body) in triggers.items():
        db.execute_sql(f"CREATE TRIGGER {name} AFTER {event} ON invoice BEGIN {body} END")


def down(migrator, db):
    if not isinstance(db, SqliteDatabase):
        return
    former = import_module("selfservice.db.migrations.0009_search")
    _drop(db)
    db.execute_sql("DROP TABLE search_piece")
    db.execute_sql(former.TABLE)
    _fill(db, former.COLUMNS, former.values(""), former.SEARCH_TRIGGERS)
