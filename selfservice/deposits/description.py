"""What a document is: its own words, and its row of index.csv, which overrides them."""

import re
from collections.abc import Callable
from datetime import date
from typing import Any

from babel.numbers import get_currency_symbol

from selfservice.deposits.document import Document
from selfservice.deposits.facturx import Description, currency_code, one_line
from selfservice.deposits.index_csv import Index, same_name
from selfservice.deposits.messages import FIELD_LABELS, FORM_LABELS
from selfservice.deposits.refusal import RefusalError
from selfservice.invoices.models import KINDS
from selfservice.money import parse_cents
from selfservice.texts import identifier, one_form

PLAIN_NEEDS = ("client_number", "invoice_number", "issued_on", "gross")
DEFAULT_CURRENCY = "EUR"


def describe(document: Document, index: Index) -> None:
    """Fill in what a document is; raises RefusalError for the first thing missing or wrong."""
    name = same_name(document.file)
    if name in index.refused:
        raise index.refused[name]
    row = index.rows.get(name)
    combine(document, row.cells if row else {}, line=row.line if row else 0)


def combine(document: Document, cells: dict[str, str], *, line: int = 0) -> None:
    """Describe a document by its own words and its row.

    A plain PDF needs all of PLAIN_NEEDS in its row; so does one whose XML is broken. A DOCTYPE
    is never excused.
    """
    own = document.own
    if own.problem == "doctype":
        raise RefusalError("doctype")
    if not own.has_xml:
        _demand_whole_row(own, cells, line)
    given = _read_cells(cells, line, own.currency or DEFAULT_CURRENCY)
    for name, text in own.faults.items():
        if name not in given:
            raise RefusalError("wrong_field", field=FIELD_LABELS[name], value=text)
    kind, amounts = _amounts(own, given)
    number = _present("number", given.get("number") or own.number)
    document.kind = kind
    document.issued_on = _present("issued_on", given.get("issued_on") or own.issued_on)
    document.due_on = given.get("due_on") or own.due_on
    document.currency = given.get("currency") or own.currency or DEFAULT_CURRENCY
    document.net_cents = amounts["net"]
    document.vat_cents = amounts["vat"]
    document.gross_cents = _present("gross", amounts["gross"])
    document.contract = given.get("contract") or own.contract
    document.client_number = given.get("client_number", "")
    if kind == "credit_note":
        document.credits = tuple(dict.fromkeys(each for each in own.preceding if each != number))
    document.number = number  # last: what is refused for its description has no number


def _demand_whole_row(own: Description, cells: dict[str, str], line: int) -> None:
    missing = [column for column in PLAIN_NEEDS if column not in cells]
    if missing and own.problem:
        raise RefusalError(own.problem, name=own.problem_name)
    if missing and not cells:
        raise RefusalError("no_description")
    if missing:
        name = {"invoice_number": "number"}.get(missing[0], missing[0])
        raise RefusalError("absent_cell", field=FIELD_LABELS[name], line=line)


def _amounts(own: Description, given: dict[str, Any]) -> tuple[str, dict[str, int | None]]:
    """Return the kind, and the amounts with its sign: a negative total is a credit note."""
    written = {"net": own.net_cents, "vat": own.vat_cents, "gross": own.gross_cents}
    override = {name: given[name] for name in written if name in given}
    amounts = written | override
    total = amounts["gross"]
    if total is not None and total < 0:
        kind = "credit_note"
    else:
        kind = given.get("kind") or own.kind or "invoice"
    if kind == "credit_note":
        amounts = _credited(written) | _credited(override)
    return kind, amounts


def _credited(amounts: dict[str, int | None]) -> dict[str, int | None]:
    """Turn round what was written positive: a credit note is shown negative."""
    told = amounts.get("gross") or amounts.get("net") or amounts.get("vat") or 0
    if told <= 0:
        return amounts
    return {name: None if cents is None else -cents for name, cents in amounts.items()}


def _present(name: str, value: Any) -> Any:
    if value is None or value == "":
        raise RefusalError("absent_field", field=FIELD_LABELS[name])
    return value


def _read_cells(cells: dict[str, str], line: int, currency: str) -> dict[str, Any]:
    """Return the values of a row; `currency` is that of its amounts where it gives none."""
    given: dict[str, Any] = {}
    for column, (name, convert) in _CELLS.items():
        if column in cells:
            text = cells[column]
            if convert is parse_cents:
                text = _bare_amount(text, given.get("currency", currency))
            try:
                given[name] = convert(text)
            except ValueError as error:
                raise RefusalError(
                    "wrong_cell",
                    field=FIELD_LABELS[name],
                    line=line,
                    value=cells[column][:60],
                    form=FORM_LABELS[name],
                ) from error
    return given


def _bare_amount(text: str, currency: str) -> str:
    """Return « 1 234,50 » of « 1 234,50 € »; the sign or code of another currency stays."""
    bare = identifier(text)
    for sign in (currency, get_currency_symbol(currency, "en")):
        bare = bare.removeprefix(sign).removesuffix(sign)
    return bare


def _day(text: str) -> date:
    """Return the day of « 2026-11-02 » or, as a French spreadsheet writes it, « 02/11/2026 »."""
    day = identifier(text)
    if french := re.fullmatch(r"([0-9]{2})/([0-9]{2})/([0-9]{4})", day):
        day = "-".join(reversed(french.groups()))
    if not re.fullmatch(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", day):
        raise ValueError(text)
    return date.fromisoformat(day)


def _kind(text: str) -> str:
    kind = one_form(text).lower()
    if kind not in KINDS:
        raise ValueError(text)
    return kind


_CELLS: dict[str, tuple[str, Callable[[str], Any]]] = {
    "currency": ("currency", currency_code),  # before the amounts, which may bear its sign
    "client_number": ("client_number", one_line),
    "invoice_number": ("number", one_line),
    "kind": ("kind", _kind),
    "issued_on": ("issued_on", _day),
    "due_on": ("due_on", _day),
    "net": ("net", parse_cents),
    "vat": ("vat", parse_cents),
    "gross": ("gross", parse_cents),
    "contract": ("contract", one_line),
}
