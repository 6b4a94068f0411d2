"""The advisers' register of companies: `companies import SLUG FILE.csv`.

Registering an address sends nothing (FAQ 2, 3): the next deposit does.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Any

from selfservice import audit, clock
from selfservice.db import database
from selfservice.suppliers.addresses import address_key
from selfservice.suppliers.errors import (
    MalformedRegisterError,
    RegisterNotUtf8Error,
    UnreadableRegisterError,
    WrongColumnsError,
)
from selfservice.suppliers.messages import FAULT_LINE, FAULTS, IMPORT_SUMMARY
from selfservice.suppliers.models import Company, Supplier
from selfservice.suppliers.register_row import COLUMNS, RowError, clean_row

BATCH_ROWS = 500


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
    """How many companies were created, changed and left as they were, and the rows left out.

    `summary` and `fault_lines` say it in French.
    """

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


@dataclass(frozen=True)
class _Row:
    line: int
    cells: dict[str, str]


def import_companies(supplier: Supplier, file: Path) -> ImportReport:
    """Create and update the companies of a register; those absent from it stay.

    An absent column changes nothing; an empty `email`, `siren` or `vat_number` removes it.
    Bad rows are reported and the others go through, in one transaction per batch: running
    again after an interruption ends the same. Raises RegisterError when the file as a whole
    cannot be used; nothing has changed then.
    """
    report = ImportReport()
    rows = iter(_distinct(_read(file, report), report))
    while batch := list(islice(rows, BATCH_ROWS)):
        _import_batch(supplier, batch, report)
    report.faults.sort(key=lambda fault: fault.line)
    return report


def _read(file: Path, report: ImportReport) -> list[_Row]:
    try:
        text = file.read_bytes().decode("utf-8-sig")
    except OSError as error:
        raise UnreadableRegisterError(file, error.strerror or type(error).__name__) from error
    except UnicodeDecodeError as error:
        raise RegisterNotUtf8Error(file) from error
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=";", strict=True)
    try:
        columns = _columns(next(reader, []))
        return list(_whole_rows(reader, columns, report))
    except csv.Error as error:
        raise MalformedRegisterError(file, reader.line_num) from error


def _columns(header: list[str]) -> list[str]:
    columns = [name.strip().lower() for name in header]
    problems = {
        "unknown": sorted(set(columns) - set(COLUMNS)),
        "missing": sorted({"client_number"} - set(columns)),
        "repeated": sorted({name for name in columns if columns.count(name) > 1}),
    }
    for problem, names in problems.items():
        if names:
            raise WrongColumnsError(problem, names)
    return columns


def _whole_rows(reader: Any, columns: list[str], report: ImportReport) -> Iterator[_Row]:
    end = reader.line_num
    for cells in reader:
        line, end = end + 1, reader.line_num  # a quoted cell may span several lines
        if not any(cell.strip() for cell in cells):
            continue
        if len(cells) != len(columns):
            report.faults.append(Fault(line, "row_length"))
            continue
        yield _Row(line, dict(zip(columns, cells, strict=True)))


def _distinct(rows: list[_Row], report: ImportReport) -> Iterator[_Row]:
    """Clean each row; leave out the faulty ones and a client number given before."""
    first_lines: dict[str, int] = {}
    for row in rows:
        try:
            cells = clean_row(row.cells)
        except RowError as fault:
            report.faults.append(Fault(row.line, fault.code, fault.facts))
            continue
        number = cells["client_number"]
        first_line = first_lines.setdefault(number, row.line)
        if first_line != row.line:
            facts: dict[str, str | int] = {"value": number, "first_line": first_line}
            report.faults.append(Fault(row.line, "repeated", facts))
            continue
        yield _Row(row.line, cells)


def _import_batch(supplier: Supplier, batch: list[_Row], report: ImportReport) -> None:
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


def _apply(supplier: Supplier, company: Company | None, row: _Row, report: ImportReport) -> str:
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
        _register_address(company, cells["email"])
    return bool(company.__data__ != before)


def _register_address(company: Company, address: str) -> None:
    key = address_key(address) or None
    if key != company.email_key:
        company.email_registered_at = clock.now() if key else None
    company.email = address or None
    company.email_key = key
