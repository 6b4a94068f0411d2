"""« Why did I get nothing? » (FAQ 3, 10, 12): where each registered address stands."""

from dataclasses import dataclass
from datetime import datetime
from statistics import mode
from typing import Any

from peewee import JOIN, fn

from selfservice.accounts.models import Activation
from selfservice.db import FRENCH
from selfservice.invoices.models import Invoice
from selfservice.suppliers.models import Company, Supplier

USUAL_DAY_OF = 12  # of the newest documents


@dataclass(frozen=True)
class Registration:
    """The registered address of a company on its way to a first mail.

    `state` is none (no address), waiting (nothing deposited since it was registered), preparing
    (deposited, not yet dealt with) or activated.
    """

    company: Company
    state: str
    activated_at: datetime | None


def registrations(condition: Any) -> list[Registration]:
    """Return where the companies that meet a condition stand, by name."""
    is_preparing = fn.EXISTS(
        Invoice.select(Invoice.id).where(
            Invoice.announced_at.is_null(),
            Invoice.company == Company.id,
            Invoice.notified_email_key == Company.email_key,
        )
    )
    is_same_pair = (Activation.company == Company.id) & (Activation.email_key == Company.email_key)
    query = (
        Company.select(
            Company,
            Supplier,
            Activation.activated_at.alias("activated_at"),
            is_preparing.alias("is_preparing"),
        )
        .join(Supplier)
        .switch(Company)
        .join(Activation, JOIN.LEFT_OUTER, on=is_same_pair, attr="activation")
        .where(condition)
        .order_by(Company.name.collate(FRENCH), Company.client_number)
    )
    return [_registration(company) for company in query]


def usual_day(company: Company) -> int | None:
    """Return the day of the month on which a company's documents are usually issued."""
    newest = (
        Invoice.select(Invoice.issued_on)
        .where(Invoice.company == company)
        .order_by(Invoice.issued_on.desc())
        .limit(USUAL_DAY_OF)
    )
    days = [invoice.issued_on.day for invoice in newest]
    return mode(days) if days else None


def _registration(company: Any) -> Registration:
    activation = getattr(company, "activation", None)
    activated_at = activation.activated_at if activation else None
    if company.email_key is None:
        state = "none"
    elif activated_at is not None:
        state = "activated"
    else:
        state = "preparing" if company.is_preparing else "waiting"
    return Registration(company, state, activated_at)
