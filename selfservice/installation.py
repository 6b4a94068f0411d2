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

    Raises config.ConfigurationError for a wrong setting, OSError, or peewee's errors.
    """
    settings = config.load(instance)
    instance.mkdir(parents=True, exist_ok=True)
    is_key_new = settings["SECRET_KEY"] is None and _make_key(instance / "secret_key")
    settings["DOCUMENTS_DIR"].mkdir(parents=True, exist_ok=True)
    db.configure(settings["DATABASE_URL"])
    with db.connection():
        migrations = db.migrate()
    return Installed(is_key_new=is_key_new, migrations=migrations)


def _make_key(path: Path) -> bool:
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return False
    with os.fdopen(descriptor, "w", encoding="utf-8") as handle:
        handle.write(secrets.token_urlsafe(48))
    return True
