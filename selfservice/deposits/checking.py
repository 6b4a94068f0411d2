"""May this document go in? The checks of a deposit, in the order of the reasons given.

File (told by its reader), description, seller, customer, future date, opening date, retention; the
last, conflict, needs the other documents and belongs to the deposit itself.
"""

from datetime import date
from functools import lru_cache

from flask import current_app

from selfservice import clock
from selfservice.deposits.customers import Customer, Customers
from selfservice.deposits.description import Facts, combine
from selfservice.deposits.index_csv import Index, same_name
from selfservice.deposits.pdf import Embedded
from selfservice.deposits.refusal import RefusalError
from selfservice.suppliers.models import Supplier


def describe(supplier: Supplier, index: Index, file: str, embedded: Embedded) -> Facts:
    """Say what a document is, and check its seller; raises RefusalError."""
    name = same_name(file)
    if name in index.refused:
        raise index.refused[name]
    row = index.rows.get(name)
    facts = combine(embedded, row.cells if row else {})
    _check_seller(supplier, facts)
    return facts


def admit(customers: Customers, facts: Facts) -> Customer:
    """Find whose a described document is, and check its dates; raises RefusalError."""
    customer = customers.find(facts)
    _check_dates(customers.supplier, facts)
    return customer


def _check_seller(supplier: Supplier, facts: Facts) -> None:
    seller = facts.seller
    if not supplier.siren or not seller.is_identified or seller.siren == supplier.siren:
        return
    named = [each for each in (seller.name, seller.siren or seller.vat_number) if each]
    raise RefusalError("other_seller", seller=", ".join(named) or "inconnu")


@lru_cache(maxsize=1)
def _earliest(today: date, months: int) -> date:
    return clock.earliest_lasting(today, months=months)


def _check_dates(supplier: Supplier, facts: Facts) -> None:
    issued_on, today = facts.issued_on, clock.today()
    opened_on, months = supplier.opened_on, current_app.config["RETENTION_MONTHS"]
    if issued_on > today:
        raise RefusalError("future", issued_on=clock.format_day(issued_on))
    if opened_on and issued_on < opened_on:
        raise RefusalError(
            "before_opening",
            issued_on=clock.format_day(issued_on),
            opened_on=clock.format_day(opened_on),
        )
    if issued_on < _earliest(today, months):
        raise RefusalError("beyond_retention", issued_on=clock.format_day(issued_on), months=months)
