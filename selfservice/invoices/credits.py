"""Which documents credit which: kept at deposit, found again for a page of the list."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce
from operator import add
from typing import Any

from peewee import Value

from selfservice.accounts.models import User
from selfservice.db import Prepared
from selfservice.invoices import queries
from selfservice.invoices.models import Credited, Invoice

PLACES = 50


@dataclass(frozen=True, slots=True)
class Link:
    """A document by its number; `id` is None where the reader may not see it."""

    number: str
    id: int | None


def record(supplier_id: int, credited: Mapping[str, tuple[str, ...]]) -> None:
    """Keep what deposited documents credit, by number, in the transaction of their rows."""
    notes = [number for number, others in credited.items() if others]
    if not notes:
        return
    query: Any = Invoice.select(Invoice.id, Invoice.number).where(
        Invoice.supplier == supplier_id, Invoice.number.in_(notes)
    )
    rows = [(note, other) for note, number in query.tuples() for other in credited[number]]
    Credited.insert_many(rows, fields=[Credited.invoice, Credited.number]).execute()


def linked(
    user: User, *, notes: list[int], invoices: dict[str, int]
) -> dict[int, tuple[Link, ...]]:
    """Return what credit notes credit, and what credits invoices, by the id of each.

    `notes` are ids, `invoices` numbers with their ids, all visible to the user. One query.
    """
    if not (notes or invoices):
        return {}
    found: dict[int, dict[str, int | None]] = {}
    supplier_id = user.company.supplier_id
    asked = queries.scope_of(user), supplier_id, _padded(notes), _padded(list(invoices))
    for note, note_number, number, credited in _LINKS.rows(*asked):
        if note_number:
            found.setdefault(invoices[number], {})[note_number] = note
        else:
            links = found.setdefault(note, {})
            links[number] = credited or links.get(number)
    return {
        each: tuple(Link(*link) for link in sorted(links.items())) for each, links in found.items()
    }


def _padded(values: list[Any]) -> tuple[Any, ...]:
    """Repeat the last value, so that a list of whatever length is asked in the same words."""
    return (*values, *values[-1:] * (-len(values) % PLACES))


def _links(
    scope: queries.Scope, supplier_id: Any, notes: tuple[Any, ...], numbers: tuple[Any, ...]
) -> Any:
    arms = _of_notes(scope, supplier_id, notes) if notes else []
    arms += [_of_invoices(scope, numbers)] if numbers else []
    return reduce(add, arms)


def _of_notes(scope: queries.Scope, supplier_id: Any, notes: tuple[Any, ...]) -> list[Any]:
    written: Any = Credited.select(Credited.invoice, Value(""), Credited.number, Value(0))
    visible = queries.visible_in(scope).where(Invoice.supplier == supplier_id)
    reachable = visible.select(Credited.invoice, Value(""), Credited.number, Invoice.id).join(
        Credited, on=(Credited.number == Invoice.number)
    )
    return [each.where(Credited.invoice.in_(notes)) for each in (written, reachable)]


def _of_invoices(scope: queries.Scope, numbers: tuple[Any, ...]) -> Any:
    """Return the credit notes; an invoice's number may be another supplier's too."""
    columns = (Invoice.id, Invoice.number, Credited.number, Value(0))
    credited = Credited.invoice == Invoice.id
    return (
        queries.visible_in(scope)
        .select(*columns)
        .join(Credited, on=credited)
        .where(Credited.number.in_(numbers))
    )


_LINKS = Prepared(build=_links)
