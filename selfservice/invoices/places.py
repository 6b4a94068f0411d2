"""The places of those who take many documents away at once: so many files may wait for a reader."""

import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from tempfile import TemporaryFile

from selfservice.turns import NoTurnError, Turns

MAX_PLACES = 32
MAX_PLACES_OF_ONE = 16
MAX_BUILDING = 2
WAIT_SECONDS = 3

# One more thread than pages need is left to those who sign in.
_turns = Turns(at_once=MAX_BUILDING, wait_seconds=WAIT_SECONDS, spared=2)
_taken: Counter[int] = Counter()
_lock = threading.RLock()  # the end of a forgotten file may come while it is held


class NoPlaceError(Exception):
    """This process holds as many files as it may, in all or for one company."""


@contextmanager
def building() -> Iterator[None]:
    """Give a turn to write a file, so that pages go on. Raises NoPlaceError where there is none."""
    try:
        with _turns.one():
            yield
    except NoTurnError as error:
        raise NoPlaceError from error


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
