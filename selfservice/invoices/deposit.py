"""The main job: a folder of documents becomes invoices that customers can see.

Notifications pull what is not announced yet: nothing here knows of users or mails.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from peewee import IntegrityError

from selfservice import audit, clock
from selfservice.db import database, durable
from selfservice.invoices import storage, tombstones
from selfservice.invoices.checking import Document, check_file
from selfservice.invoices.customers import Customers
from selfservice.invoices.errors import (
    DocumentsNotWrittenError,
    UnreadableFolderError,
    UnreadableIndexError,
)
from selfservice.invoices.index import NAME as INDEX_NAME
from selfservice.invoices.index import Index, read_index, same_name
from selfservice.invoices.labels import DEPOSIT_SUMMARY, explain
from selfservice.invoices.models import Invoice
from selfservice.invoices.refusal import RefusalError
from selfservice.invoices.rejects import write_rejects
from selfservice.suppliers.models import Supplier

BATCH_DOCUMENTS = 100

Progress = Callable[[int], object]


@dataclass(frozen=True)
class Refused:
    """A file that stays out, and why, in French."""

    file: str
    reason: str


@dataclass
class DepositReport:
    """How many documents went in, how many were there already, and what was refused.

    `summary` says it in French.
    """

    deposited: int = 0
    already: int = 0
    refused: list[Refused] = field(default_factory=list)

    @property
    def summary(self) -> str:
        return DEPOSIT_SUMMARY.format(report=self, refused=len(self.refused))


@dataclass(frozen=True)
class _Run:
    """What every step of one deposit needs."""

    supplier: Supplier
    folder: Path
    index: Index
    incoming: storage.Incoming
    report: DepositReport


@dataclass(frozen=True)
class _Waiting:
    """A document written aside, and the row it is to become."""

    file: str
    row: dict[str, Any]


def deposit_folder(
    supplier: Supplier, folder: Path, *, on_progress: Progress | None = None
) -> DepositReport:
    """Deposit every file of a folder but *.csv, in the order of their names.

    Batch after batch: files on disk first, then one durable transaction. Killed at any instant
    and run again, it ends as one undisturbed run; two at once end right. Writes `rejets.csv`
    into the folder. `on_progress` gets how many files each batch has done. Opens its
    own transactions. Raises DepositError; batches committed before it stay.
    """
    names = _candidates(folder)
    index = _read_index(folder)
    report = DepositReport(refused=_rows_without_file(index, names))
    try:
        with durable(), storage.Incoming() as incoming:
            run = _Run(supplier, folder, index, incoming, report)
            for start in range(0, len(names), BATCH_DOCUMENTS):
                batch = names[start : start + BATCH_DOCUMENTS]
                _settle(run, _prepare(run, batch))
                if on_progress:
                    on_progress(len(batch))
    except OSError as error:
        raise DocumentsNotWrittenError(storage.documents_folder(), error.strerror or "") from error
    report.refused.sort(key=lambda refused: refused.file)
    write_rejects(folder, ((each.file, each.reason) for each in report.refused))
    return report


def _read_index(folder: Path) -> Index:
    """Read the index; where it is unusable, `rejets.csv` says so too before the error."""
    try:
        return read_index(folder)
    except UnreadableIndexError as error:
        write_rejects(folder, [(INDEX_NAME, explain(error))])
        raise


def count_candidates(folder: Path) -> int:
    """Return how many files a deposit of this folder looks at; raises UnreadableFolderError."""
    return len(_candidates(folder))


def _candidates(folder: Path) -> list[str]:
    try:
        return sorted(
            path.name
            for path in folder.iterdir()
            if not path.is_dir() and not path.name.lower().endswith(".csv")
        )
    except OSError as error:
        raise UnreadableFolderError(folder, error.strerror or "") from error


def _rows_without_file(index: Index, names: list[str]) -> list[Refused]:
    present = {same_name(name) for name in names}
    missing = RefusalError("missing").reason
    return [Refused(name, missing) for name in index.rows if name not in present] + [
        Refused(INDEX_NAME, refusal.reason) for refusal in index.nameless
    ]


def _prepare(run: _Run, names: list[str]) -> list[_Waiting]:
    """Check each file and write aside what may go in."""
    customers = Customers(run.supplier)
    waiting = []
    for name in names:
        try:
            document = check_file(customers, run.folder / name, run.index)
        except RefusalError as refusal:
            run.report.refused.append(Refused(name, refusal.reason))
            continue
        run.incoming.write(document.sha256, document.content)
        waiting.append(_Waiting(name, _row(run.supplier, document)))
    return waiting


def _row(supplier: Supplier, document: Document) -> dict[str, Any]:
    facts, customer = document.facts, document.customer
    return {
        "supplier": supplier.id,
        "company": customer.company_id,
        "number": facts.number,
        "kind": facts.kind,
        "contract": facts.contract,
        "issued_on": facts.issued_on,
        "due_on": facts.due_on,
        "currency": facts.currency,
        "net_cents": facts.net_cents,
        "vat_cents": facts.vat_cents,
        "gross_cents": facts.gross_cents,
        "state": document.state(supplier),
        "notification": customer.notification,
        "notified_email_key": customer.email_key,
        "sha256": document.sha256,
        "size_bytes": len(document.content),
        "has_xml": facts.has_xml,
    }


def _settle(run: _Run, waiting: list[_Waiting]) -> None:
    """Publish the files of a batch, then commit its rows: a row never lacks its file."""
    with storage.exclusive():
        fresh, already, conflicts = _sort_out(run.supplier, waiting)
        run.incoming.publish(each.row["sha256"] for each in fresh)
        with database.atomic():
            late = _insert(fresh)
            _, late_already, late_conflicts = _sort_out(run.supplier, late)
            deposited = len(fresh) - len(late)
            _record(run.supplier, deposited, len(conflicts) + len(late_conflicts))
    run.incoming.clear()
    run.report.deposited += deposited
    run.report.already += already + late_already
    run.report.refused += conflicts + late_conflicts


def _sort_out(
    supplier: Supplier, waiting: list[_Waiting]
) -> tuple[list[_Waiting], int, list[Refused]]:
    """Tell the new documents from those already deposited and from numbers that are taken."""
    numbers = [each.row["number"] for each in waiting]
    stored, buried = _stored(supplier.id, numbers), tombstones.buried(supplier.id, numbers)
    fresh: list[_Waiting] = []
    conflicts: list[Refused] = []
    for each in waiting:
        number, sha256 = each.row["number"], each.row["sha256"]
        if number in buried:
            conflicts.append(Refused(each.file, RefusalError("purged", number=number).reason))
        elif number not in stored:
            stored[number] = sha256
            fresh.append(each)
        elif stored[number] != sha256:
            conflicts.append(Refused(each.file, RefusalError("conflict", number=number).reason))
    return fresh, len(waiting) - len(fresh) - len(conflicts), conflicts


def _stored(supplier_id: int, numbers: list[str]) -> dict[str, str]:
    query: Any = Invoice.select(Invoice.number, Invoice.sha256).where(
        Invoice.supplier == supplier_id, Invoice.number.in_(numbers)
    )
    return dict(query.tuples())


def _insert(waiting: list[_Waiting]) -> list[_Waiting]:
    """Insert all and return those whose number came meanwhile.

    Where the lock on the documents' folder does not hold (some network folders), the schema
    does: then by halves, until each that is late stands alone.
    """
    if not waiting:
        return []
    now = clock.now()
    rows = [{**each.row, "deposited_at": now} for each in waiting]
    try:
        with database.atomic():
            Invoice.insert_many(rows).execute()
    except IntegrityError:
        if len(waiting) > 1:
            half = len(waiting) // 2
            return _insert(waiting[:half]) + _insert(waiting[half:])
        if not _stored(rows[0]["supplier"], [rows[0]["number"]]):
            raise
        return waiting
    return []


def _record(supplier: Supplier, deposited: int, conflicts: int) -> None:
    if deposited or conflicts:
        audit.record(
            "invoices.deposited",
            actor="system",
            supplier=supplier.slug,
            deposited=deposited,
            conflicts=conflicts,
        )
