"""The database, its one lasting connection per worker, command or task, and its migrations."""

import fcntl
import os
import sqlite3
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from pathlib import Path
from threading import local
from typing import Any

from peewee import (
    DatabaseProxy,
    InterfaceError,
    Model,
    OperationalError,
    PeeweeException,
    SqliteDatabase,
)
from playhouse.migrations import Runner

from selfservice import system_errors
from selfservice.db import postgresql

MIGRATIONS = Path(__file__).with_name("migrations")
# A command, the worker or a deposit waits for a lock held elsewhere; a visitor does not.
LOCK_TIMEOUT_SECONDS = 20
VISITOR_LOCK_TIMEOUT_SECONDS = 2
# Of 4 kB. A run of small changes, a mail each, writes the same pages time and again: they are
# carried into the database, and awaited on the disk, a quarter as often as by default.
CHECKPOINT_PAGES = 4000
MAPPED_BYTES = 2**30
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

# Raw: the catalogue is no model. By whether it is SQLite's.
COLUMNS = {
    True: "SELECT t.name, c.name FROM sqlite_master t, pragma_table_info(t.name) c"
    " WHERE t.type = 'table'",
    False: "SELECT table_name, column_name FROM information_schema.columns"
    " WHERE table_schema = current_schema()",
}

# What SQLite refuses, by the beginning of its name for it: cause and remedy.
REFUSALS = {
    "SQLITE_FULL": ("le disque est plein", "libérez de la place, puis recommencez"),
    "SQLITE_READONLY": (
        "elle ne se lit qu'en lecture seule",
        "rendez-la modifiable par ce compte",
    ),
    "SQLITE_CANTOPEN": ("son fichier ne s'ouvre pas", "vérifiez son dossier et ses droits"),
    "SQLITE_BUSY": ("un autre programme l'occupe", "recommencez plus tard"),
    "SQLITE_LOCKED": ("un autre programme l'occupe", "recommencez plus tard"),
    "SQLITE_IOERR": ("le disque ne se lit ou ne s'écrit plus", "lisez « journalctl -k »"),
    "SQLITE_CORRUPT": ("elle est abîmée", "restaurez la dernière sauvegarde"),
    "SQLITE_NOTADB": ("son fichier n'est pas une base", "restaurez la dernière sauvegarde"),
}

# SQLite says these of a disk that is full or read-only too: the disk itself knows.
OF_DISK = {"SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR"}

database = DatabaseProxy()


class BaseModel(Model):
    """Base of every table of the portal."""

    class Meta:
        database = database
        legacy_table_names = False


class Sqlite(SqliteDatabase):
    """SQLite, which opens for reading only what it may not write, and then never asks again."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        self._opened = local()
        super().__init__(*args, **kwargs)

    def connect(self, reuse_if_open: bool = False) -> bool:
        is_new = bool(super().connect(reuse_if_open=reuse_if_open))
        if is_new:
            self._opened.for_reading = not os.access(self.database, os.W_OK)
        return is_new

    @property
    def is_for_reading(self) -> bool:
        """Tell whether this thread's connection was opened while nothing could be written."""
        return getattr(self._opened, "for_reading", False)

    def rollback(self) -> None:
        """Roll back, unless SQLite did so by itself (full disk): the fault must stay the first."""
        if self.connection().in_transaction:
            super().rollback()


def configure(url: str, *, lock_timeout_seconds: int = LOCK_TIMEOUT_SECONDS) -> None:
    """Bind the models to a database; opens nothing (no connection may exist before a fork)."""
    if database.obj is not None and not database.is_closed():
        database.close()
    database.initialize(_build(url, lock_timeout_seconds))


def _build(url: str, lock_timeout_seconds: int) -> Any:
    if not url.startswith("sqlite"):
        return postgresql.Postgresql(url, lock_timeout_seconds=lock_timeout_seconds)
    # As it stands: « # » and « ? » are letters of a folder's name, not parts of an address.
    built = Sqlite(
        url.removeprefix("sqlite:///"),
        autoconnect=False,
        lock_type="IMMEDIATE",
        timeout=lock_timeout_seconds,
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
    # Kept open, it would keep all of this process from writing when the disk may be written again.
    if is_sqlite() and database.is_for_reading and not database.is_closed():
        database.close()


def drop() -> None:
    """Close a connection that failed: the next use opens another, which sees the disk as it is."""
    release()
    if not database.is_closed():
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


@dataclass(frozen=True)
class Refusal:
    """Why a database cannot be used, and what to do; as text, both on one line."""

    cause: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.cause} ; {self.remedy}"


def explain(error: BaseException, place: str = "") -> Refusal:
    """Return place, cause and remedy of a refusal in French.

    `place` is the file of another database than the portal's.
    """
    origin: BaseException | None = error
    while origin is not None:
        name = getattr(origin, "sqlite_errorname", "")
        for beginning, known in REFUSALS.items():
            if name.startswith(beginning):
                file = Path(place or database.database)
                of_disk = system_errors.reason_of_disk(file.parent)
                cause, remedy = (beginning in OF_DISK and of_disk) or known
                return Refusal(f"{file} : {cause}", remedy)
        if isinstance(origin, postgresql.ERRORS):
            cause, remedy = postgresql.explain(origin)
            return Refusal(f"{place or _place()} : {cause}", remedy)
        origin = origin.__cause__ or origin.__context__
    return Refusal(" ".join(str(error).split()), "lancez « selfservice doctor »")


def may_pass() -> bool:
    """Tell whether a refusal may end by itself: a server is away, a disk full or read-only."""
    if not is_sqlite():
        return True
    return system_errors.reason_of_disk(Path(database.database).parent) is not None


def _place() -> str:
    host = database.connect_params.get("host")
    return f"{database.database} sur {host}" if host else str(database.database)


def is_sqlite() -> bool:
    return isinstance(database.obj, SqliteDatabase)


def migrate(*, up_to: str | None = None) -> list[str]:
    """Apply pending migrations in one transaction and return their names.

    Several processes may start at once: the first works, the others find nothing to do.
    `up_to` names the last one to apply, for a database that is to be filled from an older one.
    """
    with database.atomic():
        applied: list[str] = _runner().up(up_to)
    return applied


def pending_migrations() -> list[str]:
    return [migration.name for migration in _runner().status() if migration.applied is None]


def applied_migrations() -> list[str]:
    return [migration.name for migration in _runner().status() if migration.applied is not None]


def unknown_migrations() -> list[str]:
    """Return those that a newer portal has applied."""
    return [migration.name for migration in _runner().status() if migration.path is None]


def differing_columns() -> list[str]:
    """Return what either the models or their tables lack, « company.vat_number »."""
    tables = [model._meta for model in _models(BaseModel)]  # noqa: SLF001 (peewee documents it)
    wanted = {(each.table_name, column) for each in tables for column in each.columns}
    names = {table for table, _column in wanted}
    columns = database.execute_sql(COLUMNS[is_sqlite()])
    found = {(table, column) for table, column in columns if table in names}
    return sorted(f"{table}.{column}" for table, column in wanted ^ found)


def _models(base: type[Model]) -> Iterator[type[Model]]:
    for model in base.__subclasses__():
        yield model
        yield from _models(model)


def _runner() -> Any:
    return Runner(database.obj, str(MIGRATIONS))


def rows(query: Any) -> list[tuple[Any, ...]]:
    """Return the rows of a query as the driver gives them, like `Prepared.rows`."""
    found: list[tuple[Any, ...]] = database.execute(query).fetchall()
    return found


def read_date(given: str | date) -> date:
    """Return the date of what a driver gives: SQLite has text."""
    return date.fromisoformat(given) if isinstance(given, str) else given
