"""The rows of the list as HTML: their template writes each shape once, texts are filled in.

Fifty rows differ in a few texts only; one by one they would be a third of the cost of a page.
What is kept is of nobody: a shape holds no text of a document.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from functools import lru_cache
from operator import itemgetter
from types import SimpleNamespace
from typing import Any, NamedTuple

from flask import get_template_attribute
from markupsafe import Markup

from selfservice.invoices.listing import Row, Shape
from selfservice.money import format_amount
from selfservice.templating import PageEnvironment, format_day

TEMPLATE = "invoices/_row.html"
MAX_SHAPES = 1000
TEXTS = ("id", "number", "links", "contract", "issued", "due", "net", "vat", "gross", "until")
# Characters of private use, which stand in no template.
BEGIN, END = "\ue000", "\ue001"

text = PageEnvironment.text


class Form(NamedTuple):
    """A written row with « %s » for its texts, and what takes these from TEXTS in their order."""

    html: str
    pick: Callable[[Sequence[str]], tuple[str, ...]]


def write_rows(rows: Iterable[Row], index: str) -> Markup:
    """Return the rows in the words of their template; `index` is the path of the list."""
    return Markup("".join([_write(row, index) for row in rows]))  # noqa: S704 (texts are escaped)


def _write(row: Row, index: str) -> str:
    html, pick = _form(row.shape, index)
    currency = row.currency
    return html % pick(
        (
            str(row.id),
            text(row.number),
            _links(row, index) if row.credits or row.credited_by else "",
            text(row.contract or "—"),
            format_day(row.issued_on),
            format_day(row.due_on),
            _amount(row.net_cents, currency),
            _amount(row.vat_cents, currency),
            _amount(row.gross_cents, currency),
            format_day(row.available_until),
        )
    )


@lru_cache(maxsize=MAX_SHAPES)
def _form(shape: Shape, index: str) -> Form:
    places = SimpleNamespace(**{name: f"{BEGIN}{name}{END}" for name in TEXTS})
    written = str(_macro("document_row")(Shape(*shape), places, index)).replace("%", "%%")
    place = re.compile(f"{BEGIN}(.*?){END}")
    return Form(place.sub("%s", written), itemgetter(*map(TEXTS.index, place.findall(written))))


@lru_cache(maxsize=4096)
def _amount(cents: int | None, currency: str) -> str:
    return text(format_amount(cents, currency))


def _links(row: Row, index: str) -> Markup:
    links: Markup = _macro("document_links")(row, index)
    return links


def _macro(name: str) -> Any:
    return get_template_attribute(TEMPLATE, name)
