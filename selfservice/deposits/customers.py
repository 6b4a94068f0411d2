"""Whose document it is: the company of the supplier's register that a document names."""

from collections.abc import Iterable, Iterator

from peewee import Expression, ModelSelect

from selfservice.deposits.document import Document
from selfservice.deposits.facturx import Party
from selfservice.deposits.refusal import RefusalError
from selfservice.suppliers.models import Company, Supplier


class Customers:
    """The register of one supplier, as it is now: make a new one for each batch.

    Client numbers, by which nearly all documents are told, are looked up all at once.
    """

    def __init__(self, supplier: Supplier, described: Iterable[Document]) -> None:
        self._supplier = supplier
        numbers = {
            number
            for document in described
            for number in (document.client_number, *document.own.buyer.identifiers)
        }
        query = _companies(supplier).where(Company.client_number.in_(list(numbers)))
        self._by_number: dict[str, Company] = {each.client_number: each for each in query}

    def find(self, document: Document) -> None:
        """Fill in the customer, and what a document takes from it for ever.

        Raises RefusalError where the buyer is unknown or cannot be told apart.
        """
        company = self._company(document.client_number, document.own.buyer)
        document.company_id = company.id
        document.notification = company.notification
        document.notified_email_key = company.email_key
        since = self._supplier.platform_since
        if since is not None and document.issued_on >= since:
            document.state = "copy"  # the original travels by plateforme agréée
        else:
            document.state = "duplicate" if company.delivery == "paper" else "original"

    def _company(self, client_number: str, buyer: Party) -> Company:
        """Return the buyer.

        The client number of index.csv decides alone. Otherwise the document's own: client
        number (BT-46), else SIRET or SIREN (BT-47), else VAT number (BT-48).
        """
        if client_number:
            if client_number not in self._by_number:
                raise RefusalError("unknown_client_number", client_number=client_number)
            return self._by_number[client_number]
        for found in self._matches(buyer):
            if len(found) > 1:
                raise RefusalError("several_customers", buyer=_called(buyer))
            if found:
                return found[0]
        raise RefusalError("unknown_customer", buyer=_called(buyer))

    def _matches(self, buyer: Party) -> Iterator[list[Company]]:
        named = dict.fromkeys(buyer.identifiers)
        yield [self._by_number[number] for number in named if number in self._by_number]
        for condition in _conditions(buyer):
            yield list(_companies(self._supplier).where(condition).limit(2))


def _companies(supplier: Supplier) -> "ModelSelect[Company]":
    columns = Company.id, Company.client_number, Company.delivery
    return Company.select(*columns, Company.notification, Company.email_key).where(
        Company.supplier == supplier
    )


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


def _called(buyer: Party) -> str:
    known = (*buyer.identifiers[:1], buyer.name, buyer.legal_id, buyer.vat_number)
    return ", ".join(each[:60] for each in known if each) or "aucun acheteur indiqué"
