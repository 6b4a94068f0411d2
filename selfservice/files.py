"""Files: written aside and renamed, and the portal's own static files."""

import hashlib
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO

STATIC = Path(__file__).with_name("static")


@cache
def hashed_name(file: Path) -> str:
    """Return « portal.0a1b2c3d4e.css »: a name that changes with the content."""
    fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()[:10]
    return f"{file.stem}.{fingerprint}{file.suffix}"


@contextmanager
def written_aside(
    path: Path,
    *,
    mode: int = 0o666,
    aside: str = "",
    is_synced: bool = True,
    is_replacing: bool = True,
) -> Iterator[IO[bytes]]:
    """Open a file aside, which gets its name once it is whole; a failure leaves nothing behind.

    The file is a new one, never a link that was there before; the umask applies to `mode`. The
    name aside is random. A caller who is the only writer gives a name as `aside`: a file of
    that name is what a killed process left, and is replaced. `is_synced` brings the file and its
    name to the disk. Without `is_replacing`, raises FileExistsError where the name is taken.
    """
    temporary = path.with_name(aside or f".{path.name}.{secrets.token_hex(4)}")
    if aside:
        temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            if is_synced:
                file.flush()
                os.fsync(file.fileno())
        if is_replacing:
            temporary.replace(path)
        else:
            path.hardlink_to(temporary)
            temporary.unlink()
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if is_synced:
        with suppress(OSError):  # some network folders cannot be synced
            sync(path.parent)


def sync(path: Path | str) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
