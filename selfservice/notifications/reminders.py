"""The mail that reminds a company of what leaves soon and was never downloaded (FAQ 14)."""

from datetime import date, timedelta
from functools import partial

from peewee import ModelSelect, fn

from selfservice import clock
from selfservice.accounts.models import Activation
from selfservice.invoices import queries
from selfservice.invoices.models import Invoice
from selfservice.mail import OutboxMail
from selfservice.notifications import mails
from selfservice.notifications.send import Progress, SendReport, each_company
from selfservice.suppliers.models import Company

NEWCOMER_FOR = timedelta(days=7)


def send_reminders(*, on_progress: Progress = lambda: None) -> SendReport:
    """Queue one mail for each company with such documents, at most one a month.

    To the registered address, once its login exists for a week, and not before the deposit that
    reopens it; never in mode `none`. `on_progress` is called after each company.
    """
    on = clock.today()
    is_to_remind = queries.is_leaving(on) & Invoice.company.in_(_companies())
    return each_company(is_to_remind, partial(_remind, on=on), on_progress=on_progress)


def _companies() -> "ModelSelect[Company]":
    is_activated = fn.EXISTS(
        Activation.in_force().where(
            Activation.company == Company.id,
            Activation.email_key == Company.email_key,
            Activation.activated_at <= clock.now() - NEWCOMER_FOR,
        )
    )
    # By a company's own mails: it is asked of each once more while nobody else may write.
    is_reminded = fn.EXISTS(
        OutboxMail.select().where(
            OutboxMail.company_id == Company.id,
            OutboxMail.kind == mails.LEAVING,
            OutboxMail.created_at > clock.months_ago(1),
        )
    )
    return Company.select(Company.id).where(
        Company.notification != "none", ~is_reminded, is_activated
    )


def _remind(company: Company, *, on: date) -> SendReport:
    leaving = (
        Invoice.select()
        .where(Invoice.company == company, queries.is_leaving(on))
        .order_by(Invoice.issued_on, Invoice.id)
    )
    is_still_due = _companies().where(Company.id == company.id).exists() and leaving.exists()
    if not is_still_due:  # reminded by another process, or changed a moment ago
        return SendReport()
    mails.queue_leaving(company, leaving, on=on)
    return SendReport(reminded=1)
