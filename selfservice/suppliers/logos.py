"""A supplier's logo: a small PNG, JPEG or WebP image kept among the documents by its SHA-256.

SVG is refused: it can hold scripts and links.
"""

import hashlib
import os
import secrets
from pathlib import Path

from flask import current_app

from selfservice.suppliers.errors import WrongLogoError

MAX_BYTES = 512 * 1024


def store(source: Path) -> str:
    """Keep the image and return its SHA-256; raises WrongLogoError."""
    try:
        content = source.read_bytes() if source.stat().st_size <= MAX_BYTES else b""
    except OSError as error:
        raise WrongLogoError(source) from error
    if media_type(content) is None:
        raise WrongLogoError(source)
    sha256 = hashlib.sha256(content).hexdigest()
    _write(path_of(sha256), content)
    return sha256


def path_of(sha256: str) -> Path:
    return Path(current_app.config["DOCUMENTS_DIR"]) / "logos" / sha256


def media_type(content: bytes) -> str | None:
    """Return the type that the first bytes show, None for what is no accepted image."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None


def _write(target: Path, content: bytes) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    aside = target.with_name(f".{target.name}.{secrets.token_hex(4)}")
    with aside.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    aside.replace(target)
