"""A supplier's logo: a small PNG, JPEG or WebP image kept among the documents by its SHA-256.

SVG is refused: it can hold scripts and links.
"""

import hashlib
from pathlib import Path

from flask import current_app

from selfservice import files
from selfservice.suppliers.errors import WrongLogoError

MAX_BYTES = 512 * 1024


def store(source: Path) -> str:
    """Keep the image and return its SHA-256; raises WrongLogoError."""
    try:
        content = source.read_bytes() if source.stat().st_size <= MAX_BYTES else b""
    except OSError as error:
        raise WrongLogoError(path=source) from error
    if media_type(content) is None:
        raise WrongLogoError(path=source)
    sha256 = hashlib.sha256(content).hexdigest()
    path_of(sha256).parent.mkdir(parents=True, exist_ok=True)
    with files.written_aside(path_of(sha256)) as file:
        file.write(content)
    return sha256


def path_of(sha256: str) -> Path:
    return Path(current_app.config["DOCUMENTS_DIR"]) / "logos" / sha256


def media_type(content: bytes) -> str | None:
    """Return the media type by the first bytes, None for anything but an accepted image."""
    if content.startswith(b"\x89PNG\r\n\x1a\n"):
        return "image/png"
    if content.startswith(b"\xff\xd8\xff"):
        return "image/jpeg"
    if content[:4] == b"RIFF" and content[8:12] == b"WEBP":
        return "image/webp"
    return None
