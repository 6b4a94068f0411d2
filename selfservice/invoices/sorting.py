"""The order of the list by any column, and the keys by which its pages follow one another."""

from datetime import date
from typing import Any, NamedTuple

from peewee import BigIntegerField, CharField, DateField, Tuple

from selfservice.db import is_sqlite
from selfservice.invoices.models import Invoice
from selfservice.invoices.queries import MAX_ID

NEWEST_FIRST = ""
COLUMNS: dict[str, Any] = {
    "numero": Invoice.number,
    "type": Invoice.kind,
    "contrat": Invoice.contract,
    "emise": Invoice.issued_on,
    "echeance": Invoice.due_on,
    "ht": Invoice.net_cents,
    "tva": Invoice.vat_cents,
    "ttc": Invoice.gross_cents,
    "etat": Invoice.state,
    "disponible": Invoice.issued_on,
}


class Key(NamedTuple):
    """Where a page begins: after the document with these values, in the order of the list."""

    value: Any
    issued_on: Any
    id: Any


def clean_sort(text: str) -> str:
    """Return a column's name, with « - » before it for descending; newest first for no column."""
    is_known = text.removeprefix("-") in COLUMNS
    return text if is_known and text != "-emise" else NEWEST_FIRST


def is_by_date(sort: str) -> bool:
    return _column(sort)[0] is Invoice.issued_on


def is_descending(sort: str) -> bool:
    return _column(sort)[1]


def ordered(query: Any, sort: str) -> Any:
    """Put documents in the order asked for: ties by issue date and id, absent values last."""
    column, is_backwards = _column(sort)
    ends = [Invoice.issued_on, Invoice.id]
    parts: list[Any] = ends if column is Invoice.issued_on else [_comparable(column), *ends]
    order = [each.desc() if is_backwards else each.asc() for each in parts]
    return query.order_by(*([column.is_null()] if column.null else []), *order)


def following(query: Any, sort: str, key: Key) -> Any:
    """Narrow a query to what comes after a key in the order asked for."""
    column, is_backwards = _column(sort)
    ends, key_ends = Tuple(Invoice.issued_on, Invoice.id), Tuple(key.issued_on, key.id)
    if column is Invoice.issued_on:
        return query.where(_beyond(ends, key_ends, is_backwards))
    if key.value is None:
        return query.where(column.is_null() & _beyond(ends, key_ends, is_backwards))
    parts = Tuple(_comparable(column), Invoice.issued_on, Invoice.id)
    beyond = _beyond(parts, Tuple(key.value, key.issued_on, key.id), is_backwards)
    return query.where(beyond | column.is_null() if column.null else beyond)


def by_stamp(query: Any, sort: str, stamp: Any, begin: int | None) -> Any:
    """Put documents in an order by date through what sorts as issue date and id together."""
    _, is_backwards = _column(sort)
    if begin is not None:
        query = query.where(_beyond(stamp, begin, is_backwards))
    return query.order_by(stamp.desc() if is_backwards else stamp.asc())


def write_key(sort: str, row: Any) -> str:
    """Return the key of a row of the list, as an address carries it."""
    column, _ = _column(sort)
    value = getattr(row, column.name)
    return f"{'' if value is None else value},{row.issued_on},{row.id}"


def read_key(sort: str, text: str) -> Key | None:
    """Return where a page begins; None for what is no key of this order."""
    value, *ends = text.rsplit(",", 2)
    if len(ends) != 2 or not _is_id(ends[1]):
        return None
    column, _ = _column(sort)
    try:
        return Key(_read_value(column, value), date.fromisoformat(ends[0]), int(ends[1]))
    except ValueError:
        return None


def _column(sort: str) -> tuple[Any, bool]:
    if sort == NEWEST_FIRST:
        return Invoice.issued_on, True
    return COLUMNS[sort.removeprefix("-")], sort.startswith("-")


def _comparable(column: Any) -> Any:
    """Return a column as it sorts, text by its characters' numbers whatever the host's language."""
    if not isinstance(column, CharField):
        return column
    return column.collate("BINARY" if is_sqlite() else '"C"')


def _beyond(parts: Any, key: Any, is_backwards: bool) -> Any:
    return parts < key if is_backwards else parts > key


def _is_id(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= MAX_ID


def _read_value(column: Any, text: str) -> Any:
    if column.null and not text:
        return None
    if isinstance(column, DateField):
        return date.fromisoformat(text)
    if isinstance(column, BigIntegerField):
        return _read_cents(text)
    return text


def _read_cents(text: str) -> int:
    if not _is_id(text.removeprefix("-")):
        raise ValueError(f"not cents: {text!r}")
    return int(text)
