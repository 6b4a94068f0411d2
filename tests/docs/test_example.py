"""The register and the index that the site shows are imported and deposited for real."""

import shutil
from datetime import date
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from docs_tools import operator_facts
from docs_tools.built_site import BuiltSite
from selfservice.deposits import index_csv
from selfservice.deposits.deposit import deposit_folder
from selfservice.deposits.facturx import CREDIT_NOTE_TYPES
from selfservice.help import OPERATORS, PREFIX
from selfservice.invoices.models import Invoice
from selfservice.suppliers import companies_csv
from selfservice.suppliers.models import Company
from tests import papers
from tests.factories import make_supplier

EXAMPLE = operator_facts.EXAMPLE
FACTURX = "f-1044.pdf"  # the others are plain PDFs


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """The example's folder, with the PDFs that its index names."""
    path = tmp_path / "depot"
    path.mkdir()
    shutil.copy(EXAMPLE / "index.csv", path)
    for name in index_csv.read_index(path, max_rows=100).rows:
        buyer = papers.client_number("100234")
        xml = papers.cii(number="F-1044", buyer=buyer, issued="20261104")
        pdf = papers.pdf(xml if name == FACTURX else None, padding=name.encode())
        (path / name).write_bytes(pdf)
    return path


def test_the_example_goes_in_as_the_page_tells(app: Flask, folder: Path) -> None:
    supplier = make_supplier("vendeur", siren=papers.SELLER_SIREN)
    with time_machine.travel("2026-11-21T09:30:00Z"):
        imported = companies_csv.import_companies(supplier, EXAMPLE / "clients.csv")
        assert (imported.created, imported.fault_lines) == (3, [])
        report = deposit_folder(supplier, folder)
    assert (report.deposited, len(report.refused)) == (4, 1)
    written, shown = (each / "rejets.csv" for each in (folder, EXAMPLE))
    assert written.read_text("utf-8") == shown.read_text("utf-8")
    facts = Invoice.select(Invoice.number, Invoice.kind, Invoice.state, Invoice.gross_cents)
    assert sorted(facts.tuples()) == [
        ("A-0031", "credit_note", "original", -3000),
        ("F-1042", "invoice", "original", 12000),
        ("F-1043", "invoice", "duplicate", 8990),
        ("F-1044", "invoice", "original", 12000),
    ]
    contract = Invoice.select(Invoice.contract).where(Invoice.number == "F-1044").scalar()
    assert contract == "C-78"
    first: Invoice = Invoice.get(Invoice.number == "F-1042")
    assert (first.issued_on, first.due_on) == (date(2026, 11, 2), date(2026, 12, 2))
    assert not Company.get(Company.client_number == "100417").email


def test_the_example_shows_every_column() -> None:
    for name, columns in (("index.csv", index_csv.COLUMNS), ("clients.csv", companies_csv.COLUMNS)):
        first = (EXAMPLE / name).read_text("utf-8").splitlines()[0]
        assert first.split(";") == list(columns)


def test_the_page_shows_the_files_that_are_tested(site: BuiltSite) -> None:
    for page, names in (
        ("deposer-des-factures", ("index.csv", "rejets.csv")),
        ("pour-les-conseillers", ("clients.csv",)),
    ):
        shown = [
            "".join(block.itertext()).strip()
            for block in site.pages[f"{PREFIX}{OPERATORS}{page}/"].tree.xpath("//article//pre")
        ]
        for name in names:
            assert (EXAMPLE / name).read_text("utf-8").strip() in shown


def test_the_page_names_every_type_of_credit_note(site: BuiltSite) -> None:
    text = site.pages[f"{PREFIX}{OPERATORS}deposer-des-factures/"].tree.text_content()
    assert ", ".join(sorted(CREDIT_NOTE_TYPES, key=int)) in text
