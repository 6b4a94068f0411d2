"""Dump and restore by PostgreSQL's own programs. No password is on their command line."""

import os
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path

from selfservice.db import postgresql
from selfservice.operations.errors import OperationError


def dump(url: str, target: Path) -> None:
    """Write a consistent dump of the whole database. Raises OperationError."""
    place, password = postgresql.place_of(url)
    words = ["pg_dump", "--format=custom", "--no-owner", f"--file={target}", f"--dbname={place}"]
    _run(words, password)


def text_of(source: Path) -> Generator[str]:
    """Return the lines of the rows and sequences that a dump holds. Raises OperationError."""
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        target = Path(folder, "rows.sql")
        _run(["pg_restore", "--data-only", f"--file={target}", str(source)])
        with target.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                yield line.removesuffix("\n")


def _run(words: list[str], password: str = "") -> None:
    environment = dict(os.environ) | ({"PGPASSWORD": password} if password else {})
    try:
        subprocess.run(  # noqa: S603 (fixed programs; paths as single words)
            words, env=environment, capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise OperationError("no_program", program=words[0]) from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines()[-1:] or [error.returncode]
        raise OperationError("program_failed", program=words[0], reason=reason[0]) from error
