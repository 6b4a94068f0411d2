"""`rejets.csv`: what a deposit refused, rewritten by each run beside the documents."""

import fcntl
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from time import monotonic, sleep

from selfservice import files, system_errors
from selfservice.deposits.errors import RejectsNotWrittenError
from selfservice.texts import visible

NAME = "rejets.csv"
WAIT_SECONDS, PAUSE_SECONDS = 5, 0.05
ASIDE = f".{NAME}"  # a *.csv name is never taken for a document


def write_rejects(folder: Path, refused: Iterable[tuple[str, str]]) -> None:
    """Replace the list in one step; raises RejectsNotWrittenError.

    Cells that a spreadsheet would compute begin with an apostrophe.
    """
    rows = [(files.inert(_readable(file)), reason) for file, reason in refused]
    content = files.csv_lines([("file", "reason"), *rows], line_end="\n")
    try:
        _replace(folder, content)
    except OSError as error:
        raise RejectsNotWrittenError(folder / NAME, system_errors.explain(error)) from error


def _replace(folder: Path, content: bytes) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        _wait_for_others(descriptor)
        with files.written_aside(folder / NAME, aside=ASIDE) as file:
            # Who may read the folder reads the list, although what we write is our own.
            os.fchmod(file.fileno(), 0o600 | (os.fstat(descriptor).st_mode & 0o044))
            file.write(content)
    finally:
        os.close(descriptor)


def _wait_for_others(folder: int) -> None:
    """Let another deposit end its list, a while: whoever may read the folder may lock it for ever.

    Some network folders know no locks.
    """
    until = monotonic() + WAIT_SECONDS
    with suppress(OSError):
        while True:
            try:
                fcntl.flock(folder, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                if monotonic() > until:
                    return
                sleep(PAUSE_SECONDS)


def _readable(name: str) -> str:
    return visible(os.fsencode(name).decode("utf-8", "replace"))
