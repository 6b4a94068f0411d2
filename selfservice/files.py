"""Files and long bodies of responses, told apart so that the server sends them its own way."""

import hashlib
import os
import threading
import weakref
from collections.abc import Callable, Generator, Iterable, Iterator
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, NamedTuple

from werkzeug.wsgi import FileWrapper
from whitenoise.responders import SlicedFile

BUFFER_BYTES = 128 * 1024
STATIC = Path(__file__).parent / "static"
MAX_LONG_BODIES = 32

_places = threading.BoundedSemaphore(MAX_LONG_BODIES)


def hashed_name(file: Path) -> str:
    """Return « portal.0a1b2c3d4e.css »: a name that changes with the content."""
    fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()[:10]
    return f"{file.stem}.{fingerprint}{file.suffix}"


class Span(NamedTuple):
    """The part of a file to send, `end` excluded."""

    path: str
    start: int
    end: int


class FileBody(FileWrapper):
    """What the server offers as `wsgi.file_wrapper` (PEP 3333).

    `span` is None for what has no path; such a body can only be read.
    """

    def __init__(self, file: IO[bytes], buffer_size: int = BUFFER_BYTES) -> None:
        super().__init__(file, buffer_size)
        self.span = _span(file)
        self._on_close: list[Callable[[], object]] = []

    def call_on_close(self, call: Callable[[], object]) -> None:
        self._on_close.append(call)

    def close(self) -> None:
        try:
            super().close()
        finally:
            for call in self._on_close:
                call()


class TooManyLongBodiesError(Exception):
    """This process is making as many long bodies as it may."""


class LongBody:
    """A body made while it leaves, at its reader's pace.

    `steps` prepare it, each short: they may ask the database. `pieces` are it, made in threads,
    so they must not. `length` tells, once the first piece is made, how many bytes they all are.
    `on_close` frees what both used. Raises TooManyLongBodiesError.
    """

    def __init__(
        self,
        pieces: Generator[bytes, None, None],
        *,
        steps: Iterable[None] = (),
        length: Callable[[], int] | None = None,
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        if not _places.acquire(blocking=False):
            on_close()
            raise TooManyLongBodiesError
        self.size = 0
        self.steps = steps
        self.length = length
        self._pieces = pieces
        release = weakref.finalize(self, _places.release)
        self._on_close: list[Callable[[], object]] = [pieces.close, on_close, release]

    def __iter__(self) -> Iterator[bytes]:
        for _ in self.steps:
            pass
        return self.pieces()

    def pieces(self) -> Iterator[bytes]:
        for piece in self._pieces:
            self.size += len(piece)
            yield piece

    def call_on_close(self, call: Callable[[], object]) -> None:
        self._on_close.append(call)

    def close(self) -> None:
        for call in self._on_close:
            call()


def _span(file: Any) -> Span | None:
    part = file if isinstance(file, SlicedFile) else None  # WhiteNoise's answer to Range
    whole = part.fileobj if part else file
    if not isinstance(whole, BufferedReader) or not isinstance(whole.name, str):
        return None
    start = whole.tell()
    end = start + part.remaining if part else os.fstat(whole.fileno()).st_size
    return Span(whole.name, start, end)
