"""The list of « Mes factures »: one page of light rows, newest first, and what is hidden."""

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from peewee import JOIN, fn

from selfservice import clock
from selfservice.accounts.models import DISPLAY_HISTORY_CHOICES, User
from selfservice.invoices import queries, search, sorting
from selfservice.invoices.filters import Filters
from selfservice.invoices.labels import KIND_LABELS, STATE_LABELS
from selfservice.invoices.models import Invoice, Opening

PAGE_ROWS = 50
COUNT_CAP = 1000
MAX_CONTRACTS = 100


@dataclass(frozen=True, slots=True)
class Credited:
    """What a credit note credits; `id` is None for what the reader cannot see here."""

    number: str
    id: int | None = None


@dataclass(frozen=True, slots=True)
class Row:
    """One document of the list; amounts in cents, `available_until` inclusive.

    `is_new` is the reader's own (« Nouveau »), `is_downloaded` their company's. `days_left` is
    set once the document leaves within 60 days (0 on its last day). `credits` names what a
    credit note credits, where its XML says so.
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
    days_left: int | None = None
    credits: list[Credited] = field(default_factory=list)

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
class PageTotal:
    """What the rows of the page add up to in one currency; None where an amount is unknown."""

    currency: str
    net_cents: int | None
    vat_cents: int | None
    gross_cents: int


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why nothing was found, when the portal knows (FAQ 11).

    `kind` is « before_opening » (`on`: the day the supplier's portal opened), « expired » (`on`:
    the first day of issue still available), « future » or « old_login » (an E-Fact login is no
    number).
    """

    kind: str
    on: date | None = None


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
    those the reader may choose from, none when there is no choice.
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
    page_totals: list[PageTotal] = field(default_factory=list)
    explanation: Explanation | None = None


def list_invoices(user: User, filters: Filters) -> Listing:
    """Return one page of what the user may see, in the order asked for.

    A search looks at everything available; without one the display history applies unless
    `is_showing_all` or `is_leaving` (FAQ 7). Opens no transaction: six short reads at most.
    """
    found, listed = matching(user, filters), shown(user, filters)
    rows, next_key = _page(listed, user, filters)
    is_whole = not (next_key or filters.after)
    count = len(rows) if is_whole else _count(listed)
    hidden = _count_hidden(found, user) if _is_limited(filters) else 0
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
        leaving=_leaving(user),
        is_account_empty=not rows and not hidden and not queries.visible_to(user).exists(),
    )


def matching(user: User, filters: Filters) -> Any:
    """Return all that the filters find among what the user may see, in no order.

    The display history does not apply: this is what a register holds.
    """
    query = queries.visible_to(user)
    if filters.q:
        query = query.where(search.condition(filters.q))
    if filters.since:
        query = query.where(Invoice.issued_on >= filters.since)
    if filters.until:
        query = query.where(Invoice.issued_on <= filters.until)
    if filters.is_not_downloaded:
        query = query.where(Invoice.downloaded_at.is_null())
    if filters.is_leaving:
        query = query.where(queries.is_leaving(clock.today()))
    for column, value in (
        (Invoice.kind, filters.kind),
        (Invoice.state, filters.state),
        (Invoice.contract, filters.contract),
    ):
        if value:
            query = query.where(column == value)
    return query


def shown(user: User, filters: Filters) -> Any:
    """Return what the list shows of `matching` on all its pages, in no order."""
    found = matching(user, filters)
    return queries.within_history(found, user) if _is_limited(filters) else found


def _is_limited(filters: Filters) -> bool:
    return not (filters.q or filters.is_showing_all or filters.is_leaving)


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


def _page(query: Any, user: User, filters: Filters) -> tuple[list[Row], str | None]:
    key = sorting.read_key(filters.sort, filters.after)
    if key:
        query = sorting.following(query, filters.sort, key)
    query = sorting.ordered(_columns(query, user), filters.sort)
    found = list(query.limit(PAGE_ROWS + 1).tuples())
    rows = [_row(values) for values in found[:PAGE_ROWS]]
    if len(found) <= PAGE_ROWS:
        return rows, None
    return rows, sorting.write_key(filters.sort, rows[-1])


def _columns(query: Any, user: User) -> Any:
    opened = (Opening.invoice == Invoice.id) & (Opening.user == user.id)
    return query.select(
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
    ).join(Opening, JOIN.LEFT_OUTER, on=opened)


def _row(values: tuple[Any, ...]) -> Row:
    number_to_due, amounts = values[:6], values[6:10]
    state, downloaded_at, has_xml, opening_id = values[10:]
    invoice_id, number, kind, contract, issued_on, due_on = number_to_due
    currency, net_cents, vat_cents, gross_cents = amounts
    until = queries.available_until(issued_on)
    days_left = (until - clock.today()).days
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
        available_until=until,
        days_left=days_left if days_left <= queries.LEAVING_DAYS else None,
    )


def _count_hidden(matching: Any, user: User) -> int:
    return _count(matching.where(Invoice.issued_on < queries.earliest_shown(user)))


def _count(query: Any) -> int:
    """Count documents, without reading more than the cap."""
    return int(query.select(Invoice.id).limit(COUNT_CAP + 1).count())
