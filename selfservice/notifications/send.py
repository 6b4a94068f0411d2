"""What follows a deposit: logins for the owners of registered addresses, and their mails.

Notifications pull: they pick the documents not yet announced, company by company, a batch in each
transaction. A crash between two of them loses and doubles nothing.
"""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date

from flask import current_app

from selfservice import clock
from selfservice.accounts import activation
from selfservice.db import FAULTS, database
from selfservice.invoices.models import Invoice
from selfservice.invoices.queries import available_until
from selfservice.notifications import mails
from selfservice.suppliers.models import Company, Supplier

log = logging.getLogger(__name__)

# Of one company in one transaction: nobody else may write meanwhile.
BATCH_DOCUMENTS = 100
MODES_AT_ONCE = ("attached", "link")

Progress = Callable[[], None]


@dataclass
class SendReport:
    """Documents dealt with, logins created for them, mails queued about them.

    `faults` holds a line for each company left for the next run.
    """

    announced: int = 0
    activated: int = 0
    notified: int = 0
    digests: int = 0
    reminded: int = 0
    faults: list[str] = field(default_factory=list)

    def add(self, other: "SendReport") -> None:
        self.announced += other.announced
        self.activated += other.activated
        self.notified += other.notified
        self.digests += other.digests
        self.reminded += other.reminded
        self.faults += other.faults


def send_due(*, on_progress: Progress = lambda: None) -> SendReport:
    """Create the users and queue the mails that the documents not yet announced call for.

    The activation mail goes before any other. Documents of companies in mode `daily` wait for
    `send_digests`.
    """
    return each_company(Invoice.announced_at.is_null(), _announce, on_progress=on_progress)


def send_digests(on: date, *, on_progress: Progress = lambda: None) -> SendReport:
    """Queue the mail of a Paris day for each company that has documents waiting for it.

    One mail a day and company: what comes after it waits for the next day.
    """
    return each_company(
        Invoice.is_digest_due, lambda company: _digest(company, on), on_progress=on_progress
    )


def send_digests_of_the_hour(*, on_progress: Progress = lambda: None) -> SendReport:
    """Queue today's digests from DIGEST_TIME on, Paris time; the worker asks each minute."""
    now = clock.paris(clock.now())  # read once: midnight may pass meanwhile
    if now.time() < current_app.config["DIGEST_TIME"]:
        return SendReport()
    return send_digests(now.date(), on_progress=on_progress)


def each_company(
    condition: object,
    work: Callable[[Company], SendReport],
    *,
    on_progress: Progress = lambda: None,
) -> SendReport:
    """Call `work` for each company that has a document under the condition.

    Each call is a transaction. A company whose work fails waits for the next run. A database that
    cannot be used now is no company's trouble: it ends the run. `on_progress` is called after
    each transaction.
    """
    report = SendReport()
    for company_id in _companies_of(condition):
        is_left = True
        while is_left:
            done = _work_on(company_id, work)
            report.add(done)
            on_progress()
            is_left = done.announced == BATCH_DOCUMENTS
    return report


def _work_on(company_id: int, work: Callable[[Company], SendReport]) -> SendReport:
    try:
        with database.atomic():
            return work(_company(company_id))
    except FAULTS:
        raise
    except Exception as error:  # one company must not hold up the others
        log.exception("notifications of company %s", company_id)
        return SendReport(faults=[f"{company_id}: {type(error).__name__}: {error}"])


def _companies_of(condition: object) -> list[int]:
    query = Invoice.select(Invoice.company).where(condition).distinct()
    return [invoice.company_id for invoice in query]


def _company(company_id: int) -> Company:
    query = Company.select(Company, Supplier).join(Supplier).where(Company.id == company_id)
    company: Company = query.get()
    return company


def _announce(company: Company) -> SendReport:
    announced = _claim(company)
    report = SendReport(announced=len(announced))
    # A document deposited for an earlier address announces nothing to the present one.
    owned = [each for each in announced if _is_for(company, each)]
    if not owned:
        return report
    activated = activation.activate(company)
    if activated.is_new:
        mails.queue_activation(company, activated.user)
        report.activated += 1
    for invoice in owned:
        if invoice.notification in MODES_AT_ONCE:
            mails.queue_document(company, invoice)
            report.notified += 1
    return report


def _claim(company: Company) -> list[Invoice]:
    """Mark a batch of what is not announced yet as announced; return it in the order of deposit."""
    waiting = Invoice.alias()
    batch = (
        waiting.select(waiting.id)
        .where(waiting.company == company, waiting.announced_at.is_null())
        .order_by(waiting.id)
        .limit(BATCH_DOCUMENTS)
    )
    is_daily = (Invoice.notification == "daily") & (Invoice.notified_email_key.is_null(False))
    rows = (
        Invoice.update(announced_at=clock.now(), is_digest_due=is_daily)
        .where(Invoice.id.in_(batch))
        .returning(Invoice)
        .execute()
    )
    return sorted(rows, key=lambda invoice: invoice.id)


def _is_for(company: Company, invoice: Invoice) -> bool:
    """Tell whether a document is still this address's, and still there to be read."""
    return (
        company.email_key is not None
        and invoice.notified_email_key == company.email_key
        and available_until(invoice.issued_on) >= clock.today()
    )


def _digest(company: Company, on: date) -> SendReport:
    if mails.has_digest(company, on=on):
        return SendReport()  # today's has gone already: the documents wait for tomorrow's
    rows = (
        Invoice.update(is_digest_due=False)
        .where(Invoice.company == company, Invoice.is_digest_due)
        .returning(Invoice)
        .execute()
    )
    owned = [each for each in rows if _is_for(company, each)]
    if not owned:
        return SendReport()
    owned.sort(key=lambda invoice: (invoice.issued_on, invoice.id))
    mails.queue_digest(company, owned, on=on)
    return SendReport(digests=1)
