"""The database, its one lasting connection per worker, command or task, and its migrations."""

import fcntl
import sqlite3
import unicodedata
import zlib
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import date, datetime
from functools import lru_cache
from itertools import count
from pathlib import Path
from typing import Any

from peewee import (
    BooleanField,
    DatabaseProxy,
    DateField,
    DateTimeField,
    Field,
    ForeignKeyField,
    InterfaceError,
    Model,
    OperationalError,
    PeeweeException,
    SqliteDatabase,
    Value,
)
from playhouse.db_url import connect, register_database
from playhouse.migrations import Runner

from selfservice import postgresql

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_TIMEOUT_SECONDS = 20
# Of 4 kB. A run of small changes, a mail each, writes the same pages time and again: they are
# carried into the database, and awaited on the disk, a quarter as often as by default.
CHECKPOINT_PAGES = 4000
MAPPED_BYTES = 2**30
MAX_SHAPES = 500
# The order of names for a French reader, whatever the host's own: `field.collate(FRENCH)`.
FRENCH = f'"{postgresql.FRENCH}"'

# The database cannot be used now. The drivers' own errors are among them: peewee lets them
# through while it iterates over RETURNING, and huey has no other.
FAULTS: tuple[type[Exception], ...] = (
    OperationalError,
    InterfaceError,
    sqlite3.OperationalError,
    *postgresql.OPERATIONAL_ERRORS,
)
ERRORS: tuple[type[Exception], ...] = (PeeweeException, sqlite3.Error, *postgresql.ERRORS)

database = DatabaseProxy()


class BaseModel(Model):
    """Base of every table of the portal."""

    class Meta:
        database = database
        legacy_table_names = False


class Sqlite(SqliteDatabase):
    def rollback(self) -> None:
        """Roll back, unless SQLite did so by itself (full disk): the fault must stay the first."""
        if self.connection().in_transaction:
            super().rollback()


register_database(Sqlite, "sqlite")


def configure(url: str) -> None:
    """Bind the models to a database; opens nothing (no connection may exist before a fork)."""
    if database.obj is not None and not database.is_closed():
        database.close()
    database.initialize(_build(url))


def _build(url: str) -> Any:
    if not url.startswith("sqlite"):
        return postgresql.Postgresql(url, lock_timeout_seconds=LOCK_TIMEOUT_SECONDS)
    built = connect(
        url,
        autoconnect=False,
        thread_safe=False,
        check_same_thread=False,
        lock_type="IMMEDIATE",
        timeout=LOCK_TIMEOUT_SECONDS,
        pragmas={
            "journal_mode": "wal",
            "foreign_keys": 1,
            "synchronous": "normal",
            "wal_autocheckpoint": CHECKPOINT_PAGES,
            "mmap_size": MAPPED_BYTES,  # pages are read where the system has them, not copied
        },
    )
    built.register_collation(_compare_names, postgresql.FRENCH)
    return built


def _compare_names(left: str, right: str) -> int:
    former, latter = _in_french_order(left), _in_french_order(right)
    return (former > latter) - (former < latter)


@lru_cache(maxsize=10_000)
def _in_french_order(name: str) -> tuple[str, str]:
    """Return letters without accents and case first; those decide between equals only."""
    letters = unicodedata.normalize("NFKD", name.casefold()).replace("œ", "oe").replace("æ", "ae")
    return "".join(each for each in letters if not unicodedata.combining(each)), name.swapcase()


def ensure_open() -> None:
    """Open the lasting connection, or replace one that a server has dropped."""
    if database.is_closed():
        database.connect()
    elif not is_sqlite():
        try:
            database.execute_sql("SELECT 1")
        except FAULTS:
            database.close()
            database.connect()


def release() -> None:
    """Leave no transaction behind on the lasting connection."""
    if not database.is_closed() and database.in_transaction():
        while database.in_transaction():
            database.pop_transaction()
        try:
            database.rollback()
        except FAULTS:  # the server has dropped the connection, and the transaction with it
            database.close()


@contextmanager
def connection() -> Iterator[None]:
    """Give a command or a task an open connection, and close what it opened."""
    opened = database.is_closed()
    ensure_open()
    try:
        yield
    finally:
        release()
        if opened:
            database.close()


@contextmanager
def durable() -> Iterator[None]:
    """Have each commit inside reach the disk before it returns (a deposit's promise)."""
    if not is_sqlite():
        yield
        return
    database.execute_sql("PRAGMA synchronous = FULL")
    try:
        yield
    finally:
        database.execute_sql("PRAGMA synchronous = NORMAL")


@contextmanager
def exclusive(name: str) -> Iterator[None]:
    """Let one process of the portal at a time do a named work; the others wait.

    The lock dies with its holder, so what a killed process left half done can be told apart
    from what another process is doing.
    """
    if is_sqlite():
        with Path(f"{database.database}.{name}.lock").open("w") as handle:
            fcntl.flock(handle, fcntl.LOCK_EX)
            yield
        return
    key = zlib.crc32(name.encode())
    database.execute_sql("SELECT pg_advisory_lock(%s)", (key,))
    try:
        yield
    finally:
        with suppress(*FAULTS):  # the lock of a lost connection is free already
            database.execute_sql("SELECT pg_advisory_unlock(%s)", (key,))


def is_sqlite() -> bool:
    return isinstance(database.obj, SqliteDatabase)


def migrate() -> list[str]:
    """Apply pending migrations in one transaction and return their names.

    Several processes may start at once: the first works, the others find nothing to do.
    """
    with database.atomic():
        applied: list[str] = _runner().up()
    return applied


def pending_migrations() -> list[str]:
    return [migration.name for migration in _runner().status() if migration.applied is None]


def applied_migrations() -> list[str]:
    return [migration.name for migration in _runner().status() if migration.applied is not None]


def _runner() -> Any:
    return Runner(database.obj, str(MIGRATIONS))


class Prepared:
    """A query that peewee writes once for each shape: writing costs most of what is asked often.

    `build` returns a query, given a placeholder for each value (a tuple holds several) and the
    keywords as they are; None stays None, and has a shape of its own. Values reach the driver,
    and rows come back, as they are.
    """

    def __init__(self, *models: type[Model], build: Callable[..., Any]) -> None:
        self._columns = [(model, *_columns_of(model)) for model in models]
        self._build = build
        self._written: dict[tuple[Any, ...], tuple[str, list[Any]]] = {}

    def rows(self, *values: object, **keywords: object) -> list[tuple[Any, ...]]:
        """Return the rows found, as the driver gives them."""
        rows: list[tuple[Any, ...]] = self._execute(values, keywords).fetchall()
        return rows

    def first(self, *values: object) -> list[Any] | None:
        """Return an instance of each model for the first row, None where there is none.

        The query is of all their columns. Foreign keys between them are filled in.
        """
        row = self._execute(values, {}).fetchone()
        return None if row is None else self._instances(iter(row))

    def run(self, *values: object, **keywords: object) -> int:
        """Make a change and return how many rows it changed."""
        changed: int = self._execute(values, keywords).rowcount
        return changed

    def _execute(self, values: tuple[object, ...], keywords: dict[str, object]) -> Any:
        given: list[object] = []
        shape = (is_sqlite(), _flatten(values, given), *keywords.values())
        if (written := self._written.get(shape)) is None:
            if len(self._written) >= MAX_SHAPES:
                self._written.clear()
            query = self._build(*_placed(values, count()), **keywords)
            written = self._written[shape] = query.sql()
        sql, parameters = written
        return database.execute_sql(
            sql, [given[each.index] if type(each) is _Place else each for each in parameters]
        )

    def _instances(self, values: Iterator[Any]) -> list[Any]:
        found: dict[type[Model], Any] = {}
        for model, names, converted in self._columns:
            found[model] = instance = model(__no_default__=True)
            kept = instance.__data__
            kept.update(zip(names, values, strict=False))
            for name, read in converted:
                if kept[name] is not None:
                    kept[name] = read(kept[name])
        for model, instance in found.items():
            for name, target in _targets_of(model):
                if target in found:
                    instance.__rel__[name] = found[target]
        return list(found.values())


class _Place:
    """Where a value will stand among the parameters of a written query."""

    def __init__(self, index: int) -> None:
        self.index = index


def _flatten(values: tuple[Any, ...], given: list[Any]) -> tuple[Any, ...]:
    """Add to `given` the values that a query will take, and return their shape."""
    shape: list[Any] = []
    for each in values:
        if isinstance(each, tuple):
            shape.append(_flatten(each, given))
        else:
            shape.append(each is None)
            if each is not None:
                given.append(each)
    return tuple(shape)


def _placed(values: tuple[Any, ...], places: Iterator[int]) -> Any:
    """Return the values with placeholders in their places, named tuples as such."""
    made = [
        _placed(each, places)
        if isinstance(each, tuple)
        else None
        if each is None
        else Value(_Place(next(places)), converter=False)
        for each in values
    ]
    return type(values)._make(made) if hasattr(values, "_make") else tuple(made)


def rows(query: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query as the driver gives them, like `Prepared.rows`."""
    found: list[tuple[Any, ...]] = database.execute(query).fetchall()
    return found


@lru_cache(maxsize=10_000)
def read_date(given: str | date) -> date:
    """Return the date of what a driver gives: SQLite has text."""
    return date.fromisoformat(given) if isinstance(given, str) else given


def read_instant(given: str | datetime) -> datetime:
    """Return the instant of what a driver gives, like `read_date`."""
    return datetime.fromisoformat(given) if isinstance(given, str) else given


# Of these a driver may give something else than the field's own type.
CONVERTERS: dict[type[Field], Callable[[Any], Any]] = {
    BooleanField: bool,
    DateField: read_date,
    DateTimeField: read_instant,
}


def _columns_of(model: type[Model]) -> tuple[list[str], list[tuple[str, Callable[[Any], Any]]]]:
    """Return the names of the columns, and how to read those that need it."""
    fields = model._meta.sorted_fields  # noqa: SLF001 (peewee documents it)
    converted = [(each.name, CONVERTERS[type(each)]) for each in fields if type(each) in CONVERTERS]
    return [each.name for each in fields], converted


@lru_cache
def _targets_of(model: type[Model]) -> list[tuple[str, type[Model]]]:
    fields = model._meta.sorted_fields  # noqa: SLF001
    return [(each.name, each.rel_model) for each in fields if isinstance(each, ForeignKeyField)]
