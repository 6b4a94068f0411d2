"""The database, its one lasting connection per worker, command or task, and its migrations."""

import fcntl
import sqlite3
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from peewee import DatabaseProxy, InterfaceError, Model, OperationalError, SqliteDatabase
from playhouse.db_url import connect
from playhouse.migrations import Runner

MIGRATIONS = Path(__file__).parent / "migrations"
LOCK_TIMEOUT_SECONDS = 20
MIGRATION_LOCK = 0x7E5E_1F5E

# The database cannot be used now. The driver's own error is among them: peewee lets it through
# while it iterates over RETURNING.
FAULTS = (OperationalError, InterfaceError, sqlite3.OperationalError)

database = DatabaseProxy()


class BaseModel(Model):
    """Base of every table of the portal."""

    class Meta:
        database = database
        legacy_table_names = False


def configure(url: str) -> None:
    """Bind the models to a database; opens nothing (no connection may exist before a fork)."""
    if database.obj is not None and not database.is_closed():
        database.close()
    database.initialize(_build(url))


def _build(url: str) -> Any:
    if url.startswith("sqlite"):
        return connect(
            url,
            autoconnect=False,
            thread_safe=False,
            check_same_thread=False,
            lock_type="IMMEDIATE",
            timeout=LOCK_TIMEOUT_SECONDS,
            pragmas={"journal_mode": "wal", "foreign_keys": 1, "synchronous": "normal"},
        )
    return connect(
        url, autoconnect=False, thread_safe=False, prefer_psycopg3=True, unquote_password=True
    )


def ensure_open() -> None:
    """Open the lasting connection, or replace one that a server has dropped."""
    if database.is_closed():
        database.connect()
    elif not is_sqlite():
        try:
            database.execute_sql("SELECT 1")
        except OperationalError:
            database.close()
            database.connect()


def release() -> None:
    """Leave no transaction behind on the lasting connection."""
    if not database.is_closed() and database.in_transaction():
        while database.in_transaction():
            database.pop_transaction()
        database.rollback()


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
        database.execute_sql("SELECT pg_advisory_unlock(%s)", (key,))


def is_sqlite() -> bool:
    return isinstance(database.obj, SqliteDatabase)


def migrate() -> list[str]:
    """Apply pending migrations in one transaction and return their names.

    Several processes may start at once: the first works, the others find nothing to do.
    """
    with database.atomic():
        if not is_sqlite():
            database.execute_sql("SELECT pg_advisory_xact_lock(%s)", (MIGRATION_LOCK,))
        applied: list[str] = _runner().up()
    return applied


def pending_migrations() -> list[str]:
    return [migration.name for migration in _runner().status() if migration.applied is None]


def _runner() -> Any:
    return Runner(database.obj, str(MIGRATIONS))
