"""Files: written aside and renamed, CSV read and written, and the portal's own static files."""

import codecs
import csv
import errno
import fcntl
import hashlib
import io
import os
import re
import secrets
import stat
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager, suppress
from functools import cache
from itertools import islice, zip_longest
from pathlib import Path
from typing import IO, BinaryIO, NamedTuple

from selfservice import system_errors
from selfservice.texts import identifier

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


# What large files leave of the database's disk: so much, or a part of a small one.
SPARED_BYTES, SPARED_PART = 1_000_000_000, 10
MAX_CSV_BYTES = 100_000_000  # far beyond a register of a million companies, and memory holds it
ROOM_BYTES, ROW_BYTES = 1_000_000, 300  # of a file whose rows are counted; most take a third
MAX_COLUMNS = 1000  # every line of the file is as wide as its heading
MAX_SEPARATORS = 1_000_000  # in one line: no spreadsheet has a tenth of that
# What separates columns beside « ; », and is told by its name.
SEPARATORS = {",": "des virgules", "\t": "des tabulations", "|": "des barres verticales"}
# A spreadsheet's hint to itself, before the heading.
SEPARATOR_HINT = re.compile(r'\s*"?sep=([^"\r\n])"?[;,\t ]*(?:[\r\n]|$)', re.IGNORECASE)
LINE_END = re.compile(rb"\r\n|\r|\n")
UTF_16_MARKS = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
# ZIP (.xlsx, .ods, .numbers) and the old .xls.
WORKBOOK_STARTS = (b"PK\x03\x04", b"\xd0\xcf\x11\xe0")
# What a spreadsheet makes of a number of more than eleven digits.
LOST_DIGITS = re.compile(r"[0-9](?:[.,][0-9]+)?E\+[0-9]+")

CSV_PROBLEMS = {
    "unreadable": "Ce fichier n'est pas lisible ({detail}).",
    "too_large": "Ce fichier dépasse {limit} Mo. Partagez-le en plusieurs.",
    "empty": "Ce fichier est vide : sa première ligne doit nommer les colonnes.",
    "workbook": (
        "C'est un classeur, pas un fichier CSV. Ouvrez-le dans un tableur, puis : "
        "Enregistrez sous CSV UTF-8."
    ),
    "utf_16": (
        "Ce fichier est en UTF-16, que les tableurs nomment « Texte Unicode ». "
        "Enregistrez sous CSV UTF-8."
    ),
    "not_utf8": (
        "Ligne {line} : un caractère n'est pas en UTF-8, mais sans doute en Windows-1252. "
        "Enregistrez sous CSV UTF-8."
    ),
    "nul": (
        "Ligne {line} : un octet nul. Ce fichier est abîmé, ou n'est pas du texte. "
        "Enregistrez sous CSV UTF-8."
    ),
    "separator": (
        "Les colonnes sont séparées par {separator}, et non par des points-virgules. "
        "Enregistrez sous CSV UTF-8, avec « ; » comme séparateur de liste ou de champ."
    ),
    "malformed": (
        "Ligne {line} : un guillemet est mal placé, ou jamais fermé. "
        "Retirez-le, ou doublez-le s'il fait partie du texte."
    ),
    "unknown_columns": (
        "Ligne {line} : colonnes inconnues : {columns}. Corrigez leur nom, ou retirez-les ; "
        "le portail connaît {known}."
    ),
    "too_many_lines": "Ce fichier a plus de {limit} lignes. Partagez-le en plusieurs.",
    "too_many_columns": "Ligne {line} : plus de {limit} colonnes. Retirez celles qui sont en trop.",
    "missing_columns": "Ligne {line} : la colonne {columns} manque. Ajoutez-la.",
    "repeated_columns": "Ligne {line} : colonnes en double : {columns}. Gardez-en une de chaque.",
}


class CsvRow(NamedTuple):
    """A line that is not blank: where it begins in the file, its trimmed cells by column.

    `fault` is empty, "row_length" where text stands outside the named columns or the whole line
    in one cell, or "lost_digits" where a spreadsheet has rewritten the number `value`.
    """

    line: int
    cells: dict[str, str]
    fault: str = ""
    value: str = ""


class CsvError(Exception):
    """A CSV file cannot be used as a whole.

    `problem` is a key of CSV_PROBLEMS; the text of the error is its sentence, with the remedy.
    """

    def __init__(self, problem: str, **facts: object) -> None:
        super().__init__(CSV_PROBLEMS[problem].format(**facts))
        self.problem = problem


class NotRegularError(OSError):
    """What stands under this name is no regular file; `strerror` says in French what it is."""


def _words(error: OSError) -> str:
    if isinstance(error, NotRegularError):
        return str(error.strerror)
    return system_errors.explain(error)


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


def has_room(disk: os.statvfs_result, *, for_bytes: int = 0) -> bool:
    """Tell whether a disk has more than large files leave of it, these bytes taken."""
    spared = min(SPARED_BYTES, disk.f_blocks * disk.f_frsize // SPARED_PART)
    return disk.f_bavail * disk.f_frsize - for_bytes >= spared


def sync(path: Path | str) -> None:
    """Bring a file, or the names in a folder, to the disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextmanager
def locked(folder: Path, operation: int = fcntl.LOCK_EX) -> Iterator[None]:
    """Hold a lock of `fcntl.flock` on a folder; it dies with its holder."""
    descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(descriptor, operation)
        yield
    finally:
        os.close(descriptor)


def read_csv(
    file: Path,
    *,
    known: Collection[str],
    required: str,
    is_trusted: bool = True,
    max_rows: int | None = None,
) -> list[CsvRow]:
    """Read a file as spreadsheets leave it: semicolons, UTF-8, some of the `known` columns.

    The first line that is not blank names the columns, in any case and order; a missing cell is
    an empty one. Without `is_trusted` the file is one of a folder that others write into: it holds
    `max_rows` at most, for two bytes of a row take hundreds in memory. Raises CsvError: another
    encoding or separator is told rather than guessed.
    """
    max_bytes = min(MAX_CSV_BYTES, ROOM_BYTES + ROW_BYTES * (max_rows or MAX_CSV_BYTES))
    try:
        with file.open("rb") if is_trusted else open_regular(file) as opened:
            content = opened.read(max_bytes + 1)
    except OSError as error:
        raise CsvError("unreadable", detail=_words(error)) from error
    if len(content) > max_bytes:
        raise CsvError("too_large", limit=max_bytes // 1_000_000)
    text = _text(content)
    _require_semicolons(text, known)
    records = _records(text)
    if SEPARATOR_HINT.match(text):
        next(records)
    line, heading = next(records, (1, []))
    columns = _columns(line, heading, known, required)
    found = [_row(line, cells, columns) for line, cells in islice(records, max_rows)]
    if max_rows is not None and next(records, None):
        raise CsvError("too_many_lines", limit=max_rows)
    return found


def _text(content: bytes) -> str:
    if content.startswith(WORKBOOK_STARTS):
        raise CsvError("workbook")
    # Two bytes a character: a mark says so, or that the first of them holds one byte of nothing.
    if content.startswith(UTF_16_MARKS) or content[:2].count(0) == 1:
        raise CsvError("utf_16")
    if (place := content.find(0)) >= 0:
        raise CsvError("nul", line=_line_of(content, place))
    try:
        # A file put after another has a mark of its own; some old systems end theirs with 0x1A.
        return content.decode("utf-8-sig").strip("\ufeff\x1a")
    except UnicodeDecodeError as error:
        raise CsvError("not_utf8", line=_line_of(content, error.start)) from error


def _line_of(content: bytes, place: int) -> int:
    return len(LINE_END.findall(content[:place])) + 1


def _require_semicolons(text: str, known: Collection[str]) -> None:
    """Raise CsvError where a hint says, or the heading shows, another separator."""
    hint = SEPARATOR_HINT.match(text)
    if hint and hint[1] != ";":
        raise CsvError("separator", separator=SEPARATORS.get(hint[1], f"« {hint[1]} »"))
    after = text[hint.end() :] if hint else text
    heading = next((line for line in after.splitlines() if line.strip(" ;\t,")), "")
    for mark, separator in ((";", ""), *SEPARATORS.items()):
        if any(_column(name.strip(' "')) in known for name in heading.split(mark, MAX_COLUMNS)):
            if separator:
                raise CsvError("separator", separator=separator)
            return


def _records(text: str) -> Iterator[tuple[int, list[str]]]:
    """Yield the cells of each line that is not blank, trimmed, and where it begins."""
    reader = csv.reader(
        _narrow(io.StringIO(text, newline="")), delimiter=";", skipinitialspace=True, strict=True
    )
    line = 1
    try:
        for cells in reader:
            trimmed = [_plain(cell.strip()).strip() for cell in cells]
            if any(trimmed):
                yield line, trimmed
            line = reader.line_num + 1  # a quoted cell may span several lines
    except csv.Error as error:
        raise CsvError("malformed", line=line) from error


def _narrow(lines: Iterable[str]) -> Iterator[str]:
    """Yield lines; raise CsvError for one of which each byte would be a column."""
    for line, text in enumerate(lines, 1):
        if text.count(";") > MAX_SEPARATORS:
            raise CsvError("too_many_columns", line=line, limit=MAX_COLUMNS)
        yield text


def _plain(cell: str) -> str:
    """Return a cell without what kept a spreadsheet from changing it: « ="0012" », « '=1+1 »."""
    if cell.startswith('="') and cell.endswith('"'):
        return cell[2:-1]
    return cell[1:] if cell.startswith("'") and cell[1:].startswith(FORMULA_STARTS) else cell


def _column(name: str) -> str:
    return re.sub(r"[ _-]+", "_", identifier(name).lower())


def _columns(line: int, heading: list[str], known: Collection[str], required: str) -> list[str]:
    """Return the name of each column, empty for one that the heading leaves blank."""
    width = max((place for place, name in enumerate(heading, 1) if name), default=0)
    if width > MAX_COLUMNS:
        raise CsvError("too_many_columns", line=line, limit=MAX_COLUMNS)
    columns = [_column(name) for name in heading[:width]]
    named = [name for name in columns if name]
    if not named:
        raise CsvError("empty")
    problems = {
        "unknown_columns": set(named) - set(known),
        "missing_columns": {required} - set(named),
        "repeated_columns": {name for name in named if named.count(name) > 1},
    }
    for problem, names in problems.items():
        if names:
            told = ", ".join(sorted(names))
            raise CsvError(problem, line=line, columns=told, known=", ".join(known))
    return columns


def _row(line: int, cells: list[str], columns: list[str]) -> CsvRow:
    cells += [""] * (len(columns) - len(cells))
    named = {name: cell for name, cell in zip(columns, cells, strict=False) if name}
    stray = [cell for name, cell in zip_longest(columns, cells) if cell and not name]
    is_one_cell = ";" in cells[0] and not any(cells[1:]) and len(named) > 1
    lost = [cell for cell in named.values() if LOST_DIGITS.fullmatch(cell)]
    if stray or is_one_cell:
        return CsvRow(line, named, "row_length")
    return CsvRow(line, named, "lost_digits", lost[0]) if lost else CsvRow(line, named)


def csv_lines(rows: Iterable[Iterable[str]], *, line_end: str = "\r\n") -> bytes:
    """Return CSV with semicolons in UTF-8. Text of others goes through `inert` first."""
    text = io.StringIO(newline="")
    csv.writer(text, delimiter=";", lineterminator=line_end).writerows(rows)
    return text.getvalue().encode()


def inert(text: str) -> str:
    """Return a cell that no spreadsheet computes: an apostrophe goes before a formula."""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
