"""Deposited documents, who opened them, and what is left of the purged ones."""

from peewee import (
    AutoField,
    BigIntegerField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    TextField,
)

from selfservice.accounts.models import User
from selfservice.db import BaseModel
from selfservice.suppliers.models import Company, Supplier
from selfservice.texts import squeezed

KINDS = ("invoice", "credit_note")
STATES = ("original", "duplicate", "copy")


def search_key(number: str, contract: str) -> str:
    """Return both as a search compares them; no part of one reaches into the other."""
    return f"{squeezed(number)} {squeezed(contract)}"


class Invoice(BaseModel):
    """A document as deposited; its file is named by `sha256` in DOCUMENTS_DIR.

    Amounts are integer cents of `currency`, negative for a credit note. `state`, `notification`
    and `notified_email_key` are those of the company at deposit and never change.
    `announced_at` stays empty until the notifications have dealt with the document;
    `is_digest_due` says that it waits for the daily mail. `search_key` is what a search looks in.
    """

    supplier_id: int
    company_id: int

    id = AutoField()
    supplier = ForeignKeyField(Supplier, backref="invoices", on_delete="RESTRICT", index=False)
    company = ForeignKeyField(Company, backref="invoices", on_delete="RESTRICT", index=False)
    number = CharField(max_length=100)
    kind = CharField(max_length=12)
    contract = CharField(max_length=100, default="")
    search_key = TextField()
    issued_on = DateField()
    due_on = DateField(null=True)
    currency = CharField(max_length=3, default="EUR")
    net_cents = BigIntegerField(null=True)
    vat_cents = BigIntegerField(null=True)
    gross_cents = BigIntegerField()
    state = CharField(max_length=10)
    notification = CharField(max_length=8)
    notified_email_key = CharField(max_length=320, null=True)
    sha256 = CharField(max_length=64, index=True)
    size_bytes = IntegerField()
    has_xml = BooleanField()
    deposited_at = DateTimeField()
    announced_at = DateTimeField(null=True)
    is_digest_due = BooleanField(default=False)
    downloaded_at = DateTimeField(null=True)

    class Meta:
        indexes = ((("supplier", "number"), True),)


Invoice.add_index(
    Invoice.index(
        Invoice.company, Invoice.issued_on.desc(), Invoice.id.desc(), name="invoice_company_newest"
    )
)
Invoice.add_index(
    Invoice.index(
        Invoice.company,
        Invoice.contract,
        Invoice.issued_on.desc(),
        Invoice.id.desc(),
        name="invoice_company_contract",
    )
)
Invoice.add_index(
    Invoice.index(Invoice.id, where=Invoice.announced_at.is_null(), name="invoice_unannounced")
)
Invoice.add_index(Invoice.index(Invoice.id, where=Invoice.is_digest_due, name="invoice_digest_due"))
Invoice.add_index(
    Invoice.index(
        Invoice.company,
        Invoice.issued_on,
        where=Invoice.downloaded_at.is_null(),
        name="invoice_undownloaded",
    )
)


class Opening(BaseModel):
    """The first time a user opened a document: until then it is « Nouveau » to them.

    `journalled_at` is their last opening that the journal has; empty for one within an archive.
    """

    id = AutoField()
    user = ForeignKeyField(User, on_delete="CASCADE", index=False)
    invoice = ForeignKeyField(Invoice, on_delete="CASCADE")
    opened_at = DateTimeField()
    journalled_at = DateTimeField(null=True)

    class Meta:
        indexes = ((("user", "invoice"), True),)


class Credited(BaseModel):
    """A number that a credit note says it credits (BT-25), whether it is on the portal or not."""

    id = AutoField()
    invoice = ForeignKeyField(Invoice, on_delete="CASCADE", index=False)
    number = CharField(max_length=100, index=True)

    class Meta:
        indexes = ((("invoice", "number"), True),)


class Tombstone(BaseModel):
    """The number of a purged document; nothing of its customer stays."""

    id = AutoField()
    supplier = ForeignKeyField(Supplier, backref="tombstones", on_delete="RESTRICT", index=False)
    number = CharField(max_length=100)
    purged_at = DateTimeField()

    class Meta:
        indexes = ((("supplier", "number"), True),)
