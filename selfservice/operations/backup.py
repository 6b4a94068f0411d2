"""`selfservice backup`: one archive of the whole instance, while it works.

The database is copied first, then the documents that the copy names: a deposit only adds, and a
purge removes a row before its file, so what is missing without a row was purged meanwhile.
"""

import os
import re
import sqlite3
import tempfile
from contextlib import closing, suppress
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

from selfservice import clock, db, files
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from selfservice.operations import backup_file, database_copy, heartbeats, rotation, version
from selfservice.operations.backup_file import Manifest, Writer
from selfservice.operations.document_names import names_of
from selfservice.operations.errors import OperationError

LOGO_NAME = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True)
class Backup:
    """What a backup holds; `missing` names documents that were lost or damaged before it."""

    documents: int
    size_bytes: int
    missing: list[str]


def make_backup(path: Path) -> Backup:
    """Write a backup and note that it was made. Needs an open connection.

    Raises OperationError, OSError or the database's errors, and then leaves no file behind.
    """
    path.parent.resolve(strict=True)  # the fault names the folder, and no file aside
    rotation.remove_abandoned(path)
    manifest = Manifest(
        made_at=clock.now().isoformat(),
        migrations=db.applied_migrations(),
        version=version.full(),
    )
    with (
        tempfile.TemporaryDirectory(prefix=rotation.FOLDER_PREFIX, dir=path.parent) as folder,
        backup_file.create(path, manifest) as writer,
    ):
        _add_settings(writer)
        named = _named_now()
        _require_room(path.parent, for_bytes=_database_bytes())
        copy = _copy_database(Path(folder))
        writer.add_file(copy.name, copy)
        for sha256 in _named_by(copy, named):
            _require_room(path.parent)
            name = storage.name_of(sha256)
            if not writer.add_document(storage.path_of(sha256), name, sha256):
                _explain_absence(sha256, manifest)
        _add_logos(writer, manifest)
    with suppress(*db.ERRORS):  # an older base, or one that may only be read, is saved all the same
        heartbeats.note(heartbeats.PARTIAL_BACKUP if manifest.missing else heartbeats.BACKUP)
    return Backup(manifest.documents, path.stat().st_size, names_of(manifest.missing))


def _require_room(folder: Path, *, for_bytes: int = 0) -> None:
    """Leave room on the disk of the portal, which would else answer 503 until the backup fails.

    Another disk may be filled to the end. Raises OperationError.
    """
    has_room = files.has_room(os.statvfs(folder), for_bytes=for_bytes)
    if not has_room and _is_on_disk_of_portal(folder):
        raise OperationError("no_room", folder=folder)


def _is_on_disk_of_portal(folder: Path) -> bool:
    own = (current_app.config["INSTANCE"], storage.documents_folder())
    return folder.stat().st_dev in {each.stat().st_dev for each in own}


def _database_bytes() -> int:
    """Return what a copy of the database takes, and again in the backup; a dump's is not known."""
    return 2 * Path(db.database.database).stat().st_size if db.is_sqlite() else 0


def _add_settings(writer: Writer) -> None:
    for name in backup_file.OF_INSTANCE:
        source = current_app.config["INSTANCE"] / name
        if source.is_file():
            writer.add_file(name, source)


def _copy_database(folder: Path) -> Path:
    name = backup_file.SQLITE if db.is_sqlite() else backup_file.POSTGRESQL
    database_copy.write(current_app.config["DATABASE_URL"], folder / name)
    return folder / name


def _named_now() -> set[str]:
    """Return the documents that the database names; one of a first version may have no table."""
    if not Invoice.table_exists():
        return set()
    return {row.sha256 for row in Invoice.select(Invoice.sha256).distinct()}


def _named_by(copy: Path, named_before: set[str]) -> list[str]:
    """Return the documents that the copy names.

    A dump of PostgreSQL cannot be asked: for it, all that were named before or after it.
    """
    if copy.name != backup_file.SQLITE:
        return sorted(named_before | _named_now())
    if not Invoice.table_exists():
        return []
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
