"""Files: written aside and renamed, CSV read and written, and the portal's own static files."""

import csv
import errno
import hashlib
import io
import os
import secrets
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple

STATIC = Path(__file__).with_name("static")
# A spreadsheet takes such a cell for a formula (OWASP, « CSV injection »), full-width forms too.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")

# What stands in a folder beside regular files and devices, in the words of a refusal.
KINDS = {
    stat.S_IFLNK: "un lien symbolique",
    stat.S_IFDIR: "un dossier",
    stat.S_IFIFO: "un tube",
    stat.S_IFSOCK: "une prise réseau",
}


class CsvRow(NamedTuple):
    """A line that is not blank: where it begins in the file, its trimmed cells by column.

    A row that is not whole has fewer cells than the heading, or text after its last column.
    """

    line: int
    cells: dict[str, str]
    is_whole: bool


class CsvError(Exception):
    """A CSV file cannot be used as a whole.

    `problem` is "unreadable" (`detail`: the system's words), "not_utf8", "malformed" (a line
    number), "unknown_columns", "missing_columns" or "repeated_columns" (their names).
    """

    def __init__(self, problem: str, detail: str = "") -> None:
        super().__init__(problem, detail)
        self.problem = problem
        self.detail = detail


class NotRegularError(OSError):
    """What stands under this name is no regular file; `strerror` says in French what it is."""


@cache
def hashed_name(file: Path) -> str:
    """Return « portal.0a1b2c3d4e.css »: a name that changes with the content."""
    fingerprint = hashlib.sha256(file.read_bytes()).hexdigest()[:10]
    return f"{file.stem}.{fingerprint}{file.suffix}"


@contextmanager
def written_aside(
    path: Path,
    *,
    mode: int = 0o666,
    aside: str = "",
    is_synced: bool = True,
    is_replacing: bool = True,
) -> Iterator[IO[bytes]]:
    """Open a file aside, which gets its name once it is whole; a failure leaves nothing behind.

    The file is a new one, never a link that was there before; the umask applies to `mode`. The
    name aside is random. A caller who is the only writer gives a name as `aside`: a file of
    that name is what a killed process left, and is replaced. `is_synced` brings the file and its
    name to the disk. Without `is_replacing`, raises FileExistsError where the name is taken.
    """
    temporary = path.with_name(aside or f".{path.name}.{secrets.token_hex(4)}")
    if aside:
        temporary.unlink(missing_ok=True)
    descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            yield file
            if is_synced:
                file.flush()
                os.fsync(file.fileno())
        if is_replacing:
            temporary.replace(path)
        else:
            path.hardlink_to(temporary)
            temporary.unlink()
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise
    if is_synced:
        with suppress(OSError):  # some network folders cannot be synced
            sync(path.parent)


def open_regular(path: Path | str) -> BinaryIO:
    """Open a file of a folder that others write into: neither a link nor what may block.

    Raises NotRegularError, and OSError where the file cannot be read. Nothing but a regular file
    is opened, even where it takes the place of one meanwhile.
    """
    _require_regular(os.lstat(path))
    flags = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
    file = os.fdopen(os.open(path, flags), "rb")
    try:
        _require_regular(os.fstat(file.fileno()))
    except NotRegularError:
        file.close()
        raise
    return file


def _require_regular(found: os.stat_result) -> None:
    kind = stat.S_IFMT(found.st_mode)
    if kind != stat.S_IFREG:
        raise NotRegularError(errno.EINVAL, KINDS.get(kind, "un périphérique"))


def sync(path: Path | str) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def read_csv(
    file: Path, *, known: Collection[str], required: str, is_trusted: bool = True
) -> list[CsvRow]:
    """Read a file with semicolons in UTF-8, its first line naming some of the `known` columns.

    Without `is_trusted` it is one of a folder that others write into. Raises CsvError.
    """
    try:
        with file.open("rb") if is_trusted else open_regular(file) as opened:
            text = opened.read().decode("utf-8-sig")
    except OSError as error:
        raise CsvError("unreadable", error.strerror or type(error).__name__) from error
    except UnicodeDecodeError as error:
        raise CsvError("not_utf8") from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    rows = []
    try:
        columns = _columns(next(reader, []), known, required)
        line = reader.line_num + 1
        for cells in reader:
            trimmed = [cell.strip() for cell in cells]
            if any(trimmed):
                is_whole = len(cells) >= len(columns) and not any(trimmed[len(columns) :])
                rows.append(CsvRow(line, dict(zip(columns, trimmed, strict=False)), is_whole))
            line = reader.line_num + 1  # a quoted cell may span several lines
    except csv.Error as error:
        raise CsvError("malformed", str(reader.line_num)) from error
    return rows


def _columns(heading: list[str], known: Collection[str], required: str) -> list[str]:
    columns = [name.strip().lower() for name in heading]
    while columns and not columns[-1]:  # a heading that ends with « ; »
        columns.pop()
    problems = {
        "unknown_columns": set(columns) - set(known),
        "missing_columns": {required} - set(columns),
        "repeated_columns": {name for name in columns if columns.count(name) > 1},
    }
    for problem, names in problems.items():
        if names:
            raise CsvError(problem, ", ".join(sorted(names)))
    return columns


def csv_lines(rows: Iterable[Iterable[str]], *, line_end: str = "\r\n") -> bytes:
    """Return CSV with semicolons in UTF-8. Text of others goes through `inert` first."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator=line_end).writerows(rows)
    return text.getvalue().encode()


def inert(text: str) -> str:
    """Return a cell that no spreadsheet computes: an apostrophe goes before a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
