"""The page of the list: what its markup says, to a reader with and without script."""

import re
from collections.abc import Iterator
from datetime import date, timedelta
from html import unescape

import pytest
import time_machine

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.invoices import listing
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
    ]
    assert 'href="/factures/archive.zip?q=FA&amp;kind=invoice&amp;tri=ttc&amp;choix=tout"' in page
    box = page.split('aria-label="Cocher FA-1"')[0].rsplit("<input", 1)[1]
    assert f'name="id" value="{invoice.id}"' in re.sub(r"\s+", " ", box)
    assert 'form="selection"' in box
    for kind in ("csv", "xlsx"):
        assert f'href="/factures/registre.{kind}?q=FA&amp;kind=invoice&amp;tri=ttc"' in page


def test_nothing_to_keep_where_nothing_is_found(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company)
    assert 'id="selection"' not in alice.get("/factures?q=zzz").text


def test_each_month_is_headed_by_the_sum_of_all_its_documents(
    november: None, alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listing, "PAGE_ROWS", 2)
    company = people.alice.company
    for day, cents, currency in ((20, 123_450, "EUR"), (10, -3_450, "EUR"), (5, 100, "EUR")):
        make_invoice(company, issued_on=date(2026, 11, day), gross_cents=cents, currency=currency)
    make_invoice(company, issued_on=date(2026, 11, 1), gross_cents=7, currency="USD")
    make_invoice(company, issued_on=date(2026, 9, 1), gross_cents=500)
    make_invoice(people.bob.company, issued_on=date(2026, 11, 2), gross_cents=99_900)
    first = alice.get("/factures").text
    assert month_headings(first) == ["Novembre 2026 1\u202f201,00 € 0,07 USD"]
    following = re.search(r'href="([^"]*)">Page suivante', first)
    assert following
    second = alice.get(unescape(following[1])).text
    assert month_headings(second) == month_headings(first), "of all pages"
    assert (
        "3 à 4 sur 5" in second and '<tr class="month">' not in alice.get("/factures?tri=ttc").text
    )
    third = alice.get(unescape(re.findall(r'href="([^"]*)">Page suivante', second)[0])).text
    assert month_headings(third) == ["Septembre 2026 5,00 €"]
    assert "5 à 5 sur 5" in third
    (back,) = re.findall(r'href="([^"]*)">Page précédente', third)
    assert "3 à 4 sur 5" in alice.get(unescape(back)).text
    (back,) = re.findall(r'href="([^"]*)">Page précédente', second)
    assert "1 à 2 sur 5" in alice.get(unescape(back)).text


def month_headings(page: str) -> list[str]:
    found = re.findall(r'<tr class="month">(.*?)</tr>', page, re.DOTALL)
    bare = (re.sub("<[^>]+>|\xa0", " ", each) for each in found)
    return [re.sub("[ \n]+", " ", each).strip() for each in bare]


def test_what_is_the_same_in_every_row_is_said_of_none(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company, contract="K-1", downloaded_at=clock.now())
    make_invoice(people.alice.company, contract="K-1")
    page = alice.get("/factures").text
    assert page.count("Téléchargé</span>") == 1 and page.count('class="new"') == 2
    for word in ("K-1</span>", "Original</span>", "Avoir</span>"):
        assert word not in page
    make_invoice(
        people.alice.company, contract="K-2", kind="credit_note", state="duplicate", gross_cents=-1
    )
    page = alice.get("/factures").text
    assert page.count("K-1</span>") == 2 and page.count("Original</span>") == 2
    assert page.count("Avoir</span>") == page.count("Duplicata</span>") == 1


def test_two_bands_are_shown_and_the_others_counted(
    november: None, alice: Browser, people: People
) -> None:
    make_invoice(people.alice.company, issued_on=date(2024, 11, 30))
    User.update(is_password_from_other=True).execute()
    page = alice.get("/factures").text
    assert page.count('class="band is-warning"') == 2 and "autre message" not in page
    page = alice.client.get("/factures/archive.zip?choix=coches", follow_redirects=True).text
    assert "Cochez au moins un document." in page and "1 autre message" in page


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
    # Safari's viewer is an <embed> with an inline style, and obeys this policy, not the list's.
    assert "object-src 'self'" in policy and "style-src 'unsafe-inline'" in policy
    assert "script-src" not in policy
    page = alice.get("/factures").headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in page


def test_more_contracts_than_a_menu_bears_are_typed(alice: Browser, people: People) -> None:
    for number in range(101):
        make_invoice(people.alice.company, contract=f"K-{number:03}")
    page = alice.get("/factures?contrat=K-100").text
    assert re.search(r'<input id="contrat"\s+name="contrat"\s+list="contrats"', page)
    assert page.count('<option value="K-') == 100
    assert 'value="K-100"' in page and "1 document\n" in page
