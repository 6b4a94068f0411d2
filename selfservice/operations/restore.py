"""`selfservice restore`: make an instance of a backup, whole or not at all.

Everything is unpacked and verified aside, then moved to its place. The secret key moves last,
because nothing starts without it.
"""

import os
import re
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selfservice import config, db
from selfservice.accounts import sessions
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from selfservice.mail import OutboxMail
from selfservice.operations import backup_file, schema, transfer
from selfservice.operations.backup_file import Manifest
from selfservice.operations.document_names import names_of
from selfservice.operations.errors import OperationError
from selfservice.operations.rights import open_documents
from selfservice.retention import documents as retired
from selfservice.suppliers.models import Supplier
from selfservice.texts import visible

# The settings that say where an instance reads and writes.
PLACES = (
    "DATABASE_URL",
    "DOCUMENTS_DIR",
    "QUEUE_URL",
    "RATELIMIT_STORAGE_URI",
    "HELP_SITE_DIR",
    "MAIL_BOUNCES",
    "MAIL_SERVER",
)
# Where the portal's tasks come from, and what it shows to everybody: wherever the archive puts
# them, it may have put its own there, or the database.
RUN_OR_SHOWN = ("QUEUE_URL", "HELP_SITE_DIR")
MAX_SHOWN = 200
GIVEN = "given.db"
SHA256 = "[0-9a-f]{64}"
# What the rows call files, as the portal does: any other name leads to the host's own files.
NAMES = (
    (Invoice.sha256, re.compile(SHA256)),
    (Supplier.logo_sha256, re.compile(SHA256)),
    (OutboxMail.attachment_path, re.compile(rf"[0-9a-f]{{2}}/{SHA256}\.pdf")),
)


@dataclass(frozen=True)
class Plan:
    """What the settings would do, shown before anything is done; no password among it.

    `outside` names the settings of the archive itself that lead out of the instance, or decide what
    it runs or shows.
    """

    database: str
    documents: str
    is_demo: bool
    outside: list[str]

    def approve(self) -> None:
        """Raise OperationError for a plan that leads out of the instance."""
        if self.outside:
            raise OperationError("outside", settings=", ".join(self.outside))


@dataclass(frozen=True)
class Restored:
    """What came back; `missing` names the documents that a partial backup lacks."""

    documents: int
    migrations: list[str]
    made_at: str
    version: str
    missing: list[str]


def restore(
    path: Path, instance: Path, *, approve: Callable[[Plan], None] = Plan.approve
) -> Restored:
    """Fill an empty instance folder with what the backup holds, and migrate its database.

    The archive may come from anybody: `approve` sees what its settings would do before anything
    is done out of the folder aside, and raises where it must not be. Raises OperationError,
    config.ConfigurationError, OSError or the database's errors; the instance is then as
    empty as before.
    """
    _require_empty(instance)
    with tempfile.TemporaryDirectory(
        prefix=f".{instance.name}.restoring-", dir=_beside(instance)
    ) as folder:
        aside = Path(folder)
        manifest = backup_file.unpack(path, aside)
        settings = config.load(aside)
        places = _places(aside, instance, settings)
        _require_apart(places)
        for target in places.values():
            _require_empty(target)
        approve(_plan(aside, instance, settings))
        migrations, missing = _wake_database(aside, settings, manifest)
        _place(places)
    settings = config.load(instance)
    if settings["ACCEL_REDIRECT_PREFIX"]:
        open_documents(instance, settings["DOCUMENTS_DIR"])
    return Restored(manifest.documents, migrations, manifest.made_at, manifest.version, missing)


def _beside(instance: Path) -> Path:
    """Return where to unpack: beside the instance, or in it if its parent is closed to us."""
    if instance.is_dir() and not os.access(instance.parent, os.W_OK | os.X_OK):
        return instance
    instance.parent.mkdir(parents=True, exist_ok=True)
    return instance.parent


def _require_empty(target: Path) -> None:
    is_full = target.exists() and (
        not target.is_dir() or any(child.name != config.KEPT_BY_GIT for child in target.iterdir())
    )
    if is_full:
        raise OperationError("not_empty", path=target)


def _require_apart(places: dict[Path, Path]) -> None:
    """Raise OperationError where one part would take the place of another, or hold it.

    Documents are opened to the server that sends them, and the key would be with them.
    """
    for one, other in permutations(places.values(), 2):
        if one.is_relative_to(other):
            raise OperationError("mixed_places", one=one, other=other)


def _places(aside: Path, instance: Path, settings: dict[str, Any]) -> dict[Path, Path]:
    """Return where each part goes: into the instance, or where its settings put it."""

    def final(path: Path) -> Path:
        return instance / path.relative_to(aside) if path.is_relative_to(aside) else path

    url = settings["DATABASE_URL"]
    places = {aside / "documents": final(settings["DOCUMENTS_DIR"])}
    if url.startswith("sqlite"):
        places[aside / backup_file.SQLITE] = final(Path(url.removeprefix("sqlite:///")))
    places |= {aside / name: instance / name for name in backup_file.OF_INSTANCE}
    return places


def _plan(aside: Path, instance: Path, settings: dict[str, Any]) -> Plan:
    of_archive = config.given_by_file(aside)

    def leads_away(name: str) -> bool:
        if name == "MAIL_SERVER":  # it would be told a password of this machine
            return bool(settings["MAIL_PASSWORD"]) and "MAIL_PASSWORD" not in of_archive
        is_inside = any(_is_inside(settings[name], folder) for folder in (instance, aside))
        return name in RUN_OR_SHOWN or not is_inside

    return Plan(
        database=_shown(settings["DATABASE_URL"], aside, instance),
        documents=_shown(settings["DOCUMENTS_DIR"], aside, instance),
        is_demo=settings["DEMO"],
        outside=[
            # In one line, cut: whoever is asked sees all of them.
            f"{name} = {visible(_shown(settings[name], aside, instance))[:MAX_SHOWN]}"
            for name in PLACES
            if name in of_archive and settings[name] and leads_away(name)
        ],
    )


def _is_inside(place: Path | str, instance: Path) -> bool:
    """Tell whether a folder, or a database in a file, is in the instance."""
    if isinstance(place, str) and not place.startswith("sqlite:///"):
        return place == "database://"  # limits counted in the portal's own database
    path = Path(str(place).removeprefix("sqlite:///")).resolve()
    return path.is_relative_to(instance.resolve())


def _shown(place: Path | str, aside: Path, instance: Path) -> str:
    """Return a place without its password; what is aside will be in the instance."""
    if isinstance(place, Path) or "://" not in place or place.startswith("sqlite"):
        return str(place).removeprefix("sqlite:///").replace(str(aside), str(instance))
    parts = urlsplit(place)
    return f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"


def _wake_database(
    aside: Path, settings: dict[str, Any], manifest: Manifest
) -> tuple[list[str], list[str]]:
    """Load and migrate the database, and check that every document it names is there."""
    _refuse_newer(manifest)
    url = settings["DATABASE_URL"]
    file, dump, given = (
        aside / each for each in (backup_file.SQLITE, backup_file.POSTGRESQL, GIVEN)
    )
    if file.is_file():
        file.rename(given)  # what is filled gets its name
    db.configure(f"sqlite:///{file}" if url.startswith("sqlite") else url)
    with db.connection(), nullcontext() if db.is_sqlite() else _emptied_on_failure():
        if dump.is_file():
            transfer.from_postgresql(dump, migrations=manifest.migrations)
        else:
            transfer.from_sqlite(given, migrations=manifest.migrations)
        return _bring_up_to_date(aside / "documents", manifest)


def _refuse_newer(manifest: Manifest) -> None:
    known = {path.stem for path in db.MIGRATIONS.glob("[0-9]*.py")}
    if unknown := set(manifest.migrations) - known:
        raise OperationError("newer_archive", migration=max(unknown))


@contextmanager
def _emptied_on_failure() -> Iterator[None]:
    """Give back a database as empty as it must be at first."""
    if db.database.get_tables():
        raise OperationError("database_not_empty")
    try:
        yield
    except BaseException:
        db.release()
        with suppress(*db.ERRORS):  # the first fault is the one to tell
            for table in db.database.get_tables():
                db.database.execute_sql(f'DROP TABLE "{table}" CASCADE')
        raise


def _bring_up_to_date(documents: Path, manifest: Manifest) -> tuple[list[str], list[str]]:
    """Return the migrations that were applied, and the names of the missing documents."""
    migrations = db.migrate()
    schema.require()
    _require_own_names()
    with db.database.atomic():
        sessions.end_everybodys()  # who has signed out since must not be signed in again
        for sha256 in manifest.purged:  # while the backup ran; the rest of that purge is done here
            if batch := list(Invoice.select().where(Invoice.sha256 == sha256)):
                retired.remove_rows(batch)
    for row in Invoice.select(Invoice.sha256).distinct().iterator():
        sha256 = row.sha256
        if not (documents / storage.name_of(sha256)).is_file() and sha256 not in manifest.missing:
            raise OperationError("document_absent", sha256=sha256)
    return migrations, names_of(manifest.missing)


def _require_own_names() -> None:
    """Raise OperationError for a row that names a file out of the documents' folder."""
    for column, form in NAMES:
        named = column.model.select(column).where(column.is_null(False)).distinct()
        if not all(form.fullmatch(name) for (name,) in named.tuples().iterator()):
            reason = f"{column.model.__name__}.{column.name}"
            raise OperationError("damaged_database", reason=reason)


def _place(places: dict[Path, Path]) -> None:
    """Move each part to its place; on a failure, remove those that were moved."""
    placed: list[Path] = []
    try:
        for source, target in places.items():
            if not source.exists():  # no logo was ever there, or the key comes from elsewhere
                continue
            target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            if target.is_dir():
                target.rmdir()
            placed.append(target)
            shutil.move(source, target)
    except BaseException:
        for target in placed:
            if target.is_dir():
                shutil.rmtree(target, ignore_errors=True)
            else:
                target.unlink(missing_ok=True)
        raise
