"""`index.csv`: the descriptions of plain PDFs, and what overrides a Factur-X document."""

import csv
import io
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from selfservice.deposits.errors import UnreadableIndexError
from selfservice.deposits.refusal import RefusalError

NAME = "index.csv"
COLUMNS = (
    "file",
    "client_number",
    "invoice_number",
    "kind",
    "issued_on",
    "due_on",
    "net",
    "vat",
    "gross",
    "currency",
    "contract",
)


@dataclass(frozen=True)
class Row:
    """One line: `cells` by column, trimmed; absent and empty cells are left out."""

    line: int
    cells: dict[str, str]


@dataclass
class Index:
    """The rows by file name (NFC), what is wrong with some, and those that name no file."""

    rows: dict[str, Row] = field(default_factory=dict)
    refused: dict[str, RefusalError] = field(default_factory=dict)
    nameless: list[RefusalError] = field(default_factory=list)


def read_index(folder: Path) -> Index:
    """Return the index of a folder, empty where it has none.

    Raises UnreadableIndexError when it cannot be read as a whole: deposited documents never change,
    so nothing may go in without what it would have overridden.
    """
    path = folder / NAME
    if not path.exists():
        return Index()
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UnreadableIndexError(path, "unreadable", error.strerror or "") from error
    except UnicodeDecodeError as error:
        raise UnreadableIndexError(path, "not_utf8") from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    try:
        return _index(_lines(reader, _columns(path, next(reader, []))))
    except csv.Error as error:
        raise UnreadableIndexError(path, "malformed", str(reader.line_num)) from error


def same_name(name: str) -> str:
    """Return a file name as the index knows it: macOS writes accents in two characters."""
    return unicodedata.normalize("NFC", name)


def _columns(path: Path, header: list[str]) -> list[str]:
    columns = [name.strip().lower() for name in header]
    while columns and not columns[-1]:  # a header that ends in « ; »
        columns.pop()
    if "file" not in columns:
        raise UnreadableIndexError(path, "no_file_column")
    if unknown := sorted(set(columns) - set(COLUMNS)):
        raise UnreadableIndexError(path, "unknown_columns", ", ".join(unknown))
    if len(set(columns)) != len(columns):
        raise UnreadableIndexError(path, "repeated_column")
    return columns


def _lines(reader: Any, columns: list[str]) -> Iterator[tuple[int, dict[str, str], bool]]:
    end = reader.line_num
    for cells in reader:
        line, end = end + 1, reader.line_num  # a quoted cell may span several lines
        given = {name: cell.strip() for name, cell in zip(columns, cells, strict=False)}
        if any(cell.strip() for cell in cells):
            is_whole = len(cells) >= len(columns) and not any(cells[len(columns) :])
            yield line, given, is_whole


def _index(lines: Iterator[tuple[int, dict[str, str], bool]]) -> Index:
    index = Index()
    for line, cells, is_whole in lines:
        name = same_name(cells.pop("file", ""))
        if not name:
            index.nameless.append(RefusalError("no_file_named", line=line))
            continue
        if name in index.rows:
            index.refused[name] = RefusalError("described_twice")
        elif not is_whole:
            index.refused[name] = RefusalError("row_length", line=line)
        given = {column: cell for column, cell in cells.items() if cell}
        index.rows.setdefault(name, Row(line, given))
    return index
