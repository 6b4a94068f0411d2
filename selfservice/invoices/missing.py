"""« Il manque une facture ? »: what the portal can check by itself before anybody is called."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from peewee import ModelSelect, fn

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.accounts.spaces import known_companies
from selfservice.db import Prepared, read_date
from selfservice.invoices import queries
from selfservice.invoices.models import Invoice
from selfservice.invoices.queries import Asked


@dataclass(frozen=True, slots=True)
class Missing:
    """Why a document may not be in the list.

    `last_issued_on` is the newest that the reader may see, if any. `companies` are the supplier's
    others registered with the reader's proven address: (name, client number). `profile` is the
    name of what narrows the reader's contracts. `opened_on` is set where the portal opened after
    `available_since`, the first day of issue still available.
    """

    last_issued_on: date | None
    companies: list[tuple[Any, ...]]
    profile: str
    opened_on: date | None
    available_since: date


def check(user: User) -> Missing:
    """Return what may explain that a reader misses a document."""
    available_since = queries.earliest_available(clock.today())
    opened_on = user.company.supplier.opened_on
    ((last,),) = _LAST.rows(queries.asked(user))
    company = user.company
    return Missing(
        last_issued_on=read_date(last) if last else None,
        companies=[
            (each.name, each.client_number)
            for each in known_companies(user)
            if each.id != company.id
        ]
        if user.is_from_activation
        else [],
        profile=user.profile.name if user.profile else "",
        opened_on=opened_on if opened_on and opened_on > available_since else None,
        available_since=available_since,
    )


def _last(asked: Asked) -> "ModelSelect[Invoice]":
    return queries.narrowed(asked).select(fn.MAX(Invoice.issued_on))


_LAST = Prepared(build=_last)
