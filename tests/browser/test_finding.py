"""What people come for: twelve companies' documents, one invoice, and why one is missing."""

import re
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from babel.dates import format_date
from playwright.sync_api import Page, expect

from selfservice import clock
from selfservice.demo.plan import PlannedDocument, planned
from selfservice.demo.register import BOOKKEEPER_LOGINS, DIAC, ENTRUSTED, PASSWORDS
from selfservice.money import format_amount
from tests.browser.test_accessibility import OWNER, assert_accessible
from tests.browser.test_people import Steps
from tests.browser.test_walk import DOCUMENT, assert_nothing_scrolls_sideways, sign_in

pytestmark = pytest.mark.browser


@pytest.fixture
def portal(shared_portal: str) -> str:
    return shared_portal


@pytest.fixture
def wanted() -> PlannedDocument:
    """An invoice of the garage, of some months ago."""
    month = clock.add_months(clock.today().replace(day=1), -8)
    return next(
        each
        for each in planned(DIAC, months=24)
        if each.customer.name == "Garage Lemoine" and each.issued_on.replace(day=1) == month
    )


@pytest.mark.parametrize("size", ["phone"])
def test_twelve_companies_in_one_archive_in_3_clicks(page: Page, size: str) -> None:
    steps = Steps()
    login = BOOKKEEPER_LOGINS[0]
    sign_in(page, login, PASSWORDS[login])
    page.wait_for_url("**/factures")
    steps.tap(page.locator(".switch summary"))
    steps.tap(page.get_by_role("link", name=f"Toutes mes sociétés ({len(ENTRUSTED)})"))
    expect(page.get_by_role("banner")).to_contain_text(f"Toutes mes sociétés ({len(ENTRUSTED)})")
    assert_nothing_scrolls_sideways(page)
    assert_accessible(page)
    with page.expect_download() as download:
        steps.tap(page.get_by_role("link", name=re.compile(r"Télécharger les \d+ \(ZIP\)")))
    names = ZipFile(BytesIO(Path(download.value.path()).read_bytes())).namelist()
    folders = {name.partition("/")[0] for name in names if name.endswith(".pdf")}
    assert folders == {f"{each.name} ({each.client_number})" for each in ENTRUSTED}
    assert steps.taps == 3


def test_one_invoice_by_what_one_remembers_of_it(page: Page, wanted: PlannedDocument) -> None:
    sign_in(page, *OWNER)
    page.wait_for_url("**/factures")
    month = format_date(wanted.issued_on, "MMMM y", locale="fr")
    amount = format_amount(wanted.gross_cents).replace("\u202f", " ").partition("\u00a0")[0]
    page.get_by_label("Numéro, montant, date ou mois").fill(f"facture {month} {amount}")
    page.keyboard.press("Enter")
    expect(page.locator(f"{DOCUMENT} .number > a")).to_have_text([wanted.number])
    expect(page.get_by_role("list", name="Critères")).to_contain_text(month)
    expect(page.get_by_role("status").first).to_have_text("1 document")


def test_a_missing_invoice_is_told_why(page: Page, wanted: PlannedDocument) -> None:
    sign_in(page, *OWNER)
    page.wait_for_url("**/factures")
    search = page.get_by_label("Numéro, montant, date ou mois")
    search.fill(f"{wanted.number} avoir")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name=re.compile("Aucun document"))).to_be_visible()
    assert_nothing_scrolls_sideways(page)
    assert_accessible(page)
    search.fill("juin 2021")
    page.keyboard.press("Enter")
    expect(page.get_by_role("main")).to_contain_text("depuis le 2 décembre 2022")
    expect(page.get_by_role("main")).to_contain_text(DIAC.contact.phone)
    page.goto("/factures")
    page.get_by_text("Il manque une facture").click()
    missing = page.locator(".missing")
    expect(missing).to_contain_text(DIAC.contact.phone)
    assert_accessible(page)
