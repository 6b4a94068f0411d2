"""Documents that have a file, for mails that attach it and links that open it."""

from selfservice.invoices import storage
from selfservice.invoices.models import Invoice

PDF = b"%PDF-1.7 the very document %%EOF"


def with_file(invoice: Invoice) -> Invoice:
    path = storage.path_of(invoice.sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PDF)
    return invoice
