"""What a document says of itself, what its row overrides, and whose it is."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfservice import clock, money
from selfservice.deposits import facturx
from selfservice.deposits.deposit import DepositReport
from selfservice.deposits.description import combine
from selfservice.deposits.document import Document
from selfservice.deposits.refusal import RefusalError
from selfservice.invoices.embedded_xml import EmbeddedXmlError
from selfservice.invoices.models import Invoice
from selfservice.suppliers.models import Company, Supplier
from tests import papers
from tests.factories import make_company
from tests.papers import cii, client_number, legal_id, pdf, vat_number

Deposit = Callable[[], DepositReport]


def described(cells: dict[str, str] | None = None, **fields: object) -> tuple[object, ...]:
    document = Document("a.pdf", "", "", own=facturx.describe(cii(**fields)))
    combine(document, cells or {})
    return document.kind, document.net_cents, document.vat_cents, document.gross_cents


def test_everything_the_list_shows_is_read() -> None:
    read = facturx.describe(
        cii(number=" F-7 ", issued="20261103", due="20261203", contract="MSPE 2017")
    )
    assert (read.number, read.kind, read.currency) == ("F-7", "invoice", "EUR")
    assert (read.issued_on, read.due_on) == (date(2026, 11, 3), date(2026, 12, 3))
    assert (read.net_cents, read.vat_cents, read.gross_cents) == (10_000, 2_000, 12_000)
    assert (read.contract, read.seller.siren) == ("MSPE 2017", papers.SELLER_SIREN)


def test_an_attachment_filed_under_a_number_is_known_by_its_name(
    deposit: Deposit, folder: Path, company: Company
) -> None:
    xml = cii(buyer=client_number(company.client_number))
    (folder / "a.pdf").write_bytes(pdf(xml, key="0001"))
    assert deposit().deposited == 1


def test_the_vat_total_is_that_of_the_invoices_currency() -> None:
    totals = (
        '<ram:TaxTotalAmount currencyID="EUR">18.40</ram:TaxTotalAmount>'
        '<ram:TaxTotalAmount currencyID="USD">20.00</ram:TaxTotalAmount>'
    )
    assert facturx.describe(cii(currency="USD", vat_totals=totals)).vat_cents == 2_000
    assert facturx.describe(cii(currency="EUR", vat_totals=totals)).vat_cents == 1_840


@pytest.mark.parametrize(
    "code",
    ["81", "83", "261", "262", "296", "308", "381", "396", "420", "458", "502", "503", "532"],
)
def test_types_of_credit_notes_are_stored_negative(code: str) -> None:
    assert described(type_code=code) == ("credit_note", -10_000, -2_000, -12_000)


@pytest.mark.parametrize("code", ["380", "384", "389", "751", "80", "82", "38"])
def test_other_types_are_invoices(code: str) -> None:
    assert described(type_code=code) == ("invoice", 10_000, 2_000, 12_000)


@pytest.mark.parametrize("code", ["380", "381"])
def test_a_negative_total_is_a_credit_note_and_stays_negative(code: str) -> None:
    totals = {"net": "-100.00", "vat": "-20.00", "gross": "-120.00"}
    assert described(type_code=code, **totals) == ("credit_note", -10_000, -2_000, -12_000)


def test_a_total_of_nothing_is_an_invoice() -> None:
    assert described(net="-0.00", vat="0", gross="-0.00") == ("invoice", 0, 0, 0)


def test_signs_of_the_row_and_of_the_document_need_not_agree() -> None:
    assert described({"gross": "-60"}, type_code="381") == ("credit_note", -10_000, -2_000, -6_000)
    assert described({"gross": "60"}, type_code="381") == ("credit_note", -10_000, -2_000, -6_000)


def test_the_row_overrides_the_kind() -> None:
    assert described({"kind": "credit_note"}) == ("credit_note", -10_000, -2_000, -12_000)
    assert described({"kind": "invoice"}, type_code="381") == ("invoice", 10_000, 2_000, 12_000)


def test_a_row_mends_what_the_document_says_wrongly() -> None:
    assert described({"gross": "120"}, gross="12.345") == ("invoice", 10_000, 2_000, 12_000)


def test_a_row_overrides_only_what_it_gives(
    deposit: Deposit, folder: Path, company: Company
) -> None:
    own = cii(number="F-1", contract="K-1", buyer=client_number(company.client_number))
    (folder / "a.pdf").write_bytes(pdf(own))
    papers.index(
        folder, {"file": "a.pdf", "invoice_number": "F-2", "contract": "", "due_on": "2030-01-31"}
    )
    assert deposit().deposited == 1
    stored = Invoice.get()
    assert (stored.number, stored.contract, stored.due_on) == ("F-2", "K-1", date(2030, 1, 31))
    assert stored.has_xml and stored.issued_on == clock.today()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
@pytest.mark.parametrize("gross", ["1234,5", "1\u202f234,50 €"])
def test_a_plain_pdf_is_described_by_its_row(
    deposit: Deposit, folder: Path, encoding: str, gross: str, company: Company
) -> None:
    (folder / "été.pdf").write_bytes(pdf())
    row: dict[str, object] = {
        "file": "été.pdf",
        "client_number": "C-1",
        "invoice_number": "P-1",
        "issued_on": clock.today().isoformat(),
        "gross": gross,
        "kind": "credit_note",
    }
    papers.index(folder, row, encoding=encoding)
    assert deposit().refused == []
    stored = Invoice.get()
    assert (stored.company, stored.kind, stored.currency) == (company, "credit_note", "EUR")
    assert (stored.gross_cents, stored.net_cents, stored.has_xml) == (-123_450, None, False)


@pytest.mark.parametrize(
    ("cells", "cents"),
    [
        ({"gross": "1 234,50"}, 123_450),
        ({"gross": "1\u202f234,50\xa0€"}, 123_450),
        ({"gross": "1\xa0234,50 EUR"}, 123_450),
        ({"gross": "€1234.5"}, 123_450),
        ({"gross": "- 1 234,50 €"}, -123_450),
        ({"gross": "−1 234,50 €"}, -123_450),
        ({"gross": "$12.00", "currency": "usd"}, 1_200),
        ({"gross": "12 CHF", "currency": "CHF"}, 1_200),
    ],
)
def test_an_amount_is_read_as_a_spreadsheet_shows_it(cells: dict[str, str], cents: int) -> None:
    assert described(cells)[3] == cents


def test_a_sign_is_that_of_the_documents_own_currency() -> None:
    assert described({"gross": "12,00 $"}, currency="USD")[3] == 1_200
    with pytest.raises(RefusalError):
        described({"gross": "12,00 €"}, currency="USD")


@pytest.mark.parametrize("issued_on", ["2026-11-02", "02/11/2026"])
def test_a_day_is_read_in_both_forms_of_a_spreadsheet(issued_on: str) -> None:
    document = Document("a.pdf", "", "", own=facturx.describe(cii()))
    combine(document, {"issued_on": issued_on, "due_on": "31/12/2026"})
    assert (document.issued_on, document.due_on) == (date(2026, 11, 2), date(2026, 12, 31))


def test_file_names_in_two_ways_of_writing_accents_are_one(
    deposit: Deposit, folder: Path, company: Company
) -> None:
    (folder / "e\u0301te\u0301.pdf").write_bytes(papers.facturx())
    papers.index(folder, {"file": "été.pdf", "client_number": "C-1"})
    assert deposit().deposited == 1


@pytest.mark.parametrize(
    ("registered", "buyer"),
    [
        ({"client_number": "C-77"}, client_number("C-77")),
        ({"client_number": "C-77"}, "<ram:GlobalID schemeID='0088'>C-77</ram:GlobalID>"),
        ({"siren": "555555555"}, legal_id("555 555 555")),
        ({"siren": "555555555"}, legal_id("55555555500012")),
        ({"siren": "55555555500012"}, legal_id("55555555500012", scheme="0009")),
        ({"siren": "55555555500012"}, legal_id("555555555")),
        ({"vat_number": "ESA12345674"}, vat_number("ES A12345674")),
        ({"siren": "555555555"}, client_number("unknown") + legal_id("555555555")),
        ({"vat_number": "FR40555555555"}, legal_id("999") + vat_number("FR40555555555")),
    ],
)
def test_the_buyer_is_found_by_each_of_its_numbers(
    deposit: Deposit, folder: Path, supplier: Supplier, registered: dict[str, str], buyer: str
) -> None:
    expected = make_company(supplier, **registered)
    make_company(supplier, siren="444444444", vat_number="FR11444444444")
    (folder / "a.pdf").write_bytes(pdf(cii(buyer=buyer)))
    assert deposit().refused == []
    assert Invoice.get().company == expected


def test_an_establishment_is_told_apart_by_its_siret(
    deposit: Deposit, folder: Path, supplier: Supplier
) -> None:
    make_company(supplier, siren="55555555500012")
    expected = make_company(supplier, siren="55555555500020")
    (folder / "a.pdf").write_bytes(pdf(cii(buyer=legal_id("55555555500020"))))
    assert deposit().deposited == 1
    assert Invoice.get().company == expected


def test_another_countrys_number_is_no_siren(
    deposit: Deposit, folder: Path, supplier: Supplier
) -> None:
    make_company(supplier, siren="555555555")
    (folder / "a.pdf").write_bytes(pdf(cii(buyer=legal_id("555555555", scheme="0060"))))
    assert deposit().deposited == 0


def test_the_client_number_of_the_document_comes_before_its_siren(
    deposit: Deposit, folder: Path, supplier: Supplier, company: Company
) -> None:
    make_company(supplier, siren="555555555")
    buyer = client_number(company.client_number) + legal_id("555555555")
    (folder / "a.pdf").write_bytes(pdf(cii(buyer=buyer)))
    assert deposit().deposited == 1
    assert Invoice.get().company == company


def test_the_state_is_a_copy_before_a_duplicate_before_an_original(
    deposit: Deposit, folder: Path, supplier: Supplier, company: Company
) -> None:
    paper = make_company(supplier, delivery="paper")
    yesterday = f"{clock.today().fromordinal(clock.today().toordinal() - 1):%Y%m%d}"
    supplier.platform_since = clock.today()
    for number, owner, issued in (
        ("original", company, yesterday),
        ("duplicate", paper, yesterday),
        ("copy", company, f"{clock.today():%Y%m%d}"),
        ("copy of paper", paper, f"{clock.today():%Y%m%d}"),
    ):
        content = papers.facturx(owner, number=number, issued=issued)
        (folder / f"{number}.pdf").write_bytes(content)
    assert deposit().deposited == 4
    states = dict(Invoice.select(Invoice.number, Invoice.state).tuples())
    assert states == {
        "original": "original",
        "duplicate": "duplicate",
        "copy": "copy",
        "copy of paper": "copy",
    }


def test_mode_and_address_are_those_at_deposit(
    deposit: Deposit, folder: Path, company: Company
) -> None:
    (folder / "a.pdf").write_bytes(papers.facturx(company))
    Company.update(notification="daily", email_key="x@example.com").execute()
    deposit()
    Company.update(notification="none", email_key=None).execute()
    stored = Invoice.get()
    assert (stored.notification, stored.notified_email_key) == ("daily", "x@example.com")


@given(st.integers(-(10**15), 10**15))
@settings(max_examples=60, deadline=None)
def test_amounts_survive_to_the_cent(cents: int) -> None:
    text = str(Decimal(cents) / 100)
    assert money.parse_cents(f"{cents / 100:.2f}" if abs(cents) < 10**12 else text) == cents
    read = described({"gross": str(Decimal(cents) / 100)})
    assert read[3] == cents


@given(st.dates(date(1900, 1, 1), date(2100, 12, 31)), st.integers(1, 1200))
@settings(max_examples=200, deadline=None)
def test_the_earliest_lasting_day_is_the_first_that_reaches(until: date, months: int) -> None:
    if until.year - months // 12 < 3:
        return
    first = clock.earliest_lasting(until, months=months)
    assert clock.add_months(first, months) >= until
    before = date.fromordinal(first.toordinal() - 1)
    assert clock.add_months(before, months) < until


@given(st.binary(max_size=400))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_no_xml_crashes_the_reader(noise: bytes) -> None:
    whole = cii()
    for xml in (noise, whole[: len(noise)] + noise, whole.replace(b"380", noise[:9])):
        try:
            facturx.describe(xml)
        except EmbeddedXmlError:
            continue
