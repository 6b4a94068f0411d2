"""What follows a deposit: logins for the owners of registered addresses, and their mails.

Notifications pull: they pick the documents not yet announced, company by company, each in one
transaction. A crash between two companies loses and doubles nothing.
"""

from dataclasses import dataclass

from selfservice import clock
from selfservice.accounts import activation
from selfservice.db import database
from selfservice.invoices.models import Invoice
from selfservice.notifications import mails
from selfservice.suppliers.models import Company, Supplier


@dataclass
class SendReport:
    """How many documents were dealt with, and how many logins were created for them."""

    announced: int = 0
    activated: int = 0


def send_due() -> SendReport:
    """Create the users and queue the mails that the documents not yet announced call for."""
    report = SendReport()
    for company_id in _companies_waiting():
        with database.atomic():
            _announce(company_id, report)
    return report


def _companies_waiting() -> list[int]:
    query = Invoice.select(Invoice.company).where(Invoice.announced_at.is_null()).distinct()
    return [invoice.company_id for invoice in query]


def _announce(company_id: int, report: SendReport) -> None:
    company: Company = (
        Company.select(Company, Supplier).join(Supplier).where(Company.id == company_id).get()
    )
    announced = list(
        Invoice.update(announced_at=clock.now())
        .where(Invoice.company == company, Invoice.announced_at.is_null())
        .returning(Invoice.notified_email_key)
        .execute()
    )
    report.announced += len(announced)
    # A document deposited for an earlier address announces nothing to the present one.
    addresses = {invoice.notified_email_key for invoice in announced}
    if company.email_key and company.email_key in addresses:
        _activate(company, report)


def _activate(company: Company, report: SendReport) -> None:
    activated = activation.activate(company)
    if activated.is_new:
        mails.queue_activation(company, activated.user)
        report.activated += 1
