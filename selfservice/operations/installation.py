"""Making an instance: its folder, secret key, database and migrations."""

import os
import secrets
from dataclasses import dataclass
from pathlib import Path

from selfservice import config, db


@dataclass(frozen=True)
class Installed:
    is_key_new: bool
    migrations: list[str]


def install(instance: Path) -> Installed:
    """Make what is missing of an instance; safe to repeat, and in parallel.

    The folder and the key are made even where a setting is wrong. Raises
    config.ConfigurationError for it, OSError, or peewee's errors.
    """
    instance.mkdir(mode=0o700, parents=True, exist_ok=True)
    is_key_new = _make_key(instance / config.KEY_NAME)
    settings = config.load(instance)
    settings["DOCUMENTS_DIR"].mkdir(mode=0o700, parents=True, exist_ok=True)
    db.configure(settings["DATABASE_URL"])
    with db.connection():
        migrations = db.migrate()
    return Installed(is_key_new=is_key_new, migrations=migrations)


def _make_key(path: Path) -> bool:
    """Write a key that is whole or absent; of several processes one wins."""
    if path.exists() and path.stat().st_size:
        return False
    aside = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(secrets.token_urlsafe(48))
        handle.flush()
        os.fsync(handle.fileno())
    try:
        if path.exists():  # empty: an earlier attempt was killed
            aside.replace(path)
        else:
            os.link(aside, path)
    except FileExistsError:
        return False
    finally:
        aside.unlink(missing_ok=True)
    return True
