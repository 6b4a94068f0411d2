"""The nine Factur-X documents of a real olive mill, 2017 (in ../shared/factures)."""

import hashlib
import shutil
from datetime import date
from pathlib import Path

import pytest
from flask import Flask

from selfservice import config
from selfservice.deposits.deposit import deposit_folder
from selfservice.invoices import storage
from selfservice.invoices.models import Credited, Invoice
from selfservice.suppliers.models import Supplier
from tests import papers
from tests.factories import make_company, make_supplier

FACTURES = config.REPOSITORY.parent / "shared" / "factures"
MILL = "999999998"

pytestmark = pytest.mark.skipif(
    not FACTURES.is_dir(), reason=f"the real documents are not in {FACTURES}"
)

# file, own number, issued on, kind, net, vat, gross
DOCUMENTS = (
    ("Avoir_FR_type380_BASIC", "AV-2017-0005", 16, "credit_note", -21848, -1499, -23347),
    ("Avoir_FR_type381_BASIC", "AV-2017-0005", 16, "credit_note", -21848, -1499, -23347),
    ("Facture_DOM_BASICWL", "FA-2017-0009", 5, "invoice", 53075, 0, 53075),
    ("Facture_DOM_MINIMUM", "FA-2017-0009", 5, "invoice", 53075, 0, 53075),
    ("Facture_FR_BASICWL", "FA-2017-0010", 13, "invoice", 62490, 4625, 67115),
    ("Facture_FR_EN16931", "FA-2017-0010", 13, "invoice", 62490, 4625, 67115),
    ("Facture_FR_MINIMUM", "FA-2017-0010", 13, "invoice", 62490, 4625, 67115),
    ("Facture_UE_BASICWL", "FA-2017-0008", 3, "invoice", 207676, 0, 207676),
    ("Facture_UE_MINIMUM", "FA-2017-0008", 3, "invoice", 207676, 0, 207676),
)


@pytest.fixture
def mill(app: Flask, folder: Path) -> Supplier:
    for file in FACTURES.glob("*.pdf"):
        shutil.copyfile(file, folder / file.name)
    supplier = make_supplier("moulin", siren=MILL)
    make_company(supplier, name="Ma jolie boutique", siren="787878784")
    make_company(supplier, name="Hôtel Saint Denis", siren="34343434600010")
    make_company(supplier, name="Me gusta olive", vat_number="ESA12345674")
    return supplier


def test_each_goes_in_with_its_number_date_kind_and_totals(
    app: Flask, mill: Supplier, folder: Path
) -> None:
    app.config["RETENTION_MONTHS"] = 600
    rows = [{"file": f"{name}.pdf", "invoice_number": f"{name}"} for name, *_ in DOCUMENTS]
    papers.index(folder, *rows)
    report = deposit_folder(mill, folder)
    assert (report.deposited, report.refused) == (9, [])
    for name, _number, day, kind, *totals in DOCUMENTS:
        stored = Invoice.get(Invoice.number == name)
        named = [each.number for each in Credited.select().where(Credited.invoice == stored)]
        assert named == (["FA-2017-0010"] if kind == "credit_note" else [])
        assert stored.issued_on == date(2017, 11, day)
        assert stored.kind == kind
        assert [stored.net_cents, stored.vat_cents, stored.gross_cents] == totals
        assert (stored.currency, stored.has_xml) == ("EUR", True)
        content = storage.path_of(stored.sha256).read_bytes()
        assert content == (FACTURES / f"{name}.pdf").read_bytes()
        assert hashlib.sha256(content).hexdigest() == stored.sha256
    buyers = {stored.number[8:10]: stored.company.name for stored in Invoice.select()}
    assert buyers["FR"] == "Ma jolie boutique"
    assert buyers["DO"] == "Hôtel Saint Denis"
    assert buyers["UE"] == "Me gusta olive"


def test_without_an_index_those_that_share_a_number_are_conflicts(
    app: Flask, mill: Supplier, folder: Path
) -> None:
    app.config["RETENTION_MONTHS"] = 600
    report = deposit_folder(mill, folder)
    assert {stored.number for stored in Invoice.select()} == {row[1] for row in DOCUMENTS}
    assert report.deposited == 4
    assert all("autre contenu" in refused.reason for refused in report.refused)
    assert len(report.refused) == 5


def test_with_the_ordinary_retention_each_is_too_old(mill: Supplier, folder: Path) -> None:
    report = deposit_folder(mill, folder)
    assert len(report.refused) == 9
    assert all("il y a plus de 24 mois" in refused.reason for refused in report.refused)


def test_before_the_opening_each_is_refused_for_that(
    app: Flask, mill: Supplier, folder: Path
) -> None:
    app.config["RETENTION_MONTHS"] = 600
    mill.opened_on = date(2022, 12, 2)
    report = deposit_folder(mill, folder)
    assert len(report.refused) == 9
    assert all("avant l'ouverture" in refused.reason for refused in report.refused)


def test_for_another_supplier_each_is_another_sellers(mill: Supplier, folder: Path) -> None:
    mill.siren = "123456789"
    report = deposit_folder(mill, folder)
    assert len(report.refused) == 9
    assert all("autre vendeur (Au bon moulin, 999999998)" in x.reason for x in report.refused)


def test_without_their_customers_each_is_unknown(folder: Path, mill: Supplier) -> None:
    report = deposit_folder(make_supplier("vide", siren=MILL), folder)
    assert len(report.refused) == 9
    assert all(refused.reason.startswith("Client inconnu") for refused in report.refused)


def test_cut_off_each_is_refused_for_that(mill: Supplier, folder: Path) -> None:
    for file in folder.glob("*.pdf"):
        content = file.read_bytes()
        file.write_bytes(content[: len(content) * 9 // 10])
    report = deposit_folder(mill, folder)
    assert {refused.reason for refused in report.refused} == {"Ce PDF est coupé : sa fin manque."}
    assert len(report.refused) == 9
