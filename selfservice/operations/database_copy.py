"""A copy of the database as it is at one instant, in one file; its writers need not wait."""

import sqlite3
from contextlib import closing
from pathlib import Path

from selfservice import db
from selfservice.operations import postgresql


def write(url: str, target: Path) -> None:
    """Copy the database of the open connection, whose address is `url`.

    Raises OperationError, OSError or the database's errors.
    """
    if not db.is_sqlite():
        postgresql.dump(url, target)
        return
    with (
        closing(sqlite3.connect(db.database.database)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without -wal and -shm
