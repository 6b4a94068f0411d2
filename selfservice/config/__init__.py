"""Settings: defaults, then instance/config.toml, then SELFSERVICE_<KEY>; typed and checked.

Nothing here touches the database or Flask. `keys` lists the settings.
"""

import os
import re
import tomllib
from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from selfservice import system_errors
from selfservice.config.keys import DEFAULT_PUBLIC_URL, KEYS, REPOSITORY, Key, secret

__all__ = [
    "DEFAULT_DATABASE_NAME",
    "DEFAULT_PUBLIC_URL",
    "DEFAULT_QUEUE_NAME",
    "KEPT_BY_GIT",
    "KEYS",
    "KEY_NAME",
    "LOOPBACK",
    "PREFIX",
    "REPOSITORY",
    "SETTINGS_NAME",
    "SQLITE",
    "ConfigurationError",
    "given_by_file",
    "instance_path",
    "load",
    "read_secret_key",
    "unknown_variables",
]

PREFIX = "SELFSERVICE_"
DEFAULT_DATABASE_NAME = "portal.db"
DEFAULT_QUEUE_NAME = "queue.db"
KEY_NAME = "secret_key"
SETTINGS_NAME = "config.toml"
LONGEST_RETURN_NAME = 32  # of the 64 that SMTP allows; the signature takes the others
KEPT_BY_GIT = ".gitkeep"  # in the project's own `instance/`
SQLITE = "sqlite:///"
LOOPBACK = ("127.0.0.1", "localhost", "::1")


AT_LINE = re.compile(r"at line (\d+), column (\d+)")


class ConfigurationError(Exception):
    """A setting is wrong; the message names it and says what is expected."""


def instance_path(environ: Mapping[str, str] = os.environ) -> Path:
    """Return the instance folder: SELFSERVICE_INSTANCE, else the repository's `instance/`."""
    return Path(environ.get(f"{PREFIX}INSTANCE") or REPOSITORY / "instance").resolve()


def load(instance: Path, environ: Mapping[str, str] = os.environ) -> dict[str, Any]:
    """Return every setting, typed.

    Raises ConfigurationError with one line for a wrong value, an unknown key of config.toml or
    a file that is not TOML.
    """
    given = _read_toml(instance / SETTINGS_NAME)
    known = {key.name for key in KEYS}
    for name in given:
        if name not in known:
            nearest = _nearest(name, known)
            hint = f" ; vouliez-vous dire {nearest} ?" if nearest else ""
            raise ConfigurationError(f"config.toml : clé inconnue {name}{hint}")
    settings = {key.name: _value(key, given, environ) for key in KEYS}
    _complete(settings, instance)
    return settings


def unknown_variables(environ: Mapping[str, str] = os.environ) -> list[tuple[str, str]]:
    """Return the variables that set nothing, each with the nearest name that does, or « »."""
    known = {"INSTANCE", "CLOCK", *(key.name for key in KEYS)}
    names = [name.removeprefix(PREFIX) for name in environ if name.startswith(PREFIX)]
    found = {name: _nearest(name, known) for name in sorted(names) if name not in known}
    return [(PREFIX + name, nearest and PREFIX + nearest) for name, nearest in found.items()]


def _nearest(name: str, known: Iterable[str]) -> str:
    return next(iter(get_close_matches(name.upper(), known, n=1)), "")


def given_by_file(instance: Path, environ: Mapping[str, str] = os.environ) -> set[str]:
    """Return the settings that config.toml decides, and no variable of the environment."""
    return {name for name in _read_toml(instance / SETTINGS_NAME) if PREFIX + name not in environ}


def read_secret_key(instance: Path) -> str | None:
    """Return the key that `selfservice init` made, None before it."""
    path = instance / KEY_NAME
    try:
        text = path.read_text("utf-8").strip()
        return secret(text) if text else None
    except FileNotFoundError:
        return None
    except OSError as error:
        raise ConfigurationError(f"{path} : {system_errors.explain(error)}") from error
    except ValueError as error:
        raise ConfigurationError(f"{path} : {error}") from error


def _read_toml(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise ConfigurationError(f"{path} : {system_errors.explain(error)}") from error
    except UnicodeDecodeError as error:
        raise ConfigurationError(f"{path} : ce fichier n'est pas en UTF-8") from error
    except tomllib.TOMLDecodeError as error:
        place = AT_LINE.search(str(error))
        where = f"ligne {place[1]}, colonne {place[2]}" if place else "à sa fin"
        raise ConfigurationError(f"{path} : ce fichier n'est pas du TOML ({where})") from error


def _value(key: Key, given: Mapping[str, Any], environ: Mapping[str, str]) -> object:
    variable = PREFIX + key.name
    for origin, values, name in ((variable, environ, variable), (key.name, given, key.name)):
        if name in values:
            try:
                return key.parse(values[name])
            except ValueError as error:
                raise ConfigurationError(f"{origin} : {error}") from error
    return key.default


def _placed(place: Path | str, instance: Path) -> Path | str:
    """Return a folder, or the database in a file, that is relative to the instance as absolute.

    Settings move with the instance, and no command depends on where it is started from.
    """
    if isinstance(place, Path):
        return Path(os.path.normpath(instance / place))
    path = place.removeprefix(SQLITE)
    return SQLITE + os.path.normpath(instance / path) if path != place else place


def _complete(settings: dict[str, Any], instance: Path) -> None:
    settings["INSTANCE"] = instance
    settings["SECRET_KEY"] = settings["SECRET_KEY"] or read_secret_key(instance)
    settings["DATABASE_URL"] = (
        settings["DATABASE_URL"] or f"{SQLITE}{instance / DEFAULT_DATABASE_NAME}"
    )
    settings["QUEUE_URL"] = settings["QUEUE_URL"] or f"{SQLITE}{instance / DEFAULT_QUEUE_NAME}"
    settings["DOCUMENTS_DIR"] = settings["DOCUMENTS_DIR"] or instance / "documents"
    for name in ("DATABASE_URL", "QUEUE_URL", "DOCUMENTS_DIR", "HELP_SITE_DIR", "MAIL_BOUNCES"):
        settings[name] = settings[name] and _placed(settings[name], instance)
    settings["MAIL_RETURN_ADDRESS"] = _return_address(settings)
    hostname = urlsplit(settings["PUBLIC_URL"]).hostname or ""
    settings["MAIL_EHLO_NAME"] = _as_ehlo_name(settings["MAIL_EHLO_NAME"] or hostname)
    if settings["DEMO"] and not settings["DEMO_ANYWAY"] and hostname not in LOOPBACK:
        raise ConfigurationError(
            "DEMO : une démonstration n'a pas d'adresse publique ; retirez DEMO, ou ajoutez "
            "DEMO_ANYWAY si vous le voulez"
        )


def _return_address(settings: Mapping[str, Any]) -> str | None:
    """Return the address whose local part is signed for each mail; None where none returns."""
    sender = settings["MAIL_DEFAULT_SENDER"] if settings["MAIL_BOUNCES"] else None
    address: str | None = settings["MAIL_RETURN_ADDRESS"] or sender
    if address and len(address.rpartition("@")[0]) > LONGEST_RETURN_NAME:
        raise ConfigurationError(
            f"MAIL_RETURN_ADDRESS : {LONGEST_RETURN_NAME} caractères au plus sont attendus avant "
            "« @ », où le portail ajoute le numéro de chaque mail et sa signature"
        )
    return address


def _as_ehlo_name(host: str) -> str:
    """Return a host as RFC 5321 writes it: a name, or an address in brackets."""
    try:
        address = ip_address(host)
    except ValueError:
        return host
    return f"[IPv6:{address}]" if address.version == 6 else f"[{address}]"
