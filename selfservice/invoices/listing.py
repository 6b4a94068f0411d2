"""The list of « Mes factures »: one page of light rows, and what the page says about them."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any, NamedTuple, cast

from babel.dates import format_date
from flask import current_app
from peewee import JOIN, ModelSelect, fn

from selfservice import clock, db
from selfservice.accounts.models import DISPLAY_HISTORY_CHOICES, User
from selfservice.db import Prepared, read_date
from selfservice.invoices import missing, queries
from selfservice.invoices.credits import Link, linked
from selfservice.invoices.explanation import Explanation, explain_absence
from selfservice.invoices.filters import Filters
from selfservice.invoices.messages import KIND_LABELS, STATE_LABELS
from selfservice.invoices.missing import Missing
from selfservice.invoices.models import Invoice, Opening
from selfservice.invoices.queries import Asked, Key
from selfservice.invoices.search import Term
from selfservice.invoices.words import Word, words_of

PAGE_ROWS = 50
COUNT_CAP = 1000
MAX_CONTRACTS = 100
PARTICULARS = ("kind", "state", "contract")  # said of a row only where rows differ


class Row(NamedTuple):
    """One document of the list; amounts in cents, `available_until` inclusive.

    `is_new` is the reader's own (« Nouveau »), `is_downloaded` their company's. `days_left` is set
    once the document leaves within 60 days (0 on its last day). `links` names what a credit note
    credits, where its XML says so, or the credit notes of an invoice. `company` names whose it is
    where several are read.
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
    has_xml: bool
    is_new: bool
    is_downloaded: bool
    available_until: date
    days_left: int | None
    company: str = ""
    links: tuple[Link, ...] = ()

    @property
    def is_credit_note(self) -> bool:
        return self.kind == "credit_note"

    @property
    def kind_label(self) -> str:
        return KIND_LABELS[self.kind]

    @property
    def state_label(self) -> str:
        return STATE_LABELS[self.state]


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
class Relaxation:
    """How many documents there are without one word; no more than 1,000 are counted."""

    word: Word
    count: int
    is_capped: bool


@dataclass(frozen=True, slots=True)
class PageTotal:
    """What the rows of the page add up to in one currency; None where an amount is unknown."""

    currency: str
    net_cents: int | None
    vat_cents: int | None
    gross_cents: int


@dataclass(frozen=True, slots=True)
class Month:
    """Rows of one month, and what all the documents shown of that month sum up to by currency.

    In another order than by date all rows are in one, without name.
    """

    name: str
    rows: list[Row]
    sums: list[tuple[str, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Listing:
    """One page of documents and what the page says about it.

    `count` is how many documents the list shows on all its pages, `hidden_count` how many more
    match but are hidden by the reader's display history; both stop at 1,000 (`is_count_capped`,
    `is_hidden_count_capped`: « plus de 1 000 »). `display_history_label` is that duration in
    words (« 3 mois »). `is_searching_everywhere` says that a search looked beyond it. `next_key`
    opens the following page (None on the last), `previous_key` the one before (None where that is
    the first); `first` is the place of the first row, counted from 1, 0 beyond the 1,000th.
    `is_account_empty`: the reader has no document at all yet, so an empty page is not the
    filters' doing. `leaving` warns of what leaves soon, whatever the filters. `contracts` are
    the first 100 the reader may choose from (`has_more_contracts`), none when there is no choice.
    `months` hold the rows; `page_totals` add them up. `differing` are the columns of PARTICULARS
    whose value is not the same in all rows. `words` are what narrows the list. `explanation` and
    `relaxations` are set only where nothing was found; `missing` except in an empty account.
    """

    rows: list[Row] = field(default_factory=list)
    count: int = 0
    is_count_capped: bool = False
    hidden_count: int = 0
    is_hidden_count_capped: bool = False
    display_history_label: str = ""
    is_searching_everywhere: bool = False
    next_key: str | None = None
    previous_key: str | None = None
    first: int = 1
    months: list[Month] = field(default_factory=list)
    differing: set[str] = field(default_factory=set)
    is_account_empty: bool = False
    leaving: Leaving | None = None
    contracts: list[str] = field(default_factory=list)
    has_more_contracts: bool = False
    page_totals: list[PageTotal] = field(default_factory=list)
    words: list[Word] = field(default_factory=list)
    explanation: Explanation | None = None
    relaxations: list[Relaxation] = field(default_factory=list)
    missing: Missing | None = None

    @property
    def total(self) -> int:
        """How many documents the filters find, the hidden ones among them."""
        return self.count + self.hidden_count

    @property
    def last(self) -> int:
        return self.first + len(self.rows) - 1


def list_invoices(user: User, filters: Filters) -> Listing:
    """Return one page of what the user may see, in the order asked for.

    A search looks at everything available; without one the display history applies unless
    `is_showing_all` or `is_leaving` (FAQ 7). Opens no transaction: a few short reads.
    """
    parts: dict[str, bool] = {}
    terms = queries.terms_of(user, filters, parts)
    shown, key = queries.within_history(user, filters), queries.read_key(filters)
    found = _read_page(user, shown, terms, key)
    rows = _rows(user, found[:PAGE_ROWS])
    has_more = len(found) > PAGE_ROWS
    count = _count(user, shown, terms) if has_more or key else len(rows)
    hidden = _count_hidden(user, filters) if filters.is_within_history else 0
    contracts = queries.contracts_of(user, limit=MAX_CONTRACTS + 1)
    is_empty = not (rows or hidden or queries.visible_to(user).exists())
    is_absent = not (rows or hidden or is_empty)
    words = words_of(user, filters, terms)
    first, previous_key = _place(user, shown, terms, key) if key else (1, None)
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
        next_key=queries.write_key(filters.sort, rows[-1]) if has_more else None,
        previous_key=previous_key,
        first=first,
        months=_by_month(user, shown, terms, rows),
        differing={name for name in PARTICULARS if len({getattr(row, name) for row in rows}) > 1},
        is_account_empty=is_empty,
        leaving=_read_leaving(user),
        contracts=contracts[:MAX_CONTRACTS] if len(contracts) > 1 else [],
        has_more_contracts=len(contracts) > MAX_CONTRACTS,
        page_totals=_add_up(rows),
        words=words,
        explanation=explain_absence(user, filters, terms) if is_absent else None,
        relaxations=_relax(user, words, parts) if is_absent else [],
        missing=None if is_empty else missing.check(user),
    )


def _relax(user: User, words: list[Word], parts: dict[str, bool]) -> list[Relaxation]:
    """Count what there is without each word, all that is available.

    `parts` is what `queries.terms_of` has asked already.
    """
    found = []
    for word in words:
        everywhere = replace(word, without=replace(word.without, is_showing_all=True))
        terms = queries.terms_of(user, everywhere.without, parts)
        count = _count(user, everywhere.without, terms)
        found.append(Relaxation(everywhere, min(count, COUNT_CAP), count > COUNT_CAP))
    return found


def _read_page(
    user: User, filters: Filters, terms: Sequence[Term], key: Key | None
) -> list[tuple[Any, ...]]:
    """Return the columns of `_page` for the documents from a key on, one more than a page has."""
    asked = queries.asked(user, queries.from_key(filters, key))
    limit = PAGE_ROWS + 1
    if terms:  # the words of each search differ: its SQL is not worth keeping
        return db.rows(_page(asked, user.id, key, terms=terms, sort=filters.sort, limit=limit))
    return _PAGE.rows(asked, user.id, key, terms=(), sort=filters.sort, limit=limit)


def _page(
    asked: Asked, user_id: Any, key: Key | None, *, terms: Sequence[Term], sort: str, limit: int
) -> "ModelSelect[Invoice]":
    query = queries.ordered(queries.narrowed(asked, terms), sort)
    if key:
        query = queries.following(query, sort, key)
    opened = (Opening.invoice == Invoice.id) & (Opening.user == user_id)
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
            Invoice.has_xml,
            Invoice.downloaded_at.is_null(),
            Opening.id,
            Invoice.company,
        )
        .join(Opening, JOIN.LEFT_OUTER, on=opened)
        .limit(limit)
    )


def _rows(user: User, found: list[tuple[Any, ...]]) -> list[Row]:
    today, months = clock.today(), current_app.config["RETENTION_MONTHS"]
    is_several = len(user.spaces) > 1
    labels = {space.id: space.label for space in user.spaces if is_several}
    rows = [_row(values, today, months, labels) for values in found]
    links = linked(
        user,
        notes=[row.id for row in rows if row.is_credit_note],
        invoices={row.number: row.id for row in rows if not row.is_credit_note},
    )
    return [row._replace(links=links[row.id]) if row.id in links else row for row in rows]


def _row(
    values: tuple[Any, ...], today: date, retention_months: int, companies: dict[int, str]
) -> Row:
    invoice_id, number, kind, contract, issued, due, currency = values[:7]
    net_cents, vat_cents, gross_cents, state, has_xml, is_untouched, opening_id = values[7:-1]
    issued_on = read_date(issued)
    until = clock.add_months(issued_on, retention_months)
    days_left = (until - today).days
    return Row(
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
        bool(has_xml),
        opening_id is None,
        not is_untouched,
        until,
        days_left if days_left <= queries.LEAVING_DAYS else None,
        companies.get(values[-1], ""),
    )


def _place(user: User, shown: Filters, terms: Sequence[Term], key: Key) -> tuple[int, str | None]:
    """Return the place of the first row after a key, and the key of the page before.

    The place is 0 where counting would go too far.
    """
    found, sort = queries.narrowed(queries.asked(user, shown), terms), shown.sort
    before = queries.preceding(found, sort, key).select(Invoice.id).limit(COUNT_CAP + 1).count()
    previous_key = queries.write_key_before(found, sort, key, rows=PAGE_ROWS)
    return (before + 1 if before <= COUNT_CAP else 0), previous_key


def _by_month(user: User, shown: Filters, terms: Sequence[Term], rows: list[Row]) -> list[Month]:
    if not (rows and queries.is_by_date(shown.sort)):
        return [Month("", rows)]
    days = [row.issued_on for row in rows]
    since = min(days).replace(day=1)
    until = clock.add_months(max(days).replace(day=1), 1) - timedelta(days=1)
    of_page = queries.asked(user, shown.within(since=since, until=until))
    sums = db.rows(_sums(of_page, terms=terms)) if terms else _SUMS.rows(of_page, terms=())
    return [
        Month(
            format_date(date.fromisoformat(f"{month}-01"), "MMMM y", locale="fr").capitalize(),
            list(of_month),
            [
                (currency, int(units) * queries.SUM_UNIT + int(rest))
                for name, currency, units, rest in sums
                if name == month
            ],
        )
        for month, of_month in groupby(rows, lambda row: f"{row.issued_on:%Y-%m}")
    ]


def _count(user: User, filters: Filters, terms: Sequence[Term] = ()) -> int:
    """Count what filters find, no further than one more than COUNT_CAP."""
    asked = queries.asked(user, filters)
    if terms:
        ((count,),) = db.rows(_counted(asked, terms=terms, limit=COUNT_CAP + 1))
    else:
        ((count,),) = _COUNT.rows(asked, terms=(), limit=COUNT_CAP + 1)
    return int(count)


def _counted(asked: Asked, *, terms: Sequence[Term], limit: int) -> "ModelSelect[Invoice]":
    found = queries.narrowed(asked, terms).select(Invoice.id).limit(limit)
    return Invoice.select(fn.COUNT(found.c.id)).from_(found)


def _count_hidden(user: User, filters: Filters) -> int:
    last_hidden_on = queries.earliest_shown(user) - timedelta(days=1)
    return _count(user, filters.within(until=last_hidden_on))


def _read_leaving(user: User) -> Leaving | None:
    asked = queries.asked(user, Filters(is_leaving=True))
    ((count, first, last),) = _LEAVING.rows(asked, limit=COUNT_CAP + 1)
    if not count:
        return None
    first_on, last_on = (queries.available_until(read_date(day)) for day in (first, last))
    return Leaving(count, first_on, last_on)


def _sums(asked: Asked, *, terms: Sequence[Term]) -> "ModelSelect[Invoice]":
    return queries.sums_by_month(queries.narrowed(asked, terms))


def _leaving(asked: Asked, *, limit: int) -> "ModelSelect[Invoice]":
    """Count up to a limit, and take each end from the index: all that leaves may be much."""
    soon = queries.narrowed(asked)
    ends = [soon.select(end(Invoice.issued_on)) for end in (fn.MIN, fn.MAX)]
    return Invoice.select(_counted(asked, terms=(), limit=limit), *ends).from_()


_PAGE, _COUNT, _LEAVING = Prepared(build=_page), Prepared(build=_counted), Prepared(build=_leaving)
_SUMS = Prepared(build=_sums)


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
