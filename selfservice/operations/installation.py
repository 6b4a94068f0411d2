"""Making an instance: its folder, secret key, database and migrations."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from selfservice import clock, config, db, files
from selfservice.operations import database_copy, schema, shared_key
from selfservice.operations.rights import open_documents


@dataclass(frozen=True)
class Installed:
    """`copy` is the database as it was before its migrations, if it held anything."""

    is_key_new: bool
    migrations: list[str]
    copy: Path | None


def install(instance: Path, *, is_key_taken: bool = False) -> Installed:
    """Make what is missing of an instance; safe to repeat, and in parallel.

    A host whose key is another than the portal's is refused, unless its own is to become it.

    The folder and the key are made even where a setting is wrong. Raises
    config.ConfigurationError for it, OperationError for a database that no migration brings to
    this version, OSError, or peewee's errors.
    """
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_key_new = _make_key(instance / config.KEY_NAME)
    settings = config.load(instance)
    settings["DOCUMENTS_DIR"].mkdir(mode=0o700, parents=True, exist_ok=True)
    db.configure(settings["DATABASE_URL"])
    if settings["ACCEL_REDIRECT_PREFIX"]:
        open_documents(instance, settings["DOCUMENTS_DIR"])
    with db.connection():
        schema.refuse_newer()
        copy = _copy_before_migrations(instance, settings["DATABASE_URL"])
        migrations = db.migrate()
        schema.require()
        if is_key_taken:
            shared_key.take(settings)
        shared_key.require_shared(settings)
    return Installed(is_key_new=is_key_new, migrations=migrations, copy=copy)


def _copy_before_migrations(instance: Path, url: str) -> Path | None:
    if not db.applied_migrations() or not db.pending_migrations():
        return None
    kind = "db" if db.is_sqlite() else "dump"
    target = instance / f"before-{db.pending_migrations()[0]}-{clock.now():%Y%m%d-%H%M%S}.{kind}"
    aside = target.with_name(f".{target.name}.part")
    try:
        database_copy.write(url, aside)
        aside.replace(target)
    finally:
        aside.unlink(missing_ok=True)
    return target


def _make_key(path: Path) -> bool:
    """Write a key that is whole or absent; of several processes one wins."""
    is_empty = path.exists() and not path.stat().st_size  # an earlier attempt was killed
    if path.exists() and not is_empty:
        return False
    try:
        with files.written_aside(path, mode=0o600, is_replacing=is_empty) as file:
            file.write(secrets.token_urlsafe(48).encode())
    except FileExistsError:
        return False
    return True
