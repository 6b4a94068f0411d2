"""One field that finds a customer by whatever the caller says."""

from importlib import import_module
from urllib.parse import urlencode

import pytest
from werkzeug.test import TestResponse

from selfservice.advisers.finding import MAX_FOUND
from tests.conftest import Browser
from tests.factories import People, make_company, make_invoice, make_user


@pytest.fixture
def garage(people: People) -> str:
    """A company with all that one may say of it; another with nearly the same."""
    company = make_company(
        people.supplier,
        client_number="100310",
        name="Garage Lemoine & Fils",
        siren="90000004100017",
        email="claire.lemoine@example.com",
    )
    make_user(company, "julien.garage_1", email="julien@ailleurs.example")
    make_invoice(company, number="FL2611-100310-2")
    nearly = make_company(people.supplier, client_number="1003101", name="Garage Lemaire")
    make_user(nearly, "julien.garage_10")
    return "/conseil/100310"


SAID = (
    *("100310", " 100 310 ", "Lemoine", "lemoine garage", "GARAGE LÉMOINE", "900000041"),
    *("900 000 041 00017", "claire.lemoine@example.com", "Claire <CLAIRE.Lemoine@example.com>"),
    *("julien@ailleurs.example", "Julien.Garage_1", "fl2611-100310-2", "ailleurs.example"),
)
NOBODY = ("rien de tel", "%", "%%", "x" * 500, "\x00", "\u202e", "' OR 1=1", "\ud800", "—")


def look(browser: Browser, typed: str) -> TestResponse:
    return browser.client.get("/conseil?" + urlencode({"q": typed}, errors="surrogatepass"))


def test_what_the_caller_says_opens_the_sheet_at_once(nadia: Browser, garage: str) -> None:
    for typed in SAID:
        found = look(nadia, typed)
        assert (found.status_code, found.headers.get("Location")) == (302, garage), typed


@pytest.mark.sqlite
def test_no_page_sorts_a_whole_register_in_french(
    nadia: Browser, garage: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    compared: list[str] = []
    order = import_module("selfservice.db.database")
    monkeypatch.setattr(order, "_in_french_order", lambda name: compared.append(name) or name)
    assert "2 clients" in look(nadia, "garage lem").text
    assert nadia.get("/conseil/demandes").status_code == 200
    assert not [name for name in compared if name.startswith("Garage")]


def test_several_are_rows_that_lead_to_their_sheets(nadia: Browser, garage: str) -> None:
    page = look(nadia, "garage lem").text
    assert "2 clients" in page
    assert f'href="{garage}"' in page and 'href="/conseil/1003101"' in page


def test_what_names_nobody_says_so(nadia: Browser, garage: str) -> None:
    for typed in NOBODY:
        page = look(nadia, typed)
        assert page.status_code == 200, typed
        assert "/conseil/100310" not in page.text, typed


def test_another_suppliers_customers_are_not_found(
    nadia: Browser, marc: Browser, people: People, garage: str
) -> None:
    number = people.charlie.company.client_number
    for typed in (number, "Boutique Charlie", "charlie@example.com", "charlie"):
        page = look(nadia, typed).text
        assert "Aucun client ne correspond" in page, typed
    assert nadia.get(f"/conseil/{number}").status_code == 404
    assert marc.get(f"/conseil/{number}").status_code == 200
    assert marc.get(garage).status_code == 404


def test_too_many_ask_for_more(nadia: Browser, people: People) -> None:
    for number in range(MAX_FOUND + 1):
        make_company(people.supplier, name=f"Transports {number}")
    page = look(nadia, "transports").text
    assert "Plus de 50 clients" in page


def test_a_client_number_with_odd_signs_has_its_sheet(nadia: Browser, people: People) -> None:
    make_company(people.supplier, client_number="12/A é?#&", name="Odd")
    found = look(nadia, "12/A é?#&")
    assert nadia.get(found.headers["Location"]).status_code == 200
