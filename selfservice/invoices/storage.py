"""Documents on disk, named by their SHA-256, whole or not at all.

A file is written aside in DOCUMENTS_DIR/incoming/<random>/, reaches the disk, then is renamed
to DOCUMENTS_DIR/ab/abcdef….pdf. A directory aside belongs to the process that holds its lock; one
whose lock is free was left by a process that died, and the next run removes it.
"""

import fcntl
import hashlib
import os
import re
import secrets
import shutil
from collections.abc import Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from flask import current_app

from selfservice.files import locked, sync

SYNC_THREADS = 8
STORED_NAME = re.compile(r"[0-9a-f]{64}\.pdf")


def path_of(sha256: str) -> Path:
    """Return where a document lies, whether it is there or not."""
    return documents_folder() / name_of(sha256)


def is_intact(sha256: str) -> bool:
    """Read a document, and tell whether it is there and is what its name says."""
    try:
        with path_of(sha256).open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest() == sha256
    except OSError:
        return False


def name_of(sha256: str) -> str:
    """Return the path of a document within the documents' folder, wherever that lies."""
    return f"{sha256[:2]}/{sha256}.pdf"


def stored() -> Iterator[list[str]]:
    """Yield the SHA-256 of the documents on disk, folder by folder."""
    for folder in sorted(documents_folder().glob("[0-9a-f][0-9a-f]")):
        yield [path.stem for path in folder.iterdir() if STORED_NAME.fullmatch(path.name)]


def discard(sha256: str) -> None:
    """Remove a document that no row names any more; call inside `exclusive()`."""
    path_of(sha256).unlink(missing_ok=True)


def documents_folder() -> Path:
    return Path(current_app.config["DOCUMENTS_DIR"])


@contextmanager
def exclusive() -> Iterator[None]:
    """Let one process at a time decide which files the documents' folder holds."""
    documents_folder().mkdir(parents=True, exist_ok=True)
    with locked(documents_folder(), fcntl.LOCK_EX):
        yield


class Incoming:
    """A place aside for the files of one run; use as a context manager."""

    def __init__(self) -> None:
        self._parent = documents_folder() / "incoming"
        self._folder = self._parent / secrets.token_hex(8)
        self._lock = -1
        self._threads = ThreadPoolExecutor(SYNC_THREADS)

    def __enter__(self) -> "Incoming":
        with exclusive():
            self._parent.mkdir(exist_ok=True)
            _remove_abandoned(self._parent)
            self._folder.mkdir()
            self._lock = os.open(self._folder, os.O_RDONLY | os.O_DIRECTORY)
            fcntl.flock(self._lock, fcntl.LOCK_EX)
        return self

    def __exit__(self, *_: object) -> None:
        self._threads.shutdown(cancel_futures=True)
        shutil.rmtree(self._folder, ignore_errors=True)
        os.close(self._lock)

    def path(self, name: str) -> str:
        """Return where a document is to be written aside."""
        return f"{self._folder}/{name}"

    def sync(self, paths: Iterable[str]) -> None:
        """Bring files or folders to the disk, several at once."""
        list(self._threads.map(sync, paths))

    def publish(self, asides: Mapping[str, str]) -> None:
        """Name documents that `sync` brought to the disk by their SHA-256.

        When this returns they are there whatever happens to the machine. Call inside
        `exclusive()`, before the transaction that refers to them.
        """
        paths = {aside: path_of(sha256) for aside, sha256 in asides.items()}
        for aside, path in paths.items():
            path.parent.mkdir(exist_ok=True)
            if current_app.config["ACCEL_REDIRECT_PREFIX"]:  # nginx, of the group, reads it
                path.parent.chmod(0o750)
                Path(aside).chmod(0o640)
            Path(aside).rename(path)
        if folders := {str(path.parent) for path in paths.values()}:
            self.sync([*folders, str(documents_folder())])

    def discard(self, asides: Iterable[str]) -> None:
        """Forget what was written aside and not published."""
        for aside in asides:
            Path(aside).unlink(missing_ok=True)


def _remove_abandoned(parent: Path) -> None:
    for folder in parent.iterdir():
        try:
            with locked(folder, fcntl.LOCK_EX | fcntl.LOCK_NB):
                # A reader that outlives its killed run for a moment must find it no more.
                gone = folder.rename(folder.with_name(f"{folder.name}-gone"))
                shutil.rmtree(gone, ignore_errors=True)
        except (BlockingIOError, FileNotFoundError, NotADirectoryError):
            continue  # alive, gone by itself meanwhile, or none of ours
