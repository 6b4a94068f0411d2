"""The places of those who take many documents away at once: so many files may wait for a reader."""

import threading
import weakref
from collections import Counter
from tempfile import TemporaryFile
from typing import IO

MAX_PLACES = 32
MAX_PLACES_OF_ONE = 16

_taken: Counter[int] = Counter()
_lock = threading.RLock()  # the end of another file may free its place while one is taken


class NoPlaceError(Exception):
    """This process holds as many files as it may, in all or for one company."""


def open_file(company_id: int) -> IO[bytes]:
    """Open a temporary file of a company, which has no name and takes a place while it lives.

    The server sends it at its reader's pace and then drops it. Raises NoPlaceError.
    """
    with _lock:
        if _taken.total() >= MAX_PLACES or _taken[company_id] >= MAX_PLACES_OF_ONE:
            raise NoPlaceError
        _taken[company_id] += 1
    file = TemporaryFile()  # noqa: SIM115 (who sends it closes it)
    weakref.finalize(file, _free, company_id)
    return file


def _free(company_id: int) -> None:
    with _lock:
        _taken.subtract([company_id])
