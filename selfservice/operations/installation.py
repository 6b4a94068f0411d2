"""Making an instance: its folder, secret key, database and migrations."""

import secrets
from dataclasses import dataclass
from pathlib import Path

from selfservice import config, db, files
from selfservice.operations import shared_key
from selfservice.operations.rights import open_documents


@dataclass(frozen=True)
class Installed:
    is_key_new: bool
    migrations: list[str]


def install(instance: Path, *, is_key_taken: bool = False) -> Installed:
    """Make what is missing of an instance; safe to repeat, and in parallel.

    A host whose key is another than the portal's is refused, unless its own is to become it.

    The folder and the key are made even where a setting is wrong. Raises
    config.ConfigurationError for it, OperationError, OSError, or peewee's errors.
    """
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_key_new = _make_key(instance / config.KEY_NAME)
    settings = config.load(instance)
    settings["DOCUMENTS_DIR"].mkdir(mode=0o700, parents=True, exist_ok=True)
    db.configure(settings["DATABASE_URL"])
    if settings["ACCEL_REDIRECT_PREFIX"]:
        open_documents(instance, settings["DOCUMENTS_DIR"])
    with db.connection():
        migrations = db.migrate()
        if is_key_taken:
            shared_key.take(settings)
        shared_key.require_shared(settings)
    return Installed(is_key_new=is_key_new, migrations=migrations)


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
