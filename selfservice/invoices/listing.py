"""The list of « Mes factures »: one page of light rows, newest first, and what is hidden."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from peewee import JOIN, Tuple, fn

from selfservice import clock
from selfservice.accounts.models import DISPLAY_HISTORY_CHOICES, User
from selfservice.invoices import queries
from selfservice.invoices.filters import Filters, read_key
from selfservice.invoices.labels import KIND_LABELS, STATE_LABELS
from selfservice.invoices.models import Invoice, Opening

PAGE_ROWS = 50
COUNT_CAP = 1000


@dataclass(frozen=True, slots=True)
class Row:
    """One document of the list; amounts in cents, `available_until` inclusive.

    `is_new` is the reader's own (« Nouveau »), `is_downloaded` their company's.
    """

    id: int
    number: str
    kind: str
    kind_label: str
    contract: str
    issued_on: date
    due_on: date | None
    currency: str
    net_cents: int | None
    vat_cents: int | None
    gross_cents: int
    state: str
    state_label: str
    is_new: bool
    is_downloaded: bool
    has_xml: bool
    available_until: date

    @property
    def is_credit_note(self) -> bool:
        return self.kind == "credit_note"


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
class Listing:
    """One page of documents and what the page says about it.

    `hidden_count` is how many more documents match but are hidden by the reader's display
    history; it stops counting at 1,000 (`is_hidden_count_capped`: « plus de 1 000 »).
    `display_history_label` is that duration in words (« 3 mois »). `is_searching_everywhere`
    says that a search looked beyond it. `next_key` opens the following page (None on the last);
    `is_first_page` is false on a following one. `is_account_empty`: the company has no document
    at all yet, so an empty page is not the filters' doing. `leaving` warns of what leaves soon,
    whatever the filters.
    """

    rows: list[Row] = field(default_factory=list)
    hidden_count: int = 0
    is_hidden_count_capped: bool = False
    display_history_label: str = ""
    is_searching_everywhere: bool = False
    next_key: str | None = None
    is_first_page: bool = True
    is_account_empty: bool = False
    leaving: Leaving | None = None


def list_invoices(user: User, filters: Filters) -> Listing:
    """Return one page of what the user may see, newest first.

    A search looks at everything available; without one the display history applies unless
    `is_showing_all` or `is_leaving` (FAQ 7). Opens no transaction: four short reads at most.
    """
    matching = _matching(queries.visible_to(user), filters)
    is_limited = not (filters.q or filters.is_showing_all or filters.is_leaving)
    shown = queries.within_history(matching, user) if is_limited else matching
    rows, next_key = _page(shown, user, filters.after)
    hidden = _count_hidden(matching, user) if is_limited else 0
    return Listing(
        rows=rows,
        hidden_count=min(hidden, COUNT_CAP),
        is_hidden_count_capped=hidden > COUNT_CAP,
        display_history_label=DISPLAY_HISTORY_CHOICES.get(
            user.display_history_months, f"{user.display_history_months} mois"
        ),
        is_searching_everywhere=bool(filters.q),
        next_key=next_key,
        is_first_page=not filters.after,
        leaving=_leaving(user),
        is_account_empty=not rows and not hidden and not queries.visible_to(user).exists(),
    )


def _matching(query: Any, filters: Filters) -> Any:
    if filters.q:
        query = query.where(Invoice.number.contains(filters.q))
    if filters.kind:
        query = query.where(Invoice.kind == filters.kind)
    if filters.is_leaving:
        query = query.where(queries.is_leaving(clock.today()))
    return query


def _leaving(user: User) -> Leaving | None:
    soon = queries.visible_to(user).where(queries.is_leaving(clock.today()))
    days = soon.select(Invoice.issued_on).order_by(Invoice.issued_on).limit(COUNT_CAP + 1)
    day, as_date = days.c.issued_on, Invoice.issued_on.python_value
    query: Any = Invoice.select(
        fn.COUNT(day), fn.MIN(day).converter(as_date), fn.MAX(day).converter(as_date)
    ).from_(days)
    count, first, last = query.tuples().get()
    if not count:
        return None
    return Leaving(count, queries.available_until(first), queries.available_until(last))


def _page(query: Any, user: User, after: str) -> tuple[list[Row], str | None]:
    key = read_key(after)
    if key:
        query = query.where(Tuple(Invoice.issued_on, Invoice.id) < Tuple(*key))
    found = list(_columns(query, user).limit(PAGE_ROWS + 1).tuples())
    rows = [_row(values) for values in found[:PAGE_ROWS]]
    if len(found) <= PAGE_ROWS:
        return rows, None
    return rows, f"{rows[-1].issued_on.isoformat()},{rows[-1].id}"


def _columns(query: Any, user: User) -> Any:
    opened = (Opening.invoice == Invoice.id) & (Opening.user == user.id)
    return (
        query.select(
            Invoice.id,
            Invoice.number,
            Invoice.kind,
            Invoice.contract,
            Invoice.issued_on,
            Invoice.due_on,
            Invoice.currency,
            Invoice.net_cents,
            Invoice.vat_cents,
            Invoice.gross_cents,
            Invoice.state,
            Invoice.downloaded_at,
            Invoice.has_xml,
            Opening.id,
        )
        .join(Opening, JOIN.LEFT_OUTER, on=opened)
        .order_by(Invoice.issued_on.desc(), Invoice.id.desc())
    )


def _row(values: tuple[Any, ...]) -> Row:
    number_to_due, amounts = values[:6], values[6:10]
    state, downloaded_at, has_xml, opening_id = values[10:]
    invoice_id, number, kind, contract, issued_on, due_on = number_to_due
    currency, net_cents, vat_cents, gross_cents = amounts
    return Row(
        id=invoice_id,
        number=number,
        kind=kind,
        kind_label=KIND_LABELS[kind],
        contract=contract,
        issued_on=issued_on,
        due_on=due_on,
        currency=currency,
        net_cents=net_cents,
        vat_cents=vat_cents,
        gross_cents=gross_cents,
        state=state,
        state_label=STATE_LABELS[state],
        is_new=opening_id is None,
        is_downloaded=downloaded_at is not None,
        has_xml=has_xml,
        available_until=queries.available_until(issued_on),
    )


def _count_hidden(matching: Any, user: User) -> int:
    """Count what the display history hides, without reading more than the cap."""
    older = matching.where(Invoice.issued_on < queries.earliest_shown(user))
    return int(older.select(Invoice.id).limit(COUNT_CAP + 1).count())
