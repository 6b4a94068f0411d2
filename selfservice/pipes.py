"""Long bodies through granian at their reader's pace, whose stream would buffer them whole.

granian reads a file no faster than its reader takes it: here that file is a named pipe. What the
kernel holds of it, 64 KiB, is all that is made ahead.
"""

import asyncio
import errno
import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from selfservice import files
from selfservice.files import LongBody

OPEN_SECONDS = 10  # granian opens the pipe at once; not where the visitor has left
STALL_SECONDS = 60  # a reader that takes nothing for so long gives its place up
POLL_SECONDS = 0.001

log = logging.getLogger(__name__)


async def send(exchange: Any, status: int, headers: list[tuple[str, str]], body: LongBody) -> None:
    """Make a body and send it; other requests pass meanwhile.

    A fault before its first byte is raised, and nothing is sent; after it the answer is cut short.
    What its visitor no longer waits for is not made to its end.
    """
    leaving = asyncio.ensure_future(exchange.client_disconnect())
    try:
        for _ in body.steps:
            await asyncio.sleep(0)
            if leaving.done():
                log.info("the visitor left before a long body was made")
                return
    finally:
        leaving.cancel()
    pieces = body.pieces()
    first = await asyncio.to_thread(next, pieces, b"")
    if body.length:  # a visitor then tells a body cut short from a whole one
        headers = [*headers, ("content-length", str(body.length()))]
    with _pipe() as path:
        exchange.response_file(status, headers, str(path))
        descriptor = await _open(path)
    if descriptor is None:
        return
    try:
        await _feed(descriptor, first, pieces)
    except (BrokenPipeError, TimeoutError):
        log.info("the reader of a long body left, or takes nothing any more")
    except Exception:  # whatever it is: what was sent is shorter than announced
        log.exception("long body cut short")
    finally:
        os.close(descriptor)


@contextmanager
def _pipe() -> Iterator[Path]:
    """Give a pipe that has a name until both its ends are open."""
    path = files.pipe_path()
    os.mkfifo(path, 0o600)
    try:
        yield path
    finally:
        path.unlink()


async def _open(path: Path) -> int | None:
    """Return the end to write to; None where nobody opens the other one.

    However long other requests held the loop, it looks once more before giving up: granian, which
    would wait for ever, has mostly opened the pipe meanwhile.
    """
    deadline = time.monotonic() + OPEN_SECONDS
    while True:
        try:
            return os.open(path, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            if error.errno != errno.ENXIO:
                raise
        if time.monotonic() >= deadline:
            return None
        await asyncio.sleep(POLL_SECONDS)


async def _feed(descriptor: int, piece: bytes | None, following: Iterator[bytes]) -> None:
    while piece is not None:
        rest = memoryview(piece)
        while rest:
            try:
                rest = rest[os.write(descriptor, rest) :]
            except BlockingIOError:
                await _room(descriptor)
        piece = await asyncio.to_thread(next, following, None)


async def _room(descriptor: int) -> None:
    """Wait until the pipe takes something again, or its other end is closed."""
    loop = asyncio.get_running_loop()
    is_there = asyncio.Event()
    loop.add_writer(descriptor, is_there.set)
    try:
        async with asyncio.timeout(STALL_SECONDS):
            await is_there.wait()
    finally:
        loop.remove_writer(descriptor)
