"""A database carried to another kind: from a file of SQLite to PostgreSQL, from a dump to SQLite.

The tables are made by the migrations, then filled as they were: ids, and the ids that were given
and are free again. A dump is read as the text that pg_restore makes of it; no server is asked.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing
from datetime import datetime
from graphlib import TopologicalSorter
from pathlib import Path
from typing import Any

from selfservice import db
from selfservice.operations import postgresql
from selfservice.operations.errors import OperationError

HISTORY = "schema_migration"  # filled by the migrations themselves
COPY = re.compile(r"COPY \S+?\.(?P<table>\S+) \((?P<columns>.+)\) FROM stdin;")
SEQUENCE = re.compile(
    r"SELECT pg_catalog\.setval\('\S+?\.(?P<table>\S+)_id_seq', (\d+), (true|false)"
)
BOOLEANS = {"f": 0, "t": 1}
END_OF_ROWS = "\\."
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
ESCAPED = re.compile(r"\\(.)")


def sqlite_to_postgresql(source: Path, *, migrations: list[str]) -> None:
    """Fill the empty database of the open connection from a file with these migrations."""
    with closing(sqlite3.connect(source)) as copy, db.database.atomic():
        require_sound(copy)
        if not migrations:
            return
        db.migrate(up_to=migrations[-1])
        for table in _referenced_first():
            columns = [each.name for each in db.database.get_columns(table)]
            named = ", ".join(f'"{name}"' for name in columns)
            with (
                db.database.cursor() as cursor,
                cursor.copy(f'COPY "{table}" ({named}) FROM STDIN') as rows,
            ):
                for row in copy.execute(f'SELECT {named} FROM "{table}"'):  # noqa: S608 (our names)
                    rows.write_row([db.storable(value) for value in row])
        for table, last in copy.execute("SELECT name, seq FROM sqlite_sequence WHERE seq > 0"):
            sequence = "pg_get_serial_sequence(%s, 'id')"
            db.database.execute_sql(f"SELECT setval({sequence}, %s)", (f'"{table}"', last))


def postgresql_to_sqlite(source: Path, *, migrations: list[str]) -> None:
    """Fill the new file of the open connection from a dump with these migrations."""
    if not migrations:
        return
    with closing(postgresql.text_of(source)) as lines, db.database.atomic():
        db.migrate(up_to=migrations[-1])
        db.database.execute_sql("PRAGMA defer_foreign_keys = ON")  # a dump has an order of its own
        ours = set(db.database.get_tables()) - {HISTORY}
        for line in lines:
            if (found := COPY.fullmatch(line)) and (table := _bare(found["table"])) in ours:
                _fill(table, [_bare(each) for each in found["columns"].split(", ")], _rows(lines))
            elif found := SEQUENCE.match(line):
                last = int(found[2]) if found[3] == "true" else int(found[2]) - 1
                _set_sequence(_bare(found["table"]), last)


def require_sound(file: sqlite3.Connection) -> None:
    """Raise OperationError for a damaged file of SQLite."""
    (answer,) = file.execute("PRAGMA integrity_check(1)").fetchone()
    if answer != "ok":
        raise OperationError("damaged_database", reason=answer)


def _referenced_first() -> Iterable[str]:
    tables = set(db.database.get_tables()) - {HISTORY}
    graph = {
        table: {key.dest_table for key in db.database.get_foreign_keys(table)} - {table}
        for table in sorted(tables)
    }
    return TopologicalSorter(graph).static_order()


def _fill(table: str, columns: list[str], rows: Iterable[list[str | None]]) -> None:
    types = {each.name: each.data_type.lower() for each in db.database.get_columns(table)}
    readers = [_reader(types[name]) for name in columns]
    named, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))
    db.database.cursor().executemany(
        f'INSERT INTO "{table}" ({named}) VALUES ({marks})',  # noqa: S608 (our names)
        (
            [None if cell is None else read(cell) for read, cell in zip(readers, row, strict=True)]
            for row in rows
        ),
    )


def _reader(data_type: str) -> Callable[[str], Any]:
    """Return what makes of PostgreSQL's text what SQLite keeps for a type."""
    if data_type.startswith("datetime"):
        return lambda text: str(datetime.fromisoformat(text))
    if "int" in data_type:  # SQLite has no other booleans
        return lambda text: BOOLEANS[text] if text in BOOLEANS else int(text)
    return str


def _set_sequence(table: str, last: int) -> None:
    done = db.database.execute_sql(
        "UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (last, table)
    )
    if last and not done.rowcount:
        db.database.execute_sql("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, last))


def _rows(lines: Iterator[str]) -> Iterator[list[str | None]]:
    for line in lines:
        if line == END_OF_ROWS:
            return
        yield [_cell(text) for text in line.split("\t")]


def _cell(text: str) -> str | None:
    if text == "\\N":
        return None
    return ESCAPED.sub(lambda found: ESCAPES.get(found[1], found[1]), text)


def _bare(name: str) -> str:
    return name.strip('"')
