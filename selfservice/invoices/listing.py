"""The list of « Mes factures »: one page of light rows, newest first, and what is hidden."""

from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any, NamedTuple, cast

from flask import current_app

from selfservice import clock
from selfservice.accounts.models import DISPLAY_HISTORY_CHOICES, User
from selfservice.db import read_date
from selfservice.invoices import finding, queries, search, sorting
from selfservice.invoices.contracts import readable_contracts
from selfservice.invoices.credits import Link, linked
from selfservice.invoices.explanation import Explanation, explain_absence
from selfservice.invoices.filters import Filters
from selfservice.invoices.messages import KIND_LABELS, STATE_LABELS

PAGE_ROWS = 50
COUNT_CAP = 1000
MAX_CONTRACTS = 100


class Shape(NamedTuple):
    """All of a row but its texts: what is there, and in which words."""

    is_credit_note: bool
    kind_label: str
    state_label: str
    is_new: bool
    has_xml: bool
    days_left: int | None


class Row(NamedTuple):
    """One document of the list; amounts in cents, `available_until` inclusive.

    `is_new` is the reader's own (« Nouveau »), `is_downloaded` their company's. `days_left` is
    set once the document leaves within 60 days (0 on its last day). `credits` names what a
    credit note credits, where its XML says so; `credited_by` the credit notes of an invoice.
    """

    id: int
    number: str
    kind: str
    contract: str
    issued_on: date
    due_on: date | None
    currency: str
    net_cents: int | None
    vat_cents: int | None
    gross_cents: int
    state: str
    is_downloaded: bool
    available_until: date
    is_credit_note: bool
    kind_label: str
    state_label: str
    is_new: bool
    has_xml: bool
    days_left: int | None = None
    credits: tuple[Link, ...] = ()
    credited_by: tuple[Link, ...] = ()

    @property
    def shape(self) -> tuple[Any, ...]:
        """The fields of its Shape, which stand here in the same order."""
        return cast("tuple[Any, ...]", self[SHAPE])


SHAPE = slice(Row._fields.index(Shape._fields[0]), Row._fields.index(Shape._fields[-1]) + 1)


@dataclass(frozen=True, slots=True)
class Leaving:
    """How many documents leave soon, never downloaded, and their first and last last days.

    The count stops at 1,000 (`is_capped`: « plus de 1 000 »).
    """

    count: int
    first_on: date
    last_on: date

    @property
    def is_capped(self) -> bool:
        return self.count > COUNT_CAP


@dataclass(frozen=True, slots=True)
class PageTotal:
    """What the rows of the page add up to in one currency; None where an amount is unknown."""

    currency: str
    net_cents: int | None
    vat_cents: int | None
    gross_cents: int


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of documents and what the page says about it.

    `count` is how many documents the list shows on all its pages, `hidden_count` how many more
    match but are hidden by the reader's display history; both stop at 1,000 (`is_count_capped`,
    `is_hidden_count_capped`: « plus de 1 000 »). `display_history_label` is that duration in
    words (« 3 mois »). `is_searching_everywhere` says that a search looked beyond it. `next_key`
    opens the following page (None on the last); `is_first_page` is false on a following one.
    `is_account_empty`: the reader has no document at all yet, so an empty page is not the
    filters' doing. `leaving` warns of what leaves soon, whatever the filters. `contracts` are
    the first 100 the reader may choose from (`has_more_contracts`), none when there is no choice.
    `page_totals` add up the rows. `explanation` is set only where nothing was found.
    """

    rows: list[Row] = field(default_factory=list)
    count: int = 0
    is_count_capped: bool = False
    hidden_count: int = 0
    is_hidden_count_capped: bool = False
    display_history_label: str = ""
    is_searching_everywhere: bool = False
    next_key: str | None = None
    is_first_page: bool = True
    is_account_empty: bool = False
    leaving: Leaving | None = None
    contracts: list[str] = field(default_factory=list)
    has_more_contracts: bool = False
    page_totals: list[PageTotal] = field(default_factory=list)
    explanation: Explanation | None = None


def list_invoices(user: User, filters: Filters) -> Listing:
    """Return one page of what the user may see, in the order asked for.

    A search looks at everything available; without one the display history applies unless
    `is_showing_all` or `is_leaving` (FAQ 7). Opens no transaction: seven short reads at most.
    """
    rows, next_key, count = _read(user, filters)
    hidden = _count_hidden(user, filters) if finding.is_limited(filters) else 0
    contracts = readable_contracts(user, MAX_CONTRACTS + 1)
    is_empty = not (rows or hidden or queries.visible_to(user).exists())
    return Listing(
        rows=rows,
        count=min(count, COUNT_CAP),
        is_count_capped=count > COUNT_CAP,
        hidden_count=min(hidden, COUNT_CAP),
        is_hidden_count_capped=hidden > COUNT_CAP,
        display_history_label=DISPLAY_HISTORY_CHOICES.get(
            user.display_history_months, f"{user.display_history_months} mois"
        ),
        is_searching_everywhere=bool(filters.q),
        next_key=next_key,
        is_first_page=not filters.after,
        is_account_empty=is_empty,
        leaving=_leaving(user),
        contracts=contracts[:MAX_CONTRACTS] if len(contracts) > 1 else [],
        has_more_contracts=len(contracts) > MAX_CONTRACTS,
        page_totals=_add_up(rows),
        explanation=None if rows or hidden or is_empty else explain_absence(user, filters),
    )


def _leaving(user: User) -> Leaving | None:
    count, first, last = finding.find_leaving(user, limit=COUNT_CAP + 1)
    if not count:
        return None
    first_on, last_on = (queries.available_until(read_date(day)) for day in (first, last))
    return Leaving(count, first_on, last_on)


def _read(user: User, filters: Filters) -> tuple[list[Row], str | None, int]:
    """Return the rows of a page, the key of the next and the count of all that is shown.

    A search goes by its index, which is in the order of dates. In another order, what it finds
    is sorted, unless that is so much that reading the documents themselves is quicker.
    """
    filters = finding.within_history(user, filters)
    expression = search.expression(filters.q, user.company_id)
    if expression and not sorting.is_by_date(filters.sort):
        count = _count(user, filters, expression)
        rows, next_key = _page(user, filters, None if count > COUNT_CAP else expression)
        return rows, next_key, count
    rows, next_key = _page(user, filters, expression)
    is_whole = not (next_key or filters.after)
    return rows, next_key, len(rows) if is_whole else _count(user, filters, expression)


def _page(user: User, filters: Filters, expression: str | None) -> tuple[list[Row], str | None]:
    found = finding.find_page(user, filters, expression, limit=PAGE_ROWS + 1)
    today = clock.today()
    months = current_app.config["RETENTION_MONTHS"]
    rows = _linked([_row(values, today, months) for values in found[:PAGE_ROWS]], user)
    if len(found) <= PAGE_ROWS:
        return rows, None
    return rows, sorting.write_key(filters.sort, rows[-1])


def _count(user: User, filters: Filters, expression: str | None = None) -> int:
    return finding.count_found(user, filters, expression, limit=COUNT_CAP + 1)


def _count_hidden(user: User, filters: Filters) -> int:
    last_hidden_on = queries.earliest_shown(user) - timedelta(days=1)
    return _count(user, finding.within(filters, until=last_hidden_on))


def _linked(rows: list[Row], user: User) -> list[Row]:
    """Return the rows with what credits what (one query)."""
    links = linked(
        user,
        notes=[row.id for row in rows if row.is_credit_note],
        invoices={row.number: row.id for row in rows if not row.is_credit_note},
    )
    return [_with_links(row, links[row.id]) if row.id in links else row for row in rows]


def _with_links(row: Row, links: tuple[Link, ...]) -> Row:
    if row.is_credit_note:
        return row._replace(credits=links)
    return row._replace(credited_by=links)


def _row(values: tuple[Any, ...], today: date, retention_months: int) -> Row:
    invoice_id, number, kind, contract, issued, due, currency = values[:7]
    net_cents, vat_cents, gross_cents, state, downloaded_at, has_xml, opening_id = values[7:]
    issued_on = read_date(issued)
    until = clock.add_months(issued_on, retention_months)
    days_left = (until - today).days
    return Row(  # by position: by name it takes twice as long
        invoice_id,
        number,
        kind,
        contract,
        issued_on,
        read_date(due) if due else None,
        currency,
        net_cents,
        vat_cents,
        gross_cents,
        state,
        downloaded_at is not None,
        until,
        kind == "credit_note",
        KIND_LABELS[kind],
        STATE_LABELS[state],
        opening_id is None,
        bool(has_xml),
        days_left if days_left <= queries.LEAVING_DAYS else None,
    )


def _add_up(rows: list[Row]) -> list[PageTotal]:
    by_currency: dict[str, list[Row]] = {}
    for row in rows:
        by_currency.setdefault(row.currency, []).append(row)
    return [
        PageTotal(
            currency,
            _sum([row.net_cents for row in each]),
            _sum([row.vat_cents for row in each]),
            sum([row.gross_cents for row in each]),
        )
        for currency, each in by_currency.items()
    ]


def _sum(amounts: list[int | None]) -> int | None:
    return None if None in amounts else sum(cast(list[int], amounts))
