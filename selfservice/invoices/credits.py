"""Which documents credit which: kept at deposit, found again for a page of the list."""

from collections import Counter, defaultdict
from collections.abc import Collection, Mapping
from typing import Any, NamedTuple

from peewee import fn

from selfservice.accounts.models import User
from selfservice.db import Prepared, rows
from selfservice.invoices import queries
from selfservice.invoices.models import Credited, Invoice

# Of one supplier: each customer's page reads all that credit what it shows, and numbers are alike
# from one supplier to the other.
MAX_NOTES_ON_ONE = 50


class Link(NamedTuple):
    """A document by its number; `id` is None where the reader may not see it."""

    number: str
    id: int | None


def record(supplier_id: int, credited: Mapping[str, tuple[str, ...]]) -> None:
    """Keep what deposited documents credit, by number, in the transaction of their rows.

    Of a document that so many credit already, no more is kept.
    """
    notes = [number for number, others in credited.items() if others]
    if not notes:
        return
    query = Invoice.select(Invoice.id, Invoice.number).where(
        Invoice.supplier == supplier_id, Invoice.number.in_(notes)
    )
    counts = _counts(supplier_id, {other for number in notes for other in credited[number]})
    pairs = []
    for note, number in rows(query):
        for other in credited[number]:
            counts[other] += 1
            if counts[other] <= MAX_NOTES_ON_ONE:
                pairs.append((note, other))
    if pairs:
        Credited.insert_many(pairs, fields=[Credited.invoice, Credited.number]).execute()


def _counts(supplier_id: int, numbers: Collection[str]) -> Counter[str]:
    """Return how many documents of a supplier credit each number."""
    query = Credited.select(Credited.number, fn.COUNT(Credited.id)).join(Invoice)
    query = query.where(Invoice.supplier == supplier_id, Credited.number.in_(numbers))
    return Counter(dict(rows(query.group_by(Credited.number))))


def linked(
    user: User, *, notes: Collection[int], invoices: Mapping[str, int]
) -> dict[int, tuple[Link, ...]]:
    """Return what credit notes credit, and what credits invoices, by the id of each.

    `notes` are ids, `invoices` numbers with their ids, all visible to the user. Two queries at
    most: whose number stands in a credit note, and which of both the user may see.
    """
    if not (notes or invoices):
        return {}
    pairs = _PAIRS.rows(tuple(notes), tuple(invoices))
    if not pairs:
        return {}
    ids = {note for note, number in pairs if number in invoices}
    # By the key of numbers: SQLite would else read all the documents of the company.
    named = Invoice.select(Invoice.id).where(
        Invoice.supplier == user.company.supplier_id,
        Invoice.number.in_({number for note, number in pairs if note in notes}),
    )
    visible = queries.visible_to(user).select(Invoice.id, Invoice.number)
    visible = visible.where(Invoice.id.in_(ids) | Invoice.id.in_(named))
    number_of = dict(rows(visible))
    id_of = {number: each for each, number in number_of.items()}
    links: defaultdict[int, set[Link]] = defaultdict(set)
    for note, number in pairs:
        if note in notes:
            links[note].add(Link(number, id_of.get(number)))
        if number in invoices and note in number_of:
            links[invoices[number]].add(Link(number_of[note], note))
    return {each: tuple(sorted(found)) for each, found in links.items()}


def _pairs(notes: tuple[Any, ...], numbers: tuple[Any, ...]) -> Any:
    credited = Credited.select(Credited.invoice, Credited.number)
    return credited.where(Credited.invoice.in_(notes)) | credited.where(
        Credited.number.in_(numbers)
    )


_PAIRS = Prepared(build=_pairs)
