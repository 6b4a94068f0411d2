"""What a customer asks of the supplier: one row a request, from its opening to its decision."""

from dataclasses import dataclass

from peewee import AutoField, CharField, DateTimeField, ForeignKeyField, TextField

from selfservice.accounts.models import User
from selfservice.db import BaseModel
from selfservice.suppliers.addresses import address_key
from selfservice.suppliers.models import Company

# What it changes of the register, and what it only asks for.
OF_REGISTER = {
    "address": "email",
    "administrator": "email",
    "access": "email",
    "notification": "notification",
    "delivery": "delivery",
}
KINDS = (*OF_REGISTER, "document", "question")
# A new address, which a link mailed to it proves. Nobody has proven who asks for the last two.
OF_ADDRESS = ("address", "administrator", "access")
UNIDENTIFIED = ("administrator", "access")
# Only a company's administrator asks for these (FAQ 15).
OF_ADMINISTRATORS = ("address", "notification", "delivery")
FORMER = "address "  # no login holds a space
REASON_LENGTH = 500  # the register keeps no longer one


@dataclass
class Portal:
    """Who decides where no adviser does: a command, or the portal by itself."""

    login: str = "system"


class CustomerRequest(BaseModel):
    """One request of a company; at most one of a kind is undecided (`decided_at` is empty).

    Of the kinds of UNIDENTIFIED, one for each address: a stranger's keeps no owner from asking.
    `state` is received, in_progress, done or refused. `kind` is one of KINDS: access is asked
    before any sign-in, administrator by a user whose administrator has left. `value` is the new
    address, notification mode or delivery, or the number of a document. `mail_to` gets a mail at
    each step. `waits_until`: nothing is accepted before, unless somebody objects. `former` is the
    registered address that an accepted one took the place of. `asked_by`, `taken_by` and
    `decided_by` are logins, « system » for a command, empty for a visitor. `objected_by` is empty
    for the registered address, else a login, or FORMER and the address that has gone since.
    """

    company_id: int
    user_id: int | None

    id = AutoField()
    company = ForeignKeyField(Company, backref="requests", on_delete="RESTRICT", index=False)
    user = ForeignKeyField(User, null=True, on_delete="SET NULL")
    kind = CharField(max_length=16)
    state = CharField(max_length=12, default="received")
    value = CharField(max_length=320, default="")
    words = TextField(default="")
    asked_by = CharField(max_length=320, default="")
    mail_to = CharField(max_length=320, default="")
    created_at = DateTimeField(index=True)
    proven_at = DateTimeField(null=True)
    waits_until = DateTimeField(null=True)
    objected_at = DateTimeField(null=True)
    objected_by = CharField(max_length=320, default="")
    objection = TextField(default="")
    taken_by = CharField(max_length=320, default="")
    decided_at = DateTimeField(null=True)
    decided_by = CharField(max_length=320, default="")
    reason = TextField(default="")
    former = CharField(max_length=320, default="")

    @property
    def column(self) -> str | None:
        """Return which column of the register it changes; None where it only asks."""
        return OF_REGISTER.get(str(self.kind))

    @property
    def present(self) -> str:
        """Return what the register says now of what is asked for."""
        return str(getattr(self.company, self.column) or "") if self.column else ""

    @property
    def is_open(self) -> bool:
        return self.decided_at is None

    @property
    def is_unidentified(self) -> bool:
        """Tell whether nothing says who asks (« non identifié »)."""
        return self.kind in UNIDENTIFIED

    @property
    def is_asker_gone(self) -> bool:
        """Tell whether who asked is none of the administrators any more who alone may ask this."""
        if not self.is_open or self.kind not in OF_ADMINISTRATORS:
            return False
        user: User | None = self.user
        return user is None or not (user.is_administrator and user.is_open)

    @property
    def is_of_another(self) -> bool:
        """Tell whether another login than the registered address's asks for an address itself.

        An administrator may have added one that is written like the registered address, and
        whose address has been replaced is an administrator for a while.
        """
        user: User | None = self.user
        if user is None or not self.is_open or self.kind != "address":
            return False
        return not user.is_from_activation or user.email_key != self.company.email_key

    @property
    def is_stopped(self) -> bool:
        """Tell whether the registered address itself has objected.

        Whatever an administrator says, who may be the asker's friend, it keeps its days, and its
        own objection.
        """
        return self.objected_at is not None and not self.objected_by

    def is_heard(self, *, is_of_registered: bool) -> bool:
        """Tell whether a further objection, of that address or another, says nothing new."""
        return self.is_stopped if is_of_registered else self.objected_at is not None

    @property
    def former_objector(self) -> str:
        """Return the address that has objected and has gone since; empty where none has."""
        _, former, address = str(self.objected_by).rpartition(FORMER)
        return address if former else ""

    @property
    def objection_mark(self) -> str:
        """Return what tells one objection from another, empty while there is none."""
        return f"{self.objected_at} {self.objected_by}" if self.objected_at else ""

    @property
    def needs_proof(self) -> bool:
        return self.kind in OF_ADDRESS and self.proven_at is None

    @property
    def value_key(self) -> str:
        """Return the new address as addresses are compared."""
        return address_key(str(self.value))


_is_open, _is_unidentified = (
    CustomerRequest.decided_at.is_null(),
    CustomerRequest.kind.in_(UNIDENTIFIED),
)
CustomerRequest.add_index(
    CustomerRequest.index(
        CustomerRequest.company,
        CustomerRequest.kind,
        unique=True,
        where=_is_open & ~_is_unidentified,
        name="customerrequest_open",
    )
)
CustomerRequest.add_index(
    CustomerRequest.index(
        CustomerRequest.company,
        CustomerRequest.kind,
        CustomerRequest.value,
        unique=True,
        where=_is_open & _is_unidentified,
        name="customerrequest_unidentified",
    )
)
CustomerRequest.add_index(
    CustomerRequest.index(CustomerRequest.company, CustomerRequest.id, name="customerrequest_of")
)
