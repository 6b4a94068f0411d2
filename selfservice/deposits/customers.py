"""Whose document it is: the company of the supplier's register that a document names."""

from collections.abc import Iterable, Iterator
from functools import reduce
from operator import or_

from peewee import Expression, ModelSelect

from selfservice.deposits.document import Document
from selfservice.deposits.facturx import Party
from selfservice.deposits.refusal import RefusalError
from selfservice.suppliers.addresses import address_key
from selfservice.suppliers.models import DESK, Company, Supplier

MAX_NAMED = 5  # of several companies that a refusal lists


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
        number (BT-46), else SIRET (BT-46, BT-47, BT-49, BT-71), else SIREN, else VAT number
        (BT-48).
        """
        if client_number:
            if client_number not in self._by_number:
                raise RefusalError("unknown_client_number", client_number=client_number)
            return self._by_number[client_number]
        for found in self._matches(buyer):
            if len(found) > 1:
                names = ", ".join(map(_told, found[:MAX_NAMED]))
                candidates = f"{names}…" if len(found) > MAX_NAMED else names
                raise RefusalError("several_customers", buyer=_called(buyer), candidates=candidates)
            if found:
                return found[0]
        raise RefusalError("unknown_customer", buyer=_called(buyer))

    def _matches(self, buyer: Party) -> Iterator[list[Company]]:
        """Yield the companies that each number of the buyer names, the most precise first."""
        named = dict.fromkeys(buyer.identifiers)
        yield [self._by_number[number] for number in named if number in self._by_number]
        for condition in _conditions(buyer):
            query = _companies(self._supplier).where(condition)
            found = list(query.order_by(Company.client_number).limit(MAX_NAMED + 1))
            yield _told_apart(query, buyer) or found if len(found) > 1 else found


def _companies(supplier: Supplier) -> "ModelSelect[Company]":
    columns = Company.id, Company.client_number, Company.siren, Company.delivery
    return Company.select(*columns, Company.notification, Company.email_key).where(
        Company.supplier == supplier, Company.client_number != DESK
    )


def _conditions(buyer: Party) -> Iterator[Expression]:
    for sirets in buyer.sirets:
        yield Company.siren.in_(sirets)
    # An establishment that is not in the register is not another one of its company.
    first, last = f"{buyer.siren}00000", f"{buyer.siren}99999"
    within = [] if buyer.is_establishment else [Company.siren.between(first, last)]
    of_siren = reduce(or_, within, Company.siren == buyer.siren)
    if buyer.siren and not buyer.is_siren_of_vat:
        yield of_siren
    if buyer.vat_number:
        yield Company.vat_number == buyer.vat_number
    if buyer.is_siren_of_vat:
        yield of_siren


def _told_apart(query: "ModelSelect[Company]", buyer: Party) -> list[Company]:
    """Return the one company of several that the document means, nothing where it does not say."""
    for distinction in _distinctions(buyer):
        found = list(query.where(distinction).limit(2))
        if len(found) == 1:
            return found
    return []


def _distinctions(buyer: Party) -> Iterator[Expression]:
    if buyer.codes:
        yield Company.client_number.in_(buyer.codes)
    if buyer.vat_number:
        yield Company.vat_number == buyer.vat_number
    if buyer.email:
        yield Company.email_key == address_key(buyer.email)
    yield Company.siren == buyer.siren  # who writes the SIREN alone addresses the whole company


def _told(company: Company) -> str:
    return f"{company.client_number} ({company.siren or 'sans SIREN'})"


def _called(buyer: Party) -> str:
    numbers = next(iter(buyer.sirets), (buyer.siren,))
    known = (*buyer.identifiers[:1], buyer.name, *numbers[:1], buyer.vat_number)
    return ", ".join(dict.fromkeys(each[:60] for each in known if each)) or "aucun acheteur indiqué"
