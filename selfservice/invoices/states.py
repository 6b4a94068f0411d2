"""The state of documents whose supplier names late the day its originals go another way."""

from datetime import date
from typing import Any

from peewee import Case

from selfservice import audit
from selfservice.db import database
from selfservice.invoices.models import Invoice
from selfservice.suppliers.models import Company, Supplier


def restate(supplier: Supplier) -> list[Invoice]:
    """Give each document the state that `platform_since` asks for, and return what changed.

    Documents issued from that day on are copies; before it, what their company gets on paper is a
    duplicate, the rest original. By number. Opens its own transaction.
    """
    own, since = Invoice.supplier == supplier, supplier.platform_since
    with database.atomic():
        changed = _change(_without_platform(supplier), own & _is_early(since))
        if since is not None:
            is_late = (Invoice.state != "copy") & (Invoice.issued_on >= since)
            changed += _change("copy", own & is_late)
        if changed:
            audit.record(
                "invoices.restated",
                actor="system",
                supplier=supplier.slug,
                documents=len(changed),
            )
    return sorted(changed, key=lambda each: each.number)


def _is_early(since: date | None) -> Any:
    is_copy = Invoice.state == "copy"
    return is_copy if since is None else is_copy & (Invoice.issued_on < since)


def _change(state: Any, condition: Any) -> list[Invoice]:
    return list(Invoice.update(state=state).where(condition).returning(Invoice).execute())


def _without_platform(supplier: Supplier) -> Any:
    papers = Company.select(Company.id).where(
        Company.supplier == supplier, Company.delivery == "paper"
    )
    return Case(None, ((Invoice.company.in_(papers), "duplicate"),), "original")
