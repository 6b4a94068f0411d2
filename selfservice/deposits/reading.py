"""What a reader process does with a document: copy it aside, hash it, read what it says.

No database, no settings, no app: a reader is a new Python, and starts the quicker the less this
module imports.
"""

import hashlib
import os
import resource
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from selfservice.deposits.facturx import Description
from selfservice.deposits.pdf import read_pdf
from selfservice.deposits.refusal import RefusalError
from selfservice.files import NotRegularError, open_regular

BLOCK_BYTES = 256 * 1024
TOO_HEAVY_STATUS = 3


@dataclass(frozen=True)
class Limits:
    """What one document may cost; `megabytes` is all the memory of its reader.

    `seconds` is processor time, so that a busy machine refuses nothing.
    """

    file_megabytes: int
    pages: int
    megabytes: int
    seconds: int
    takes_active: bool = False


def limit_process(megabytes: int) -> None:
    """Limit all the memory of this process, and let it leave nothing behind when it falls."""
    memory = megabytes * 1024 * 1024
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core file would hold an invoice
    # C++ writes there where it aborts: the deposit says it in one line.
    os.dup2(os.open(os.devnull, os.O_WRONLY), 2)


def read(source: str, aside: str, limits: Limits) -> tuple[str, int, Description]:
    """Copy a document aside; return its SHA-256, its bytes and what it says of itself.

    Raises RefusalError, and OSError where the copy cannot be written. The process ends by SIGXCPU
    where the time is spent, with TOO_HEAVY_STATUS where the memory is.
    """
    _limit_time(limits.seconds)
    digest, size_bytes = hashlib.sha256(), 0
    try:
        blocks = _blocks(source, limits.file_megabytes)
        with Path(aside).open("x+b") as copy:
            for block in blocks:
                digest.update(block)
                size_bytes += copy.write(block)
            own = read_pdf(copy, max_pages=limits.pages, takes_active=limits.takes_active)
    except MemoryError:
        os._exit(TOO_HEAVY_STATUS)  # at once: an orderly end would need memory
    return digest.hexdigest(), size_bytes, own


def _limit_time(seconds: int) -> None:
    """Have the kernel end this process after so many more seconds of processor time."""
    end = int(time.process_time()) + 1 + seconds
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (end, hard))


def _blocks(source: str, max_megabytes: int) -> Iterator[bytes]:
    """Read a file once, block by block, however it grows meanwhile; raises RefusalError."""
    left = max_megabytes * 1024 * 1024
    try:
        with open_regular(source) as file:
            while block := file.read(BLOCK_BYTES):
                left -= len(block)
                if left < 0:
                    raise RefusalError("too_large", limit=max_megabytes)
                yield block
    except NotRegularError as error:
        raise RefusalError("not_regular", kind=error.strerror or "") from error
    except OSError as error:
        raise RefusalError("unreadable") from error
