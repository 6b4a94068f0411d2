"""`selfservice backup`: one archive of the whole instance, while it works.

The database is copied first, then the documents that the copy names: a deposit only adds, and a
purge removes a row before its file, so what is missing without a row was purged meanwhile.
"""

import re
import sqlite3
import tempfile
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

from selfservice import clock, config, db
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from selfservice.operations import backup_file, heartbeats, postgresql
from selfservice.operations.backup_file import Manifest, Writer

LOGO_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Backup:
    """What a backup holds; `missing` are documents that were lost or damaged before it."""

    documents: int
    size_bytes: int
    missing: list[str]


def make_backup(path: Path) -> Backup:
    """Write a backup and note that it was made. Needs an open connection.

    Raises OperationError, OSError or the database's errors, and then leaves no file behind.
    """
    manifest = Manifest(made_at=clock.now().isoformat(), migrations=db.applied_migrations())
    with (
        tempfile.TemporaryDirectory(prefix=".backup-", dir=path.parent) as folder,
        backup_file.create(path, manifest) as writer,
    ):
        _add_settings(writer)
        named = _named_now()
        copy = _copy_database(Path(folder))
        writer.add_file(copy.name, copy)
        for sha256 in _named_by(copy, named):
            name = storage.name_of(sha256)
            if not writer.add_document(storage.path_of(sha256), name, sha256):
                _explain_absence(sha256, manifest)
        _add_logos(writer, manifest)
    heartbeats.note(heartbeats.BACKUP)
    return Backup(manifest.documents, path.stat().st_size, manifest.missing)


def _add_settings(writer: Writer) -> None:
    for name in (backup_file.SETTINGS, config.KEY_NAME):
        source = current_app.config["INSTANCE"] / name
        if source.is_file():
            writer.add_file(name, source)


def _copy_database(folder: Path) -> Path:
    """Copy the database as it is at one instant; its writers need not wait."""
    if not db.is_sqlite():
        target = folder / backup_file.POSTGRESQL
        postgresql.dump(current_app.config["DATABASE_URL"], target)
        return target
    target = folder / backup_file.SQLITE
    with (
        closing(sqlite3.connect(db.database.database)) as source,
        closing(sqlite3.connect(target)) as copy,
    ):
        source.backup(copy)
        copy.execute("PRAGMA journal_mode = DELETE")  # one file, without -wal and -shm
    return target


def _named_now() -> set[str]:
    return {row.sha256 for row in Invoice.select(Invoice.sha256).distinct()}


def _named_by(copy: Path, named_before: set[str]) -> list[str]:
    """Return the documents that the copy names.

    A dump of PostgreSQL cannot be asked: for it, all that were named before or after it.
    """
    if copy.name != backup_file.SQLITE:
        return sorted(named_before | _named_now())
    # Raw: the models are bound to the living database.
    with closing(sqlite3.connect(copy)) as connection:
        rows = connection.execute("SELECT DISTINCT sha256 FROM invoice ORDER BY sha256")
        return [sha256 for (sha256,) in rows]


def _explain_absence(sha256: str, manifest: Manifest) -> None:
    is_named = Invoice.select().where(Invoice.sha256 == sha256).exists()
    (manifest.missing if is_named else manifest.purged).append(sha256)


def _add_logos(writer: Writer, manifest: Manifest) -> None:
    for source in sorted((storage.documents_folder() / "logos").glob("*")):
        is_logo = LOGO_NAME.fullmatch(source.name)
        if is_logo and not writer.add_document(source, f"logos/{source.name}", source.name):
            manifest.missing.append(source.name)
