"""What a reader process does with a document: copy it aside, hash it, read what it says.

It runs outside the portal (see `readers`), within limits: no database, no settings, no app.
"""

import hashlib
import os
import pickle
import resource
import signal
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import BinaryIO

from selfservice.deposits.pdf import Embedded, read_pdf
from selfservice.deposits.refusal import RefusalError

BLOCK_BYTES = 256 * 1024
READY = "ready"
TOO_HEAVY_STATUS = 3

_BLOCK = memoryview(bytearray(BLOCK_BYTES))


@dataclass(frozen=True)
class Limits:
    """What one document may cost; `megabytes` is all the memory of its reader.

    `seconds` is processor time, so that a busy machine refuses nothing.
    """

    file_megabytes: int
    pages: int
    megabytes: int
    seconds: int


@dataclass(frozen=True)
class Job:
    """A file to read, its path, and that of its copy; plain texts travel best."""

    file: str
    source: str
    aside: str


@dataclass(frozen=True)
class Reading:
    """A document that was read and copied aside; the copy is not on the disk yet."""

    sha256: str
    size_bytes: int
    embedded: Embedded


def serve(descriptor: int) -> None:
    """Answer lists of jobs, one reply a job, until the other end is closed.

    The first message is the Limits. A reply is a Reading, a RefusalError, or the OSError of a
    copy that could not be written. Ends with TOO_HEAVY_STATUS where the memory is spent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the deposit's, which then goes away
    try:
        with os.fdopen(descriptor, "rb") as asked, os.fdopen(os.dup(descriptor), "wb") as answers:
            limits: Limits = pickle.load(asked)  # noqa: S301 - the deposit wrote it
            _limit_process(limits)
            _send(READY, answers)
            while True:
                for job in pickle.load(asked):  # noqa: S301
                    _limit_time(limits)
                    _send(_read(job, limits), answers)
    except (EOFError, ConnectionError):
        return
    except MemoryError:
        os._exit(TOO_HEAVY_STATUS)  # at once: an orderly end would need memory


def _send(message: object, answers: BinaryIO) -> None:
    """Send at once what the deposit would have lost, were the next document to end this process."""
    pickle.dump(message, answers)
    answers.flush()


def _limit_process(limits: Limits) -> None:
    memory = limits.megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold an invoice


def _limit_time(limits: Limits) -> None:
    """Have the kernel end this process after so many more seconds of processor time."""
    end = int(time.process_time()) + 1 + limits.seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (end, hard))


def _read(job: Job, limits: Limits) -> Reading | RefusalError | OSError:
    try:
        blocks = _blocks(job.source, limits.file_megabytes)
        with open(job.aside, "w+b") as copy:  # noqa: PTH123 - a Path costs a quarter of the calls
            sha256, size_bytes = _copy(blocks, copy)
            embedded = read_pdf(copy, max_pages=limits.pages)
    except RefusalError as refusal:
        return refusal
    except OSError as error:
        return error
    return Reading(sha256, size_bytes, embedded)


def _blocks(source: str, max_megabytes: int) -> Iterator[memoryview]:
    """Read a file once, block by block, each in the place of the last; raises RefusalError."""
    try:
        if not stat.S_ISREG(os.stat(source).st_mode):  # noqa: PTH116 - a pipe would wait for ever
            raise RefusalError("unreadable")
        with open(source, "rb", buffering=0) as file:  # noqa: PTH123
            left = max_megabytes * 1024 * 1024
            while size_bytes := file.readinto(_BLOCK):
                left -= size_bytes
                if left < 0:
                    raise RefusalError("too_large", limit=max_megabytes)
                yield _BLOCK[:size_bytes]
    except OSError as error:
        raise RefusalError("unreadable") from error


def _copy(blocks: Iterator[memoryview], copy: BinaryIO) -> tuple[str, int]:
    digest, size_bytes = hashlib.sha256(), 0
    for block in blocks:
        digest.update(block)
        size_bytes += copy.write(block)
    return digest.hexdigest(), size_bytes
