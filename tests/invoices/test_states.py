"""A `--platform-since` given late names the documents that it concerns and restates them."""

from datetime import date

import pytest
from flask import Flask

from selfservice.audit import AuditEntry
from selfservice.cli import cli
from selfservice.invoices.models import Invoice
from selfservice.invoices.states import restate
from selfservice.suppliers.models import Supplier
from tests.factories import People, make_company, make_invoice


@pytest.fixture
def documents(people: People) -> dict[str, Invoice]:
    paper = make_company(people.supplier, delivery="paper")
    mine = people.alice.company
    return {
        "before": make_invoice(mine, issued_on=date(2026, 8, 31), number="A"),
        "since": make_invoice(mine, issued_on=date(2026, 9, 1), number="B"),
        "paper": make_invoice(paper, issued_on=date(2026, 9, 2), number="C", state="duplicate"),
        "other": make_invoice(people.charlie.company, issued_on=date(2026, 9, 3), number="D"),
    }


def since(day: date | None) -> list[str]:
    supplier = Supplier.get(Supplier.slug == "diac")
    supplier.platform_since = day
    supplier.save()
    return [each.number for each in restate(supplier)]


def states() -> dict[str, str]:
    return {each.number: each.state for each in Invoice.select()}


def test_documents_from_the_day_on_become_copies(documents: dict[str, Invoice]) -> None:
    assert since(date(2026, 9, 1)) == ["B", "C"]
    assert states() == {"A": "original", "B": "copy", "C": "copy", "D": "original"}
    assert AuditEntry.get(AuditEntry.event == "invoices.restated").details["documents"] == 2
    assert since(date(2026, 9, 1)) == [], "once"


def test_a_later_day_and_none_give_back_what_they_were(documents: dict[str, Invoice]) -> None:
    since(date(2026, 9, 1))
    assert since(date(2026, 9, 2)) == ["B"]
    assert since(None) == ["C"]
    assert states() == {"A": "original", "B": "original", "C": "duplicate", "D": "original"}


def test_the_command_names_them(app: Flask, documents: dict[str, Invoice]) -> None:
    run = app.test_cli_runner().invoke
    told = run(cli, ["suppliers", "set", "diac", "--platform-since", "2026-09-01"])
    assert told.exit_code == 0, told.output
    assert "2 document(s)" in told.output
    assert "B, C" in told.output
    quiet = run(cli, ["suppliers", "set", "diac", "--phone", "09 00 00 00 01"])
    assert "document" not in quiet.output
