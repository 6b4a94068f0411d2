"""Whom to ask: fields of a supplier, the page « Contact »."""

from flask import Flask
from lxml import html

from selfservice.suppliers.models import Supplier
from selfservice.suppliers.registration import set_supplier
from tests.conftest import Browser
from tests.factories import People

GIVEN = {
    "contact_name": "Votre conseiller clientèle",
    "phone": "+33 9 00 00 00 01",
    "mail": "conseil@diac.example",
    "hours": "du lundi au vendredi de 9 h à 18 h",
}


def test_a_contact_is_a_name_a_telephone_a_mail_and_hours(browser: Browser, people: People) -> None:
    set_supplier("diac", **GIVEN)  # type: ignore[arg-type]
    page = html.fromstring(browser.get("/contact").text)
    text = " ".join(page.xpath("string(//main)").split())
    for value in GIVEN.values():
        assert value in text
    assert page.xpath("//main//a[@href='tel:+33900000001']")
    assert page.xpath("//main//a[@href='mailto:conseil@diac.example']")
    assert "Fournitures Martin" not in text, "who has given nothing is not shown"


def test_a_reader_sees_the_own_supplier_alone(
    alice: Browser, charlie: Browser, people: People
) -> None:
    set_supplier("diac", **GIVEN)  # type: ignore[arg-type]
    set_supplier("martin", contact_name="Le service clients", phone="01 23 45 67 89")
    assert "Le service clients" not in html.fromstring(alice.get("/contact").text).xpath(
        "string(//main)"
    )
    page = html.fromstring(charlie.get("/contact").text).xpath("string(//main)")
    assert "Le service clients" in page
    assert "conseiller clientèle" not in page.replace("conseiller clientèle habituel", "")


def test_a_page_without_any_contact_says_what_to_do(browser: Browser, people: People) -> None:
    assert "ses coordonnées sont sur vos factures" in browser.get("/contact").text


def test_the_footer_leads_there(browser: Browser, people: People) -> None:
    page = html.fromstring(browser.get("/").text)
    assert page.xpath("//footer//a[normalize-space()='Contact']/@href") == ["/contact"]


def test_a_sentence_is_made_of_what_is_given(app: Flask) -> None:
    assert Supplier(**GIVEN).contact == ", ".join(
        (GIVEN["contact_name"], GIVEN["phone"], GIVEN["hours"], GIVEN["mail"])
    )
    assert Supplier(phone="01").contact == "01"
    assert Supplier().contact == ""
