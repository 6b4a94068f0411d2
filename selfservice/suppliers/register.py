"""What people change of a company's row in the register, one value at a time.

Nothing is sent and no document changes: an address, a mode or a delivery counts from the next
deposit on (FAQ 8, 15).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from blinker import Namespace

from selfservice import audit, clock
from selfservice.db import database
from selfservice.suppliers.addresses import address_key, is_address
from selfservice.suppliers.models import (
    DELIVERIES,
    NOTIFICATION_MODES,
    Company,
    RegisterChange,
)
from selfservice.texts import one_form

FIELDS = ("email", "notification", "delivery")
CHOICES = {"notification": NOTIFICATION_MODES, "delivery": DELIVERIES}
ADDRESS_LENGTH = 320
# Another address has taken the place of `former_key`, None where there was none: sent with the
# company and what else its owner is told, in the transaction that registers it.
address_replaced = Namespace().signal("address-replaced")
# The address `former_key` is no longer the company's, whether or not another one is: likewise.
address_left = Namespace().signal("address-left")


class WrongRegisterValueError(Exception):
    """The value is none of the field's: no mail address, no mode, no kind of delivery."""


@dataclass
class ChangedMeanwhileError(Exception):
    """The value is no longer what the person saw: somebody else has changed it to `value`."""

    value: str


class Actor(Protocol):
    """Whoever decides a change: a user."""

    login: str


def change(
    company: Company,
    field: str,
    value: str,
    *,
    by: Actor,
    reason: str,
    origin: str = "",
    expected: str | None = None,
    told: Mapping[str, object] | None = None,
) -> bool:
    """Change one of FIELDS of a company, keep who did it and why; False if it was so already.

    An empty address removes it. `expected` is the value that the person saw before deciding: of two
    who decide at once, the second learns it. `told` goes into the mail to a former address. Raises
    WrongRegisterValueError or ChangedMeanwhileError.
    """
    value = checked(field, value)
    with database.atomic():
        # An update of nothing locks the row on every database; SQLite knows no FOR UPDATE.
        Company.update(name=Company.name).where(Company.id == company.id).execute()
        row: Company = Company.get_by_id(company.id)
        former = getattr(row, field) or ""
        if expected is not None and former != expected:
            raise ChangedMeanwhileError(former)
        if former == value:
            return False
        former_key = row.email_key
        put(row, field, value)
        row.save()
        tell_former(row, former_key, told)
        RegisterChange.create(
            company=row,
            field=field,
            former=former,
            value=value,
            actor=by.login,
            reason=reason,
            changed_at=clock.now(),
        )
        audit.record(
            "register.changed",
            company_id=row.id,
            actor=by.login,
            origin=origin,
            field=field,
            value="" if field == "email" else value,  # the journal holds no address
            why=reason,
        )
    for name in (field, "email_key", "email_registered_at"):
        setattr(company, name, getattr(row, name))
    return True


def checked(field: str, value: str) -> str:
    """Return a value as it is kept. Raises WrongRegisterValueError."""
    value = one_form(value)
    if field == "email":
        # The comparable form may be longer than what was written: both have to fit.
        is_long = max(len(value), len(address_key(value))) > ADDRESS_LENGTH
        if value and (not is_address(value) or is_long):
            raise WrongRegisterValueError(value)
    elif value not in CHOICES[field]:
        raise WrongRegisterValueError(value)
    return value


def put(company: Company, field: str, value: str) -> None:
    """Set a value that has been checked; an address, with what goes with it."""
    if field != "email":
        setattr(company, field, value)
        return
    key = address_key(value) or None
    if key != company.email_key:
        company.email_registered_at = clock.now() if key else None
    company.email = value or None
    company.email_key = key


def tell_former(
    company: Company, former_key: str | None, told: Mapping[str, object] | None = None
) -> None:
    """Let the owner of a former address be told where another one has replaced it.

    Without `former_key`, that is who had the address that was removed before this one came. What
    waits for a former address may follow too.
    """
    if former_key and former_key != company.email_key:
        address_left.send(company, former_key=former_key)
    if company.email_key and former_key != company.email_key:
        address_replaced.send(company, former_key=former_key, told=told or {})


def has_stayed_since(company: Company, instant: datetime) -> bool:
    """Tell whether the address is there since the first change on the portal from an instant on.

    One that has gone and come back, by whatever way, has been registered later.
    """
    first: RegisterChange | None = (
        RegisterChange.select()
        .where(
            RegisterChange.company == company,
            RegisterChange.field == "email",
            RegisterChange.changed_at >= instant,
        )
        .order_by(RegisterChange.id)
        .first()
    )
    registered_at = company.email_registered_at
    return first is not None and registered_at is not None and registered_at <= first.changed_at


def last_change(company: Company, field: str) -> RegisterChange | None:
    """Return who last changed a value on the portal; None where the register's file gave it."""
    found: RegisterChange | None = (
        RegisterChange.select()
        .where(RegisterChange.company == company, RegisterChange.field == field)
        .order_by(RegisterChange.id.desc())
        .first()
    )
    if found is None or found.value != (getattr(company, field) or ""):
        return None
    return found
