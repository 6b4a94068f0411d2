"""`index.csv`: the descriptions of plain PDFs, and what overrides a Factur-X document."""

import os
from dataclasses import dataclass, field
from pathlib import Path

from selfservice import files
from selfservice.deposits.errors import UnreadableIndexError
from selfservice.deposits.refusal import RefusalError
from selfservice.texts import composed

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
    if not os.path.lexists(path):
        return Index()
    try:
        return _index(files.read_csv(path, known=COLUMNS, required="file", is_trusted=False))
    except files.CsvError as error:
        raise UnreadableIndexError(path, error.problem, error.detail) from error


def same_name(name: str) -> str:
    """Return a file name as the index knows it: macOS writes accents in two characters."""
    return composed(name)


def _index(rows: list[files.CsvRow]) -> Index:
    index = Index()
    for row in rows:
        given = {column: cell for column, cell in row.cells.items() if cell}
        name = same_name(given.pop("file", ""))
        if not name:
            index.nameless.append(RefusalError("no_file_named", line=row.line))
            continue
        if name in index.rows:
            index.refused[name] = RefusalError("described_twice")
        elif not row.is_whole:
            index.refused[name] = RefusalError("row_length", line=row.line)
        index.rows.setdefault(name, Row(row.line, given))
    return index
