"""A user with a profile reads the documents of its contracts only, through every door (FAQ 13)."""

import io
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from openpyxl import load_workbook

from selfservice import clock
from selfservice.accounts.models import Profile, User
from selfservice.db import database
from selfservice.deposits.deposit import deposit_folder
from selfservice.invoices import queries
from selfservice.invoices.filters import Filters
from selfservice.invoices.listing import list_invoices
from selfservice.invoices.models import Invoice
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_invoice, make_profile, make_user
from tests.invoices.test_listing import counted_queries
from tests.papers import cii, client_number, months_ago, pdf


@pytest.fixture
def profile(people: People) -> Profile:
    return make_profile(people.alice.company, "Flotte", "VEH-1", "VEH-2")


@pytest.fixture
def driver(people: People, profile: Profile) -> User:
    """A colleague of alice who reads two contracts only."""
    return make_user(people.alice.company, "driver", profile=profile)


@pytest.fixture
def browsing(driver: User, new_browser: Callable[[], Browser]) -> Browser:
    browser = new_browser()
    assert browser.sign_in("driver", PASSWORD).status_code == 302
    return browser


def deposit(people: People, folder: Path, number: str, contract: str) -> Invoice:
    buyer = client_number(people.alice.company.client_number)
    xml = cii(number=number, contract=contract, buyer=buyer)
    (folder / f"{number}.pdf").write_bytes(pdf(xml))
    assert deposit_folder(people.supplier, folder).refused == []
    invoice: Invoice = Invoice.get(Invoice.number == number)
    return invoice


def test_the_list_shows_the_profiles_contracts_and_nothing_else(
    browsing: Browser, alice: Browser, people: People
) -> None:
    company = people.alice.company
    for number, contract in (("A-1", "VEH-1"), ("A-2", "VEH-2"), ("B-1", "LLD-1"), ("C-1", "")):
        make_invoice(company, number=number, contract=contract)
    for query in ("", "?q=1", "?q=C-1", "?historique=tout", "?kind=invoice"):
        page = browsing.get(f"/factures{query}").text
        assert "B-1" not in page
        assert "LLD-1" not in page
        assert '.pdf">C-1' not in page
    page = browsing.get("/factures").text
    assert "A-1" in page and "A-2" in page
    assert all(number in alice.get("/factures").text for number in ("A-1", "B-1", "C-1"))


def test_a_contract_is_compared_exactly(driver: User, people: People) -> None:
    for contract in ("VEH-10", "veh-1", "XVEH-1", "VEH%"):
        make_invoice(people.alice.company, contract=contract)
    assert list_invoices(driver, Filters()).rows == []


def test_the_count_of_the_hidden_knows_the_profile(driver: User, people: People) -> None:
    for contract in ("VEH-1", "LLD-1", "LLD-2"):
        make_invoice(people.alice.company, contract=contract, issued_on=months_ago(5))
    assert list_invoices(driver, Filters()).hidden_count == 1
    assert list_invoices(people.alice, Filters()).hidden_count == 3


@pytest.mark.parametrize("contract", ["LLD-1", ""])
def test_no_door_opens_a_document_outside_the_profile(
    browsing: Browser, alice: Browser, people: People, folder: Path, contract: str
) -> None:
    invoice = deposit(people, folder, "F-1", contract)
    for kind in ("pdf", "xml"):
        assert browsing.get(f"/factures/{invoice.id}.{kind}").status_code == 404
        assert browsing.client.head(f"/factures/{invoice.id}.{kind}").status_code == 404
        assert alice.get(f"/factures/{invoice.id}.{kind}").status_code == 200


def test_no_search_count_or_export_tells_of_a_document_outside_the_profile(
    browsing: Browser, people: People, folder: Path
) -> None:
    mine = deposit(people, folder, "MINE-1", "VEH-1")
    others = [deposit(people, folder, f"OTHER-{each}", each) for each in ("LLD-1", "VEH-10")]
    for asked in ("", "q=1", "q=OTHER", "q=O", f"q={clock.today():%m/%Y}", "vue=a_archiver"):
        page = browsing.get(f"/factures?{asked}").text
        assert '.pdf">OTHER' not in page and "LLD-1" not in page and "3 documents" not in page
    for extension in ("csv", "xlsx"):
        register = browsing.get(f"/factures/registre.{extension}?q=-").data
        if extension == "xlsx":
            sheet = load_workbook(io.BytesIO(register)).worksheets[0]
            assert [row[0] for row in sheet.values][1:3] == ["MINE-1", None]
        else:
            assert b"MINE-1" in register and b"OTHER" not in register
    archive = zipfile.ZipFile(
        io.BytesIO(browsing.get("/factures/archive.zip?choix=tout&historique=tout").data)
    )
    assert [name for name in archive.namelist() if "OTHER" in name] == []
    ticked = "&".join(f"id={each.id}" for each in (mine, *others))
    assert browsing.get(f"/factures/archive.zip?{ticked}").status_code == 404


def test_documents_inside_the_profile_open(browsing: Browser, people: People, folder: Path) -> None:
    invoice = deposit(people, folder, "F-1", "VEH-2")
    for kind in ("pdf", "xml"):
        assert browsing.get(f"/factures/{invoice.id}.{kind}").status_code == 200


def test_a_profile_that_finds_nothing_says_that_a_profile_limits(
    browsing: Browser, alice: Browser, people: People
) -> None:
    make_invoice(people.alice.company, contract="LLD-1")
    page = browsing.get("/factures").text
    assert "Aucun document pour l’instant" in page
    assert "Votre profil d’accès donne accès aux documents de certains contrats" in page
    assert "Votre profil d’accès donne accès" not in alice.get("/factures").text


def test_a_change_of_profile_holds_at_the_next_page(
    browsing: Browser, driver: User, people: People
) -> None:
    make_invoice(people.alice.company, number="B-1", contract="LLD-1")
    assert "B-1" not in browsing.get("/factures").text
    User.update(profile=make_profile(people.alice.company, "Location", "LLD-1")).where(
        User.id == driver.id
    ).execute()
    assert "B-1" in browsing.get("/factures").text


def test_a_profile_costs_no_query(
    browsing: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_invoice(people.alice.company, contract="VEH-1")
    browsing.get("/factures")
    with counted_queries(monkeypatch) as seen:
        assert browsing.get("/factures").status_code == 200
    assert len(seen) <= 10, seen


@pytest.mark.sqlite
def test_paging_through_a_profile_sorts_nothing(driver: User) -> None:
    sql, parameters = queries.ordered(queries.shown(driver, Filters()), "").limit(51).sql()
    plan = " ".join(row[3] for row in database.execute_sql("EXPLAIN QUERY PLAN " + sql, parameters))
    assert "invoice_company_newest" in plan
    assert "USE TEMP B-TREE FOR ORDER BY" not in plan
