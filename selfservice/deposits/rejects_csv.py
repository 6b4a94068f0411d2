"""`rejets.csv`: what a deposit refused, rewritten by each run beside the documents."""

import csv
import fcntl
import io
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from selfservice.deposits.errors import RejectsNotWrittenError

NAME = "rejets.csv"
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "＝", "＋", "－", "＠")


def write_rejects(folder: Path, refused: Iterable[tuple[str, str]]) -> None:
    """Replace the list in one step; raises RejectsNotWrittenError.

    Cells that a spreadsheet would compute begin with an apostrophe.
    """
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=";", lineterminator="\n")
    writer.writerow(("file", "reason"))
    writer.writerows((_inert(_readable(file)), reason) for file, reason in refused)
    try:
        _replace(folder, buffer.getvalue().encode("utf-8"))
    except OSError as error:
        raise RejectsNotWrittenError(folder / NAME, error.strerror or "") from error


def _replace(folder: Path, content: bytes) -> None:
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        with suppress(OSError):  # some network folders know no locks
            fcntl.flock(descriptor, fcntl.LOCK_EX)
        # A *.csv name, always the same: never taken for a document, never left behind twice.
        aside = folder / f".{NAME}"
        with aside.open("wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        aside.replace(folder / NAME)
    finally:
        os.close(descriptor)


def _readable(name: str) -> str:
    return os.fsencode(name).decode("utf-8", "replace")


def _inert(cell: str) -> str:
    return f"'{cell}" if cell.startswith(FORMULA_STARTS) else cell
