"""The reader processes of a deposit: a pool whose processes have hard limits.

Started afresh rather than forked, so that they inherit neither the database's connection nor a
lock.
"""

import os
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from itertools import chain, pairwise
from multiprocessing import resource_tracker
from multiprocessing.context import SpawnContext
from multiprocessing.synchronize import RLock
from pathlib import Path

from pebble import ProcessExpired, ProcessFuture, ProcessPool

from selfservice.deposits.document import Document
from selfservice.deposits.errors import ReadersNotStartedError
from selfservice.deposits.facturx import Description
from selfservice.deposits.reading import TOO_HEAVY_STATUS, Limits, limit_process, read
from selfservice.deposits.refusal import RefusalError

READING = Path(__file__).with_name("reading.py")
DOCUMENTS_PER_READER = 25
DOCUMENTS_PER_PROCESS = 10_000
# Processor time is the limit; patience only ends what waits, as on a network folder that died.
PATIENCE = 6


class _LastingLocks(SpawnContext):
    """Keeps the locks of a pool, which gives them up before it ends its processes.

    One that is still starting would end with a trace, for want of them.
    """

    def __init__(self) -> None:
        self._locks: list[RLock] = []

    def RLock(self) -> RLock:  # noqa: N802, its name for multiprocessing
        self._locks.append(super().RLock())
        return self._locks[-1]


class Readers:
    """One reader a core, fewer for a small folder; use as a context manager."""

    def __init__(self, limits: Limits, *, documents: int) -> None:
        # A new Python would first look for its modules where one stands, as in that very folder.
        os.environ["PYTHONSAFEPATH"] = "1"
        cores = len(os.sched_getaffinity(0))
        self._limits = limits
        self._read: dict[str, ProcessFuture[tuple[str, int, Description]]] = {}
        self._pool = ProcessPool(
            max_workers=min(cores, 1 + documents // DOCUMENTS_PER_READER),
            max_tasks=DOCUMENTS_PER_PROCESS,
            initializer=limit_process,
            initargs=(limits.megabytes,),
            context=_LastingLocks(),
        )

    def __enter__(self) -> "Readers":
        return self

    def __exit__(self, *_: object) -> None:
        self._pool.stop()
        self._pool.join()

    def ahead(self, batches: Iterable[list[Document]]) -> Iterator[list[Document]]:
        """Yield the batches; when one comes out, it and the next one are being read."""
        for batch, _ in pairwise(chain(map(self._start, batches), [[]])):
            yield batch

    def _start(self, batch: list[Document]) -> list[Document]:
        with _ctrl_c_blocked():
            for each in batch:
                try:
                    self._read[each.aside] = self._pool.schedule(
                        read,
                        args=(each.source, each.aside, self._limits),
                        timeout=PATIENCE * self._limits.seconds,
                    )
                except (RuntimeError, OSError) as error:  # no process of the pool can be started
                    raise ReadersNotStartedError(READING) from error
        return batch

    def finish(self, document: Document) -> None:
        """Wait until a document is read and copied aside; the copy is not on the disk yet.

        Raises RefusalError, also where its reader fell on it; OSError where the copy cannot be
        written; ReadersNotStartedError.
        """
        try:
            found = self._read.pop(document.aside).result()
        except TimeoutError as error:
            raise RefusalError("too_slow", limit=self._limits.seconds) from error
        except ProcessExpired as error:
            raise self._fallen(error.exitcode) from error
        except BrokenProcessPool as error:
            raise ReadersNotStartedError(READING) from error
        except (RefusalError, OSError):
            raise
        except Exception as error:  # nobody foresaw it: it concerns this document alone
            raise RefusalError("reader_died") from error
        document.sha256, document.size_bytes, document.own = found

    def _fallen(self, status: int) -> RefusalError:
        if status == -signal.SIGXCPU:
            return RefusalError("too_slow", limit=self._limits.seconds)
        if status in (TOO_HEAVY_STATUS, -signal.SIGABRT):  # C++ aborts where memory is spent
            return RefusalError("too_heavy", limit=self._limits.megabytes)
        return RefusalError("reader_died")


@contextmanager
def _ctrl_c_blocked() -> Iterator[None]:
    """Leave Ctrl-C to the command: what is started meanwhile, readers too, never receives it.

    A reader that is still loading its code would end with a trace of its own.
    """
    resource_tracker.ensure_running()  # its own start, at the first reader's, would let it through
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
