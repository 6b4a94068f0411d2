"""The mails of the notifications: what each one says comes from here."""

from collections.abc import Sequence
from datetime import date, datetime
from itertools import accumulate, islice
from typing import Any
from urllib.parse import quote, urlencode

from flask import current_app

from selfservice import clock, mail, web
from selfservice.accounts.models import Activation, User
from selfservice.help import help_url
from selfservice.invoices import storage
from selfservice.invoices.messages import KIND_LABELS, STATE_LABELS
from selfservice.invoices.models import Invoice
from selfservice.invoices.queries import available_until
from selfservice.money import format_amount
from selfservice.notifications import direct_links
from selfservice.suppliers.colours import light_accent
from selfservice.suppliers.models import Company
from selfservice.suppliers.register import address_left

LEAVING = "leaving"
OF_DOCUMENTS = ("document", "digest", LEAVING)
LEAVING_LISTED = 50
# Readers cut a mail of more than 100 kB. A document takes 750 bytes of it, and twice its number,
# where each letter with an accent is six.
DIGEST_LISTED = 75
DIGEST_BYTES = 75_000
LINE_BYTES = 800


def queue_activation(company: Company, owner: User, *, again_at: datetime | None = None) -> None:
    """Queue the activation mail of FAQ 4, once per company and address, unless asked for again."""
    again = f":{again_at.isoformat()}" if again_at else ""
    supplier = company.supplier
    _queue(
        "activation",
        company,
        cause=f"activation:{company.id}:{company.email_key}{again}",
        priority=mail.ACCOUNT,
        login=owner.login,
        opened_on=supplier.opened_on,
        platform_since=supplier.platform_since,
        signature=supplier.signature or f"L’équipe {supplier.name}",
        # With the address there: a field less to type for a first connection.
        recovery_url=web.public_url(
            f"/recuperation?{urlencode({'premiere': 'oui', 'adresse': str(company.email)})}",
            hostname=supplier.hostname,
        ),
    )


def queue_document(company: Company, invoice: Invoice) -> None:
    """Queue the mail of one document, attached or not by the mode fixed at its deposit (FAQ 8)."""
    is_attached = invoice.notification == "attached"
    name = f"{invoice.number}.pdf".replace("/", "-").replace("\\", "-")
    _queue(
        "document",
        company,
        cause=f"document:{invoice.id}",
        attachment=(storage.name_of(invoice.sha256), name) if is_attached else None,
        document=_words(invoice),
    )


def document_of(document_mail: mail.OutboxMail) -> int:
    """Return the id of the document that such a mail is about, the first or a repeated one."""
    return int(str(document_mail.cause).split(":")[1])


def queue_digest(company: Company, invoices: Sequence[Invoice], *, on: date) -> None:
    """Queue the mail of a day, each document with its direct link (FAQ 8)."""
    hostname = company.supplier.hostname
    documents = [
        _words(invoice)
        | {
            "link_url": web.public_url(
                f"/telechargement/{direct_links.issue(invoice, str(company.email_key))}",
                hostname=hostname,
            )
        }
        for invoice in _first(invoices)
    ]
    _queue(
        "digest",
        company,
        cause=_digest_cause(company, on),
        is_secret=True,
        on=clock.format_long_day(on),
        documents=documents,
        more_count=len(invoices) - len(documents),
        list_url=web.public_url("/factures", hostname=hostname),
        link_days=current_app.config["DOWNLOAD_LINK_DAYS"],
    )


def _first(invoices: Sequence[Invoice]) -> Sequence[Invoice]:
    """Return the first documents, as many as a digest may list."""
    sizes = accumulate(LINE_BYTES + 3 * len(quote(each.number)) for each in invoices)
    count = sum(size <= DIGEST_BYTES for size in islice(sizes, DIGEST_LISTED))
    return invoices[:count]


@address_left.connect
def withdraw_from_former(company: Company, *, former_key: str) -> None:
    """Take back what tells of documents and still waits for an address that has gone since."""
    mail.withdraw_from(former_key, company_id=company.id, kinds=OF_DOCUMENTS)


def has_digest(company: Company, *, on: date) -> bool:
    """Tell whether the mail of a day has been queued for a company."""
    return mail.is_queued(_digest_cause(company, on))


def queue_leaving(company: Company, leaving: Any, *, on: date) -> None:
    """Queue the mail of a month about what leaves soon, its first documents listed (FAQ 14)."""
    hostname, count = company.supplier.hostname, leaving.count()
    documents = [
        _words(invoice) | {"until": clock.format_day(available_until(invoice.issued_on))}
        for invoice in leaving.limit(LEAVING_LISTED)
    ]
    _queue(
        LEAVING,
        company,
        cause=f"{LEAVING}:{company.id}:{on:%Y-%m}",
        count=count,
        documents=documents,
        more_count=count - len(documents),
        list_url=web.public_url("/factures?vue=a_archiver", hostname=hostname),
        duration_url=web.public_url(help_url("duree-disponibilite"), hostname=hostname),
    )


def login_of(company: Company) -> str:
    """Return the login that the company's registered address signs in with; empty if none."""
    found: str | None = (
        User.select(User.login)
        .join(Activation)
        .where(Activation.company == company, Activation.email_key == company.email_key)
        .scalar()
    )
    return found or ""


def _digest_cause(company: Company, on: date) -> str:
    return f"digest:{company.id}:{on.isoformat()}"


def _queue(
    kind: str,
    company: Company,
    *,
    cause: str,
    attachment: tuple[str, str] | None = None,
    is_secret: bool = False,
    priority: int = mail.BULK,
    **context: object,
) -> None:
    supplier = company.supplier
    mail.enqueue(
        kind,
        {
            "accent": light_accent(supplier.colour).colour,
            "supplier_name": supplier.name,
            "company_name": company.name,
            "client_number": company.client_number,
            "contact": supplier.contact,
            "login": login_of(company),
            "retention_months": current_app.config["RETENTION_MONTHS"],
            "portal_url": web.public_url("/", hostname=supplier.hostname),
            "faq_url": web.public_url(help_url("faq"), hostname=supplier.hostname),
            **context,
        },
        to_address=str(company.email),
        address_key=str(company.email_key),
        sender_name=supplier.name,
        reply_to=supplier.mail,
        cause=cause,
        company_id=company.id,
        attachment=attachment,
        is_secret=is_secret,
        priority=priority,
    )


def _words(invoice: Invoice) -> dict[str, Any]:
    row = urlencode({"q": invoice.number})
    return {
        "number": invoice.number,
        "kind": KIND_LABELS[invoice.kind],
        "state": STATE_LABELS[invoice.state].lower() if invoice.state != "original" else "",
        "row_url": web.public_url(
            f"/factures?{row}#document-{invoice.id}", hostname=invoice.supplier.hostname
        ),
        "issued_on": clock.format_day(invoice.issued_on),
        "due_on": clock.format_day(invoice.due_on) if invoice.due_on else "",
        "gross": format_amount(invoice.gross_cents, invoice.currency),
    }
