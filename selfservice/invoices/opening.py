"""Opening a document: its file, its XML, and the mark that it was opened."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, cast

from peewee import IntegrityError, Value

from selfservice import audit, clock
from selfservice.accounts.models import User
from selfservice.db import Prepared, database
from selfservice.invoices import pdf, queries, storage
from selfservice.invoices.models import Invoice, Opening

JOURNALLED_EVERY = timedelta(minutes=1)


class UnknownInvoiceError(Exception):
    """No document of this id is visible to the user today, or it has not that form."""


def find_invoice(user: User, invoice_id: int) -> Invoice:
    """Return a document that the user may see today; raises UnknownInvoiceError."""
    if invoice_id > queries.MAX_ID:
        raise UnknownInvoiceError
    found = _VISIBLE.first(queries.scope_of(user), invoice_id)
    if found is None:
        raise UnknownInvoiceError
    return cast(Invoice, found[0])


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
    return bool(_OPENINGS.rows(user.id, invoice.id))


def mark_opened(user: User, invoice: Invoice, *, origin: str) -> None:
    """Remember that a user read a document, and that their company has downloaded it.

    « Nouveau » is per user, « téléchargé » per company; the first time counts for both. The
    journal keeps every time, but one a minute for a user and a document: a script would else
    make it grow without bound. Writes only what is new, in its own transaction.
    """
    now = clock.now()
    if is_opened(user, invoice) and invoice.downloaded_at and _is_journalled(user, invoice, now):
        return
    with database.atomic():
        _open_once(user, invoice, now)
        Invoice.update(downloaded_at=now).where(
            Invoice.id == invoice.id, Invoice.downloaded_at.is_null()
        ).execute()
        if not _is_journalled(user, invoice, now):
            _record_opening(user, invoice, origin)


def mark_all_opened(user: User, ids: Sequence[int], *, origin: str) -> None:
    """Remember that a user took documents away, and their company with them.

    One entry in the journal for all. Opens its own transaction.
    """
    now = clock.now()
    with database.atomic():
        those = queries.is_listed(queries.listed(ids))
        opened: Any = Invoice.select(Value(user.id), Invoice.id, Value(now)).where(those)
        columns = [Opening.user, Opening.invoice, Opening.opened_at]
        Opening.insert_from(opened, columns).on_conflict_ignore().execute()
        first = those & Invoice.downloaded_at.is_null()
        Invoice.update(downloaded_at=now).where(first).execute()
        audit.record(
            "invoices.archived",
            company_id=user.company.id,
            user_id=user.id,
            actor=user.login,
            origin=origin,
            documents=len(ids),
        )


def _is_journalled(user: User, invoice: Invoice, now: datetime) -> bool:
    since = now - JOURNALLED_EVERY
    return audit.is_recorded("invoice.opened", user_id=user.id, since=since, number=invoice.number)


def _record_opening(user: User, invoice: Invoice, origin: str) -> None:
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


def _visible(scope: queries.Scope, invoice_id: Any) -> Any:
    return queries.visible_in(scope).where(Invoice.id == invoice_id)


def _openings(user_id: Any, invoice_id: Any) -> Any:
    opening = Opening.select(Opening.id)
    return opening.where(Opening.user == user_id, Opening.invoice == invoice_id)


_VISIBLE, _OPENINGS = Prepared(Invoice, build=_visible), Prepared(build=_openings)
