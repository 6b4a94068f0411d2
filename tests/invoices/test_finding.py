"""What the list finds, counts and sorts, against a plain Python reading of the same rules."""

import random
import unicodedata
from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfservice import clock
from selfservice.db import database
from selfservice.invoices import listing, queries
from selfservice.invoices.filters import SORTS, Filters, clean_filters
from selfservice.invoices.listing import list_invoices
from selfservice.invoices.models import KINDS, STATES, Invoice
from selfservice.invoices.search import Term
from tests.factories import People, make_company, make_invoice, make_profile, make_user
from tests.invoices.test_listing import counted_queries
from tests.papers import months_ago

pytestmark = pytest.mark.slow  # many documents, every order

DOCUMENTS = 60
PAGE = 7
NUMBERS = ("FA-2026-", "AV 2026/", "fa_", "%", "É-", "12", "2026-03")
CONTRACTS = ("", "VEH-1", "VEH-10", "LLD-1")
SEARCHES = (
    *(
        "",
        "fa",
        "FA-2026-",
        "fa-2026-000",
        "av 2026",
        "fa_0",
        "%",
        "É-0",
        "é-000",
        "00",
        "1",
        "zz",
        "zzz",
    ),
    *("120,00", "1 200,50", "1200.5", "-120", "120", "89,90 €", "2026", "2026-03", "03/2026"),
    *(
        "mars 2026",
        "12/03/2026",
        "2026-03-12",
        "12 mars 2026",
        'a"b',
        "FA-2026-0001 OR x",
        "x" * 100,
    ),
)
EACH_SORT = ("", *SORTS, *(f"-{name}" for name in SORTS))
ANY_APP = settings(
    deadline=None,
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@pytest.fixture(autouse=True)
def _small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "PAGE_ROWS", PAGE)


@pytest.fixture
def documents(people: People) -> list[Invoice]:
    """Documents of alice's company, among those of others that look the same."""
    chance = random.Random(1)
    with database.atomic():
        for company in (people.bob.company, people.charlie.company):
            for each in range(20):
                make_invoice(company, **drawn(chance, 500 + each, "other"))
        mine = [drawn(chance, each) for each in range(DOCUMENTS)]
        return [make_invoice(people.alice.company, **fields) for fields in mine]


def drawn(chance: random.Random, number: int, end: str = "") -> dict[str, Any]:
    cents = chance.choice((12_000, -12_000, 120_050, 8_990, 202_600, chance.randint(1, 10**6)))
    today = clock.today()
    days = (*(today - timedelta(days=each) for each in (0, 1, 80, 100, 400, 700, 729, 740)),)
    return {
        "number": f"{chance.choice(NUMBERS)}{number:05}{end}",
        "kind": chance.choice(KINDS),
        "state": chance.choice(STATES),
        "contract": chance.choice(CONTRACTS),
        "issued_on": chance.choice((*days, date(2026, 3, 12), date(2026, 3, 31))),
        "due_on": chance.choice((None, today, today + timedelta(days=30))),
        "net_cents": chance.choice((None, cents, 12_000)),
        "vat_cents": chance.choice((None, 100, 200)),
        "gross_cents": cents,
        "downloaded_at": chance.choice((None, clock.now())),
    }


def found_by(filters: Filters, documents: list[Invoice], user: Any) -> list[Invoice]:
    """The rules, read one document after the other."""
    today = clock.today()
    found = [each for each in documents if each.issued_on >= queries.earliest_available(today)]
    tests = {
        "q": lambda each: is_searched(queries.terms_of(user, filters), each),
        "kind": lambda each: each.kind == filters.kind,
        "state": lambda each: each.state == filters.state,
        "contract": lambda each: each.contract == filters.contract,
        "since": lambda each: each.issued_on >= filters.since,
        "until": lambda each: each.issued_on <= filters.until,
        "is_not_downloaded": lambda each: each.downloaded_at is None,
        "is_leaving": lambda each: (
            each.downloaded_at is None
            and (queries.available_until(each.issued_on) - today).days <= 60
        ),
    }
    for name in filters.narrowing:
        found = [each for each in found if tests[name](each)]
    return found


def is_searched(terms: list[Term], document: Invoice) -> bool:
    """Read each term by itself: any of its readings, of all terms."""
    amounts = {abs(each) for each in (document.gross_cents, document.net_cents) if each is not None}
    parts = [simple(document.number), simple(document.contract)]

    def is_meant(term: Term) -> bool:
        if term.kind:
            return term.kind == document.kind
        is_amount = term.cents and any(term.cents[0] <= each <= term.cents[1] for each in amounts)
        period = term.period
        is_issued = period and period.since <= document.issued_on <= period.until
        return any(simple(term.words) in each for each in parts) or bool(is_amount or is_issued)

    return all(map(is_meant, terms))


def simple(text: str) -> str:
    letters = unicodedata.normalize("NFKD", text.lower())
    return "".join(each for each in letters if each.isalnum() or each in '%_,"')


def is_shown(filters: Filters, document: Invoice, user: Any) -> bool:
    is_limited = not (filters.q or filters.is_showing_all or filters.is_leaving)
    return not is_limited or document.issued_on >= queries.earliest_shown(user)


def in_order(documents: list[Invoice], sort: str) -> list[str]:
    name = SORTS[sort.removeprefix("-")] if sort else "issued_on"
    is_descending = not sort or sort.startswith("-")
    known = [each for each in documents if getattr(each, name) is not None]
    absent = [each for each in documents if getattr(each, name) is None]
    known.sort(key=lambda each: (getattr(each, name), each.issued_on, each.id))
    absent.sort(key=lambda each: (each.issued_on, each.id))
    if is_descending:
        known.reverse()
        absent.reverse()
    return [each.number for each in known + absent]


def pages(user: Any, filters: Filters) -> Iterator[listing.Listing]:
    """Turn the pages by what the address of each says."""
    key: str | None = ""
    while key is not None:
        page = list_invoices(user, clean_filters(filters.args(after=key)))
        yield page
        key = page.next_key


filters_of_all_kinds = st.builds(
    Filters,
    q=st.sampled_from(SEARCHES),
    kind=st.sampled_from(("", "", *KINDS)),
    state=st.sampled_from(("", "", "", *STATES)),
    contract=st.sampled_from(CONTRACTS),
    since=st.sampled_from((None, None, date(2025, 1, 1), date(2026, 3, 12))),
    until=st.sampled_from((None, None, date(2026, 3, 31), clock.today())),
    is_not_downloaded=st.booleans(),
    is_showing_all=st.booleans(),
    is_leaving=st.sampled_from((False, False, False, True)),
    sort=st.sampled_from(EACH_SORT),
)


@ANY_APP
@given(filters=filters_of_all_kinds)
def test_pages_show_what_the_rules_find_in_their_order(
    people: People, documents: list[Invoice], filters: Filters
) -> None:
    found = found_by(filters, documents, people.alice)
    shown = [each for each in found if is_shown(filters, each, people.alice)]
    read = list(pages(people.alice, filters))
    assert [row.number for page in read for row in page.rows] == in_order(shown, filters.sort)
    assert {page.count for page in read} == {len(shown)}
    hidden = 0 if filters.q else len(found) - len(shown)
    assert {page.hidden_count for page in read} == {hidden}
    matching = queries.matching(people.alice, filters).select(Invoice.id).tuples()
    assert {key for (key,) in matching} == {each.id for each in found}


@pytest.mark.parametrize("q", ["", "fa", "000", "120,00"])
def test_each_column_sorts_both_ways_with_absent_values_last(
    people: People, documents: list[Invoice], q: str
) -> None:
    for sort in EACH_SORT:
        filters = Filters(q=q, is_showing_all=True, sort=sort)
        read = [row.number for page in pages(people.alice, filters) for row in page.rows]
        assert read == in_order(found_by(filters, documents, people.alice), sort), sort


@pytest.mark.parametrize("q", ["", "000"])
@pytest.mark.slow
def test_no_document_is_lost_or_shown_twice_while_others_are_deposited(
    people: People, documents: list[Invoice], q: str
) -> None:
    for sort in EACH_SORT:
        chance, seen = random.Random(2), []
        filters = Filters(q=q, is_showing_all=True, sort=sort)
        with database.atomic() as change:
            for number, page in enumerate(pages(people.alice, filters)):
                seen += [row.number for row in page.rows]
                make_invoice(people.alice.company, **drawn(chance, 900 + number, "000"))
            change.rollback()
        assert len(seen) == len(set(seen)), sort
        assert set(in_order(found_by(filters, documents, people.alice), sort)) <= set(seen), sort


@pytest.mark.sqlite
@pytest.mark.parametrize("filters", [Filters(since=date(2026, 1, 1)), Filters(is_showing_all=True)])
def test_one_bound_at_each_end_of_the_period_is_asked_for(
    people: People, monkeypatch: pytest.MonkeyPatch, filters: Filters
) -> None:
    """A second one would have SQLite read all the documents between the two."""
    with counted_queries(monkeypatch) as seen:
        list_invoices(people.alice, filters)
    for sql in seen:
        if '"downloaded_at" IS NULL' not in sql and '"users"' not in sql:
            assert sql.count('"issued_on" >= ?') <= 1
            assert sql.count('"issued_on" <= ?') <= 1


def test_nobody_finds_counts_or_chooses_what_is_anothers(
    people: People, documents: list[Invoice]
) -> None:
    stranger = make_user(make_company(people.supplier), "stranger")
    driver = make_user(
        people.alice.company, "driver", profile=make_profile(people.alice.company, "P", "LLD-1")
    )
    for q in SEARCHES:
        page = list_invoices(stranger, Filters(q=q, is_showing_all=True))
        assert (page.rows, page.count, page.hidden_count, page.contracts) == ([], 0, 0, [])
        mine = [each for each in documents if each.contract == "LLD-1"]
        read = list(pages(driver, Filters(q=q, is_showing_all=True)))
        found = found_by(Filters(q=q), mine, driver)
        assert [row.number for page in read for row in page.rows] == in_order(found, "")
        assert {page.count for page in read} == {len(found)}


def test_the_choice_of_contracts_is_that_of_the_documents_available(people: People) -> None:
    company, today = people.alice.company, clock.today()
    make_invoice(people.bob.company, contract="BOB")
    assert list_invoices(people.alice, Filters()).contracts == []
    kept = make_invoice(company, contract="B")
    assert list_invoices(people.alice, Filters()).contracts == [], "no choice among one"
    make_invoice(company, contract="")
    make_invoice(company, contract="GONE", issued_on=months_ago(24, days=1))
    moved = make_invoice(company, contract="A", issued_on=months_ago(20))
    assert list_invoices(people.alice, Filters()).contracts == ["A", "B"]
    moved.contract = "C"
    moved.save()
    later = make_invoice(company, contract="B", issued_on=today)
    kept.delete_instance()
    assert list_invoices(people.alice, Filters()).contracts == ["B", "C"]
    later.delete_instance()
    assert queries.billed_contracts(company.id, limit=10) == ["C"]
    profile = make_profile(company, "P", "C", "BOB", "GONE")
    assert queries.billed_contracts(company.id, profile.id, limit=10) == ["C"]


def test_a_hundred_contracts_are_offered_and_more_are_told(people: People) -> None:
    for number in range(101):
        make_invoice(people.alice.company, contract=f"K-{number:03}")
    page = list_invoices(people.alice, Filters())
    assert (len(page.contracts), page.has_more_contracts) == (100, True)


def test_the_count_stops_at_a_thousand(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listing, "COUNT_CAP", 10)
    for number in range(12):
        make_invoice(people.alice.company, number=f"FA-{number}")
    for filters in (Filters(), Filters(q="FA-"), Filters(q="FA-", sort="ttc")):
        page = list_invoices(people.alice, filters)
        assert (page.count, page.is_count_capped) == (10, True)


def test_the_foot_of_the_page_adds_up_its_rows_by_currency(people: People) -> None:
    company = people.alice.company
    make_invoice(company, net_cents=100, vat_cents=20, gross_cents=120)
    make_invoice(company, net_cents=-40, vat_cents=None, gross_cents=-48)
    make_invoice(company, currency="USD", net_cents=None, vat_cents=0, gross_cents=5)
    assert list_invoices(people.alice, Filters(sort="-ttc")).page_totals == [
        listing.PageTotal("EUR", 60, None, 72),
        listing.PageTotal("USD", None, 0, 5),
    ]


@pytest.mark.parametrize("search", ["", "FA-"])
def test_months_add_up_to_more_than_a_database_can_hold(people: People, search: str) -> None:
    largest = 10**17 - 1  # cents, of fifteen digits before the comma
    for number in range(93):
        make_invoice(people.alice.company, number=f"FA-{number}", gross_cents=largest)
    for number in range(3):
        make_invoice(
            people.alice.company, number=f"FA-C{number}", currency="USD", gross_cents=-largest
        )
    months = list_invoices(people.alice, Filters(q=search)).months
    assert months[0].sums == [("EUR", 93 * largest), ("USD", -3 * largest)]


def test_days_left_are_told_from_sixty_days_before(people: People) -> None:
    with time_machine.travel("2026-11-21T09:30:00Z"):
        for days in (0, 60, 61):
            day = clock.earliest_lasting(clock.today() + timedelta(days=days), months=24)
            make_invoice(people.alice.company, issued_on=day)
        rows = list_invoices(people.alice, Filters(is_showing_all=True, sort="emise")).rows
        assert [row.days_left for row in rows] == [0, 60, None]


MONTHS = "janvier février mars avril mai juin juillet août septembre octobre novembre décembre"
NAMES_OF_MONTHS = dict(enumerate(MONTHS.split(), 1))


@st.composite
def typed(draw: st.DrawFn) -> tuple[int, dict[str, bool], str]:
    """Which document a customer has in hand, what of it is typed, and how."""
    facets = draw(
        st.fixed_dictionaries(dict.fromkeys(("number", "amount", "month"), st.booleans()))
    )
    separator = draw(st.sampled_from(("-", " ", "/", "", "\u2011", "\xa0")))
    return draw(st.integers(0, DOCUMENTS - 1)), facets, separator


def written(document: Invoice, facets: dict[str, bool], separator: str) -> list[str]:
    day, cents = document.issued_on, abs(document.gross_cents)
    ways = {
        "number": document.number.upper().replace("-", separator),
        "amount": f"{cents // 100:,}".replace(",", "\u202f") + f",{cents % 100:02} €",
        "month": f"{NAMES_OF_MONTHS[day.month]} {day.year}",
    }
    return [ways[name] for name, is_typed in facets.items() if is_typed]


@ANY_APP
@given(what=typed(), chance=st.randoms(use_true_random=False))
def test_what_a_customer_reads_on_a_document_finds_it(
    people: People,
    documents: list[Invoice],
    what: tuple[int, dict[str, bool], str],
    chance: random.Random,
) -> None:
    place, facets, separator = what
    wanted = documents[place]
    if wanted.issued_on < queries.earliest_available(clock.today()):
        return
    parts = ["facture", *written(wanted, facets, separator), "du"]
    chance.shuffle(parts)
    matching = queries.matching(people.alice, Filters(q=" ".join(parts)))
    found = {each.id: each for each in matching}
    assert wanted.id in found, parts
    for each in found.values():
        if facets["amount"] and not facets["number"]:
            amounts = {abs(each.gross_cents), abs(each.net_cents or 0)}
            assert abs(wanted.gross_cents) in amounts, parts
        if facets["month"] and not facets["number"]:
            same = (wanted.issued_on.year, wanted.issued_on.month)
            assert (each.issued_on.year, each.issued_on.month) == same, parts
