"""The reader processes of a deposit: kept busy, and replaced when a document ends one.

Processes of their own, so that memory and time have hard limits; started afresh rather than
forked, so that they inherit neither the database's connection nor a lock.
"""

import os
import pickle
import signal
import socket
import subprocess
import sys
from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import cast

from selfservice.deposits.errors import ReadersNotStartedError
from selfservice.deposits.reading import READY, TOO_HEAVY_STATUS, Job, Limits, Reading
from selfservice.deposits.refusal import RefusalError

PACKAGE = Path(__file__).parent.parent
DOCUMENTS_PER_READER = 25
DOCUMENTS_PER_PROCESS = 10_000
START_SECONDS = 60
# Processor time is the limit; patience only ends what waits, as on a network folder that died.
PATIENCE = 6

# The bare package: importing all of the portal would cost a reader a second and 70 MB.
_BOOT = """
import sys, types
package = types.ModuleType("selfservice")
package.__path__ = [sys.argv[1]]
sys.modules["selfservice"] = package
from selfservice.deposits import reading
reading.serve(int(sys.argv[2]))
"""

Answer = Reading | RefusalError


class Readers:
    """One reader a core, fewer for a small folder; use as a context manager."""

    def __init__(self, limits: Limits, *, documents: int) -> None:
        cores = len(os.sched_getaffinity(0))
        count = min(cores, 1 + documents // DOCUMENTS_PER_READER)
        self._readers = [_Reader(limits) for _ in range(count)]

    def __enter__(self) -> "Readers":
        return self

    def __exit__(self, *_: object) -> None:
        for reader in self._readers:
            reader.stop()

    def read(self, batches: Iterable[Sequence[Job]]) -> Iterator[list[Answer]]:
        """Yield the answers of each batch in its order, while the next batch is being read.

        A document that ends its reader is refused and the others go on. Raises OSError where a
        copy cannot be written, ReadersNotStartedError.
        """
        for batch in batches:
            answers = self._collect()
            self._share(batch)
            if answers:
                yield answers
        if answers := self._collect():
            yield answers

    def _share(self, batch: Sequence[Job]) -> None:
        share = -(-len(batch) // len(self._readers))
        for number, reader in enumerate(self._readers):
            reader.ask(batch[number * share : (number + 1) * share])

    def _collect(self) -> list[Answer]:
        return [answer for reader in self._readers for answer in reader.answers()]


class _Reader:
    """What one reader was asked; its process starts when needed, and again after its end."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._asked: deque[Job] = deque()
        self._process: _Process | None = None

    def ask(self, jobs: Sequence[Job]) -> None:
        """Have documents read; all earlier ones must be answered."""
        if self._process and self._process.read_count >= DOCUMENTS_PER_PROCESS:
            self.stop()
        self._asked.extend(jobs)
        self._resume()

    def answers(self) -> Iterator[Answer]:
        while self._asked and self._process:
            try:
                answer = self._process.receive()
                self._asked.popleft()
            except EOFError:
                answer = self._process.bury()
                self._process = None
                self._asked.popleft()
                self._resume()
            if isinstance(answer, OSError):
                raise answer
            yield answer

    def stop(self) -> None:
        if self._process:
            self._process.kill()
            self._process = None

    def _resume(self) -> None:
        if self._asked:
            self._process = self._process or _Process(self._limits)
            self._process.send(list(self._asked))


class _Process:
    """A process that runs reading.serve()."""

    def __init__(self, limits: Limits) -> None:
        self.read_count = 0
        self._limits = limits
        self._is_ready = False
        self._socket, theirs = socket.socketpair()
        self._socket.settimeout(START_SECONDS)
        # Buffered: a call of the system brings as many answers as have come.
        self._answers = self._socket.makefile("rb")
        with theirs:
            self._popen = subprocess.Popen(  # noqa: S603 - our own code
                [sys.executable, "-P", "-c", _BOOT, str(PACKAGE), str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.DEVNULL,
            )
        self.send(limits)

    def send(self, message: object) -> None:
        with suppress(ConnectionError, TimeoutError):  # it has ended: receive() will tell
            self._socket.sendall(pickle.dumps(message))

    def receive(self) -> Reading | RefusalError | OSError:
        """Return the next answer; raises EOFError for a process that is no more, or hangs."""
        if not self._is_ready:
            self._greet()
        answer = self._message()
        self.read_count += 1
        return cast(Reading | RefusalError | OSError, answer)

    def bury(self) -> RefusalError:
        """Wait for the end and say why the document that was being read stays out."""
        self._answers.close()
        self._socket.close()
        status = self._popen.wait()
        if status == -signal.SIGXCPU:
            return RefusalError("too_slow", limit=self._limits.seconds)
        if status in (TOO_HEAVY_STATUS, -signal.SIGABRT):  # C++ aborts where memory is spent
            return RefusalError("too_heavy", limit=self._limits.megabytes)
        return RefusalError("reader_died")

    def kill(self) -> None:
        self._popen.kill()
        self.bury()

    def _greet(self) -> None:
        try:
            self._is_ready = self._message() == READY
        except EOFError as error:
            raise ReadersNotStartedError(PACKAGE / "deposits" / "reading.py") from error
        self._socket.settimeout(PATIENCE * self._limits.seconds)

    def _message(self) -> object:
        try:
            return pickle.load(self._answers)  # noqa: S301 - our own code wrote it
        except TimeoutError as error:
            self._popen.send_signal(signal.SIGXCPU)
            raise EOFError from error
        except (ConnectionError, pickle.UnpicklingError) as error:
            raise EOFError from error
