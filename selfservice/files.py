"""Files and long bodies of responses, told apart so that the server sends them its own way."""

import fcntl
import hashlib
import os
import secrets
import shutil
import tempfile
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import IO, Any, ClassVar, NamedTuple

from werkzeug.wsgi import FileWrapper
from whitenoise.responders import SlicedFile

BUFFER_BYTES = 128 * 1024
STATIC = Path(__file__).parent / "static"
MAX_LONG_BODIES = 32
MAX_LONG_BODIES_OF_ONE = 4
ASIDE, LOCK, PIPE = "selfservice-", "lock", ".pipe"
NEWBORN_SECONDS = 60


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
    """This process is making as many long bodies as it may, in all or for one person."""


class Place:
    """The right of a person (`owner`) to have one long body made, until nothing holds it.

    Raises TooManyLongBodiesError.
    """

    _taken: ClassVar[Counter[int]] = Counter()
    _lock = threading.RLock()  # a collection of garbage may free another one inside

    def __init__(self, owner: int) -> None:
        with self._lock:
            is_full = self._taken.total() >= MAX_LONG_BODIES
            if is_full or self._taken[owner] >= MAX_LONG_BODIES_OF_ONE:
                raise TooManyLongBodiesError
            self._taken[owner] += 1
        self.leave = weakref.finalize(self, self._free, owner)

    @classmethod
    def _free(cls, owner: int) -> None:
        with cls._lock:
            cls._taken -= Counter([owner])


def _no_steps() -> Generator[None, None, None]:
    yield from ()


class LongBody:
    """A body made while it leaves, at its reader's pace.

    `steps` prepare it, each short: they may ask the database. `pieces` are it, made in threads,
    so they must not. `length` tells, once the first piece is made, how many bytes they all are.
    `on_close` frees what both used; it leaves its place too.
    """

    def __init__(
        self,
        pieces: Generator[bytes, None, None],
        place: Place,
        *,
        steps: Generator[None, None, None] | None = None,
        length: Callable[[], int] | None = None,
        on_close: Callable[[], object] = lambda: None,
    ) -> None:
        self.size = 0
        self.steps = steps or _no_steps()
        self.length = length
        self._place = place
        self._pieces = pieces
        self._on_close: list[Callable[[], object]] = [
            pieces.close,
            self.steps.close,
            on_close,
            place.leave,
        ]

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


class Aside:
    """A folder that its maker holds: `sweep` removes what a killed process left."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix=ASIDE)
        self.path = Path(self._folder.name)
        self._lock = (self.path / LOCK).open("w")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def remove(self) -> None:
        self._folder.cleanup()
        self._lock.close()


def pipe_path() -> Path:
    """Return a new name for a pipe; `sweep` removes one that outlives its few seconds."""
    return Path(tempfile.gettempdir()) / f"{ASIDE}{secrets.token_hex(8)}{PIPE}"


def sweep() -> None:
    """Remove the folders aside that no process holds any more, and the pipes never opened."""
    for pipe in Path(tempfile.gettempdir()).glob(f"{ASIDE}*{PIPE}"):
        with suppress(OSError):  # of another user
            if time.time() - pipe.stat().st_mtime > NEWBORN_SECONDS:
                pipe.unlink()
    for lock in Path(tempfile.gettempdir()).glob(f"{ASIDE}*/{LOCK}"):
        with suppress(OSError), lock.open() as held:  # by another process, or not our own
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if time.time() - lock.stat().st_mtime > NEWBORN_SECONDS:  # or not yet held
                shutil.rmtree(lock.parent)


def _span(file: Any) -> Span | None:
    part = file if isinstance(file, SlicedFile) else None  # WhiteNoise's answer to Range
    whole = part.fileobj if part else file
    if not isinstance(whole, BufferedReader) or not isinstance(whole.name, str):
        return None
    start = whole.tell()
    end = start + part.remaining if part else os.fstat(whole.fileno()).st_size
    return Span(whole.name, start, end)
