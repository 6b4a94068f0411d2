"""Turns at heavy work: few do it at once, few wait, and a thread of the server stays free."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

THREADS = 4

_threads = THREADS
_lock = threading.Lock()
_all: list["Turns"] = []


class NoTurnError(Exception):
    """Too many do it or wait for it."""


class Turns:
    """One kind of heavy work, of which this process does `at_once` at the same time.

    Who waits holds a thread for `wait_seconds` at most. `spared` threads do none of this kind.
    """

    def __init__(self, *, at_once: int, wait_seconds: float, spared: int = 1) -> None:
        self._work = threading.BoundedSemaphore(at_once)
        self._wait_seconds = wait_seconds
        self._spared = spared
        self.held = 0
        _all.append(self)

    @contextmanager
    def one(self) -> Iterator[None]:
        """Wait for a turn and give it back at the end. Raises NoTurnError."""
        self._take_thread()
        try:
            if not self._work.acquire(timeout=self._wait_seconds):
                raise NoTurnError
            try:
                yield
            finally:
                self._work.release()
        finally:
            with _lock:
                self.held -= 1

    def _take_thread(self) -> None:
        with _lock:
            is_own_full = self.held >= max(1, _threads - self._spared)
            if is_own_full or sum(each.held for each in _all) >= max(1, _threads - 1):
                raise NoTurnError
            self.held += 1


def share(threads: int) -> None:
    """Say how many threads the server of this process has."""
    global _threads
    _threads = threads
