"""The main job: a folder of documents becomes invoices that customers can see.

Notifications pull what is not announced yet: nothing here knows of users or mails.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, pairwise
from pathlib import Path
from typing import Any

from flask import current_app
from peewee import IntegrityError

from selfservice import audit, clock
from selfservice.db import Prepared, database, durable
from selfservice.deposits.checking import admit, describe
from selfservice.deposits.customers import Customer, Customers
from selfservice.deposits.description import Facts
from selfservice.deposits.errors import (
    DocumentsNotWrittenError,
    TooManyDocumentsError,
    UnreadableFolderError,
    UnreadableIndexError,
)
from selfservice.deposits.index_csv import NAME as INDEX_NAME
from selfservice.deposits.index_csv import Index, read_index, same_name
from selfservice.deposits.messages import DEPOSIT_SUMMARY, explain
from selfservice.deposits.readers import Answer, Readers
from selfservice.deposits.reading import Job, Limits, Reading
from selfservice.deposits.refusal import RefusalError
from selfservice.deposits.rejects_csv import write_rejects
from selfservice.invoices import credits, storage, tombstones
from selfservice.invoices.models import Invoice
from selfservice.suppliers.models import Supplier

BATCH_DOCUMENTS = 100


@dataclass(frozen=True)
class Outcome:
    """What became of a file: « deposited », « already » or « refused », and then why, in French.

    `number` is the document's, empty where it was refused before its number was known.
    """

    file: str
    outcome: str
    number: str = ""
    reason: str = ""


@dataclass
class DepositReport:
    """How many documents went in, how many were there already, and what was refused.

    `summary` says it in French.
    """

    deposited: int = 0
    already: int = 0
    refused: list[Outcome] = field(default_factory=list)

    def add(self, outcomes: Iterable[Outcome]) -> None:
        for each in outcomes:
            self.deposited += each.outcome == "deposited"
            self.already += each.outcome == "already"
            if each.outcome == "refused":
                self.refused.append(each)

    @property
    def summary(self) -> str:
        return DEPOSIT_SUMMARY.format(report=self, refused=len(self.refused))


Progress = Callable[[list[Outcome]], object]


@dataclass(frozen=True)
class _Run:
    """What every step of one deposit needs."""

    supplier: Supplier
    folder: Path
    index: Index


@dataclass(frozen=True)
class _Waiting:
    """A document written aside, the row it is to become, and the numbers that it credits."""

    file: str
    aside: str
    row: dict[str, Any]
    credits: tuple[str, ...]

    def outcome(self, outcome: str) -> Outcome:
        return Outcome(self.file, outcome, self.row["number"])


@dataclass(frozen=True)
class _Batch:
    """Files that were read and checked: what may go in, what may not, and all their copies."""

    waiting: list[_Waiting]
    refused: list[Outcome]
    asides: list[str]


def deposit_folder(
    supplier: Supplier, folder: Path, *, on_progress: Progress | None = None
) -> DepositReport:
    """Deposit every file of a folder but *.csv, in the order of their names.

    Batch after batch: files on disk first, then one durable transaction. Killed at any instant
    and run again, it ends as one undisturbed run; two at once end right. Writes `rejets.csv`
    into the folder. `on_progress` gets the outcomes of each batch, then those of rows
    without a file. Opens its own transactions. Raises DepositError; batches committed before it
    stay.
    """
    names = _candidates(folder)
    index = _read_index(folder)
    report = DepositReport()

    def tell(outcomes: list[Outcome]) -> None:
        report.add(outcomes)
        if on_progress:
            on_progress(outcomes)

    try:
        _deposit_batches(_Run(supplier, folder, index), names, tell)
    except BrokenPipeError:
        raise  # whoever followed the progress went away
    except OSError as error:
        raise DocumentsNotWrittenError(storage.documents_folder(), error.strerror or "") from error
    tell(_rows_without_file(index, names))
    report.refused.sort(key=lambda refused: refused.file)
    write_rejects(folder, ((each.file, each.reason) for each in report.refused))
    return report


def _deposit_batches(run: _Run, names: list[str], tell: Progress) -> None:
    """Deposit batch after batch.

    While one is committed, the next one is on its way to the disk and the one after is being read.
    """
    with (
        durable(),
        storage.Incoming() as incoming,
        Readers(_limits(), documents=len(names)) as readers,
    ):
        jobs = [
            Job(name, f"{run.folder}/{name}", incoming.path(str(number)))
            for number, name in enumerate(names)
        ]
        for batch, _ in pairwise(chain(_checked(run, incoming, readers, jobs), [None])):
            if batch:
                outcomes = batch.refused + _settle(run.supplier, incoming, batch.waiting)
                tell(sorted(outcomes, key=lambda outcome: outcome.file))
                incoming.discard(batch.asides)


def _checked(
    run: _Run, incoming: storage.Incoming, readers: Readers, jobs: list[Job]
) -> Iterator[_Batch]:
    batches = [jobs[i : i + BATCH_DOCUMENTS] for i in range(0, len(jobs), BATCH_DOCUMENTS)]
    for batch, answers in zip(batches, readers.read(batches), strict=True):
        waiting, refused = _check(run, batch, answers)
        incoming.begin_sync(each.aside for each in waiting)
        yield _Batch(waiting, refused, [job.aside for job in batch])


def _limits() -> Limits:
    settings = current_app.config
    return Limits(
        file_megabytes=settings["DOCUMENT_MAX_MEGABYTES"],
        pages=settings["DOCUMENT_MAX_PAGES"],
        megabytes=settings["DOCUMENT_READ_MEGABYTES"],
        seconds=settings["DOCUMENT_READ_SECONDS"],
    )


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
        names = sorted(
            entry.name
            for entry in os.scandir(folder)
            if not entry.is_dir() and not entry.name.lower().endswith(".csv")
        )
    except OSError as error:
        raise UnreadableFolderError(folder, error.strerror or "") from error
    if len(names) > current_app.config["DEPOSIT_MAX_DOCUMENTS"]:
        raise TooManyDocumentsError(folder, str(len(names)))
    return names


def _rows_without_file(index: Index, names: list[str]) -> list[Outcome]:
    present = {same_name(name) for name in names}
    missing = RefusalError("missing")
    return [_refused(name, missing) for name in index.rows if name not in present] + [
        _refused(INDEX_NAME, refusal) for refusal in index.nameless
    ]


def _refused(file: str, refusal: RefusalError, number: str = "") -> Outcome:
    return Outcome(file, "refused", number, refusal.reason)


def _check(
    run: _Run, jobs: list[Job], answers: list[Answer]
) -> tuple[list[_Waiting], list[Outcome]]:
    """Tell the documents that may go in from those refused."""
    described: list[tuple[Job, Reading, Facts]] = []
    refused = []
    for job, answer in zip(jobs, answers, strict=True):
        try:
            if isinstance(answer, RefusalError):
                raise answer
            facts = describe(run.supplier, run.index, job.file, answer.embedded)
            described.append((job, answer, facts))
        except RefusalError as refusal:
            refused.append(_refused(job.file, refusal))
    customers = Customers(run.supplier, (facts for _, _, facts in described))
    waiting = []
    for job, reading, facts in described:
        try:
            row = _row(run.supplier, reading, facts, admit(customers, facts))
            waiting.append(_Waiting(job.file, job.aside, row, facts.credits))
        except RefusalError as refusal:
            refused.append(_refused(job.file, refusal, facts.number))
    return waiting, refused


def _row(supplier: Supplier, reading: Reading, facts: Facts, customer: Customer) -> dict[str, Any]:
    return {
        "supplier_id": supplier.id,
        "company_id": customer.company_id,
        "number": facts.number,
        "kind": facts.kind,
        "contract": facts.contract,
        "issued_on": facts.issued_on,
        "due_on": facts.due_on,
        "currency": facts.currency,
        "net_cents": facts.net_cents,
        "vat_cents": facts.vat_cents,
        "gross_cents": facts.gross_cents,
        "state": _state(supplier, facts, customer),
        "notification": customer.notification,
        "notified_email_key": customer.email_key,
        "sha256": reading.sha256,
        "size_bytes": reading.size_bytes,
        "has_xml": facts.has_xml,
        "xml_size_bytes": facts.xml_size_bytes,
        "is_digest_due": False,
    }


def _state(supplier: Supplier, facts: Facts, customer: Customer) -> str:
    """Return what a document is worth: a copy, a duplicate of the paper original, the original."""
    since = supplier.platform_since
    if since is not None and facts.issued_on >= since:
        return "copy"
    return "duplicate" if customer.delivery == "paper" else "original"


def _settle(
    supplier: Supplier, incoming: storage.Incoming, waiting: list[_Waiting]
) -> list[Outcome]:
    """Publish the files of a batch, then commit its rows: a row never lacks its file."""
    with storage.exclusive():
        fresh, outcomes = _sort_out(supplier, waiting)
        incoming.publish({each.aside: each.row["sha256"] for each in fresh})
        with database.atomic():
            late = _insert(fresh)
            outcomes += _sort_out(supplier, late)[1]
            deposited = [each for each in fresh if each not in late]
            credits.record(supplier.id, {each.row["number"]: each.credits for each in deposited})
            conflicts = sum(each.outcome == "refused" for each in outcomes)
            _record(supplier, len(deposited), conflicts)
    return outcomes + [each.outcome("deposited") for each in deposited]


def _sort_out(supplier: Supplier, waiting: list[_Waiting]) -> tuple[list[_Waiting], list[Outcome]]:
    """Tell the new documents from those already deposited and from numbers that are taken."""
    numbers = [each.row["number"] for each in waiting]
    stored, buried = _stored(supplier.id, numbers), tombstones.buried(supplier.id, numbers)
    fresh, outcomes = [], []
    for each in waiting:
        number, sha256 = each.row["number"], each.row["sha256"]
        if number in buried:
            outcomes.append(_refused(each.file, RefusalError("purged", number=number), number))
        elif number not in stored:
            stored[number] = sha256
            fresh.append(each)
        elif stored[number] == sha256:
            outcomes.append(each.outcome("already"))
        else:
            outcomes.append(_refused(each.file, RefusalError("conflict", number=number), number))
    return fresh, outcomes


def _stored(supplier_id: int, numbers: list[str]) -> dict[str, str]:
    return dict(_STORED.rows(supplier_id, tuple(numbers)))


def _numbered(supplier_id: Any, numbers: Any) -> Any:
    return Invoice.select(Invoice.number, Invoice.sha256).where(
        Invoice.supplier == supplier_id, Invoice.number.in_(numbers)
    )


_STORED = Prepared(build=_numbered)


def _insert(waiting: list[_Waiting]) -> list[_Waiting]:
    """Insert all and return those whose number came meanwhile.

    Where the lock on the documents' folder does not hold (some network folders), the schema
    does: then by halves, until each that is late stands alone.
    """
    if not waiting:
        return []
    try:
        with database.atomic():
            _insert_rows([each.row for each in waiting])
    except IntegrityError:
        if len(waiting) > 1:
            half = len(waiting) // 2
            return _insert(waiting[:half]) + _insert(waiting[half:])
        row = waiting[0].row
        if not _stored(row["supplier_id"], [row["number"]]):
            raise
        return waiting
    return []


def _insert_rows(rows: list[dict[str, Any]]) -> None:
    # Raw: building the same statement value by value takes peewee six times longer.
    columns = (*rows[0], "deposited_at")
    marks = f"({', '.join([database.param] * len(columns))})"
    now = clock.now()
    database.execute_sql(
        f"INSERT INTO invoice ({', '.join(columns)}) VALUES {', '.join([marks] * len(rows))}",  # noqa: S608
        [value for row in rows for value in (*row.values(), now)],
    )


def _record(supplier: Supplier, deposited: int, conflicts: int) -> None:
    if deposited or conflicts:
        audit.record(
            "invoices.deposited",
            actor="system",
            supplier=supplier.slug,
            deposited=deposited,
            conflicts=conflicts,
        )
