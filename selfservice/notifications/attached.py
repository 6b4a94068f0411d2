"""A mail that carried its document: once accepted the company has it, until the mail comes back."""

from peewee import fn

from selfservice import mail
from selfservice.invoices.models import Invoice, Opening
from selfservice.notifications.mails import document_of


@mail.mail_accepted.connect
def mark_delivered(accepted: mail.OutboxMail) -> None:
    """Count a document as downloaded by its company from when a server accepted its mail."""
    if accepted.attachment_path:
        Invoice.update(downloaded_at=accepted.sent_at).where(
            Invoice.id == document_of(accepted), Invoice.downloaded_at.is_null()
        ).execute()


@mail.mail_returned.connect
def take_back(returned: mail.OutboxMail) -> None:
    """Count it as downloaded no more, unless somebody has opened it since."""
    if returned.attachment_path:
        invoice_id = document_of(returned)
        opened_at = Opening.select(fn.MIN(Opening.opened_at)).where(Opening.invoice == invoice_id)
        Invoice.update(downloaded_at=opened_at).where(
            Invoice.id == invoice_id, Invoice.downloaded_at == returned.sent_at
        ).execute()
