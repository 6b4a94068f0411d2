"""Numbers of purged documents: what is left of them, so that none is ever used again."""

from collections.abc import Iterable

from selfservice import clock
from selfservice.db import rows
from selfservice.invoices.models import Tombstone


def bury(documents: Iterable[tuple[int, str]]) -> None:
    """Keep (supplier id, number) of documents, in the transaction that removes them."""
    now = clock.now()
    buried = [
        {"supplier": supplier_id, "number": number, "purged_at": now}
        for supplier_id, number in documents
    ]
    Tombstone.insert_many(buried).on_conflict_ignore().execute()


def buried(supplier_id: int, numbers: list[str]) -> set[str]:
    """Return which numbers of a supplier belong to purged documents."""
    query = Tombstone.select(Tombstone.number).where(
        Tombstone.supplier == supplier_id, Tombstone.number.in_(numbers)
    )
    return {number for (number,) in rows(query)}
