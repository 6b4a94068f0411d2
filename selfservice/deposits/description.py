"""One description out of two: the document's own, and its row of index.csv, which overrides."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from selfservice.deposits.facturx import Description, Party, currency_code, one_line
from selfservice.deposits.messages import FIELD_LABELS
from selfservice.deposits.pdf import Embedded
from selfservice.deposits.refusal import RefusalError
from selfservice.invoices.models import KINDS
from selfservice.money import parse_cents

PLAIN_NEEDS = ("client_number", "invoice_number", "issued_on", "gross")
DEFAULT_CURRENCY = "EUR"


@dataclass(frozen=True)
class Facts:
    """What is known of a document once described; amounts in cents, negative for a credit note.

    `client_number` is only what index.csv says; `has_xml` that the document described itself.
    `credits` are the numbers that a credit note says it credits.
    """

    number: str
    kind: str
    issued_on: date
    due_on: date | None
    currency: str
    net_cents: int | None
    vat_cents: int | None
    gross_cents: int
    contract: str
    client_number: str
    has_xml: bool
    xml_size_bytes: int | None = None
    credits: tuple[str, ...] = ()
    seller: Party = field(default_factory=Party)
    buyer: Party = field(default_factory=Party)


@dataclass(frozen=True)
class _Amounts:
    net: int | None
    vat: int | None
    gross: int | None

    def credited(self) -> "_Amounts":
        """Turn round what was written positive: a credit note is shown negative."""
        if (self.gross or self.net or self.vat or 0) <= 0:
            return self
        net, vat, gross = (x if x is None else -x for x in (self.net, self.vat, self.gross))
        return _Amounts(net, vat, gross)

    def overridden_by(self, other: "_Amounts") -> "_Amounts":
        return _Amounts(
            self.net if other.net is None else other.net,
            self.vat if other.vat is None else other.vat,
            self.gross if other.gross is None else other.gross,
        )


def combine(embedded: Embedded, cells: dict[str, str]) -> Facts:
    """Describe a document; raises RefusalError for the first thing missing or wrong.

    A plain PDF needs all of PLAIN_NEEDS in its row; so does one whose XML is broken. A DOCTYPE
    is never excused.
    """
    if embedded.problem == "doctype":
        raise RefusalError("doctype")
    if embedded.description is None:
        _demand_whole_row(embedded, cells)
    given = _read_cells(cells)
    own = embedded.description or Description()
    _refuse_faults(own, given)
    amounts, kind = _amounts(own, given)
    number = _present("number", given.get("number") or own.number)
    preceding = own.preceding if kind == "credit_note" else ()
    return Facts(
        number=number,
        kind=kind,
        issued_on=_present("issued_on", given.get("issued_on") or own.issued_on),
        due_on=given.get("due_on") or own.due_on,
        currency=given.get("currency") or own.currency or DEFAULT_CURRENCY,
        net_cents=amounts.net,
        vat_cents=amounts.vat,
        gross_cents=_present("gross", amounts.gross),
        contract=given.get("contract") or own.contract,
        client_number=given.get("client_number", ""),
        has_xml=embedded.description is not None,
        xml_size_bytes=embedded.xml_size_bytes,
        credits=tuple(dict.fromkeys(each for each in preceding if each != number)),
        seller=own.seller,
        buyer=own.buyer,
    )


def _demand_whole_row(embedded: Embedded, cells: dict[str, str]) -> None:
    missing = [column for column in PLAIN_NEEDS if column not in cells]
    if missing and embedded.problem:
        raise RefusalError(embedded.problem)
    if missing and not cells:
        raise RefusalError("no_description")
    if missing:
        name = {"invoice_number": "number"}.get(missing[0], missing[0])
        raise RefusalError("absent_field", field=FIELD_LABELS[name])


def _amounts(own: Description, given: dict[str, Any]) -> tuple[_Amounts, str]:
    """Return the amounts with their sign, and the kind: a negative total is a credit note."""
    written = _Amounts(own.net_cents, own.vat_cents, own.gross_cents)
    override = _Amounts(given.get("net"), given.get("vat"), given.get("gross"))
    kind = given.get("kind") or own.kind or "invoice"
    total = written.overridden_by(override).gross
    if kind == "credit_note" or (total is not None and total < 0):
        return written.credited().overridden_by(override.credited()), "credit_note"
    return written.overridden_by(override), kind


def _present(name: str, value: Any) -> Any:
    if value is None or value == "":
        raise RefusalError("absent_field", field=FIELD_LABELS[name])
    return value


def _refuse_faults(own: Description, given: dict[str, Any]) -> None:
    for name, text in own.faults.items():
        if name not in given:
            raise RefusalError("wrong_field", field=FIELD_LABELS[name], value=text)


def _read_cells(cells: dict[str, str]) -> dict[str, Any]:
    given = {}
    for column, (name, convert) in _CELLS.items():
        if column in cells:
            try:
                given[name] = convert(cells[column])
            except ValueError as error:
                label = FIELD_LABELS[name]
                raise RefusalError("wrong_field", field=label, value=cells[column][:60]) from error
    return given


def _day(text: str) -> date:
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", text):
        raise ValueError(text)
    return date.fromisoformat(text)


def _kind(text: str) -> str:
    if text.lower() not in KINDS:
        raise ValueError(text)
    return text.lower()


_CELLS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "client_number": ("client_number", one_line),
    "invoice_number": ("number", one_line),
    "kind": ("kind", _kind),
    "issued_on": ("issued_on", _day),
    "due_on": ("due_on", _day),
    "net": ("net", parse_cents),
    "vat": ("vat", parse_cents),
    "gross": ("gross", parse_cents),
    "currency": ("currency", currency_code),
    "contract": ("contract", one_line),
}
