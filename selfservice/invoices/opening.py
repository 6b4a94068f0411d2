"""Opening a document: its file, its XML, and the mark that it was opened."""

from datetime import datetime
from pathlib import Path

from peewee import IntegrityError

from selfservice import audit, clock
from selfservice.accounts.models import User
from selfservice.db import database
from selfservice.invoices import pdf, queries, storage
from selfservice.invoices.models import Invoice, Opening


class UnknownInvoiceError(Exception):
    """No document of this id is visible to the user today, or it has not that form."""


def find_invoice(user: User, invoice_id: int) -> Invoice:
    """Return a document that the user may see today; raises UnknownInvoiceError."""
    if invoice_id > queries.MAX_ID:
        raise UnknownInvoiceError
    invoice: Invoice | None = queries.visible_to(user).where(Invoice.id == invoice_id).first()
    if invoice is None:
        raise UnknownInvoiceError
    return invoice


def document_path(invoice: Invoice) -> Path:
    """Return the file of a document, byte for byte as deposited."""
    return storage.path_of(invoice.sha256)


def read_xml(invoice: Invoice) -> bytes:
    """Return the Factur-X XML of a document; raises UnknownInvoiceError where it has none."""
    xml = pdf.extract_xml(document_path(invoice)) if invoice.has_xml else None
    if xml is None:
        raise UnknownInvoiceError
    return xml


def is_opened(user: User, invoice: Invoice) -> bool:
    """Tell whether a user has opened a document before."""
    query = Opening.select().where(Opening.user == user.id, Opening.invoice == invoice.id)
    return bool(query.exists())


def mark_opened(user: User, invoice: Invoice, *, origin: str) -> None:
    """Remember that a user read a document, and that their company has downloaded it.

    « Nouveau » is per user, « téléchargé » per company; the first time counts for both. The
    journal keeps every time. Opens its own transaction.
    """
    now = clock.now()
    with database.atomic():
        _open_once(user, invoice, now)
        Invoice.update(downloaded_at=now).where(
            Invoice.id == invoice.id, Invoice.downloaded_at.is_null()
        ).execute()
        audit.record(
            "invoice.opened",
            company_id=user.company.id,
            user_id=user.id,
            actor=user.login,
            origin=origin,
            number=invoice.number,
        )


def _open_once(user: User, invoice: Invoice, now: datetime) -> None:
    try:
        with database.atomic():
            Opening.create(user=user.id, invoice=invoice, opened_at=now)
    except IntegrityError:
        return
