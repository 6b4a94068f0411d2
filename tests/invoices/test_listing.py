"""« Mes factures »: what is listed, what is hidden, and how pages follow (FAQ 7, 14)."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, date, datetime, timedelta
from urllib.parse import unquote

import pytest
import time_machine
from flask import Flask

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.db import database
from selfservice.invoices import listing, queries, search
from selfservice.invoices.filters import Filters, clean_filters
from selfservice.invoices.listing import PAGE_ROWS, list_invoices
from selfservice.invoices.models import Opening
from tests.conftest import Browser
from tests.factories import People, make_invoice
from tests.papers import months_ago


@contextmanager
def counted_queries(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    seen: list[str] = []
    execute = database.obj.execute_sql

    def counting(sql: str, *args: object, **kwargs: object) -> object:
        if sql != "SELECT 1":  # asks a PostgreSQL whether it is still there
            seen.append(sql)
        return execute(sql, *args, **kwargs)

    with monkeypatch.context() as patch:
        patch.setattr(database.obj, "execute_sql", counting)
        yield seen


def numbers(user: User, **filters: object) -> list[str]:
    return [row.number for row in list_invoices(user, Filters(**filters)).rows]  # type: ignore[arg-type]


def test_newest_come_first_and_ties_by_deposit(people: People) -> None:
    company = people.alice.company
    make_invoice(company, number="old", issued_on=months_ago(1))
    make_invoice(company, number="first")
    make_invoice(company, number="second")
    assert numbers(people.alice) == ["second", "first", "old"]


def test_a_row_says_all_that_the_list_shows(people: People) -> None:
    make_invoice(
        people.alice.company,
        number="AV-1",
        kind="credit_note",
        state="duplicate",
        contract="K-1",
        issued_on=clock.today(),
        due_on=clock.today(),
        net_cents=-100,
        vat_cents=None,
        gross_cents=-120,
        currency="USD",
        has_xml=True,
    )
    (row,) = list_invoices(people.alice, Filters()).rows
    assert (row.kind_label, row.state_label, row.contract) == ("Avoir", "Duplicata", "K-1")
    assert (row.net_cents, row.vat_cents, row.gross_cents) == (-100, None, -120)
    assert (row.issued_on, row.due_on) == (clock.today(), clock.today())
    assert row.available_until == clock.add_months(clock.today(), 24)
    assert (row.currency, row.has_xml, row.is_credit_note) == ("USD", True, True)
    assert row.is_new


def test_bob_and_charlie_see_nothing_of_alice(people: People) -> None:
    make_invoice(people.alice.company, number="A-1")
    for other in (people.bob, people.charlie):
        for asked in (Filters(), Filters(q="A"), Filters(is_showing_all=True)):
            found = list_invoices(other, asked)
            assert (found.rows, found.hidden_count, found.is_account_empty) == ([], 0, True)


@pytest.mark.parametrize("months", [3, 6, 12, 24])
def test_the_display_history_hides_older_documents_and_counts_them(
    people: People, months: int
) -> None:
    user = people.alice
    user.display_history_months = months
    make_invoice(user.company, number="last shown", issued_on=months_ago(months))
    if months < 24:
        make_invoice(user.company, number="hidden", issued_on=months_ago(months, days=1))
    found = list_invoices(user, Filters())
    assert [row.number for row in found.rows] == ["last shown"]
    assert found.hidden_count == (1 if months < 24 else 0)
    assert (
        found.display_history_label == {3: "3 mois", 6: "6 mois", 12: "1 an", 24: "2 ans"}[months]
    )


def test_one_click_shows_what_is_hidden(people: People) -> None:
    make_invoice(people.alice.company, number="hidden", issued_on=months_ago(4))
    assert numbers(people.alice) == []
    shown = list_invoices(people.alice, Filters(is_showing_all=True))
    assert [row.number for row in shown.rows] == ["hidden"]
    assert shown.hidden_count == 0


def test_search_looks_everywhere_and_says_so(people: People) -> None:
    make_invoice(people.alice.company, number="FA-2026-007", issued_on=months_ago(20))
    make_invoice(people.alice.company, number="FA-2026-008")
    found = list_invoices(people.alice, Filters(q="026-007"))
    assert [row.number for row in found.rows] == ["FA-2026-007"]
    assert found.is_searching_everywhere
    assert numbers(people.alice, q="fa-2026") == ["FA-2026-008", "FA-2026-007"]


@pytest.mark.parametrize("q", ["%", "_", "100%", "A_1", "\\"])
def test_search_takes_wildcards_as_they_are_written(people: People, q: str) -> None:
    make_invoice(people.alice.company, number="A-1")
    assert numbers(people.alice, q=q) == []
    make_invoice(people.alice.company, number=f"x{q}y")
    assert numbers(people.alice, q=q) == [f"x{q}y"]


def test_kind_filters_the_list_and_the_count_of_the_hidden(people: People) -> None:
    company = people.alice.company
    make_invoice(company, number="F")
    make_invoice(company, number="A", kind="credit_note")
    make_invoice(company, number="old F", issued_on=months_ago(5))
    assert numbers(people.alice, kind="credit_note") == ["A"]
    assert list_invoices(people.alice, Filters(kind="credit_note")).hidden_count == 0
    assert list_invoices(people.alice, Filters(kind="invoice")).hidden_count == 1


def test_past_retention_nothing_finds_a_document(people: People) -> None:
    make_invoice(people.alice.company, number="gone", issued_on=months_ago(24, days=1))
    make_invoice(people.alice.company, number="last day", issued_on=months_ago(24))
    assert numbers(people.alice, is_showing_all=True) == ["last day"]
    assert numbers(people.alice, q="gone") == []
    assert list_invoices(people.alice, Filters()).hidden_count == 1


@pytest.mark.parametrize(
    ("now", "is_there"),
    [
        (datetime(2026, 2, 28, 22, 59, tzinfo=UTC), True),  # 23:59 in Paris
        (datetime(2026, 2, 28, 23, 1, tzinfo=UTC), False),  # 00:01 the next day in Paris
    ],
)
def test_retention_ends_with_the_day_in_paris_clamped_to_the_months_end(
    people: People, now: datetime, is_there: bool
) -> None:
    make_invoice(people.alice.company, number="F", issued_on=date(2024, 2, 29))
    with time_machine.travel(now, tick=False):
        assert bool(numbers(people.alice, is_showing_all=True)) is is_there
    assert queries.available_until(date(2024, 2, 29)) == date(2026, 2, 28)


def test_pages_follow_without_loss_while_documents_arrive(people: People) -> None:
    company = people.alice.company
    for each in range(PAGE_ROWS * 2 + 3):
        issued_on = clock.today() - timedelta(days=each // 4)
        make_invoice(company, number=f"F-{each:03}", issued_on=issued_on)
    first = list_invoices(people.alice, Filters())
    assert len(first.rows) == PAGE_ROWS and first.first == 1 and first.next_key
    make_invoice(company, number="meanwhile")
    second = list_invoices(people.alice, clean_filters({"apres": first.next_key}))
    assert second.next_key and second.first == PAGE_ROWS + 2
    third = list_invoices(people.alice, clean_filters({"apres": second.next_key}))
    assert (len(third.rows), third.next_key) == (3, None)
    seen = [row.number for page in (first, second, third) for row in page.rows]
    assert len(set(seen)) == len(seen) == PAGE_ROWS * 2 + 3


@pytest.mark.sqlite
@pytest.mark.parametrize("sort", ["", "emise", "-disponible"])
def test_paging_reads_the_index_and_sorts_nothing(people: People, sort: str) -> None:
    asked = queries.asked(people.alice, Filters())
    for key in (None, queries.Key(clock.today(), clock.today(), 2**62)):
        page = listing._page(asked, people.alice.id, key, terms=(), sort=sort, limit=51)
        sql, parameters = page.sql()
        plan = " ".join(
            row[3] for row in database.execute_sql("EXPLAIN QUERY PLAN " + sql, parameters)
        )
        assert "invoice_company_newest" in plan
        assert "TEMP B-TREE" not in plan and "SCAN" not in plan


def test_the_count_of_the_hidden_stops_at_a_thousand(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "COUNT_CAP", 2)
    for each in range(4):
        make_invoice(people.alice.company, number=f"F-{each}", issued_on=months_ago(5))
    found = list_invoices(people.alice, Filters())
    assert (found.hidden_count, found.is_hidden_count_capped) == (2, True)


def test_an_empty_account_is_told_from_an_empty_search(people: People) -> None:
    assert list_invoices(people.alice, Filters(q="x")).is_account_empty
    make_invoice(people.alice.company, number="F")
    found = list_invoices(people.alice, Filters(q="x"))
    assert found.rows == [] and not found.is_account_empty


def test_new_is_per_user_and_downloaded_per_company(people: People) -> None:
    invoice = make_invoice(people.alice.company, number="F", downloaded_at=clock.now())
    Opening.create(user=people.bob, invoice=invoice, opened_at=clock.now())
    (row,) = list_invoices(people.alice, Filters()).rows
    assert row.is_new
    assert numbers(people.alice, is_not_downloaded=True) == []
    Opening.create(user=people.alice, invoice=invoice, opened_at=clock.now())
    (row,) = list_invoices(people.alice, Filters()).rows
    assert not row.is_new


def test_a_page_takes_nine_queries(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    for each in range(60):
        make_invoice(people.alice.company, number=f"F-{each}")
    user = User.get_by_id(people.alice.id)
    assert user.company.supplier.slug == "diac"
    with counted_queries(monkeypatch) as seen:
        list_invoices(user, Filters())
    assert len(seen) == 9


def test_a_fruitless_search_reads_the_documents_few_times_whatever_is_typed(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_invoice(people.alice.company)
    user = User.get_by_id(people.alice.id)
    for text in (" ".join("zyxwvutsrqponmlkjihg"), "1/1 " * 25, "zz " * 33):
        with counted_queries(monkeypatch) as seen:
            found = list_invoices(user, clean_filters({"q": text}))
        assert len(found.relaxations) == search.MAX_TERMS
        readings = [sql for sql in seen if "search_key" in sql]
        assert len(readings) <= 4 * search.MAX_TERMS, "each word twice, not each beside each"


def test_the_page_over_http_takes_few_queries(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    for each in range(60):
        make_invoice(people.alice.company, number=f"F-{each}")
    alice.get("/factures")
    with counted_queries(monkeypatch) as seen:
        page = alice.get("/factures")
    assert page.status_code == 200 and page.text.count("<tr id=") == PAGE_ROWS
    # Two of them for the bands: do the company's mails arrive, was the first question answered?
    assert len(seen) <= 12, seen


def test_the_page_shows_numbers_labels_and_amounts(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company, number="F<1>", gross_cents=123_450, contract="K&1")
    page = alice.get("/factures").text
    make_invoice(people.alice.company)
    assert "F&lt;1&gt;" in page
    assert "K&amp;1" in alice.get("/factures").text
    assert re.search(r"1\u202f234,50\xa0€", page)
    for word in ("Nouveau", "Numéro", "Échéance"):
        assert word in page


def test_a_visitor_is_sent_to_sign_in_and_back(browser: Browser) -> None:
    response = browser.get("/factures?q=F-1")
    assert response.status_code == 302
    assert unquote(response.headers["Location"]) == "/connexion?next=/factures?q=F-1"


@pytest.mark.parametrize(
    "query",
    [
        "q=%00",
        "q=%ed%a0%80",
        "q=" + "9" * 20_000,
        "kind=%00&historique=%ff",
        "apres=%00",
        "apres=2026-11-21,99999999999999999999",
        "apres=9999-99-99,1",
        "apres=2026-11-21,-1",
        "apres=2026-11-21,%D9%A1",
        "apres=0001-01-01,0",
        "q=%E2%80%AE&q=x",
        "du=9999-12-15&au=9999-12-31",
        "du=0001-01-01&au=0001-01-01",
        "q=avant+01/01/0001",
        "q=apres+31/12/9999",
    ],
)
def test_no_parameter_breaks_the_page(alice: Browser, people: People, query: str) -> None:
    make_invoice(people.alice.company, number="F-1")
    response = alice.get(f"/factures?{query}")
    assert response.status_code == 200
    assert response.headers["Cache-Control"] == "no-store"


def test_filters_keep_only_what_they_understand(app: Flask) -> None:
    cleaned = clean_filters(
        {"q": " a\0b\ud800 ", "kind": "x", "historique": "tout", "apres": "x,1"}
    )
    assert cleaned == Filters(q="ab", kind="", is_showing_all=True, after="x,1")
    assert queries.read_key(cleaned) is None
    assert len(clean_filters({"q": "x" * 500}).q) == 200
