"""The places of those who take many documents away at once: so many files may wait for a reader."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from tempfile import TemporaryFile

MAX_PLACES = 32
MAX_PLACES_OF_ONE = 16
MAX_BUILDING = 2
WAIT_SECONDS = 3

_line, _writing = (
    threading.BoundedSemaphore(MAX_BUILDING + 1),
    threading.BoundedSemaphore(MAX_BUILDING),
)
_taken: Counter[int] = Counter()
_lock = threading.RLock()  # the end of a forgotten file may come while it is held


class NoPlaceError(Exception):
    """This process holds as many files as it may, in all or for one company."""


@contextmanager
def building() -> Iterator[None]:
    """Give a turn to write a file: two write at once and one waits, so that pages go on.

    Raises NoPlaceError where the line is full or stands.
    """
    if not _line.acquire(blocking=False):
        raise NoPlaceError
    try:
        if not _writing.acquire(timeout=WAIT_SECONDS):
            raise NoPlaceError
        try:
            yield
        finally:
            _writing.release()
    finally:
        _line.release()


class WaitingFile(BufferedRandom):
    """A temporary file of a company, without a name, that keeps a place until it is closed.

    The server closes it once its reader has it, or has left. Raises NoPlaceError.
    """

    def __init__(self, company_id: int) -> None:
        with _lock:
            if _taken.total() >= MAX_PLACES or _taken[company_id] >= MAX_PLACES_OF_ONE:
                raise NoPlaceError
            super().__init__(TemporaryFile(buffering=0))  # noqa: SIM115 (it closes with this one)
            _taken[company_id] += 1
        self.company_id = company_id

    def close(self) -> None:
        if not self.closed:
            with _lock:
                _taken.subtract([self.company_id])
        super().close()
