"""The places of those who take many documents away at once: so many files may wait for a reader."""

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from io import BufferedRandom
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from selfservice import files
from selfservice.turns import NoTurnError, Turns

if TYPE_CHECKING:
    from typing_extensions import Buffer

MAX_PLACES = 32
MOST_OF_A_USER = 12  # a slow reader of them leaves colleagues some
MAX_BUILDING = 2
WAIT_SECONDS = 3
LOOK_BYTES = 8_000_000

# One more thread than pages need is left to those who sign in.
_turns = Turns(at_once=MAX_BUILDING, wait_seconds=WAIT_SECONDS, spared=2)
_taken: Counter[str] = Counter()
_files = 0
_lock = threading.RLock()  # the end of a forgotten file may come while it is held


class NoPlaceError(Exception):
    """This process holds as many files as it may, in all, for a company, a network or the disk."""


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

    The server closes it once its reader has it, or has left. A company, and a network, may hold no
    more places than it leaves free: two would else take all, by reading slowly. One of its users
    holds MOST_OF_A_USER, and leaves the others some. `whose` is as whom they count together
    (`User.counts_for`): the owner apart, who may remove slow readers, but does not end what they
    read. Raises NoPlaceError, also while it is written where it would fill its disk.
    """

    _unseen_bytes = 0  # written since the disk was looked at

    def __init__(self, whose: str, network: str, *, login: str) -> None:
        global _files
        user = f"login {login}"  # no network is called so, nor as a company
        self.holders = (f"company {whose}", network, user)
        with _lock:
            left = MAX_PLACES - _files
            if _taken[user] >= MOST_OF_A_USER or any(_taken[each] >= left for each in self.holders):
                raise NoPlaceError
            super().__init__(TemporaryFile(buffering=0))  # noqa: SIM115 (it closes with this one)
            _taken.update(self.holders)
            _files += 1
        try:
            self._look_at_disk()
        except NoPlaceError:
            self.close()
            raise

    def close(self) -> None:
        global _files
        if not self.closed:
            with _lock:
                _taken.subtract(self.holders)
                for each in self.holders:
                    if not _taken[each]:
                        del _taken[each]
                _files -= 1
        super().close()

    def write(self, data: "Buffer") -> int:
        self._unseen_bytes += len(memoryview(data))
        if self._unseen_bytes >= LOOK_BYTES:
            self._unseen_bytes = 0
            self._look_at_disk()
        return super().write(data)

    def _look_at_disk(self) -> None:
        if not files.has_room(os.fstatvfs(self.fileno())):
            raise NoPlaceError
