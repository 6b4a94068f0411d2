"""The secret key that all hosts share: its fingerprint in the database, never itself."""

import hashlib
import hmac
from collections.abc import Mapping
from typing import Any

from peewee import CharField

from selfservice.db import BaseModel
from selfservice.operations.errors import OperationError

PURPOSE = b"selfservice: secret key of this portal"
NAME = "current"


class KeyFingerprint(BaseModel):
    name = CharField(primary_key=True, max_length=16)
    digest = CharField(max_length=64)


def fingerprint(key: str) -> str:
    """Return what tells a key from another, and gives none away."""
    return hmac.new(key.encode(), PURPOSE, hashlib.sha256).hexdigest()


def is_shared(settings: Mapping[str, Any]) -> bool:
    """Tell whether the key of this host is the portal's, or may become it."""
    return _noted() in (None, *map(fingerprint, _keys(settings)))


def require_shared(settings: Mapping[str, Any]) -> None:
    """Raise OperationError where this host's key is another than the portal's.

    The key of the first host becomes the portal's, and so does one that comes in while the former
    is among SECRET_KEY_FALLBACKS.
    """
    digest = fingerprint(settings["SECRET_KEY"])
    if _noted() is None:
        KeyFingerprint.insert(name=NAME, digest=digest).on_conflict_ignore().execute()
    if not is_shared(settings):
        raise OperationError("other_key")
    if _noted() != digest:
        take(settings)


def take(settings: Mapping[str, Any]) -> None:
    """Make the key of this host the portal's."""
    digest = fingerprint(settings["SECRET_KEY"])
    KeyFingerprint.insert(name=NAME, digest=digest).on_conflict(
        conflict_target=[KeyFingerprint.name], update={KeyFingerprint.digest: digest}
    ).execute()


def _keys(settings: Mapping[str, Any]) -> list[str]:
    return [settings["SECRET_KEY"], *settings["SECRET_KEY_FALLBACKS"]]


def _noted() -> str | None:
    found = KeyFingerprint.get_or_none(KeyFingerprint.name == NAME)
    return found.digest if found else None
