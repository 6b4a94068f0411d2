"""The advisers' register of companies: `companies import SLUG FILE.csv`.

Registering an address sends nothing (FAQ 2, 3): the next deposit does.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

from selfservice import audit
from selfservice.db import database
from selfservice.files import CsvError, CsvRow, read_csv
from selfservice.suppliers import register
from selfservice.suppliers.errors import RegisterError
from selfservice.suppliers.identifiers import compact_digits, compact_vat_number
from selfservice.suppliers.messages import FAULT_LINE, FAULTS, IMPORT_SUMMARY
from selfservice.suppliers.models import DELIVERIES, NOTIFICATION_MODES, Company, Supplier
from selfservice.texts import identifier, one_form

BATCH_ROWS = 500
COLUMNS = (
    "client_number",
    "name",
    "siren",
    "vat_number",
    "email",
    "notification",
    "delivery",
)


class _RowError(Exception):
    """A row that is left out; `code` names the fault, `facts` what its message needs."""

    def __init__(self, code: str, **facts: str | int) -> None:
        super().__init__(code, facts)
        self.code = code
        self.facts = facts


@dataclass(frozen=True)
class Fault:
    """A row that was left out: its line in the file and why."""

    line: int
    code: str
    facts: dict[str, str | int] = field(default_factory=dict)

    @property
    def reason(self) -> str:
        return FAULTS[self.code].format(**self.facts)


@dataclass
class ImportReport:
    """How many companies were created, changed and left as they were, and the rows left out."""

    created: int = 0
    updated: int = 0
    unchanged: int = 0
    faults: list[Fault] = field(default_factory=list)

    @property
    def summary(self) -> str:
        return IMPORT_SUMMARY.format(report=self, left_out=len(self.faults))

    @property
    def fault_lines(self) -> list[str]:
        return [FAULT_LINE.format(fault=fault) for fault in self.faults]


def import_companies(supplier: Supplier, file: Path) -> ImportReport:
    """Create and update the companies of a register; those absent from it stay.

    An absent column changes nothing; an empty `email`, `siren` or `vat_number` removes it, and a
    line that ends before their column has them empty: spreadsheets leave such ends out.
    Bad rows are reported and the others go through, in one transaction per batch: running
    again after an interruption ends the same. Raises RegisterError when the file as a whole
    cannot be used; nothing has changed then.
    """
    report = ImportReport()
    rows = _read(file, report)
    while batch := list(islice(rows, BATCH_ROWS)):
        _import_batch(supplier, batch, report)
    report.faults.sort(key=lambda fault: fault.line)
    return report


def _read(file: Path, report: ImportReport) -> Iterator[CsvRow]:
    """Yield the rows cleaned; leave out the faulty ones and a client number given before."""
    try:
        rows = read_csv(file, known=COLUMNS, required="client_number")
    except CsvError as error:
        raise RegisterError(path=file, detail=error) from error
    first_lines: dict[str, int] = {}
    for row in rows:
        try:
            cells = _clean(row)
            number = cells["client_number"]
            if number in first_lines:
                raise _RowError("repeated", value=number, first_line=first_lines[number])
        except _RowError as fault:
            report.faults.append(Fault(row.line, fault.code, fault.facts))
            continue
        first_lines[number] = row.line
        yield CsvRow(row.line, cells)


def _import_batch(supplier: Supplier, batch: list[CsvRow], report: ImportReport) -> None:
    numbers = [row.cells["client_number"] for row in batch]
    with database.atomic():
        query = Company.select().where(
            Company.supplier == supplier, Company.client_number.in_(numbers)
        )
        known = {company.client_number: company for company in query}
        counts = dict.fromkeys(("created", "updated", "unchanged", "left_out"), 0)
        for row in batch:
            company = known.get(row.cells["client_number"])
            counts[_apply(supplier, company, row, report)] += 1
        audit.record(
            "companies.imported",
            actor="system",
            supplier=supplier.slug,
            created=counts["created"],
            updated=counts["updated"],
            left_out=counts["left_out"],
        )
    report.created += counts["created"]
    report.updated += counts["updated"]
    report.unchanged += counts["unchanged"]


def _apply(supplier: Supplier, company: Company | None, row: CsvRow, report: ImportReport) -> str:
    if company is None and not row.cells.get("name"):
        report.faults.append(Fault(row.line, "no_name"))
        return "left_out"
    outcome = "created" if company is None else "updated"
    company = company or Company(supplier=supplier)
    if not _change(company, row.cells):
        return "unchanged"
    company.save()
    return outcome


def _change(company: Company, cells: dict[str, str]) -> bool:
    """Set what the row gives; say whether anything differs."""
    before = dict(company.__data__)
    for column in ("client_number", "name", "notification", "delivery"):
        if cells.get(column):
            setattr(company, column, cells[column])
    for column in ("siren", "vat_number"):
        if column in cells:
            setattr(company, column, cells[column] or None)
    if "email" in cells:
        register.put(company, "email", cells["email"])
    return bool(company.__data__ != before)


def _clean(row: CsvRow) -> dict[str, str]:
    """Return the cells in the form they are stored in. Raises _RowError for the first bad one."""
    if row.fault:
        raise _RowError(row.fault, value=row.value)
    return {name: _CHECKS[name](row.cells[name]) for name in COLUMNS if name in row.cells}


def _client_number(text: str) -> str:
    text = identifier(text)
    if not text:
        raise _RowError("no_client_number")
    if len(text) > 64 or not text.isprintable():
        raise _RowError("client_number", value=text[:64])
    return text


def _name(text: str) -> str:
    name = one_form(text)
    if len(name) > 200 or not name.isprintable():
        raise _RowError("name")
    return name


def _siren(text: str) -> str:
    digits = compact_digits(text)
    if digits and not re.fullmatch(r"[0-9]{9}([0-9]{5})?", digits):
        raise _RowError("siren", value=text)
    return digits


def _vat_number(text: str) -> str:
    number = compact_vat_number(text)
    if number and not re.fullmatch(r"[A-Z]{2}[A-Z0-9+*]{2,13}", number):
        raise _RowError("vat_number", value=text)
    return number


def _email(text: str) -> str:
    try:
        return register.checked("email", text)
    except register.WrongRegisterValueError as error:
        raise _RowError("email", value=one_form(text)) from error


def _one_of(code: str, values: tuple[str, ...]) -> Callable[[str], str]:
    def check(text: str) -> str:
        value = one_form(text).lower()
        if value and value not in values:
            raise _RowError(code, value=text)
        return value

    return check


_CHECKS: dict[str, Callable[[str], str]] = {
    "client_number": _client_number,
    "name": _name,
    "siren": _siren,
    "vat_number": _vat_number,
    "email": _email,
    "notification": _one_of("notification", NOTIFICATION_MODES),
    "delivery": _one_of("delivery", DELIVERIES),
}
