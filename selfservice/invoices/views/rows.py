"""The rows of the list as HTML: their template writes each shape once, texts are filled in.

Fifty rows differ in a few texts only; one by one they would be a third of the cost of a page.
What is kept is of nobody: a shape holds no text of a document.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from types import SimpleNamespace
from typing import Any, NamedTuple

from flask import get_template_attribute
from markupsafe import Markup

from selfservice.invoices.listing import Row
from selfservice.money import format_amount
from selfservice.templating import PageEnvironment, format_day

TEMPLATE = "invoices/_row.html"
MAX_SHAPES = 1000
TEXTS = ("id", "number", "links", "contract", "issued", "due", "net", "vat", "gross", "until")
# Characters of private use, which stand in no template.
BEGIN, END = "\ue000", "\ue001"

text = PageEnvironment.text


class Shape(NamedTuple):
    """All by which the template decides: rows of one shape differ in their TEXTS only."""

    kind_label: str
    is_credit_note: bool
    state_label: str
    is_new: bool
    has_xml: bool
    days_left: int | None


def write_rows(rows: Iterable[Row], index: str) -> Markup:
    """Return the rows in the words of their template; `index` is the path of the list."""
    return Markup("".join([_write(row, index) for row in rows]))  # noqa: S704 (texts are escaped)


def _write(row: Row, index: str) -> str:
    shape = Shape(
        row.kind_label,
        row.is_credit_note,
        row.state_label,
        row.is_new,
        row.has_xml,
        row.days_left,
    )
    return _form(shape, index) % {
        "id": row.id,
        "number": text(row.number),
        "links": _links(row, index) if row.credits or row.credited_by else "",
        "contract": text(row.contract or "—"),
        "issued": format_day(row.issued_on),
        "due": format_day(row.due_on),
        "net": _amount(row.net_cents, row.currency),
        "vat": _amount(row.vat_cents, row.currency),
        "gross": _amount(row.gross_cents, row.currency),
        "until": format_day(row.available_until),
    }


@lru_cache(maxsize=MAX_SHAPES)
def _form(shape: Shape, index: str) -> str:
    """Return a row with a place for each text, as the operator % takes it."""
    places = SimpleNamespace(**{name: f"{BEGIN}{name}{END}" for name in TEXTS})
    written = str(_macro("document_row")(shape, places, index))
    return re.sub(f"{BEGIN}(.*?){END}", r"%(\1)s", written.replace("%", "%%"))


@lru_cache(maxsize=4096)
def _amount(cents: int | None, currency: str) -> str:
    return text(format_amount(cents, currency))


def _links(row: Row, index: str) -> Markup:
    links: Markup = _macro("document_links")(row, index)
    return links


def _macro(name: str) -> Any:
    return get_template_attribute(TEMPLATE, name)
