"""May this document go in? Its seller and its dates; each check raises RefusalError."""

from flask import current_app

from selfservice import clock
from selfservice.deposits.document import Document
from selfservice.deposits.refusal import RefusalError
from selfservice.suppliers.models import Supplier


def check_seller(document: Document, supplier: Supplier) -> None:
    """Refuse the document of another seller, where both numbers are known."""
    seller = document.own.seller
    if not supplier.siren or not seller.is_identified or seller.siren == supplier.siren:
        return
    named = [each for each in (seller.name, seller.siren or seller.vat_number) if each]
    raise RefusalError("other_seller", seller=", ".join(named) or "inconnu")


def check_dates(document: Document, supplier: Supplier) -> None:
    """Refuse what is of the future, from before the portal's opening, or no longer shown."""
    issued_on, opened_on, today = document.issued_on, supplier.opened_on, clock.today()
    months = current_app.config["RETENTION_MONTHS"]
    if issued_on > today:
        raise RefusalError("future", issued_on=clock.format_day(issued_on))
    if opened_on and issued_on < opened_on:
        raise RefusalError(
            "before_opening",
            issued_on=clock.format_day(issued_on),
            opened_on=clock.format_day(opened_on),
        )
    if issued_on < clock.earliest_lasting(today, months=months):
        raise RefusalError("beyond_retention", issued_on=clock.format_day(issued_on), months=months)
