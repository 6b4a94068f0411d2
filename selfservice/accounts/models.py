"""Users: their profiles, sessions, second factor, and which address got which login."""

from collections.abc import Iterable
from datetime import datetime
from typing import ClassVar, NamedTuple

from flask_login import UserMixin
from peewee import (
    AutoField,
    BooleanField,
    CharField,
    DateTimeField,
    ForeignKeyField,
    IntegerField,
    ModelSelect,
)

from selfservice.db import BaseModel
from selfservice.suppliers.models import Company
from selfservice.texts import squeezed

DISPLAY_HISTORY_CHOICES = {3: "3 mois", 6: "6 mois", 12: "1 an", 24: "2 ans"}
DEFAULT_DISPLAY_HISTORY_MONTHS = 3


class Space(NamedTuple):
    """A company as its readers see it named; `key` is what a search compares."""

    id: int
    name: str
    client_number: str
    key: str

    @classmethod
    def of(cls, company: Company) -> "Space":
        key = squeezed(f"{company.name} {company.client_number}")
        return cls(company.id, company.name, company.client_number, key)

    @property
    def label(self) -> str:
        return f"{self.name} ({self.client_number})"


class Profile(BaseModel):
    """The contracts (BT-12) that some users of a company may read, under one name (FAQ 13)."""

    company_id: int
    contracts: "Iterable[ProfileContract]"

    id = AutoField()
    company = ForeignKeyField(Company, backref="profiles", on_delete="RESTRICT", index=False)
    name = CharField(max_length=100)

    class Meta:
        indexes = ((("company", "name"), True),)


class ProfileContract(BaseModel):
    id = AutoField()
    profile = ForeignKeyField(Profile, backref="contracts", on_delete="CASCADE", index=False)
    contract = CharField(max_length=100)

    class Meta:
        indexes = ((("profile", "contract"), True),)


class User(BaseModel, UserMixin):
    """A login on the portal.

    `email` of a login created by activation comes from the supplier's register and is proven;
    that of an added user was typed by somebody and gives no right. `is_superseded`: closed because
    the company's address changed, so that only its coming back reopens the login. Without a
    `profile`, a user reads everything of the company. `dead_links_up_to` is the last token whose
    recovery link no longer opens this login.
    """

    company_id: int
    profile_id: int | None

    id = AutoField()
    company = ForeignKeyField(Company, backref="users", on_delete="RESTRICT")
    login = CharField(max_length=320)
    login_key = CharField(max_length=320, unique=True)
    email = CharField(max_length=320, null=True)
    email_key = CharField(max_length=320, null=True, index=True)
    is_from_activation = BooleanField(default=False)
    is_administrator = BooleanField(default=False)
    profile = ForeignKeyField(Profile, backref="users", null=True, on_delete="RESTRICT")
    is_active = BooleanField(default=True)
    closed_at = DateTimeField(null=True)
    is_superseded = BooleanField(default=False)
    last_name = CharField(max_length=100, default="")
    first_name = CharField(max_length=100, default="")
    phone = CharField(max_length=40, default="")
    mobile = CharField(max_length=40, default="")
    display_history_months = IntegerField(default=DEFAULT_DISPLAY_HISTORY_MONTHS)
    password_hash = CharField(max_length=255, null=True)
    is_password_from_other = BooleanField(default=False)
    dead_links_up_to = IntegerField(default=0)
    signed_in_at = DateTimeField(null=True)
    created_at = DateTimeField()

    session: ClassVar["UserSession | None"] = None
    session_secret: ClassVar[str] = ""
    companies: ClassVar[list[Company] | None] = None  # read once (`accounts.spaces`)
    spaces: ClassVar[tuple[Space, ...]] = ()  # what is read now (`accounts.spaces`); else its own

    @property
    def read_company_ids(self) -> tuple[int, ...]:
        """Return the companies whose documents the login reads now."""
        return tuple(space.id for space in self.spaces) or (self.company_id,)

    @property
    def is_open(self) -> bool:
        """Tell whether the login is neither switched off nor closed."""
        return bool(self.is_active) and self.closed_at is None

    @property
    def is_adviser(self) -> bool:
        """Tell whether this is one of the supplier's advisers, who reads no company by itself."""
        return self.company.is_desk

    @property
    def has_proven_mailbox(self) -> bool:
        """Tell whether the supplier or the operator, and no customer, gave the address."""
        return bool(self.is_from_activation) or self.is_adviser

    @property
    def has_registered_address(self) -> bool:
        """Tell whether the company's registered address, to this day, is the login's own."""
        return bool(self.is_from_activation) and self.email_key == self.company.email_key

    def counts_for(self, company_id: int) -> str:
        """Return as whose an act counts where the users of a company have a limit together.

        The owner of the registered address counts by himself: whoever was added, or had the
        address before, would else use up what he needs, to stop them too.
        """
        return f"{company_id} owner" if self.has_registered_address else str(company_id)

    @property
    def has_replaced_address(self) -> bool:
        """Tell whether another address is registered now, whose owner will end this login."""
        registered = self.company.email_key
        return bool(self.is_from_activation and registered) and self.email_key != registered

    @property
    def full_name(self) -> str:
        """Return « Prénom Nom », or the login of whom nobody has named."""
        return f"{self.first_name} {self.last_name}".strip() or str(self.login)

    def get_id(self) -> str:
        """Return what the cookie holds: the session's secret id, never the user's."""
        return self.session_secret

    class Meta:
        table_name = "users"  # « user » is a reserved word of SQL


class Activation(BaseModel):
    """The login that an address received for a company: never twice the same pair."""

    id = AutoField()
    company = ForeignKeyField(Company, backref="activations", on_delete="CASCADE", index=False)
    email_key = CharField(max_length=320)
    user = ForeignKeyField(User, on_delete="CASCADE")
    activated_at = DateTimeField()

    @classmethod
    def in_force(cls, *, since: datetime | None = None) -> "ModelSelect[Activation]":
        """Return those whose login opens, or has opened at some time `since` an instant.

        That of an address that has come back is closed until the next deposit. One that an adviser
        or the operator has closed opens the company no more, by no other login of its owner.
        """
        user = User.alias()
        is_open = user.is_active & user.closed_at.is_null()
        if since is not None:
            is_open |= user.closed_at > since
        return cls.select().join(user).where(is_open)

    class Meta:
        indexes = ((("company", "email_key"), True),)


class UserSession(BaseModel):
    """An open session; the cookie holds the random id of which this is the SHA-256."""

    id_hash = CharField(max_length=64, primary_key=True)
    user = ForeignKeyField(User, backref="sessions", on_delete="CASCADE")
    opened_at = DateTimeField()
    used_at = DateTimeField(index=True)
    previous_sign_in_at = DateTimeField(null=True)
    origin = CharField(max_length=64, default="")
    browser = CharField(max_length=300, default="")


class SecondFactor(BaseModel):
    """The application that a user's codes come from.

    `seed` is half of the secret, the portal's key the other half; `last_step` is the time step
    (30 seconds since 1970) of the last code used: that one and earlier ones work no more.
    """

    user_id: int

    user = ForeignKeyField(User, primary_key=True, on_delete="CASCADE")
    seed = CharField(max_length=64)
    last_step = IntegerField()
    enabled_at = DateTimeField()


class RescueCode(BaseModel):
    """A code that stands in once for the application; gone when used."""

    id = AutoField()
    factor = ForeignKeyField(SecondFactor, on_delete="CASCADE")
    code_hash = CharField(max_length=255)
