"""The advisers' register of companies: `companies import SLUG FILE.csv`, `companies export SLUG`.

Registering an address sends nothing (FAQ 2, 3): the next deposit does.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date
from itertools import islice
from pathlib import Path

from selfservice import audit, clock
from selfservice.db import database
from selfservice.files import CsvError, CsvRow, inert, read_csv
from selfservice.suppliers import register
from selfservice.suppliers.errors import RegisterError
from selfservice.suppliers.identifiers import compact_digits, compact_vat_number
from selfservice.suppliers.merging import Difference, merge
from selfservice.suppliers.messages import FAULT_LINE, FAULTS, IMPORT_SUMMARY, difference_line
from selfservice.suppliers.models import (
    DELIVERIES,
    DESK,
    NOTIFICATION_MODES,
    Company,
    RegisterChange,
    Supplier,
)
from selfservice.texts import identifier, one_form

Changes = dict[tuple[int, str], list[RegisterChange]]

BATCH_ROWS = 50  # in one transaction: each may queue a mail, and nobody else writes meanwhile
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
    differences: list[Difference] = field(default_factory=list)

    @property
    def summary(self) -> str:
        kept = sum(each.is_kept for each in self.differences)
        return IMPORT_SUMMARY.format(
            report=self,
            left_out=len(self.faults),
            kept=kept,
            replaced=len(self.differences) - kept,
        )

    @property
    def difference_lines(self) -> list[str]:
        return [difference_line(each) for each in self.differences]

    @property
    def fault_lines(self) -> list[str]:
        return [FAULT_LINE.format(fault=fault) for fault in self.faults]


def import_companies(supplier: Supplier, file: Path) -> ImportReport:
    """Create and update the companies of a register; those absent from it stay.

    A value that a person changed on the portal gives way to one that has changed in the file since
    its last import, and to no other; the report names each. An absent column changes nothing; an
    empty `email`, `siren` or `vat_number` removes it, and a line that ends before their column has
    them empty: spreadsheets leave such ends out. Bad rows are reported and the others go through,
    in one transaction per batch: running again after an interruption ends the same. Raises
    RegisterError when the file as a whole cannot be used; nothing has changed then.
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
        changes = _changes_of(known.values())
        counts = dict.fromkeys(("created", "updated", "unchanged", "left_out"), 0)
        for row in batch:
            company = known.get(row.cells["client_number"])
            counts[_apply(supplier, company, row, report, changes)] += 1
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


def _changes_of(companies: Iterable[Company]) -> Changes:
    """Return what persons changed on the portal, by company and field, oldest first."""
    found: Changes = defaultdict(list)
    query = RegisterChange.select().where(RegisterChange.company.in_([*companies]))
    for change in query.order_by(RegisterChange.id):
        found[change.company_id, change.field].append(change)
    return found


def _apply(
    supplier: Supplier,
    company: Company | None,
    row: CsvRow,
    report: ImportReport,
    changes: Changes,
) -> str:
    if company is None and not row.cells.get("name"):
        report.faults.append(Fault(row.line, "no_name"))
        return "left_out"
    outcome = "created" if company is None else "updated"
    company = company or Company(supplier=supplier)
    before = dict(company.__data__)
    report.differences += _change(company, row.cells, changes)
    if company.__data__ == before:
        return "unchanged"
    company.save()
    if outcome == "updated":
        register.tell_former(company, before.get("email_key"))
    changed = {name for name, value in company.__data__.items() if before.get(name) != value}
    is_visible = any(not name.endswith("_in_file") for name in changed)
    return outcome if is_visible else "unchanged"


def _change(company: Company, cells: dict[str, str], changes: Changes) -> list[Difference]:
    """Set what the row gives, and return what differs on the portal."""
    for column in ("client_number", "name"):
        if cells.get(column):
            setattr(company, column, cells[column])
    for column in ("siren", "vat_number"):
        if column in cells:
            setattr(company, column, cells[column] or None)
    # An empty address removes it; of two choices, empty is none.
    given = [
        each for each in register.FIELDS if cells.get(each) or (each == "email" and each in cells)
    ]
    found = (merge(company, each, cells[each], changes[company.id, each]) for each in given)
    return [each for each in found if each is not None]


def export_companies(supplier: Supplier, *, since: date | None = None) -> list[list[str]]:
    """Return the register as it is now, the names of its columns first.

    With `since`, only the companies of which a person changed something on the portal from that
    Paris day on.
    """
    companies = Company.select().where(Company.supplier == supplier, Company.client_number != DESK)
    if since is not None:
        changed = RegisterChange.select(RegisterChange.company).where(
            RegisterChange.changed_at >= clock.start_of(since)
        )
        companies = companies.where(Company.id.in_(changed))
    rows = (
        [inert(getattr(each, name) or "") for name in COLUMNS]
        for each in companies.order_by(Company.client_number)
    )
    return [list(COLUMNS), *rows]


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
