"""Suppliers, the companies to which each publishes invoices, and what people changed of them."""

from typing import Any

from peewee import (
    AutoField,
    BooleanField,
    CharField,
    DateField,
    DateTimeField,
    ForeignKeyField,
    TextField,
)

from selfservice.db import BaseModel
from selfservice.texts import squeezed

NOTIFICATION_MODES = ("none", "attached", "link", "daily")
DELIVERIES = ("electronic", "paper")
DEFAULT_COLOUR = "#1f4e79"
DESK = ""  # the client number of the company that a supplier's advisers belong to; no customer's


class Supplier(BaseModel):
    id = AutoField()
    slug = CharField(max_length=64, unique=True)
    name = CharField(max_length=200)
    siren = CharField(max_length=9, null=True)
    hostname = CharField(max_length=253, null=True, unique=True)
    opened_on = DateField(null=True)
    platform_since = DateField(null=True)
    colour = CharField(max_length=7, default=DEFAULT_COLOUR)
    logo_sha256 = CharField(max_length=64, null=True)
    contact_name = CharField(max_length=200, default="")
    phone = CharField(max_length=40, default="")
    mail = CharField(max_length=320, default="")
    hours = CharField(max_length=200, default="")
    signature = CharField(max_length=200, default="")
    former_portal = CharField(max_length=200, default="")
    former_closed_on = DateField(null=True)
    former_prefixes = CharField(max_length=200, default="")

    @property
    def prefixes(self) -> tuple[str, ...]:
        """Return what logins of the supplier's former portal begin with (FAQ 11)."""
        return tuple(filter(None, self.former_prefixes.split(",")))

    def is_former_login(self, text: str) -> bool:
        return text.casefold().startswith(tuple(each.casefold() for each in self.prefixes))

    @property
    def contact(self) -> str:
        """Return whom to ask, in one line: name, telephone, hours, mail; empty if unknown."""
        return ", ".join(filter(None, (self.contact_name, self.phone, self.hours, self.mail)))

    @property
    def phone_link(self) -> str:
        """Return the telephone as « tel: » takes it."""
        return "".join(each for each in self.phone if each.isdigit() or each == "+")


class Company(BaseModel):
    """A customer of one supplier, known there by its client number.

    `email` is the registered address as the adviser wrote it; `email_key` the same, comparable.
    `search_key` is what the advisers find it by: name and numbers, squeezed, and the address.
    The supplier's own advisers belong to one of its companies too, without client number (DESK):
    nothing is published to it, and the register does not know it. What ends in `_in_file` is what
    the register's file last said, None where it said nothing yet (`merging`).
    """

    supplier_id: int

    id = AutoField()
    supplier = ForeignKeyField(Supplier, backref="companies", on_delete="RESTRICT", index=False)
    client_number = CharField(max_length=64)
    name = CharField(max_length=200)
    siren = CharField(max_length=14, null=True)
    vat_number = CharField(max_length=20, null=True)
    search_key = TextField(default="")
    email = CharField(max_length=320, null=True)
    email_key = CharField(max_length=320, null=True, index=True)
    email_registered_at = DateTimeField(null=True)
    notification = CharField(max_length=8, default="none")
    delivery = CharField(max_length=10, default="electronic")
    email_in_file = CharField(max_length=320, null=True)
    notification_in_file = CharField(max_length=8, null=True)
    delivery_in_file = CharField(max_length=10, null=True)
    is_second_factor_required = BooleanField(default=False)

    @property
    def is_desk(self) -> bool:
        """Tell whether this is the company of the supplier's own advisers."""
        return bool(self.client_number == DESK)

    def save(self, *args: Any, **options: Any) -> Any:
        """Write the row, and what it is found by."""
        texts = (self.name, self.client_number, self.siren, self.vat_number)
        self.search_key = " ".join(
            [*(squeezed(each or "") for each in texts), self.email_key or ""]
        )
        return super().save(*args, **options)

    class Meta:
        indexes = (
            (("supplier", "client_number"), True),
            (("supplier", "siren"), False),
            (("supplier", "vat_number"), False),
        )


class RegisterChange(BaseModel):
    """A value of the register that a person changed on the portal: what, when, by whom and why.

    `field` is email, notification or delivery, `actor` the login of who decided. An empty
    address is that of a company without any. `is_settled`: the register's file has said the same
    since, or another value of its own has taken over (`merging`).
    """

    company_id: int

    id = AutoField()
    company = ForeignKeyField(Company, backref="changes", on_delete="CASCADE")
    field = CharField(max_length=16)
    former = CharField(max_length=320, default="")
    value = CharField(max_length=320, default="")
    actor = CharField(max_length=320)
    reason = CharField(max_length=500)
    changed_at = DateTimeField(index=True)
    is_settled = BooleanField(default=False)
