"""Dump and restore by PostgreSQL's own programs. No password is on their command line."""

import os
import subprocess
import tempfile
from collections.abc import Generator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from selfservice.operations.errors import OperationError


def dump(url: str, target: Path) -> None:
    """Write a consistent dump of the whole database. Raises OperationError."""
    _run(["pg_dump", "--format=custom", "--no-owner", f"--file={target}"], url)


def text_of(source: Path) -> Generator[str]:
    """Return the lines of the rows and sequences that a dump holds. Raises OperationError."""
    with tempfile.TemporaryDirectory(dir=source.parent) as folder:
        target = Path(folder, "rows.sql")
        _run(["pg_restore", "--data-only", f"--file={target}", str(source)], "")
        with target.open(encoding="utf-8", newline="\n") as lines:
            for line in lines:
                yield line.removesuffix("\n")


def _run(words: list[str], url: str) -> None:
    try:
        subprocess.run(  # noqa: S603 (fixed programs; paths as single words)
            words, env=_environment(url), capture_output=True, text=True, check=True
        )
    except FileNotFoundError as error:
        raise OperationError("no_program", program=words[0]) from error
    except subprocess.CalledProcessError as error:
        reason = error.stderr.strip().splitlines()[-1:] or [error.returncode]
        raise OperationError("program_failed", program=words[0], reason=reason[0]) from error


def _environment(url: str) -> dict[str, str]:
    parts = urlsplit(url)
    given = {
        "PGHOST": parts.hostname,
        "PGPORT": str(parts.port) if parts.port else None,
        "PGUSER": parts.username and unquote(parts.username),
        "PGPASSWORD": parts.password and unquote(parts.password),
        "PGDATABASE": _name(url),
    }
    return dict(os.environ) | {name: value for name, value in given.items() if value}


def _name(url: str) -> str:
    return unquote(urlsplit(url).path.lstrip("/"))
