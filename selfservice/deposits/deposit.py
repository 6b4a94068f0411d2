"""The main job: a folder of documents becomes invoices that customers can see.

`deposit_folder` goes through the folder, `_deposit_batch` takes a hundred documents from their
files to their rows. Notifications pull what is not announced yet: nothing here knows of users or
mails.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from flask import current_app
from peewee import IntegrityError

from selfservice import audit, clock, system_errors
from selfservice.db import database, durable, rows
from selfservice.deposits.checking import check_dates, check_seller
from selfservice.deposits.customers import Customers
from selfservice.deposits.description import describe
from selfservice.deposits.document import Document
from selfservice.deposits.errors import (
    DocumentsNotWrittenError,
    SeveralIndexesError,
    TooManyDocumentsError,
    UnreadableIndexError,
)
from selfservice.deposits.folder import Contents, look
from selfservice.deposits.index_csv import NAME as INDEX_NAME
from selfservice.deposits.index_csv import Index, read_index, same_name
from selfservice.deposits.messages import DEPOSIT_SUMMARY, explain
from selfservice.deposits.readers import Readers
from selfservice.deposits.reading import Limits
from selfservice.deposits.refusal import RefusalError
from selfservice.deposits.rejects_csv import write_rejects
from selfservice.invoices import credits, storage, tombstones
from selfservice.invoices.models import Invoice, search_key
from selfservice.suppliers.models import Supplier

BATCH_DOCUMENTS = 100
# What a row takes from its document under the same name.
COLUMNS = (
    "company_id",
    "number",
    "kind",
    "contract",
    "issued_on",
    "due_on",
    "currency",
    "net_cents",
    "vat_cents",
    "gross_cents",
    "state",
    "notification",
    "notified_email_key",
    "sha256",
    "size_bytes",
)


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

    `passed_over` names what was not looked at and holds no document. `summary` says it in French.
    """

    deposited: int = 0
    already: int = 0
    refused: list[Outcome] = field(default_factory=list)
    passed_over: list[str] = field(default_factory=list)

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
    """What every batch of one deposit needs."""

    supplier: Supplier
    index: Index
    incoming: storage.Incoming
    readers: Readers


def deposit_folder(
    supplier: Supplier, folder: Path, *, on_progress: Progress | None = None
) -> DepositReport:
    """Deposit the files of a folder in the order of their names; follow no link, name all else.

    Batch after batch: files on disk first, then one durable transaction. Killed at any instant
    and run again, it ends as one undisturbed run; two at once end right. Writes `rejets.csv`
    into the folder. `on_progress` gets the outcomes of each batch, then those of folders and of
    rows without a file. Opens its own transactions. Raises DepositError; batches committed before
    it stay.
    """
    contents = _look(folder)
    names = contents.candidates
    index = _read_index(folder)
    report = DepositReport(passed_over=contents.passed_over)

    def tell(outcomes: list[Outcome]) -> None:
        report.add(outcomes)
        if on_progress:
            on_progress(outcomes)

    try:
        with (
            durable(),
            storage.Incoming() as incoming,
            Readers(_limits(), documents=len(names)) as readers,
        ):
            documents = [
                Document(name, source=f"{folder}/{name}", aside=incoming.path(str(number)))
                for number, name in enumerate(names)
            ]
            run = _Run(supplier, index, incoming, readers)
            for batch in readers.ahead(_batches(documents)):
                tell(_deposit_batch(run, batch))
    except BrokenPipeError:
        raise  # whoever followed the progress went away
    except OSError as error:
        raise DocumentsNotWrittenError(
            storage.documents_folder(), system_errors.cause(error)
        ) from error
    tell(_not_looked_at(index, contents))
    report.refused.sort(key=lambda refused: refused.file)
    write_rejects(folder, ((each.file, each.reason) for each in report.refused))
    return report


def _deposit_batch(run: _Run, batch: list[Document]) -> list[Outcome]:
    """Take documents from their files to their rows, while the next batch is being read.

    What a step refuses goes no further.
    """
    supplier = run.supplier
    outcomes: list[Outcome] = []

    read = _each(batch, run.readers.finish, outcomes)

    described = _each(read, lambda each: describe(each, run.index), outcomes)
    ours = _each(described, lambda each: check_seller(each, supplier), outcomes)

    found = _each(ours, Customers(supplier, ours).find, outcomes)
    checked = _each(found, lambda each: check_dates(each, supplier), outcomes)

    outcomes += _store(run, checked)
    run.incoming.discard(each.aside for each in batch)
    return sorted(outcomes, key=lambda outcome: outcome.file)


def _each(
    documents: list[Document], step: Callable[[Document], None], outcomes: list[Outcome]
) -> list[Document]:
    """Take documents through a step; return those that it does not refuse."""
    passed = []
    for document in documents:
        try:
            step(document)
            passed.append(document)
        except RefusalError as refusal:
            outcomes.append(_refused(document.file, refusal, document.number))
    return passed


def _store(run: _Run, documents: list[Document]) -> list[Outcome]:
    """Put the files in their places, then write the rows: a row never lacks its file."""
    supplier, outcomes = run.supplier, list[Outcome]()
    run.incoming.sync([each.aside for each in documents])
    with storage.exclusive():
        new = _new(supplier, documents, outcomes)
        already = {each.file for each in outcomes if each.outcome == "already"}
        lost = [
            each
            for each in documents
            if each.file in already and not storage.is_intact(each.sha256)
        ]
        run.incoming.publish({each.aside: each.sha256 for each in (*new, *lost)})
        with database.atomic():
            deposited = _insert(supplier, new, outcomes)
            credits.record(supplier.id, {each.number: each.credits for each in deposited})
            conflicts = sum(each.outcome == "refused" for each in outcomes)
            if deposited or conflicts:
                audit.record(
                    "invoices.deposited",
                    actor="system",
                    supplier=supplier.slug,
                    deposited=len(deposited),
                    conflicts=conflicts,
                )
    return outcomes + [Outcome(each.file, "deposited", each.number) for each in deposited]


def _new(supplier: Supplier, documents: list[Document], outcomes: list[Outcome]) -> list[Document]:
    """Return the documents whose number is free; the others are deposited already, or refused."""
    numbers = [each.number for each in documents]
    query = Invoice.select(Invoice.number, Invoice.sha256).where(
        Invoice.supplier == supplier, Invoice.number.in_(numbers)
    )
    stored: dict[str, str] = dict(rows(query))
    purged = tombstones.buried(supplier.id, numbers)
    new = []
    for document in documents:
        file, number = document.file, document.number
        if number in purged:
            outcomes.append(_refused(file, RefusalError("purged", number=number), number))
        elif number not in stored:
            stored[number] = document.sha256
            new.append(document)
        elif stored[number] == document.sha256:
            outcomes.append(Outcome(file, "already", number))
        else:
            outcomes.append(_refused(file, RefusalError("conflict", number=number), number))
    return new


def _insert(
    supplier: Supplier, documents: list[Document], outcomes: list[Outcome]
) -> list[Document]:
    """Write the rows; return the documents but those whose number came meanwhile.

    The schema decides where the lock on the documents' folder does not hold, as on some network
    folders.
    """
    if not documents:
        return []
    written = [
        {"supplier_id": supplier.id, "deposited_at": clock.now()}
        | {column: getattr(document, column) for column in COLUMNS}
        | {"search_key": search_key(document.number, document.contract)}
        | {"has_xml": document.own.has_xml}
        for document in documents
    ]
    try:
        with database.atomic():
            Invoice.insert_many(written).execute()
    except IntegrityError:
        if len(documents) > 1:
            return [row for each in documents for row in _insert(supplier, [each], outcomes)]
        if _new(supplier, documents, outcomes):
            raise
        return []
    return documents


def _limits() -> Limits:
    settings = current_app.config
    return Limits(
        file_megabytes=settings["DOCUMENT_MAX_MEGABYTES"],
        pages=settings["DOCUMENT_MAX_PAGES"],
        megabytes=settings["DOCUMENT_READ_MEGABYTES"],
        seconds=settings["DOCUMENT_READ_SECONDS"],
        takes_active=settings["DOCUMENT_ALLOW_ACTIVE"],
    )


def _batches(documents: list[Document]) -> Iterator[list[Document]]:
    for first in range(0, len(documents), BATCH_DOCUMENTS):
        yield documents[first : first + BATCH_DOCUMENTS]


def _read_index(folder: Path) -> Index:
    """Read the index; where it is unusable, `rejets.csv` says so too before the error."""
    try:
        return read_index(folder, max_rows=current_app.config["DEPOSIT_MAX_DOCUMENTS"])
    except (SeveralIndexesError, UnreadableIndexError) as error:
        write_rejects(folder, [(INDEX_NAME, explain(error))])
        raise


def count_candidates(folder: Path) -> int:
    """Return how many files a deposit of this folder looks at; raises DepositError."""
    return len(_look(folder).candidates)


def _look(folder: Path) -> Contents:
    contents = look(folder)
    count = len(contents.candidates)
    if count > current_app.config["DEPOSIT_MAX_DOCUMENTS"]:
        raise TooManyDocumentsError(folder, str(count))
    return contents


def _not_looked_at(index: Index, contents: Contents) -> list[Outcome]:
    """Return what is refused without being read: folders, and rows that no document goes with."""
    outcomes = [_refused(name, RefusalError("folder")) for name in contents.folders]
    outcomes += [_refused(INDEX_NAME, refusal) for refusal in index.nameless]
    known = {same_name(name) for name in (*contents.candidates, *contents.folders)}
    left = {same_name(name) for name in contents.passed_over}
    for name, row in index.rows.items():
        if name not in known:
            code = "left" if name in left else "missing"
            outcomes.append(_refused(name, RefusalError(code, line=row.line)))
    return outcomes


def _refused(file: str, refusal: RefusalError, number: str = "") -> Outcome:
    return Outcome(file, "refused", number, refusal.reason)
