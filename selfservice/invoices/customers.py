"""Whose document it is: the company of the supplier's register that a document names."""

from dataclasses import dataclass
from typing import Any

from peewee import Expression

from selfservice.invoices.description import Facts
from selfservice.invoices.facturx import Party
from selfservice.invoices.refusal import RefusalError
from selfservice.suppliers.models import Company, Supplier


@dataclass(frozen=True, slots=True)
class Customer:
    """What a deposit takes from a company, as it is at that moment."""

    company_id: int
    delivery: str
    notification: str
    email_key: str | None


class Customers:
    """The register of one supplier, as it is now: make a new one for each batch."""

    def __init__(self, supplier: Supplier) -> None:
        self.supplier = supplier
        self._found: dict[tuple[str, Party], Customer] = {}

    def find(self, facts: Facts) -> Customer:
        """Return the buyer; raises RefusalError when it is unknown or cannot be told apart.

        The client number of index.csv decides alone. Otherwise the document's own: client
        number (BT-46), else SIRET or SIREN (BT-47), else VAT number (BT-48).
        """
        key = facts.client_number, facts.buyer
        if key not in self._found:
            self._found[key] = _find(self.supplier, facts)
        return self._found[key]


def _find(supplier: Supplier, facts: Facts) -> Customer:
    if facts.client_number:
        found = _customers(supplier, Company.client_number == facts.client_number)
        if not found:
            raise RefusalError("unknown_client_number", client_number=facts.client_number)
        return found[0]
    for condition in _conditions(facts.buyer):
        found = _customers(supplier, condition)
        if len(found) > 1:
            raise RefusalError("several_customers", buyer=_called(facts.buyer))
        if found:
            return found[0]
    raise RefusalError("unknown_customer", buyer=_called(facts.buyer))


def _conditions(buyer: Party) -> list[Expression]:
    conditions = []
    if buyer.identifiers:
        conditions.append(Company.client_number.in_(buyer.identifiers))
    if len(buyer.legal_id) == 14:
        conditions.append(Company.siren == buyer.legal_id)
        conditions.append(Company.siren == buyer.siren)
    elif buyer.legal_id:
        first, last = f"{buyer.siren}00000", f"{buyer.siren}99999"
        conditions.append((Company.siren == buyer.siren) | Company.siren.between(first, last))
    if buyer.vat_number:
        conditions.append(Company.vat_number == buyer.vat_number)
    return conditions


def _customers(supplier: Supplier, condition: Expression) -> list[Customer]:
    query: Any = (
        Company.select(Company.id, Company.delivery, Company.notification, Company.email_key)
        .where(Company.supplier == supplier.id, condition)
        .limit(2)
    )
    return [Customer(*columns) for columns in query.tuples()]


def _called(buyer: Party) -> str:
    known = (*buyer.identifiers[:1], buyer.name, buyer.legal_id, buyer.vat_number)
    return ", ".join(each[:60] for each in known if each) or "aucun acheteur indiqué"
