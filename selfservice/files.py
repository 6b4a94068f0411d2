"""The portal's own static files."""

import hashlib
from functools import cache
from pathlib import Path

STATIC = Path(__file__).with_name("static")


@cache
def hashed_name(file: Path) -> str:
    """Return « portal.0a1b2c3d4e.css »: a name that changes with the content."""
    fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()[:10]
    return f"{file.stem}.{fingerprint}{file.suffix}"
