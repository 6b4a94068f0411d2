"""« Toutes mes sociétés »: what a login reads beside its own company, by every door."""

import csv
import hashlib
import io
import re
import zipfile
from collections.abc import Callable

import openpyxl
import pytest
from flask import Flask
from lxml import html

from selfservice import clock
from selfservice.accounts import activation
from selfservice.accounts.models import SecondFactor, User
from selfservice.advisers import acts, team
from selfservice.audit import AuditEntry
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from selfservice.notifications import send
from selfservice.suppliers.models import Company
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_company, make_invoice, make_user, share_company
from tests.papers import cii, pdf

ALL = "/factures?societe=toutes"


@pytest.fixture
def spaces(people: People) -> dict[str, Invoice]:
    """A document of alice's own company, of her second one, and of three that she must not see."""
    companies = {
        "own": people.alice.company,
        "second": share_company(people.alice, name="Alice Location", client_number="2"),
        "stranger": people.bob.company,
        "other supplier": make_company(people.other_supplier, email="alice@example.com"),
        "moved": make_company(people.supplier, name="Partie", email="new@example.com"),
    }
    return {name: _document(company, name) for name, company in companies.items()}


def _document(company: Company, name: str) -> Invoice:
    number = name.replace(" ", "-").upper()
    invoice = make_invoice(company, number=number, contract=f"K{number}", has_xml=True)
    content = pdf(cii(number=number))
    digest = hashlib.sha256(content).hexdigest()
    path = storage.path_of(digest)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    Invoice.update(sha256=digest).where(Invoice.id == invoice.id).execute()
    return Invoice.get_by_id(invoice.id)


def numbers(page: str) -> list[str]:
    return sorted(html.fromstring(page).xpath("//tbody//th//a/text()"))


def test_the_own_company_is_read_by_default(alice: Browser, spaces: dict[str, Invoice]) -> None:
    page = alice.get("/factures")
    assert numbers(page.text) == ["OWN"]
    assert "Toutes mes sociétés (2)" in page.text
    assert not html.fromstring(page.text).xpath("//th[normalize-space()='Société']")


def test_all_companies_are_read_in_one_list(alice: Browser, spaces: dict[str, Invoice]) -> None:
    page = alice.get(ALL).text
    assert numbers(page) == ["OWN", "SECOND"]
    tree = html.fromstring(page)
    assert tree.xpath("//th[normalize-space()='Société']")
    cells = {cell.text_content().strip() for cell in tree.xpath("//tbody//td[@class='company']")}
    assert cells == {"Alice Location (2)", f"Atelier Alice ({spaces['own'].company.client_number})"}
    assert numbers(alice.get("/factures?societe=2").text) == ["SECOND"]


def test_every_link_of_the_list_keeps_the_companies(
    alice: Browser, spaces: dict[str, Invoice]
) -> None:
    tree = html.fromstring(alice.get(f"{ALL}&kind=invoice").text)
    links = tree.xpath("//main//a[starts-with(@href, '/factures?')]/@href")
    assert len(links) > 5
    assert [link for link in links if "societe=toutes" not in link] == []
    forms = tree.xpath("//main//form[starts-with(@action, '/factures')]")
    assert {form.fields["societe"] for form in forms} == {"toutes"}


def test_a_search_finds_a_company_where_several_are_shown(
    alice: Browser, spaces: dict[str, Invoice]
) -> None:
    assert numbers(alice.get(f"{ALL}&q=location").text) == ["SECOND"]
    assert numbers(alice.get(f"{ALL}&q=alice location").text) == ["SECOND"]
    assert numbers(alice.get("/factures?q=location").text) == []
    assert numbers(alice.get(f"{ALL}&q=partie").text) == []


def test_one_company_of_several_is_a_filter(alice: Browser, spaces: dict[str, Invoice]) -> None:
    page = alice.get(ALL).text
    options = html.fromstring(page).xpath("//select[@name='client']/option/text()")
    assert options == [
        "Toutes",
        "Alice Location (2)",
        f"Atelier Alice ({spaces['own'].company.client_number})",
    ]
    page = alice.get(f"{ALL}&client=2").text
    assert numbers(page) == ["SECOND"]
    tree = html.fromstring(page)
    assert "Toutes mes sociétés" in tree.xpath("string(//summary[contains(., 'Société')])")
    (word,) = tree.xpath("//a[@aria-label='Enlever Alice Location (2)']/@href")
    assert numbers(alice.get(word).text) == ["OWN", "SECOND"]
    register = alice.get("/factures/registre.csv?societe=toutes&client=2").text
    assert "SECOND" in register and "OWN" not in register
    archive = alice.get("/factures/archive.zip?societe=toutes&client=2&choix=tout")
    names = zipfile.ZipFile(io.BytesIO(archive.data)).namelist()
    (document,) = (name for name in names if name.endswith(".pdf"))
    assert document.startswith("Alice Location (2)/") and document.endswith("SECOND.pdf")
    for name in ("stranger", "moved"):
        number = spaces[name].company.client_number
        assert numbers(alice.get(f"{ALL}&client={number}").text) == []
        assert numbers(alice.get(f"/factures?client={number}").text) == []
    assert not html.fromstring(alice.get("/factures").text).xpath("//select[@name='client']")


def test_the_archive_has_a_folder_a_company(alice: Browser, spaces: dict[str, Invoice]) -> None:
    answer = alice.get("/factures/archive.zip?societe=toutes&choix=tout")
    archive = zipfile.ZipFile(io.BytesIO(answer.data))
    folders = {name.partition("/")[0] for name in archive.namelist() if name.endswith(".pdf")}
    own = spaces["own"].company.client_number
    assert folders == {"Alice Location (2)", f"Atelier Alice ({own})"}
    index = list(
        csv.DictReader(io.StringIO(archive.read("index.csv").decode("utf-8-sig")), delimiter=";")
    )
    assert {row["Société"] for row in index} == folders
    assert "toutes" in answer.headers["Content-Disposition"]


def test_what_nobody_has_taken_yet_is_one_link_away(
    alice: Browser, spaces: dict[str, Invoice]
) -> None:
    def link() -> list[str]:
        return html.fromstring(alice.get(ALL).text).xpath("//a[.='Non téléchargées (ZIP)']/@href")

    assert link() == [], "all of them is the other link"
    alice.get(f"/factures/{spaces['own'].id}.pdf?telecharger")
    archive = zipfile.ZipFile(io.BytesIO(alice.get(link()[0]).data))
    (document,) = (name for name in archive.namelist() if name.endswith(".pdf"))
    assert document.startswith("Alice Location (2)/")
    assert link() == [], "nothing is left"


def test_ticked_documents_may_be_of_any_readable_company(
    alice: Browser, spaces: dict[str, Invoice]
) -> None:
    ids = "&".join(f"id={spaces[name].id}" for name in ("own", "second"))
    answer = alice.get(f"/factures/archive.zip?{ids}")
    assert answer.status_code == 200
    for name in ("stranger", "other supplier", "moved"):
        assert alice.get(f"/factures/archive.zip?{ids}&id={spaces[name].id}").status_code == 404


def test_the_register_has_a_column(alice: Browser, spaces: dict[str, Invoice]) -> None:
    text = alice.get("/factures/registre.csv?societe=toutes").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text), delimiter=";"))
    assert {row["Numéro"]: row["Société"] for row in rows}["SECOND"] == "Alice Location (2)"
    assert len(rows) == 2
    own = alice.get("/factures/registre.csv").data.decode("utf-8-sig")
    assert "Société" not in own.splitlines()[0]
    sheet = alice.get("/factures/registre.xlsx?societe=toutes")
    book = openpyxl.load_workbook(io.BytesIO(sheet.data))
    assert book.active.cell(1, book.active.max_column).value == "Société"


def test_what_is_taken_is_in_the_journal_of_its_company(
    alice: Browser, spaces: dict[str, Invoice]
) -> None:
    second = spaces["second"]
    assert alice.get(f"/factures/{second.id}.pdf").status_code == 200
    assert Invoice.get_by_id(second.id).downloaded_at is not None
    alice.get("/factures/archive.zip?societe=toutes&choix=tout")
    alice.get("/factures/registre.csv?societe=toutes")
    for event in ("invoice.opened", "invoices.archived", "invoices.registered"):
        entries = AuditEntry.select().where(AuditEntry.event == event)
        assert second.company_id in {entry.company_id for entry in entries}, event
        assert {entry.user_id for entry in entries} == {User.get(User.login == "alice").id}
    opened = AuditEntry.get(AuditEntry.event == "invoice.opened")
    assert opened.company_id == second.company_id


@pytest.mark.parametrize("name", ["stranger", "other supplier", "moved"])
def test_no_door_opens_to_what_is_not_registered(
    name: str, alice: Browser, spaces: dict[str, Invoice]
) -> None:
    document = spaces[name]
    number = document.company.client_number
    for door in ("", "/archive.zip", "/registre.csv", "/registre.xlsx"):
        address = f"/factures{door}?societe={number}&choix=tout"
        assert alice.get(address).status_code == 404, door
    for suffix in ("pdf", "xml"):
        assert alice.get(f"/factures/{document.id}.{suffix}").status_code == 404
    page = alice.get(f"{ALL}&historique=tout").text
    assert document.number not in page
    assert document.contract not in page
    status = html.fromstring(page).xpath("string(//main//*[@role='status'])")
    assert re.search(r"\b2\b", status), status


def test_a_wrong_company_is_no_error(alice: Browser, spaces: dict[str, Invoice]) -> None:
    for wrong in ("x", "%00", "%ED%A0%80", "9" * 400, "TOUTES "):
        assert alice.get(f"/factures?societe={wrong}").status_code == 404


@pytest.mark.parametrize(
    "reader",
    [
        {"email": "alice@example.com"},  # typed, not registered
        {},
    ],
)
def test_an_added_colleague_reads_the_own_company_only(
    reader: dict[str, object],
    people: People,
    spaces: dict[str, Invoice],
    new_browser: Callable[[], Browser],
) -> None:
    make_user(people.alice.company, "ursule", is_administrator=True, **reader)
    ursule = new_browser()
    ursule.sign_in("ursule", PASSWORD)
    assert "Toutes mes sociétés" not in ursule.get("/factures").text
    assert numbers(ursule.get(ALL).text) == ["OWN"]
    assert ursule.get("/factures?societe=2").status_code == 404
    assert ursule.get(f"/factures/{spaces['second'].id}.pdf").status_code == 404


def test_a_company_is_read_and_administered_from_its_next_deposit_on(
    alice: Browser, people: People
) -> None:
    """Until then the new address can be taken back: it may be another customer's by mistake."""
    company = make_company(
        people.supplier, name="Reprise", client_number="9", email="new@x.example"
    )
    invoice, colleague = _document(company, "before"), make_user(company, "colleague")
    Company.update(email="alice@example.com", email_key="alice@example.com").where(
        Company.id == company.id
    ).execute()
    doors = ("/factures?societe=9", f"/factures/{invoice.id}.pdf")
    doors += (f"/administration/utilisateurs/{colleague.id}",)
    assert [alice.get(door).status_code for door in doors] == [404, 404, 404]
    activation.activate(Company.get_by_id(company.id))
    assert [alice.get(door).status_code for door in doors] == [200, 200, 200]
    activation.close(
        User.get(User.company == company.id, User.is_from_activation), reason="", is_superseded=True
    )
    assert [alice.get(door).status_code for door in doors] == [404, 404, 404], "it has come back"
    activation.activate(Company.get_by_id(company.id))
    assert [alice.get(door).status_code for door in doors] == [200, 200, 200]


def test_a_company_whose_login_an_adviser_closes_is_gone_for_the_owners_other_logins(
    alice: Browser, people: People
) -> None:
    company = make_company(
        people.supplier, name="Quittée", client_number="9", email="alice@example.com"
    )
    invoice, colleague = _document(company, "left"), make_user(company, "colleague")
    login = activation.activate(company).user
    doors = ("/factures?societe=9", f"/factures/{invoice.id}.pdf")
    doors += (f"/administration/utilisateurs/{colleague.id}",)
    assert [alice.get(door).status_code for door in doors] == [200, 200, 200]
    adviser = team.add_adviser(people.supplier, "nadia", email="nadia@example.com")
    acts.close_login(adviser, company, login.id, reason="Sécurité", origin="")
    assert [alice.get(door).status_code for door in doors] == [404, 404, 404]
    assert "Quittée" not in alice.get("/factures").text
    _document(company, "next")
    send.send_due()
    assert [alice.get(door).status_code for door in doors] == [404, 404, 404]


def test_a_company_whose_address_has_changed_is_gone_at_once(
    alice: Browser, spaces: dict[str, Invoice]
) -> None:
    assert numbers(alice.get("/factures?societe=2").text) == ["SECOND"]
    Company.update(email="new@example.com", email_key="new@example.com").where(
        Company.id == spaces["second"].company_id
    ).execute()
    assert alice.get("/factures?societe=2").status_code == 404
    assert numbers(alice.get(ALL).text) == ["OWN"]
    assert alice.get(f"/factures/{spaces['second'].id}.pdf").status_code == 404


def test_a_company_that_demands_the_second_factor_asks_a_session_that_passed_one(
    alice: Browser, people: People, spaces: dict[str, Invoice]
) -> None:
    Company.update(is_second_factor_required=True).where(
        Company.id == spaces["second"].company_id
    ).execute()
    assert numbers(alice.get(ALL).text) == ["OWN"]
    assert alice.get(f"/factures/{spaces['second'].id}.pdf").status_code == 404
    # Setting it up ends the sessions opened without it: this one has passed it.
    SecondFactor.create(user=people.alice, seed="", last_step=0, enabled_at=clock.now())
    assert numbers(alice.get(ALL).text) == ["OWN", "SECOND"]


def test_a_company_that_demands_the_second_factor_is_not_administered_without_one(
    alice: Browser, people: People, spaces: dict[str, Invoice]
) -> None:
    second = Company.get_by_id(spaces["second"].company_id)
    Company.update(is_second_factor_required=True).where(Company.id == second.id).execute()
    page = alice.get("/administration/securite").text
    assert second.name not in page
    alice.submit("/administration/securite", {"company": ""})
    assert Company.get_by_id(second.id).is_second_factor_required
    assert second.name not in alice.get("/administration/utilisateurs/ajout").text


def test_new_is_the_readers_own(alice: Browser, spaces: dict[str, Invoice]) -> None:
    alice.get(f"/factures/{spaces['second'].id}.pdf")
    rows = html.fromstring(alice.get(ALL).text).xpath("//tbody/tr[starts-with(@id, 'document-')]")
    new = {row.xpath("string(.//th//a)"): "Nouveau" in row.text_content() for row in rows}
    assert new == {"OWN": True, "SECOND": False}


@pytest.mark.parametrize("name", ["registre.csv", "archive.zip"])
def test_who_reads_many_companies_takes_what_is_of_all_of_them(
    app: Flask, people: People, alice: Browser, name: str
) -> None:
    """Each has a line in its journal: counted one by one, two registers would stop a reader."""
    for number in range(120):
        _document(share_company(people.alice), str(number))
    app.config["LIMIT_JOURNAL_USER"] = "4/hour"
    address = f"/factures/{name}?societe=toutes&choix=tout"
    assert [alice.get(address).status_code for _ in range(3)] == [200, 200, 429]
    told = AuditEntry.select().where(AuditEntry.event.startswith("invoices."))
    assert told.count() == 2 * (120 + (name == "registre.csv")), "the own one has no document"
