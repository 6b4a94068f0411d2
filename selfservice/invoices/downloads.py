"""Opening a document: its file, its XML, and the mark that it was opened."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple

from peewee import JOIN, chunked

from selfservice import audit, clock
from selfservice.accounts.models import User
from selfservice.db import database
from selfservice.invoices import embedded_xml, queries, storage
from selfservice.invoices.models import Invoice, Opening

JOURNALLED_EVERY = timedelta(minutes=1)


class UnknownInvoiceError(Exception):
    """No document of this id is visible to the user today, or it has not that form."""


class ForeignInvoiceError(UnknownInvoiceError):
    """There is such a document, but it is not visible to the user today."""


class Readable(NamedTuple):
    """A document as one of its readers finds it."""

    id: int
    company_id: int
    number: str
    sha256: str
    has_xml: bool
    is_downloaded: bool
    journalled_at: datetime | None  # their last opening that the journal has


def find_document(user: User, invoice_id: int) -> Readable:
    """Return a document that the user may see today.

    Raises UnknownInvoiceError, or ForeignInvoiceError where others may see it.
    """
    if invoice_id > queries.MAX_ID:
        raise UnknownInvoiceError
    opened = (Opening.invoice == Invoice.id) & (Opening.user == user.id)
    found = (
        queries.visible_to(user)
        .select(
            Invoice.id,
            Invoice.company,
            Invoice.number,
            Invoice.sha256,
            Invoice.has_xml,
            Invoice.downloaded_at.is_null(False),
            Opening.journalled_at,
        )
        .join(Opening, JOIN.LEFT_OUTER, on=opened)
        .where(Invoice.id == invoice_id)
        .tuples()
        .first()
    )
    if found is None:
        raise not_found([invoice_id], seen=0)
    return Readable(*found)


def not_found(ids: Collection[int], *, seen: int) -> UnknownInvoiceError:
    """Return the error for documents of which the user may see so many only."""
    batches = chunked(ids, queries.BATCH)
    existing = sum(Invoice.select().where(Invoice.id.in_(batch)).count() for batch in batches)
    return ForeignInvoiceError() if existing > seen else UnknownInvoiceError()


def read_xml(document: Readable) -> bytes:
    """Return the Factur-X XML of a document; raises UnknownInvoiceError where it has none."""
    path = storage.path_of(document.sha256)
    xml = embedded_xml.extract(path) if document.has_xml else None
    if xml is None:
        raise UnknownInvoiceError
    return xml


def mark_opened(user: User, document: Readable, *, origin: str) -> None:
    """Remember that a user read a document, and that their company has downloaded it.

    « Nouveau » is per user, « téléchargé » per company; the first time counts for both. The
    journal keeps every time, but one a minute for a user and a document: a script would else
    make it grow without bound. Writes only what is new, in its own transaction.
    """
    now = clock.now()
    since = now - JOURNALLED_EVERY
    last = document.journalled_at
    if document.is_downloaded and last and since < last <= now:
        return
    with database.atomic():
        _mark(user, [document.id], now)
        claim = Opening.update(journalled_at=now).where(
            Opening.user == user.id,
            Opening.invoice == document.id,
            # One later than now dates from a clock since set back.
            Opening.journalled_at.is_null()
            | (Opening.journalled_at <= since)
            | (Opening.journalled_at > now),
        )
        if claim.execute():
            audit.record_of(
                "invoice.opened",
                user,
                company_id=document.company_id,
                origin=origin,
                number=document.number,
            )


def mark_all_opened(user: User, documents: Sequence[tuple[int, int]], *, origin: str) -> None:
    """Remember that a user took documents away, given by their ids and their companies'.

    One entry in the journal of each company. Opens its own transaction.
    """
    now = clock.now()
    with database.atomic():
        for batch in chunked([each for each, _ in documents], queries.BATCH):
            _mark(user, batch, now)
        counts = Counter(company for _, company in documents)
        facts_of = {company_id: {"documents": count} for company_id, count in counts.items()}
        audit.record_in_each("invoices.archived", user, facts_of, origin=origin)


def _mark(user: User, ids: Sequence[int], now: datetime) -> None:
    openings = [(user.id, each, now) for each in ids]
    columns = [Opening.user, Opening.invoice, Opening.opened_at]
    Opening.insert_many(openings, fields=columns).on_conflict_ignore().execute()
    first = Invoice.id.in_(ids) & Invoice.downloaded_at.is_null()
    Invoice.update(downloaded_at=now).where(first).execute()
