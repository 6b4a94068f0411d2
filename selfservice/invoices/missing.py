"""« Il manque une facture ? »: what the portal can check by itself before anybody is called."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from peewee import ModelSelect, fn

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.db import FRENCH, Prepared, read_date
from selfservice.invoices import queries
from selfservice.invoices.models import Invoice
from selfservice.invoices.queries import Asked
from selfservice.suppliers.models import Company


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
    # A typed address gives no right: only a login created by activation learns of others.
    is_proven = user.is_from_activation and user.email_key
    company = user.company
    return Missing(
        last_issued_on=read_date(last) if last else None,
        companies=_OTHERS.rows(company.supplier_id, user.email_key, company.id)
        if is_proven
        else [],
        profile=user.profile.name if user.profile else "",
        opened_on=opened_on if opened_on and opened_on > available_since else None,
        available_since=available_since,
    )


def _last(asked: Asked) -> "ModelSelect[Invoice]":
    return queries.narrowed(asked).select(fn.MAX(Invoice.issued_on))


def _others(supplier_id: Any, email_key: Any, own_id: Any) -> "ModelSelect[Company]":
    return (
        Company.select(Company.name, Company.client_number)
        .where(
            Company.supplier == supplier_id, Company.email_key == email_key, Company.id != own_id
        )
        .order_by(Company.name.collate(FRENCH), Company.client_number)
    )


_LAST, _OTHERS = Prepared(build=_last), Prepared(build=_others)
