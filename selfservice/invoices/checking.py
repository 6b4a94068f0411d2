"""May this document go in? The checks of a deposit, in the order of the reasons given.

File, description, seller, customer, future date, opening date, retention; the last, conflict,
needs the other documents and belongs to the deposit itself.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

from flask import current_app

from selfservice import clock
from selfservice.invoices.customers import Customer, Customers
from selfservice.invoices.description import Facts, combine
from selfservice.invoices.index import Index, same_name
from selfservice.invoices.pdf import read_pdf
from selfservice.invoices.refusal import RefusalError
from selfservice.suppliers.models import Supplier
from selfservice.web import format_day


@dataclass(frozen=True)
class Document:
    """A document that may go in, with its content: keep few of them at a time."""

    content: bytes
    sha256: str
    facts: Facts
    customer: Customer

    def state(self, supplier: Supplier) -> str:
        """Return what it is worth: a copy, a duplicate of the paper original, the original."""
        since = supplier.platform_since
        if since is not None and self.facts.issued_on >= since:
            return "copy"
        return "duplicate" if self.customer.delivery == "paper" else "original"


def check_file(customers: Customers, path: Path, index: Index) -> Document:
    """Read a file once and check all but conflict; raises RefusalError."""
    content = _read(path)
    embedded = read_pdf(content, max_pages=current_app.config["DOCUMENT_MAX_PAGES"])
    name = same_name(path.name)
    if name in index.refused:
        raise index.refused[name]
    row = index.rows.get(name)
    facts = combine(embedded, row.cells if row else {})
    _check_seller(customers.supplier, facts)
    customer = customers.find(facts)
    _check_dates(customers.supplier, facts)
    return Document(content, hashlib.sha256(content).hexdigest(), facts, customer)


def _read(path: Path) -> bytes:
    limit = current_app.config["DOCUMENT_MAX_MEGABYTES"]
    try:
        if not path.is_file():  # a pipe would wait for ever
            raise RefusalError("unreadable")
        with path.open("rb") as file:
            content = file.read(limit * 1024 * 1024 + 1)
    except OSError as error:
        raise RefusalError("unreadable") from error
    if len(content) > limit * 1024 * 1024:
        raise RefusalError("too_large", limit=limit)
    return content


def _check_seller(supplier: Supplier, facts: Facts) -> None:
    seller = facts.seller
    if not supplier.siren or not seller.is_identified or seller.siren == supplier.siren:
        return
    named = [each for each in (seller.name, seller.siren or seller.vat_number) if each]
    raise RefusalError("other_seller", seller=", ".join(named) or "inconnu")


def _check_dates(supplier: Supplier, facts: Facts) -> None:
    issued_on, months = facts.issued_on, current_app.config["RETENTION_MONTHS"]
    opened_on, said = supplier.opened_on, format_day(issued_on)
    if issued_on > clock.today():
        raise RefusalError("future", issued_on=said)
    if opened_on and issued_on < opened_on:
        raise RefusalError("before_opening", issued_on=said, opened_on=format_day(opened_on))
    if clock.add_months(issued_on, months) < clock.today():
        raise RefusalError("beyond_retention", issued_on=said, months=months)
