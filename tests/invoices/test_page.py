"""The page of the list: what its markup says, to a reader with and without script."""

import re
from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine

from tests.conftest import Browser
from tests.factories import People, make_invoice


@pytest.fixture
def november() -> Iterator[None]:
    """The day of the test, for fixtures after this one too."""
    with time_machine.travel("2026-11-21T10:00:00Z", tick=False):
        yield


def headings(page: str) -> dict[str, str]:
    """Return the order that each sorted heading announces."""
    return {
        name: order
        for order, name in re.findall(
            r'aria-sort="(\w+)">\s*<a href="[^"]*">([^<]+)</a>', page, re.DOTALL
        )
    }


def test_the_sorted_heading_says_so_and_offers_the_other_way(
    alice: Browser, people: People
) -> None:
    make_invoice(people.alice.company)
    page = alice.get("/factures?q=FA&kind=invoice").text
    assert headings(page) == {"Émise le": "descending"}
    assert '<a href="/factures?q=FA&amp;kind=invoice&amp;tri=emise">Émise le</a>' in page
    assert '<a href="/factures?q=FA&amp;kind=invoice&amp;tri=-ttc">TTC</a>' in page
    page = alice.get("/factures?tri=-ttc").text
    assert headings(page) == {"TTC": "descending"}
    assert '<a href="/factures?tri=ttc">TTC</a>' in page


def test_the_selection_carries_the_filters_and_each_box_its_document(
    alice: Browser, people: People
) -> None:
    invoice = make_invoice(people.alice.company, number="FA-1")
    page = alice.get("/factures?q=FA&kind=invoice&tri=ttc").text
    form = page.split('<form id="selection"')[1].split("</form>")[0]
    assert 'action="/factures/archive.zip"' in form
    assert re.findall(r'name="(\w+)" value="([^"]*)"', form) == [
        ("q", "FA"),
        ("kind", "invoice"),
        ("tri", "ttc"),
        ("choix", "coches"),
        ("choix", "tout"),
    ]
    box = page.split('aria-label="Cocher FA-1"')[0].rsplit("<input", 1)[1]
    assert f'name="id" value="{invoice.id}"' in re.sub(r"\s+", " ", box)
    assert 'form="selection"' in box
    for kind in ("csv", "xlsx"):
        assert f'href="/factures/registre.{kind}?q=FA&amp;kind=invoice&amp;tri=ttc"' in page


def test_nothing_to_keep_where_nothing_is_found(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company)
    assert 'id="selection"' not in alice.get("/factures?q=zzz").text


def test_the_first_view_sums_up_the_month_and_the_year(
    november: None, alice: Browser, people: People
) -> None:
    make_invoice(people.alice.company, gross_cents=123_450)
    page = alice.get("/factures").text
    assert "Totaux TTC" in page and "Novembre 2026" in page
    assert 'href="/factures?du=2026-11-01&amp;au=2026-11-30&amp;historique=tout"' in page
    assert re.search(r'<svg[^>]*role="img"[^>]*aria-labelledby', page)
    for query in ("q=x", "kind=invoice", "tri=ttc", "du=2026-01-01"):
        assert "Totaux TTC" not in alice.get(f"/factures?{query}").text


def test_bob_and_charlie_see_no_total_of_alice(
    people: People, bob: Browser, charlie: Browser
) -> None:
    make_invoice(people.alice.company, gross_cents=123_450)
    for browser in (bob, charlie):
        page = browser.get("/factures").text
        assert "Totaux TTC" not in page and "234,50" not in page


def test_usual_periods_keep_the_other_filters_and_look_beyond_the_history(
    november: None, alice: Browser, people: People
) -> None:
    make_invoice(people.alice.company)
    page = alice.get("/factures?kind=invoice").text
    for since, until in (
        (date(2026, 11, 1), date(2026, 11, 30)),
        (date(2026, 1, 1), date(2026, 12, 31)),
        (date(2025, 1, 1), date(2025, 12, 31)),
    ):
        query = f"kind=invoice&amp;du={since}&amp;au={until}&amp;historique=tout"
        assert f'href="/factures?{query}"' in page
    assert 'aria-current="true">Cette année' in re.sub(
        r"\s+", " ", alice.get("/factures?du=2026-01-01&au=2026-12-31").text
    ).replace(" >", ">")


def test_a_wrong_date_is_told_beside_its_field(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company)
    page = alice.get("/factures?du=31-31-2026").text
    assert "«\xa031-31-2026\xa0» n’est pas une date." in page.replace("&nbsp;", "\xa0")
    assert 'aria-invalid="true"' in page and '<details class="more" open>' in page
    page = alice.get("/factures?du=2026-03-01&au=2026-01-01").text
    assert "Cette date précède le début de la période." in page


@pytest.mark.parametrize(
    ("days", "words"), [(0, "dernier jour"), (1, "encore 1\xa0jour"), (23, "encore 23\xa0jours")]
)
def test_what_leaves_soon_says_how_many_days_are_left(
    november: None, alice: Browser, people: People, days: int, words: str
) -> None:
    make_invoice(people.alice.company, issued_on=date(2024, 11, 21) + timedelta(days=days))
    assert words in alice.get("/factures?historique=tout").text


def test_only_the_pdf_may_stand_in_a_frame_of_ours(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    from selfservice.invoices import storage

    invoice = make_invoice(people.alice.company)
    path = storage.path_of(invoice.sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(b"%PDF-1.7")
    policy = alice.get(f"/factures/{invoice.id}.pdf").headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in policy and "default-src 'none'" in policy
    page = alice.get("/factures").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page


def test_more_contracts_than_a_menu_bears_are_typed(alice: Browser, people: People) -> None:
    for number in range(101):
        make_invoice(people.alice.company, contract=f"K-{number:03}")
    page = alice.get("/factures?contrat=K-100").text
    assert re.search(r'<input id="contrat"\s+name="contrat"\s+list="contrats"', page)
    assert page.count('<option value="K-') == 100
    assert 'value="K-100"' in page and "1 document<" in page
