"""The warning of what leaves within 60 days and was never downloaded (FAQ 14)."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine

from selfservice import clock
from selfservice.db import database
from selfservice.invoices import listing, queries
from selfservice.invoices.filters import Filters, clean_filters
from selfservice.invoices.listing import Leaving, list_invoices
from selfservice.invoices.models import Invoice
from tests.conftest import Browser
from tests.factories import People, make_invoice
from tests.papers import months_ago


@pytest.fixture(autouse=True)
def _on_a_day_without_clamping() -> Iterator[None]:
    with time_machine.travel("2026-11-21T09:30:00Z"):
        yield


def leaving_in(days: int) -> date:
    """Return the issue date of a document whose last day comes in so many days."""
    return clock.earliest_lasting(clock.today() + timedelta(days=days), months=24)


def words(page: str) -> str:
    text = re.sub(r"<[^>]+>", "", page).replace("&nbsp;", " ").replace("\xa0", " ")
    return " ".join(text.split())


def test_the_list_warns_from_sixty_days_before_to_the_last_day(people: People) -> None:
    company = people.alice.company
    first, last = leaving_in(0), leaving_in(60)
    for issued_on in (first, last, last + timedelta(days=1), first - timedelta(days=1)):
        make_invoice(company, issued_on=issued_on)
    assert list_invoices(people.alice, Filters()).leaving == Leaving(
        2, queries.available_until(first), queries.available_until(last)
    )


def test_what_was_downloaded_is_warned_of_no_more(alice: Browser, people: People) -> None:
    invoice = make_invoice(people.alice.company, issued_on=leaving_in(10))
    assert list_invoices(people.alice, Filters()).leaving
    Invoice.update(downloaded_at=clock.now()).where(Invoice.id == invoice.id).execute()
    assert list_invoices(people.alice, Filters()).leaving is None
    assert "jamais téléchargé" not in alice.get("/factures").text


def test_bob_and_charlie_are_warned_of_nothing_of_alice(
    people: People, bob: Browser, charlie: Browser
) -> None:
    make_invoice(people.alice.company, number="A-1", issued_on=leaving_in(10))
    for visitor in (bob, charlie):
        for path in ("/factures", "/factures?vue=a_archiver"):
            page = visitor.get(path).text
            assert "jamais téléchargé" not in page and "A-1" not in page


def test_one_click_shows_what_leaves_whatever_the_display_history(
    alice: Browser, people: People
) -> None:
    company = people.alice.company
    make_invoice(company, number="leaving", issued_on=leaving_in(10))
    make_invoice(company, number="recent")
    page = alice.get("/factures").text
    said = "1 document jamais téléchargé ne sera plus disponible après le 1er décembre 2026."
    assert said in words(page)
    (link,) = re.findall(r'href="([^"]*)">\s*<span class="if-wide">Afficher ce document', page)
    page = alice.get(link).text
    assert "leaving" in page and "recent" not in page
    assert 'name="vue" value="a_archiver"' in page, "a search stays within the view"
    assert "Voir toutes mes factures" in page


@pytest.mark.parametrize(
    ("days", "said"),
    [
        ((10, 10), "2 documents jamais téléchargés ne seront plus disponibles après le"),
        (
            (10, 40),
            "2 documents jamais téléchargés ne seront bientôt plus disponibles, le premier après",
        ),
    ],
)
def test_the_warning_names_the_last_day_of_the_first(
    alice: Browser, people: People, days: tuple[int, int], said: str
) -> None:
    for each in days:
        make_invoice(people.alice.company, issued_on=leaving_in(each))
    page = words(alice.get("/factures").text)
    assert said in page and "Afficher ces documents" in page


def test_a_large_count_is_not_counted_to_its_end(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "COUNT_CAP", 2)
    for _ in range(4):
        make_invoice(people.alice.company, issued_on=leaving_in(10))
    found = list_invoices(people.alice, Filters()).leaving
    assert found and found.is_capped and found.count == 3
    assert "Plus de 1 000 documents jamais" in words(alice.get("/factures").text)


def test_pages_of_the_view_follow_within_it(people: People) -> None:
    company = people.alice.company
    for _ in range(listing.PAGE_ROWS + 1):
        make_invoice(company, issued_on=leaving_in(5))
    make_invoice(company, issued_on=months_ago(1))
    first = list_invoices(people.alice, clean_filters({"vue": "a_archiver"}))
    assert first.next_key and first.hidden_count == 0
    second = list_invoices(
        people.alice, clean_filters({"vue": "a_archiver", "apres": first.next_key})
    )
    assert (len(second.rows), second.next_key) == (1, None)


@pytest.mark.sqlite
def test_the_count_reads_the_index_of_what_nobody_downloaded(people: People) -> None:
    days = queries.visible_to(people.alice).where(queries.is_leaving(clock.today()))
    sql, values = days.select(Invoice.issued_on).order_by(Invoice.issued_on).sql()
    plan = database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values).fetchall()
    (step,) = plan
    assert step[3].startswith("SEARCH t1 USING INDEX invoice_undownloaded (company_id=?"), step
