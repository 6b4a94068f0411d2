"""`index.csv`: the descriptions of plain PDFs, and what overrides a Factur-X document."""

from dataclasses import dataclass, field
from pathlib import Path

from selfservice import files
from selfservice.deposits.errors import SeveralIndexesError, UnreadableIndexError
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


def read_index(folder: Path, *, max_rows: int) -> Index:
    """Return the index of a folder, empty where it has none.

    Raises UnreadableIndexError when it cannot be read as a whole, SeveralIndexesError: deposited
    documents never change, so nothing may go in without what it would have overridden.
    """
    found = sorted(path for path in folder.iterdir() if is_index(path.name))
    if not found:
        return Index()
    path = found[0]
    if len(found) > 1:
        raise SeveralIndexesError(folder, ", ".join(each.name for each in found))
    try:
        return _index(
            files.read_csv(
                path, known=COLUMNS, required="file", is_trusted=False, max_rows=max_rows
            )
        )
    except files.CsvError as error:
        raise UnreadableIndexError(path, str(error)) from error


def is_index(name: str) -> bool:
    """Say whether a file is the index: spreadsheets and their users write it in any case."""
    return name.casefold() == NAME


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
            first_line = index.rows[name].line
            refusal = RefusalError("described_twice", first_line=first_line, line=row.line)
            index.refused[name] = refusal
        elif row.fault:
            index.refused[name] = RefusalError(row.fault, line=row.line, value=row.value)
        index.rows.setdefault(name, Row(row.line, given))
    return index
