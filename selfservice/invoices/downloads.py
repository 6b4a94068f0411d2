"""Opening a document: its file, its XML, and the mark that it was opened."""

import json
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from peewee import JOIN, IntegrityError, Value

from selfservice import audit, clock
from selfservice.accounts.models import User
from selfservice.db import Prepared, database
from selfservice.invoices import embedded_xml, queries, storage
from selfservice.invoices.models import Invoice, Opening

JOURNALLED_EVERY = timedelta(minutes=1)


class UnknownInvoiceError(Exception):
    """No document of this id is visible to the user today, or it has not that form."""


class Readable(NamedTuple):
    """A document as one of its readers finds it.

    `is_journalled` says that the journal has their opening of this minute; it may overlook one of
    a number that JSON does not write as it is.
    """

    id: int
    number: str
    sha256: str
    has_xml: bool
    is_downloaded: bool
    is_opened: bool
    is_journalled: bool


def find_document(user: User, invoice_id: int) -> Readable:
    """Return a document that the user may see today; raises UnknownInvoiceError."""
    if invoice_id > queries.MAX_ID:
        raise UnknownInvoiceError
    since = clock.now() - JOURNALLED_EVERY
    found = _READABLE.rows(queries.scope_of(user), invoice_id, user.id, since)
    if not found:
        raise UnknownInvoiceError
    ((number, sha256, has_xml, downloaded_at, opened_at, entry_id),) = found
    return Readable(
        invoice_id,
        number,
        sha256,
        has_xml=bool(has_xml),
        is_downloaded=downloaded_at is not None,
        is_opened=opened_at is not None,
        is_journalled=entry_id is not None and json.dumps(number) == f'"{number}"',
    )


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
    is_known = document.is_opened and document.is_downloaded
    if is_known and (document.is_journalled or _is_journalled(user, document, now)):
        return
    with database.atomic():
        _open_once(user, document, now)
        Invoice.update(downloaded_at=now).where(
            Invoice.id == document.id, Invoice.downloaded_at.is_null()
        ).execute()
        if not _is_journalled(user, document, now):
            audit.record_of("invoice.opened", user, origin=origin, number=document.number)


def mark_all_opened(user: User, ids: Sequence[int], *, origin: str) -> None:
    """Remember that a user took documents away, and their company with them.

    One entry in the journal for all. Opens its own transaction.
    """
    now = clock.now()
    with database.atomic():
        listed = queries.listed(ids)
        _OPEN_LISTED.run(user.id, listed, now)
        _DOWNLOAD_LISTED.run(listed, now)
        audit.record_of("invoices.archived", user, origin=origin, documents=len(ids))


def _is_journalled(user: User, document: Readable, now: datetime) -> bool:
    since, number = now - JOURNALLED_EVERY, document.number
    return audit.is_recorded("invoice.opened", user_id=user.id, since=since, number=number)


def _open_once(user: User, document: Readable, now: datetime) -> None:
    try:
        with database.atomic():
            Opening.create(user=user.id, invoice=document.id, opened_at=now)
    except IntegrityError:
        return


def _readable(scope: queries.Scope, invoice_id: Any, user_id: Any, since: Any) -> Any:
    opened = (Opening.invoice == Invoice.id) & (Opening.user == user_id)
    facts = Value('{"number": "').concat(Invoice.number).concat('"}')
    return (
        queries.visible_in(scope)
        .where(Invoice.id == invoice_id)
        .select(
            Invoice.number,
            Invoice.sha256,
            Invoice.has_xml,
            Invoice.downloaded_at,
            Opening.opened_at,
            audit.recorded("invoice.opened", user_id, since, facts),
        )
        .join(Opening, JOIN.LEFT_OUTER, on=opened)
    )


def _open_listed(user_id: Any, ids: Any, now: Any) -> Any:
    opened: Any = Invoice.select(user_id, Invoice.id, now).where(queries.is_listed(ids))
    columns = [Opening.user, Opening.invoice, Opening.opened_at]
    return Opening.insert_from(opened, columns).on_conflict_ignore()


def _download_listed(ids: Any, now: Any) -> Any:
    first = queries.is_listed(ids) & Invoice.downloaded_at.is_null()
    return Invoice.update(downloaded_at=now).where(first)


_READABLE = Prepared(build=_readable)
_OPEN_LISTED, _DOWNLOAD_LISTED = Prepared(build=_open_listed), Prepared(build=_download_listed)
