"""The register: right in a French spreadsheet, harmless, and complete whatever its length."""

import csv
import io
import json
from collections.abc import Callable
from datetime import date, datetime

import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet
from werkzeug.test import TestResponse

from selfservice import clock
from selfservice.audit import AuditEntry
from selfservice.db import database
from selfservice.invoices import export
from selfservice.invoices.models import Invoice, Opening
from tests.conftest import Browser
from tests.factories import People, make_invoice, make_profile, make_user
from tests.invoices.test_listing import counted_queries
from tests.papers import months_ago

HEADINGS = [
    "Numéro", "Type", "Contrat", "Émise le", "Échéance", "HT", "TVA", "TTC", "Devise", "État",
    "Disponible jusqu’au",
]  # fmt: skip
HOSTILE = ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1", "－1", "=cmd|' /C calc'!A0", "'x"]


def rows_of(response: TestResponse) -> list[list[str]]:
    assert response.status_code == 200, response.text
    assert response.data.startswith(b"\xef\xbb\xbf") and response.data.endswith(b"\r\n")
    text = response.data.decode("utf-8-sig")
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=";"))


def sheet_of(response: TestResponse, *, values: bool = False) -> Worksheet:
    assert response.status_code == 200, response.text
    (sheet,) = load_workbook(io.BytesIO(response.data), data_only=values).worksheets
    assert isinstance(sheet, Worksheet)
    return sheet


def numbers(browser: Browser, query: str = "") -> list[str]:
    return [row[0] for row in rows_of(browser.get(f"/factures/registre.csv?{query}"))[1:]]


def test_a_french_spreadsheet_opens_the_csv_right(alice: Browser, people: People) -> None:
    make_invoice(
        people.alice.company,
        number='A;"1"',
        kind="credit_note",
        contract="É-1",
        net_cents=-123_456,
        vat_cents=None,
        gross_cents=-5,
        currency="USD",
        state="duplicate",
    )
    response = alice.get("/factures/registre.csv")
    assert response.headers["Content-Type"] == "text/csv; charset=utf-8"
    name = f"registre-{people.alice.company.client_number}-{clock.today()}.csv"
    assert response.headers["Content-Disposition"] == f"attachment; filename={name}"
    heading, line = rows_of(response)
    assert heading == HEADINGS
    today, last = clock.today(), clock.add_months(clock.today(), 24)
    assert line == [
        'A;"1"', "Avoir", "É-1", f"{today:%d/%m/%Y}", "", "-1234,56", "", "-0,05", "USD",
        "Duplicata", f"{last:%d/%m/%Y}",
    ]  # fmt: skip


def test_the_workbook_holds_real_dates_numbers_and_totals(alice: Browser, people: People) -> None:
    company = people.alice.company
    make_invoice(company, number="F-1", due_on=clock.today())
    make_invoice(
        company, number="A-1", kind="credit_note", net_cents=-10, vat_cents=None, gross_cents=-12
    )
    make_invoice(company, number="F-2", currency="USD", gross_cents=100)
    response = alice.get("/factures/registre.xlsx?tri=numero")
    assert response.headers["Content-Disposition"].endswith(f"-{clock.today()}.xlsx")
    sheet = sheet_of(response)
    lines = list(sheet.iter_rows(values_only=True))
    assert list(lines[0]) == HEADINGS
    today = datetime.combine(clock.today(), datetime.min.time())
    assert lines[1][:8] == ("A-1", "Avoir", None, today, None, -0.1, None, -0.12)
    assert lines[2][3:8] == (today, today, 100, 20, 120)
    assert (sheet.freeze_panes, sheet.auto_filter.ref) == ("B2", "A1:K4")
    assert sheet["D2"].number_format == "dd/mm/yyyy" and sheet["F2"].number_format == "#,##0.00"
    assert sheet["H6"].value == '=SUMIF(I2:I4,"EUR",H2:H4)'
    assert all(sheet.column_dimensions[letter].width > 7 for letter in "ABCDEFGHIJK")
    totals = [row[4:9] for row in sheet_of(response, values=True).iter_rows(5, values_only=True)]
    assert totals == [(None,) * 5, (None, 99.9, 20, 119.88, "EUR"), (None, 100, 20, 1, "USD")]


def test_a_currency_without_cents_has_none_in_the_register(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company, currency="XPF", net_cents=1_250_000, gross_cents=1_250_050)
    (line,) = rows_of(alice.get("/factures/registre.csv"))[1:]
    assert line[5:9] == ["12500", "20", "12500,50", "XPF"]
    sheet = sheet_of(alice.get("/factures/registre.xlsx"))
    forms = [sheet[cell].number_format for cell in ("F2", "G2", "H2", "F4", "H4")]
    assert forms == ["#,##0", "#,##0", "#,##0.00", "#,##0", "#,##0.00"]
    assert "12\u202f500,50\u00a0XPF" in alice.get("/factures").text


def test_a_day_that_no_spreadsheet_knows_is_text(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company, due_on=date(1899, 12, 31))
    make_invoice(people.alice.company, due_on=date(1901, 1, 1))
    sheet = sheet_of(alice.get("/factures/registre.xlsx"))
    assert isinstance(first := sheet["E2"].value, datetime) and first.year == 1901
    assert sheet["E3"].value == "31/12/1899"


@pytest.mark.parametrize("number", HOSTILE)
def test_no_cell_is_a_formula(alice: Browser, people: People, number: str) -> None:
    make_invoice(people.alice.company, number=number, contract=number, net_cents=-1, gross_cents=-1)
    (line,) = rows_of(alice.get("/factures/registre.csv"))[1:]
    expected = number if number == "'x" else f"'{number}"
    assert (line[0], line[2], line[7]) == (expected, expected, "-0,01")
    sheet = sheet_of(alice.get("/factures/registre.xlsx"))
    written = number.replace("\r", "_x000D_") if "\r" in number else number
    assert (sheet["A2"].data_type, sheet["C2"].data_type) == ("s", "s")
    assert sheet["A2"].value in (number, written) and sheet["H2"].value == -0.01


EXCEL_REWRITES = ["000123", "3-2026", "12E5", "12345678901234567890", "1/2", "mars 2026", "0,50"]


@pytest.mark.parametrize("number", EXCEL_REWRITES)
def test_a_number_that_excel_would_rewrite_is_text_in_the_workbook_and_as_it_is_in_the_csv(
    alice: Browser, people: People, number: str
) -> None:
    make_invoice(people.alice.company, number=number, contract=number)
    sheet = sheet_of(alice.get("/factures/registre.xlsx"))
    for cell in (sheet["A2"], sheet["C2"]):
        assert (cell.data_type, cell.value) == ("s", number)
    assert numbers(alice) == [number]


def test_the_page_says_beside_the_links_which_one_is_for_excel(
    alice: Browser, people: People
) -> None:
    make_invoice(people.alice.company)
    ((_, after),) = [alice.get("/factures").text.split('class="register"')]
    links = after.partition("</p>")[0]
    assert links.index("registre.csv") < links.index("registre.xlsx")
    assert "Excel change certains numéros du CSV (000123, 3-2026)" in links


def test_addresses_in_a_number_are_no_links(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company, number="https://exemple.fr", contract="007")
    sheet = sheet_of(alice.get("/factures/registre.xlsx"))
    assert sheet["A2"].hyperlink is None and sheet["C2"].value == "007"


def test_it_holds_what_the_filters_find_over_all_months_in_the_order_of_the_list(
    alice: Browser, people: People
) -> None:
    company = people.alice.company
    for number, months in (("F-1", 0), ("F-2", 5), ("F-3", 23)):
        make_invoice(company, number=number, issued_on=months_ago(months))
    make_invoice(company, number="A-1", kind="credit_note")
    make_invoice(company, number="F-gone", issued_on=months_ago(24, days=1))
    assert numbers(alice) == ["A-1", "F-1", "F-2", "F-3"]
    assert numbers(alice, "kind=invoice&tri=-numero") == ["F-3", "F-2", "F-1"]
    assert numbers(alice, "q=F-2") == ["F-2"]
    assert numbers(alice, "apres=x&vue=a_archiver") == ["F-3"]


def test_nobody_else_finds_anything_in_theirs(
    alice: Browser,
    bob: Browser,
    charlie: Browser,
    people: People,
    new_browser: Callable[[], Browser],
) -> None:
    company = people.alice.company
    make_invoice(company, number="F-1", contract="C-1")
    make_user(company, "paul", profile=make_profile(company, "Deux", "C-2"))
    paul = new_browser()
    paul.sign_in("paul", people.password)
    for other in (bob, charlie, paul):
        assert numbers(other) == []
        sheet = sheet_of(other.get("/factures/registre.xlsx"))
        assert sheet.max_row == 1


@pytest.mark.parametrize("sort", ["", "emise", "-ttc", "echeance"])
def test_no_document_is_lost_or_doubled_over_many_pages(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch, sort: str
) -> None:
    monkeypatch.setattr(export, "PAGE_ROWS", 7)
    for each in range(31):
        make_invoice(people.alice.company, number=f"F-{each:02}", gross_cents=each % 5)
    assert sorted(numbers(alice, f"tri={sort}")) == [f"F-{each:02}" for each in range(31)]
    sheet = sheet_of(alice.get(f"/factures/registre.xlsx?tri={sort}"))
    written = [row[0] for row in sheet.iter_rows(2, 32, values_only=True)]
    assert written == numbers(alice, f"tri={sort}")


def test_what_arrives_or_goes_meanwhile_disturbs_no_page(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "PAGE_ROWS", 2)
    company = people.alice.company
    invoices = [make_invoice(company, number=f"F-{each}") for each in range(5)]
    found = export.pages(people.alice, export.Filters())
    assert [entry.number for entry in next(found)] == ["F-4", "F-3"]
    make_invoice(company, number="new")
    Invoice.delete().where(Invoice.id == invoices[1].id).execute()
    assert [[entry.number for entry in page] for page in found] == [["F-2"], ["F-0"]]


@pytest.mark.sqlite
def test_a_page_is_read_by_the_keys_of_its_documents(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By its filters each page would cost as much as all of the company's documents."""
    make_invoice(people.alice.company)
    found = export.pages(people.alice, export.Filters(q="FA-"))
    with counted_queries(monkeypatch) as seen:
        next(found)
    (sql,) = seen
    ((*_, plan),) = database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", [1])
    assert plan.startswith("SEARCH") and "USING INTEGER PRIMARY KEY" in plan


def test_more_than_a_sheet_holds_is_told_and_the_csv_remains(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MAX_SHEET_ROWS", 2)
    for each in range(3):
        make_invoice(people.alice.company, number=f"F-{each}")
    response = alice.get("/factures/registre.xlsx?kind=invoice")
    assert response.headers["Location"] == "/factures?kind=invoice"
    assert "plus de 2 documents" in alice.get("/factures").text
    assert len(numbers(alice)) == 3


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_a_misread_period_makes_no_register(alice: Browser, people: People, form: str) -> None:
    response = alice.get(f"/factures/registre.{form}?du=2026-02-31&au=x")
    assert response.headers["Location"] == "/factures?du=2026-02-31&au=x"


@pytest.mark.parametrize("form", ["csv", "xlsx"])
def test_the_journal_knows_but_nothing_counts_as_opened(
    alice: Browser, people: People, form: str
) -> None:
    make_invoice(people.alice.company)
    assert alice.client.head(f"/factures/registre.{form}").status_code == 200
    alice.get(f"/factures/registre.{form}")
    entries = AuditEntry.select().where(AuditEntry.event == "invoices.registered")
    assert [json.loads(each.facts) for each in entries] == [{"form": form.upper()}]
    assert Opening.select().count() == 0 and Invoice.get().downloaded_at is None
    assert "Registre téléchargé" in alice.get("/administration/journal").text
