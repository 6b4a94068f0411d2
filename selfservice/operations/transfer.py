"""A saved database taken over by its rows: a file of SQLite or a dump of PostgreSQL, into either.

The tables are made by the migrations, then filled as they were: ids, and the ids that were given
and are free again. A backup may come from anybody: nothing that its own tables do is taken over, no
trigger and no function, and no statement of a dump is run. A dump is read as the text that
pg_restore makes of it; no server is asked.
"""

import re
import sqlite3
from collections.abc import Callable, Iterable, Iterator
from contextlib import closing, contextmanager
from datetime import date, datetime
from graphlib import TopologicalSorter
from itertools import takewhile
from pathlib import Path
from typing import Any

from selfservice import db
from selfservice.operations import postgresql
from selfservice.operations.errors import OperationError

FILLED_OTHERWISE = {"schema_migration", "sqlite_sequence"}  # the first by the migrations themselves
COPY = re.compile(r"COPY \S+?\.(?P<table>\S+) \((?P<columns>.+)\) FROM stdin;")
SEQUENCE = re.compile(
    r"SELECT pg_catalog\.setval\('\S+?\.(?P<table>\S+)_id_seq', (\d+), (true|false)"
)
FOREIGN_KEYS = (
    "SELECT conrelid::regclass::text, quote_ident(conname) FROM pg_constraint"
    " WHERE contype = 'f' AND connamespace = current_schema()::regnamespace"
)
BOOLEANS = {"f": 0, "t": 1}
END_OF_ROWS = "\\."
ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t", "v": "\v"}
ESCAPED = re.compile(r"\\(.)")


def from_sqlite(source: Path, *, migrations: list[str]) -> None:
    """Fill the empty database of the open connection from a file with these migrations.

    Raises OperationError or the database's errors.
    """
    with closing(sqlite3.connect(source)) as copy, db.database.atomic():
        require_sound(copy)
        if not migrations:
            return
        db.migrate(up_to=migrations[-1])
        _require_tables(copy, {*_tables(), "sqlite_sequence"})
        for table in _referenced_first():
            columns = [name for _, name, *_ in copy.execute(f'PRAGMA table_info("{table}")')]
            _require_same(table, columns)
            named = ", ".join(f'"{name}"' for name in columns)
            rows = copy.execute(f'SELECT {named} FROM "{table}"')  # noqa: S608 (our names)
            if db.is_sqlite():
                types = {each.name: each.data_type.lower() for each in _columns(table)}
                _insert(table, columns, rows, [_checker(types[name]) for name in columns])
            else:
                with _copying(table, columns) as copying:
                    for row in rows:
                        copying.write_row([db.storable(value) for value in row])
        for table, last in copy.execute("SELECT name, seq FROM sqlite_sequence WHERE seq > 0"):
            if table in _tables():
                _set_sequence(table, last)


def from_postgresql(source: Path, *, migrations: list[str]) -> None:
    """Fill the empty database of the open connection from a dump with these migrations.

    Raises OperationError or the database's errors.
    """
    if not migrations:
        return
    with closing(postgresql.text_of(source)) as lines, db.database.atomic():
        db.migrate(up_to=migrations[-1])
        ours = _tables()
        missing = set(ours)
        with _keys_checked_at_the_end(), _damage_told():  # a dump has an order of its own
            for line in lines:
                if (found := COPY.fullmatch(line)) and (table := _bare(found["table"])) in ours:
                    _fill(table, [_bare(each) for each in found["columns"].split(", ")], lines)
                    missing.discard(table)
                elif (found := SEQUENCE.match(line)) and (table := _bare(found["table"])) in ours:
                    last = int(found[2]) if found[3] == "true" else int(found[2]) - 1
                    _set_sequence(table, last)
        if missing:
            raise OperationError("other_tables", example=min(missing))


def require_sound(file: sqlite3.Connection) -> None:
    """Raise OperationError for a damaged file of SQLite."""
    (answer,) = file.execute("PRAGMA integrity_check(1)").fetchone()
    if answer != "ok":
        raise OperationError("damaged_database", reason=answer)


def _require_tables(file: sqlite3.Connection, names: set[str]) -> None:
    """Raise OperationError for a view, or rows that a program makes: those may have no end."""
    kept = "SELECT min(type = 'table' AND rootpage > 0) FROM sqlite_schema WHERE lower(name) = ?"
    for name in sorted(names):
        if file.execute(kept, (name,)).fetchone() != (1,):
            raise OperationError("other_tables", example=name)


def _referenced_first() -> Iterable[str]:
    tables = _tables()
    graph = {
        table: {key.dest_table for key in db.database.get_foreign_keys(table)} - {table}
        for table in sorted(tables)
    }
    return TopologicalSorter(graph).static_order()


def _tables() -> set[str]:
    return set(db.database.get_tables()) - FILLED_OTHERWISE


def _columns(table: str) -> list[Any]:
    found: list[Any] = db.database.get_columns(table)
    return found


def _require_same(table: str, columns: list[str]) -> None:
    """Raise OperationError for a table that has other columns than the migrations make."""
    if differing := {each.name for each in _columns(table)} ^ set(columns):
        raise OperationError("other_tables", example=f"{table}.{min(differing)}")


@contextmanager
def _keys_checked_at_the_end() -> Iterator[None]:
    """Let rows come before those that they refer to."""
    if db.is_sqlite():
        db.database.execute_sql("PRAGMA defer_foreign_keys = ON")  # until the transaction ends
        yield
        return
    keys = db.database.execute_sql(FOREIGN_KEYS).fetchall()
    for table, key in keys:
        db.database.execute_sql(f"ALTER TABLE {table} ALTER CONSTRAINT {key} DEFERRABLE")
    db.database.execute_sql("SET CONSTRAINTS ALL DEFERRED")
    yield
    db.database.execute_sql("SET CONSTRAINTS ALL IMMEDIATE")
    for table, key in keys:
        db.database.execute_sql(f"ALTER TABLE {table} ALTER CONSTRAINT {key} NOT DEFERRABLE")


def _fill(table: str, columns: list[str], lines: Iterator[str]) -> None:
    """Take the rows of a table out of the text of a dump."""
    _require_same(table, columns)
    if db.is_sqlite():
        types = {each.name: each.data_type.lower() for each in _columns(table)}
        _insert(table, columns, _rows(lines), [_reader(types[name]) for name in columns])
        return
    with _copying(table, columns) as copying:
        for line in _until_end(lines):
            copying.write(f"{line}\n")


def _insert(
    table: str, columns: list[str], rows: Iterable[Any], readers: list[Callable[[Any], Any]]
) -> None:
    """Fill a table of SQLite, which takes any value into any column, with what fits alone."""
    named, marks = ", ".join(f'"{name}"' for name in columns), ", ".join("?" * len(columns))

    def read(row: Iterable[Any]) -> list[Any]:
        return [
            None if cell is None else reader(cell)
            for reader, cell in zip(readers, row, strict=True)
        ]

    with _damage_told(table):
        db.database.cursor().executemany(
            f'INSERT INTO "{table}" ({named}) VALUES ({marks})',  # noqa: S608 (our names)
            map(read, rows),
        )


@contextmanager
def _damage_told(*place: str) -> Iterator[None]:
    """Tell in one line what no column of ours holds."""
    try:
        yield
    except (TypeError, ValueError, OverflowError) as error:
        raise OperationError("damaged_database", reason=", ".join((*place, str(error)))) from error


@contextmanager
def _copying(table: str, columns: list[str]) -> Iterator[Any]:
    named = ", ".join(f'"{name}"' for name in columns)
    with (
        db.database.cursor() as cursor,
        cursor.copy(f'COPY "{table}" ({named}) FROM STDIN') as copying,
    ):
        yield copying


def _reader(data_type: str) -> Callable[[str], Any]:
    """Return what makes of PostgreSQL's text what SQLite keeps for a type."""
    if data_type == "blob":
        return lambda text: bytes.fromhex(text.removeprefix("\\x"))
    if "int" in data_type:  # SQLite has no other booleans
        return lambda text: BOOLEANS[text] if text in BOOLEANS else int(text)
    return _checker(data_type)


def _checker(data_type: str) -> Callable[[Any], Any]:
    """Return what gives a value of SQLite back; it raises TypeError or ValueError for a wrong one.

    The portal would stumble over it on each page that shows it.
    """
    if data_type.startswith("datetime"):
        return lambda value: str(datetime.fromisoformat(value))
    if data_type.startswith("date"):
        return lambda value: str(date.fromisoformat(value))
    wanted = int if "int" in data_type else bytes if data_type == "blob" else str

    def check(value: Any) -> Any:
        if type(value) is not wanted:
            raise TypeError(f"{type(value).__name__} pour {data_type}")
        return value

    return check


def _set_sequence(table: str, last: int) -> None:
    """Have the next id of a table be above the last one that was given."""
    if not db.is_sqlite():
        if last > 0:
            sequence = "pg_get_serial_sequence(%s, 'id')"
            db.database.execute_sql(f"SELECT setval({sequence}, %s)", (f'"{table}"', last))
        return
    done = db.database.execute_sql(
        "UPDATE sqlite_sequence SET seq = ? WHERE name = ?", (last, table)
    )
    if last and not done.rowcount:
        db.database.execute_sql("INSERT INTO sqlite_sequence VALUES (?, ?)", (table, last))


def _rows(lines: Iterator[str]) -> Iterator[list[str | None]]:
    return ([_cell(text) for text in line.split("\t")] for line in _until_end(lines))


def _until_end(lines: Iterator[str]) -> Iterator[str]:
    return takewhile(lambda line: line != END_OF_ROWS, lines)


def _cell(text: str) -> str | None:
    if text == "\\N":
        return None
    return ESCAPED.sub(lambda found: ESCAPES.get(found[1], found[1]), text)


def _bare(name: str) -> str:
    return name.strip('"')
