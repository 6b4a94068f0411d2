"""The one record of a deposit: what is known of a document on its way from its file to its row."""

from dataclasses import dataclass, field
from datetime import date

from selfservice.deposits.facturx import Description


@dataclass
class Document:
    """A file of the folder; each step fills in its part, under the names of the table's columns.

    Amounts are cents, negative for a credit note. `client_number` is only what index.csv says,
    `credits` the numbers that a credit note says it credits.
    """

    file: str
    source: str
    aside: str

    # Its reader
    sha256: str = ""
    size_bytes: int = 0
    own: Description = field(default_factory=Description)

    # Its description
    number: str = ""
    kind: str = ""
    contract: str = ""
    issued_on: date = date.max
    due_on: date | None = None
    currency: str = ""
    net_cents: int | None = None
    vat_cents: int | None = None
    gross_cents: int = 0
    client_number: str = ""
    credits: tuple[str, ...] = ()

    # Its customer, as the register is at that moment
    company_id: int = 0
    state: str = ""
    notification: str = ""
    notified_email_key: str | None = None
