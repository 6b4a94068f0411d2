"""Links of the daily mail that open one document without signing in (FAQ 8)."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import timedelta

from flask import current_app

from selfservice import audit, clock, ratelimit, tokens
from selfservice.db import database
from selfservice.invoices import queries
from selfservice.invoices.models import Invoice
from selfservice.suppliers.models import Company

PURPOSE = "download"


class GoneError(tokens.DeadTokenError):
    """Its document is no longer available."""


@dataclass(frozen=True)
class DirectLink:
    """A living link and the one document that it opens."""

    token: tokens.Token
    invoice: Invoice


def issue(invoice: Invoice, email_key: str) -> str:
    """Return a new secret for one document and the address that it is mailed to."""
    days = current_app.config["DOWNLOAD_LINK_DAYS"]
    return tokens.issue(PURPOSE, _subject(invoice, email_key), lifetime=timedelta(days=days))


def read(secret: str) -> DirectLink:
    """Return what a link opens; consumes nothing, opens no session.

    Raises UnknownTokenError, ExpiredTokenError, GoneError, or ReplacedTokenError where the company
    has had another address since.
    """
    token = tokens.read(PURPOSE, secret)
    invoice_id, _, email_key = token.subject.partition(":")
    invoice: Invoice | None = (
        queries.available(clock.today())
        .select(Invoice, Company)
        .join(Company)
        .where(Invoice.id == int(invoice_id))
        .first()
    )
    if invoice is None:
        raise GoneError(token.subject)
    company = invoice.company
    since = company.email_registered_at
    # Gone and back is another address.
    if company.email_key != email_key or since is None or since > token.issued_at:
        raise tokens.ReplacedTokenError(token.subject)
    return DirectLink(token, invoice)


def mark_fetched(link: DirectLink, *, origin: str) -> None:
    """Note that the company has downloaded a document; nobody has read it yet, so it stays new.

    Each use counts, also that of a mail scanner, which cannot be told apart. The journal notes so
    many of one link an hour (LIMIT_JOURNAL_STRANGER), each with its number.
    """
    with database.atomic():
        Invoice.update(downloaded_at=clock.now()).where(
            Invoice.id == link.invoice.id, Invoice.downloaded_at.is_null()
        ).execute()
        tokens.count_use(link.token)
        with suppress(ratelimit.LimitReachedError):
            ratelimit.hit("journal_stranger", f"link {link.token.id}")
            audit.record(
                "invoice.fetched",
                company_id=link.invoice.company_id,
                actor="direct link",
                origin=origin,
                number=link.invoice.number,
                use=link.token.use_count + 1,
            )


def forget(invoices: Iterable[Invoice]) -> None:
    """Delete the links of documents that go; they were mailed to the address of the deposit."""
    subjects = [_subject(each, str(each.notified_email_key)) for each in invoices]
    tokens.Token.delete().where(
        tokens.Token.purpose == PURPOSE, tokens.Token.subject.in_(subjects)
    ).execute()


def _subject(invoice: Invoice, email_key: str) -> str:
    return f"{invoice.id}:{email_key}"
