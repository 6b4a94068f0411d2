"""A number is one number whoever wrote it: register, index, XML, list."""

import unicodedata
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from selfservice.cli import cli
from selfservice.deposits.deposit import DepositReport
from selfservice.invoices.models import Credited, Invoice
from selfservice.suppliers.companies_csv import import_companies
from selfservice.suppliers.models import Company, Supplier
from tests import papers
from tests.conftest import Browser
from tests.factories import People, make_invoice, make_profile, make_user

Deposit = Callable[[], DepositReport]
NUMBER = "FÉ-2026-1"
WRITINGS = [
    unicodedata.normalize("NFD", NUMBER),
    NUMBER.replace("-", "\u2011"),
    NUMBER.replace("-", "\u2013"),
    f"\ufeff{NUMBER}\u200b",
    f" {NUMBER}\u00a0",
]


def test_writings_of_one_number_are_one_document(
    deposit: Deposit, folder: Path, company: Company
) -> None:
    (folder / "0.pdf").write_bytes(papers.facturx(company, number=NUMBER))
    for place, written in enumerate(WRITINGS, 1):
        content = papers.facturx(company, number=written, gross="121.00")
        (folder / f"{place}.pdf").write_bytes(content)
    report = deposit()
    assert report.deposited == 1
    assert {each.reason for each in report.refused} == {
        f"Le numéro {NUMBER} existe déjà avec un autre contenu."
    }
    assert [each.number for each in Invoice.select()] == [NUMBER]


@pytest.mark.parametrize("written", WRITINGS)
def test_a_row_and_a_credit_note_name_the_number_in_any_writing(
    written: str, deposit: Deposit, folder: Path, company: Company
) -> None:
    (folder / "a.pdf").write_bytes(papers.facturx(company, number="F-9"))
    note = papers.facturx(
        company, number="A-1", type_code="381", preceding=papers.preceding(written)
    )
    (folder / "b.pdf").write_bytes(note)
    papers.index(folder, {"file": "a.pdf", "invoice_number": written, "contract": written})
    assert deposit().refused == []
    stored = Invoice.get(Invoice.kind == "invoice")
    assert (stored.number, stored.contract) == (NUMBER, NUMBER)
    assert Credited.get().number == NUMBER


def test_the_register_knows_a_client_in_any_writing(supplier: Supplier, tmp_path: Path) -> None:
    file = tmp_path / "clients.csv"
    for written in ("CÉ-1", "CE\u0301-1", "CÉ\u20111", "C\u200bÉ\u22121"):
        file.write_text(f"client_number;name;siren\n{written};Été  \u2013 Fils;552\u00a0100.554\n")
        assert import_companies(supplier, file).faults == []
    (stored,) = Company.select()
    assert (stored.client_number, stored.name) == ("CÉ-1", "Été \u2013 Fils")
    assert stored.siren == "552100554"


def test_a_name_given_on_the_command_line_is_kept_in_one_form(app: Flask) -> None:
    run = app.test_cli_runner().invoke
    assert (
        run(cli, ["suppliers", "set", "ete", "--name", "E\u0301te\u0301\u00a0&  Fils"]).exit_code
        == 0
    )
    assert Supplier.get(Supplier.slug == "ete").name == "Été & Fils"


def test_a_name_typed_on_a_mac_is_kept_as_a_pc_writes_it(alice: Browser, people: People) -> None:
    typed = {"last_name": "He\u0301le\u0300ne", "first_name": "Zoe\u0308"}
    alice.submit("/profil/compte", {**typed, "phone": "", "mobile": ""})
    user = type(people.alice).get_by_id(people.alice.id)
    assert (user.last_name, user.first_name) == ("Hélène", "Zoë")


def test_a_contract_profile_reads_its_contract_in_any_writing(
    alice: Browser, people: People, app: Flask
) -> None:
    company = people.alice.company
    make_invoice(company, contract="K-É1", number="SEEN")
    make_invoice(company, contract="K-2", number="HIDDEN")
    typed = {"name": "Lecture", "contracts": [], "other_contracts": "K\u2011E\u03011\u200b"}
    alice.submit("/administration/profils/ajout", typed)
    profile = type(make_profile(company, "autre")).get(name="Lecture")
    make_user(company, "dora", profile=profile)
    dora = Browser(app.test_client())
    dora.sign_in("dora", people.password)
    page = dora.get("/factures").text
    assert "SEEN" in page and "HIDDEN" not in page
    assert "SEEN" in alice.get("/factures?contrat=K%E2%80%91E%CC%811").text
