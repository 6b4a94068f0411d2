"""Whose document it is: the company of the supplier's register that a document names."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any

from peewee import Expression

from selfservice.db import Prepared
from selfservice.deposits.description import Facts
from selfservice.deposits.facturx import Party
from selfservice.deposits.refusal import RefusalError
from selfservice.suppliers.models import Company, Supplier


@dataclass(frozen=True, slots=True)
class Customer:
    """What a deposit takes from a company, as it is at that moment."""

    company_id: int
    delivery: str
    notification: str
    email_key: str | None


class Customers:
    """The register of one supplier, as it is now: make a new one for each batch.

    Client numbers, by which nearly all documents are told, are looked up all at once.
    """

    def __init__(self, supplier: Supplier, described: Iterable[Facts]) -> None:
        self.supplier = supplier
        numbers = {
            number
            for facts in described
            for number in (facts.client_number, *facts.buyer.identifiers)
        }
        self._by_number = _by_number(supplier, numbers)
        self._found: dict[tuple[str, Party], Customer] = {}

    def find(self, facts: Facts) -> Customer:
        """Return the buyer; raises RefusalError when it is unknown or cannot be told apart.

        The client number of index.csv decides alone. Otherwise the document's own: client
        number (BT-46), else SIRET or SIREN (BT-47), else VAT number (BT-48).
        """
        key = facts.client_number, facts.buyer
        if key not in self._found:
            self._found[key] = self._find(facts)
        return self._found[key]

    def _find(self, facts: Facts) -> Customer:
        if facts.client_number:
            if facts.client_number not in self._by_number:
                raise RefusalError("unknown_client_number", client_number=facts.client_number)
            return self._by_number[facts.client_number]
        for found in self._matches(facts.buyer):
            if len(found) > 1:
                raise RefusalError("several_customers", buyer=_called(facts.buyer))
            if found:
                return found[0]
        raise RefusalError("unknown_customer", buyer=_called(facts.buyer))

    def _matches(self, buyer: Party) -> Iterator[list[Customer]]:
        named = dict.fromkeys(buyer.identifiers)
        yield [self._by_number[number] for number in named if number in self._by_number]
        for condition in _conditions(buyer):
            query = _customers(self.supplier.id).where(condition).limit(2)
            yield [Customer(*columns) for columns in query.tuples()]


def _by_number(supplier: Supplier, numbers: Iterable[str]) -> dict[str, Customer]:
    found = _NUMBERED.rows(supplier.id, tuple(numbers))
    return {number: Customer(*columns) for *columns, number in found}


def _numbered(supplier_id: Any, numbers: Any) -> Any:
    query = _customers(supplier_id).select_extend(Company.client_number)
    return query.where(Company.client_number.in_(numbers))


_NUMBERED = Prepared(build=_numbered)


def _conditions(buyer: Party) -> list[Expression]:
    conditions = []
    if len(buyer.legal_id) == 14:
        conditions.append(Company.siren == buyer.legal_id)
        conditions.append(Company.siren == buyer.siren)
    elif buyer.legal_id:
        first, last = f"{buyer.siren}00000", f"{buyer.siren}99999"
        conditions.append((Company.siren == buyer.siren) | Company.siren.between(first, last))
    if buyer.vat_number:
        conditions.append(Company.vat_number == buyer.vat_number)
    return conditions


def _customers(supplier_id: Any) -> Any:
    return Company.select(
        Company.id, Company.delivery, Company.notification, Company.email_key
    ).where(Company.supplier == supplier_id)


def _called(buyer: Party) -> str:
    known = (*buyer.identifiers[:1], buyer.name, buyer.legal_id, buyer.vat_number)
    return ", ".join(each[:60] for each in known if each) or "aucun acheteur indiqué"
