"""The file of a backup: a tar of settings, key, database and documents, then a manifest.

The documents are named by their SHA-256, and the manifest holds the SHA-256 of the other files. The
manifest comes last: a tar without it is not whole.
"""

import hashlib
import io
import json
import os
import re
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO

from selfservice import config, files
from selfservice.operations.errors import OperationError

FORMAT = 1
MANIFEST = "manifest.json"
SQLITE = "portal.db"
POSTGRESQL = "portal.dump"
OF_INSTANCE = (config.SETTINGS_NAME, config.KEY_NAME)
FILES = (*OF_INSTANCE, SQLITE, POSTGRESQL)
DOCUMENT = re.compile(r"documents/(?:logos|[0-9a-f]{2})/(?P<sha256>[0-9a-f]{64})(?:\.pdf)?")
CHUNK_BYTES = 1024 * 1024
# What the library raises where a heading asks for the impossible.
FAULTS = (tarfile.TarError, ValueError, OverflowError, MemoryError, RecursionError)


@dataclass
class Manifest:
    """What a backup holds, and which documents its database names although it lacks them.

    `purged` were past retention and left while the backup ran; `missing` were lost or damaged.
    `version` is that of the portal that made it.
    """

    made_at: str
    migrations: list[str]
    format: int = FORMAT
    version: str = ""
    files: dict[str, str] = field(default_factory=dict)
    documents: int = 0
    purged: list[str] = field(default_factory=list)
    missing: list[str] = field(default_factory=list)


class Writer:
    """Adds files to a backup; `create` ends it with the manifest."""

    def __init__(self, tar: tarfile.TarFile, manifest: Manifest) -> None:
        self._tar = tar
        self._manifest = manifest

    def add_file(self, name: str, source: Path) -> None:
        self._tar.add(source, name, recursive=False)
        self._manifest.files[name] = sha256_of(source)

    def add_document(self, source: Path, name: str, sha256: str) -> bool:
        """Add a document and return whether it is there and is what its name says."""
        try:
            content = source.read_bytes()
        except FileNotFoundError:
            return False
        if hashlib.sha256(content).hexdigest() != sha256:
            return False
        self._add(f"documents/{name}", content)
        self._manifest.documents += 1
        return True

    def end(self) -> None:
        self._add(MANIFEST, json.dumps(asdict(self._manifest)).encode())

    def _add(self, name: str, content: bytes) -> None:
        member = tarfile.TarInfo(name)
        member.size, member.mode = len(content), 0o600
        self._tar.addfile(member, io.BytesIO(content))


@contextmanager
def create(path: Path, manifest: Manifest) -> Iterator[Writer]:
    """Write a backup that its owner alone may read; it gets its name once it is whole."""
    if path.exists():
        raise OperationError("target_exists", path=path)
    with (
        files.written_aside(path, mode=0o600, aside=f".{path.name}.part") as handle,
        # Of a key or settings that are a link, what it leads to: the link opens nothing elsewhere.
        tarfile.open(fileobj=handle, mode="w", format=tarfile.PAX_FORMAT, dereference=True) as tar,
    ):
        writer = Writer(tar, manifest)
        yield writer
        writer.end()


def unpack(path: Path, folder: Path) -> Manifest:
    """Write what a backup holds into a folder, and verify every hash.

    Raises OperationError for a file that is no whole backup.
    """
    hashes: dict[str, str] = {}
    documents = 0
    manifest = None
    (folder / "documents").mkdir(mode=0o700)
    with _opened(path) as tar:
        for member in tar:
            if member.name == MANIFEST:
                manifest = _read_manifest(tar, member)
                continue
            hashes[member.name] = _extract(tar, member, folder)
            documents += member.name not in FILES
    if manifest is None:
        raise OperationError("damaged_archive", path=path, reason="elle n'est pas entière")
    if (SQLITE in hashes) == (POSTGRESQL in hashes):
        raise OperationError("damaged_archive", path=path, reason="il y faut une base, une seule")
    files = {name: sha256 for name, sha256 in hashes.items() if name in FILES}
    if files != manifest.files or documents != manifest.documents:
        raise OperationError("damaged_archive", path=path, reason="une empreinte ne correspond pas")
    return manifest


def read_manifest(path: Path) -> Manifest:
    """Return what a backup says of itself, its documents unread. Raises OperationError, OSError."""
    with _opened(path) as tar:
        for member in tar:
            if member.name == MANIFEST:
                return _read_manifest(tar, member)
    raise OperationError("damaged_archive", path=path, reason="elle n'est pas entière")


@contextmanager
def _opened(path: Path) -> Iterator[tarfile.TarFile]:
    try:
        with tarfile.open(path, "r:") as tar:
            yield tar
    except FAULTS as error:
        raise OperationError("damaged_archive", path=path, reason=_reason(error)) from error


def _reason(error: Exception) -> str:
    """Return our own words, or ours for the library's, whose errors are of kinds of their own."""
    is_ours = type(error) is tarfile.TarError
    return str(error) if is_ours else "elle est coupée, ou n'est pas une archive"


def _read_manifest(tar: tarfile.TarFile, member: tarfile.TarInfo) -> Manifest:
    try:
        stream = _content_of(tar, member)
        found = Manifest(**json.loads(stream.read() if stream else b""))
        given, empty = asdict(found), asdict(Manifest(made_at="", migrations=[]))
        named = [*found.migrations, *found.purged, *found.missing, *found.files.values()]
        if any(type(value) is not type(empty[name]) for name, value in given.items()) or any(
            type(each) is not str for each in named
        ):
            raise TypeError
    except (AttributeError, TypeError, ValueError, RecursionError) as error:
        raise tarfile.TarError(f"{MANIFEST} est illisible") from error
    if found.format != FORMAT:
        raise OperationError("unknown_format", format=found.format)
    return found


def _content_of(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes] | None:
    """Return what an ordinary file holds; of a sparse one, two kilobytes can fill any disk."""
    return tar.extractfile(member) if member.isreg() and not member.issparse() else None


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, folder: Path) -> str:
    """Write one file under its checked name and return its SHA-256."""
    document = DOCUMENT.fullmatch(member.name)
    stream = _content_of(tar, member)
    if stream is None or not (document or member.name in FILES):
        raise tarfile.TarError(f"{member.name!r} n'y a pas sa place")
    target = folder / member.name
    target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    digest = hashlib.sha256()
    with target.open("xb") as handle:
        target.chmod(0o600)
        while chunk := stream.read(CHUNK_BYTES):
            digest.update(chunk)
            handle.write(chunk)
        handle.flush()
        os.fsync(handle.fileno())
    if document and document["sha256"] != digest.hexdigest():
        raise tarfile.TarError(f"{member.name} est abîmé")
    return digest.hexdigest()


def sha256_of(path: Path) -> str:
    with path.open("rb") as handle:
        return hashlib.file_digest(handle, "sha256").hexdigest()
