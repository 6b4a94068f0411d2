"""The register: what the filters find over everything available, as CSV and as a workbook."""

from array import array
from collections.abc import Callable, Iterable, Iterator
from datetime import date, datetime, time
from tempfile import TemporaryDirectory
from typing import IO, TYPE_CHECKING, Any, NamedTuple

from flask import current_app

from selfservice import audit, clock
from selfservice.accounts.models import Space, User
from selfservice.db import database, read_date, rows
from selfservice.files import csv_lines, inert
from selfservice.invoices import queries
from selfservice.invoices.filters import Filters
from selfservice.invoices.messages import KIND_LABELS, STATE_LABELS
from selfservice.invoices.models import Invoice
from selfservice.money import WITHOUT_CENTS, is_without_cents

if TYPE_CHECKING:
    from xlsxwriter import Workbook

PAGE_ROWS = 200
FIRST_SHEET_YEAR = 1901  # a spreadsheet counts 1900 wrong, and no day before
MAX_SHEET_ROWS = 1_000_000  # a sheet has 1,048,576 lines, some for headings and totals
WORKBOOK = {
    "constant_memory": True,
    "strings_to_formulas": False,
    "strings_to_urls": False,
    "strings_to_numbers": False,
}
HEADINGS = {
    "number": ("Numéro", 22),
    "kind": ("Type", 9),
    "contract": ("Contrat", 16),
    "issued_on": ("Émise le", 12),
    "due_on": ("Échéance", 12),
    "net_cents": ("HT", 14),
    "vat_cents": ("TVA", 14),
    "gross_cents": ("TTC", 14),
    "currency": ("Devise", 8),
    "state": ("État", 11),
    "available_until": ("Disponible jusqu’au", 19),
}
COMPANY = {"company": ("Société", 30)}  # where several are read
AMOUNTS = ("net_cents", "vat_cents", "gross_cents")
DAYS = ("issued_on", "due_on", "available_until")
COLUMNS = (
    *(getattr(Invoice, name) for name in HEADINGS if name != "available_until"),
    Invoice.company,
)
Headings = dict[str, tuple[str, int]]


class TooLongForASheetError(Exception):
    """More documents than `limit`, what a sheet of a workbook has lines for."""

    def __init__(self, limit: int) -> None:
        super().__init__(limit)
        self.limit = limit


class Entry(NamedTuple):
    """One line of the register, in the order of HEADINGS; amounts in cents, labels in French.

    `company` is empty where one company alone is read.
    """

    number: str
    kind: str
    contract: str
    issued_on: date
    due_on: date | None
    net_cents: int | None
    vat_cents: int | None
    gross_cents: int
    currency: str
    state: str
    available_until: date
    company: str = ""


Pages = Iterator[list[Entry]]


def headings(user: User) -> Headings:
    """Return the columns of what a user takes away, with the company's where several are read."""
    return HEADINGS | COMPANY if len(user.spaces) > 1 else HEADINGS


def reader_of_entries(spaces: Iterable[Space] = ()) -> Callable[[tuple[Any, ...]], Entry]:
    """Return a function that makes an entry of the values of COLUMNS, anywhere, at any time."""
    months = current_app.config["RETENTION_MONTHS"]
    labels = {space.id: space.label for space in spaces}

    def read(values: tuple[Any, ...]) -> Entry:
        number, kind, contract, issued, due, *amounts, currency, state, company_id = values
        net_cents, vat_cents, gross_cents = amounts
        issued_on = read_date(issued)
        return Entry(
            number=number,
            kind=KIND_LABELS[kind],
            contract=contract,
            issued_on=issued_on,
            due_on=read_date(due) if due else None,
            net_cents=net_cents,
            vat_cents=vat_cents,
            gross_cents=gross_cents,
            currency=currency,
            state=STATE_LABELS[state],
            available_until=clock.add_months(issued_on, months),
            company=labels.get(company_id, ""),
        )

    return read


def pages(user: User, filters: Filters) -> Pages:
    """Return the entries of the register in the order of the list, page by page.

    Which documents is settled now; each page is one short read, to be asked for without a request.
    """
    found = queries.matching(user, filters)
    ordered = queries.ordered(found.select(Invoice.id), filters.sort)
    ids = array("q", (each for (each,) in ordered.tuples().iterator()))
    return _pages(ids, reader_of_entries(user.spaces))


def check_sheet(user: User, filters: Filters) -> None:
    """Raise TooLongForASheetError where a workbook could not hold the register."""
    found = queries.matching(user, filters).select(Invoice.id)
    if found.limit(MAX_SHEET_ROWS + 1).count() > MAX_SHEET_ROWS:
        raise TooLongForASheetError(MAX_SHEET_ROWS)


def record_export(user: User, *, form: str, origin: str) -> None:
    """Tell the journal that a register left, « csv » or « xlsx ». Opens its own transaction."""
    with database.atomic():
        facts_of = {company_id: {"form": form.upper()} for company_id in user.read_company_ids}
        audit.record_in_each("invoices.registered", user, facts_of, origin=origin)


def csv_bytes(
    entries: Iterable[Entry], columns: Headings = HEADINGS, *, is_beginning: bool = True
) -> bytes:
    """Return lines that a French spreadsheet opens right, after their heading if beginning."""
    lines = csv_lines(_cells(entry)[: len(columns)] for entry in entries)
    if not is_beginning:
        return lines
    return "\ufeff".encode() + csv_lines([[heading for heading, _ in columns.values()]]) + lines


def write_csv(found: Pages, file: IO[bytes], columns: Headings = HEADINGS) -> None:
    """Write a register as CSV into an open file."""
    file.write(csv_bytes([], columns))
    for page in found:
        file.write(csv_bytes(page, columns, is_beginning=False))


def write_xlsx(found: Pages, file: IO[bytes], columns: Headings = HEADINGS) -> None:
    """Write a register as a workbook into an open file; its rows wait on the disk."""
    from xlsxwriter import Workbook  # slow to load, and no command asks

    with TemporaryDirectory() as folder, Workbook(file, {**WORKBOOK, "tmpdir": folder}) as book:
        sheet = _Sheet(book, columns)
        for page in found:
            sheet.add(page)
        sheet.add_totals()


class _Sheet:
    """The one sheet: headings, a line for each document, totals by currency."""

    def __init__(self, book: "Workbook", columns: Headings) -> None:
        self._columns = columns
        self._sheet = book.add_worksheet("Registre")
        self._bold = book.add_format({"bold": True})
        self._day = book.add_format({"num_format": "dd/mm/yyyy"})
        total = {"bold": True, "top": 1}
        # By whether the amount is written without cents.
        forms = {False: "#,##0.00", True: "#,##0"}
        self._amount = {key: book.add_format({"num_format": form}) for key, form in forms.items()}
        self._total = {
            key: book.add_format({"num_format": form, **total}) for key, form in forms.items()
        }
        self._count = 0
        self._totals: dict[str, list[int]] = {}
        for column, (heading, width) in enumerate(columns.values()):
            self._sheet.set_column(column, column, width)
            self._sheet.write_string(0, column, heading, self._bold)
        self._sheet.freeze_panes(1, 1)

    def add(self, entries: Iterable[Entry]) -> None:
        for entry in entries:
            self._count += 1
            totals = self._totals.setdefault(entry.currency, [0] * len(AMOUNTS))
            for place, name in enumerate(AMOUNTS):
                totals[place] += getattr(entry, name) or 0
            for column, (name, value) in enumerate(zip(self._columns, entry, strict=False)):
                self._write(column, name, value, entry.currency)

    def add_totals(self) -> None:
        """Close the sheet: a filter over the documents, and what they add up to."""
        last = self._count + 1
        self._sheet.autofilter(0, 0, self._count, len(self._columns) - 1)
        for line, (currency, totals) in enumerate(sorted(self._totals.items()), last + 1):
            self._sheet.write_string(line, 0, "Total", self._bold)
            for name, cents in zip(AMOUNTS, totals, strict=True):
                column = list(HEADINGS).index(name)
                letter, of = (chr(ord("A") + list(HEADINGS).index(x)) for x in (name, "currency"))
                formula = f'=SUMIF({of}2:{of}{last},"{currency}",{letter}2:{letter}{last})'
                form = self._total[is_without_cents(cents, currency)]
                self._sheet.write_formula(line, column, formula, form, cents / 100)
            self._sheet.write_string(line, list(HEADINGS).index("currency"), currency, self._bold)

    def _write(self, column: int, name: str, value: Any, currency: str) -> None:
        if value is None or value == "":
            return
        if name in AMOUNTS:
            form = self._amount[is_without_cents(value, currency)]
            self._sheet.write_number(self._count, column, value / 100, form)
        elif isinstance(value, date) and value.year >= FIRST_SHEET_YEAR:
            midnight = datetime.combine(value, time())
            self._sheet.write_datetime(self._count, column, midnight, self._day)
        else:
            text = f"{value:%d/%m/%Y}" if isinstance(value, date) else value
            self._sheet.write_string(self._count, column, text)


def _pages(ids: "array[int]", read: Callable[[tuple[Any, ...]], Entry]) -> Pages:
    """Read documents already settled by nothing but their ids.

    With the conditions that found them, SQLite would read all of the company's for each page.
    """
    for start in range(0, len(ids), PAGE_ROWS):
        wanted = ids[start : start + PAGE_ROWS].tolist()
        query = Invoice.select(Invoice.id, *COLUMNS).where(Invoice.id.in_(wanted))
        found = {each: values for each, *values in rows(query)}
        yield [read(tuple(found[each])) for each in wanted if each in found]


def _cells(entry: Entry) -> list[str]:
    cells = [write(value) for write, value in zip(_WRITERS, entry, strict=True)]
    if entry.currency in WITHOUT_CENTS:
        for place in _AMOUNT_PLACES:
            cells[place] = cells[place].removesuffix(",00")
    return cells


def _amount(cents: int | None) -> str:
    if cents is None:
        return ""
    units, rest = divmod(abs(cents), 100)
    return f"{'-' if cents < 0 else ''}{units},{rest:02d}"


def _day(day: date | None) -> str:
    return f"{day:%d/%m/%Y}" if day else ""


_AMOUNT_PLACES = [place for place, name in enumerate(HEADINGS) if name in AMOUNTS]
_WRITERS: list[Callable[[Any], str]] = [
    _amount if name in AMOUNTS else _day if name in DAYS else inert for name in HEADINGS | COMPANY
]
