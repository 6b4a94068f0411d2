"""Every reason why a document stays out, and their order."""

import io
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pikepdf
import pytest

from selfservice import clock
from selfservice.deposits.deposit import DepositReport
from selfservice.invoices.models import Invoice
from selfservice.suppliers.models import Company, Supplier
from tests import papers
from tests.factories import make_company, make_supplier
from tests.papers import cii, client_number, facturx, legal_id, pdf, vat_number

pytestmark = pytest.mark.slow

Refusal = Callable[..., str]
Deposit = Callable[[], DepositReport]


def encrypted(*, user: str, owner: str = "owner") -> bytes:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(facturx())) as document:
        document.save(buffer, encryption=pikepdf.Encryption(user=user, owner=owner))
    return buffer.getvalue()


def day(days: int) -> str:
    return f"{clock.today() + timedelta(days=days):%Y%m%d}"


def test_a_text_is_no_pdf(refusal: Refusal) -> None:
    assert refusal(b"Bonjour", "note.txt") == "Ce fichier n'est pas un PDF."


def test_an_empty_file_is_no_pdf(refusal: Refusal) -> None:
    assert refusal(b"") == "Ce fichier n'est pas un PDF."


def test_a_cut_pdf_says_that_its_end_is_missing(refusal: Refusal, company: Company) -> None:
    whole = facturx(company)
    assert refusal(whole[: len(whole) * 2 // 3]) == "Ce PDF est coupé : sa fin manque."


def test_a_damaged_pdf_is_not_mended(refusal: Refusal, company: Company) -> None:
    whole = facturx(company)
    damaged = whole.replace(b"startxref\n", b"startxref\n9")
    said = refusal(damaged)
    assert said.startswith("Ce PDF est abîmé : sa table des objets (xref)")
    assert "enregistrez-le de nouveau" in said


def test_a_pdf_that_asks_for_a_password_is_refused(refusal: Refusal) -> None:
    assert refusal(encrypted(user="secret")) == "Ce PDF est protégé par un mot de passe."


def test_a_pdf_protected_against_changes_only_is_accepted(
    deposit: Deposit, folder: Path, company: Company
) -> None:
    (folder / "a.pdf").write_bytes(encrypted(user=""))
    papers.index(folder, {"file": "a.pdf", "client_number": "C-1"})
    assert deposit().deposited == 1


def test_a_pdf_without_a_page_is_refused(refusal: Refusal) -> None:
    assert refusal(pdf(cii(), pages=0)) == "Ce PDF n'a aucune page."


def test_pages_beyond_the_limit_are_refused(refusal: Refusal, app: object) -> None:
    app.config["DOCUMENT_MAX_PAGES"] = 2  # type: ignore[attr-defined]
    assert refusal(pdf(cii(), pages=3)) == "Ce PDF dépasse 2 pages."


def test_a_file_beyond_the_size_limit_is_refused(refusal: Refusal, app: object) -> None:
    app.config["DOCUMENT_MAX_MEGABYTES"] = 1  # type: ignore[attr-defined]
    assert refusal(b"%PDF-1.7" + b" " * 1024 * 1024) == "Ce fichier dépasse 1 Mo."


def test_a_plain_pdf_without_a_row_has_no_description(refusal: Refusal) -> None:
    assert refusal(pdf()).startswith("Aucune description")


def test_an_attachment_of_another_name_is_no_description(refusal: Refusal) -> None:
    assert refusal(pdf(cii(), name="facture.xml")).startswith("Aucune description")


@pytest.mark.parametrize("name", ["factur-x.xml", "ZUGFeRD-invoice.xml", "XRechnung.XML"])
def test_the_names_of_the_standard_are_read_in_any_case(
    deposit: Deposit, folder: Path, company: Company, name: str
) -> None:
    (folder / "a.pdf").write_bytes(pdf(cii(buyer=client_number("C-1")), name=name))
    assert deposit().deposited == 1


@pytest.mark.parametrize(
    "xml",
    [
        b"",
        b"<a",
        b"<a/>",
        cii()[:-30],
        b"\xff\xfe\x00",
        cii().replace(b":CrossIndustryInvoice:", b":Order:"),
    ],
    ids=["empty", "cut", "foreign", "truncated", "binary", "other-root"],
)
def test_broken_xml_without_a_whole_row_is_refused(refusal: Refusal, xml: bytes) -> None:
    assert refusal(pdf(xml)) == "Les données Factur-X de ce PDF ne sont pas lisibles."


def test_broken_xml_with_a_whole_row_goes_in_as_a_plain_pdf(deposit: Deposit, folder: Path) -> None:
    (folder / "a.pdf").write_bytes(pdf(b"<broken"))
    papers.index(folder, whole_row())
    assert deposit().deposited == 1
    assert not Invoice.get().has_xml


def whole_row(**changes: object) -> dict[str, object]:
    row: dict[str, object] = {
        "file": "a.pdf",
        "client_number": "C-1",
        "invoice_number": "P-1",
        "issued_on": clock.today().isoformat(),
        "gross": "12,50",
    }
    return row | changes


@pytest.mark.parametrize("has_row", [True, False])
def test_a_doctype_is_refused_whatever_the_index_says(
    refusal: Refusal, folder: Path, has_row: bool
) -> None:
    if has_row:
        papers.index(folder, whole_row())
    bomb = cii().replace(b"?>\n", b'?>\n<!DOCTYPE x [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>\n', 1)
    assert "DOCTYPE" in refusal(pdf(bomb), "a.pdf")


def test_xml_that_unpacks_beyond_ten_megabytes_is_broken(refusal: Refusal) -> None:
    buffer = io.BytesIO()
    xml = cii(buyer=client_number("C-1") + 11 * 100_000 * "<ram:X>x</ram:X>")
    with pikepdf.open(io.BytesIO(pdf(xml))) as document:
        document.save(buffer, recompress_flate=True, compress_streams=True)
    assert len(buffer.getvalue()) < 200_000
    assert refusal(buffer.getvalue()) == "Les données Factur-X de ce PDF ne sont pas lisibles."


@pytest.mark.parametrize(
    ("column", "said"),
    [
        ("client_number", "le numéro client"),
        ("invoice_number", "le numéro"),
        ("issued_on", "la date d'émission"),
        ("gross", "le total TTC"),
    ],
)
def test_a_plain_pdf_needs_four_cells(
    refusal: Refusal, folder: Path, column: str, said: str
) -> None:
    papers.index(folder, whole_row(**{column: ""}))
    assert refusal(pdf(), "a.pdf") == (
        f"Description incomplète : {said} manque à la ligne 2 de index.csv."
    )


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("issued_on", "2/11/2026", "la date d'émission"),
        ("issued_on", "2026-02-30", "la date d'émission"),
        ("due_on", "demain", "l'échéance"),
        ("gross", "12,505", "le total TTC"),
        ("gross", "douze", "le total TTC"),
        ("net", "1e3", "le total HT"),
        ("kind", "facture", "le type de document"),
        ("currency", "€", "la devise"),
        ("invoice_number", "x" * 101, "le numéro"),
        ("contract", "a\x01b", "le contrat"),
        ("issued_on", "46328", "la date d'émission"),
        ("net", "1.234,50", "le total HT"),
        ("gross", "12,50 $", "le total TTC"),
        ("gross", "12,50 USD", "le total TTC"),
    ],
)
def test_a_cell_that_cannot_be_taken_is_named(
    refusal: Refusal, folder: Path, column: str, value: str, said: str
) -> None:
    papers.index(folder, whole_row(**{column: value}))
    reason = refusal(pdf(), "a.pdf")
    assert reason.startswith(f"Description incorrecte : {said} de la ligne 2 de index.csv ")
    assert " Écrivez " in reason


@pytest.mark.parametrize(
    ("field", "value", "said"),
    [
        ("issued", "20261332", "la date d'émission"),
        ("gross", "12.345", "le total TTC"),
        ("type_code", "facture", "le type de document"),
        ("currency", "EURO", "la devise"),
        ("number", "x" * 101, "le numéro"),
        ("number", "F\u202e1", "le numéro"),
    ],
)
def test_a_wrong_value_of_the_xml_is_named(
    refusal: Refusal, company: Company, field: str, value: str, said: str
) -> None:
    reason = refusal(facturx(company, **{field: value}))
    assert reason.startswith(f"Description incorrecte : {said} ")


@pytest.mark.parametrize("field", ["number", "issued", "gross"])
def test_what_the_xml_leaves_out_is_named(refusal: Refusal, company: Company, field: str) -> None:
    assert refusal(facturx(company, **{field: ""})).startswith("Description incomplète")


def test_two_rows_for_one_file_refuse_it(refusal: Refusal, folder: Path) -> None:
    papers.index(folder, whole_row(), whole_row(gross="13"))
    assert refusal(pdf(), "a.pdf") == (
        "Ce fichier est décrit plusieurs fois dans index.csv : lignes 2 et 3."
    )


def test_a_row_with_text_after_the_last_column_refuses_its_file(
    refusal: Refusal, folder: Path
) -> None:
    (folder / "index.csv").write_text("file;client_number\na.pdf;C-1;C-2\n", "utf-8")
    assert refusal(facturx(), "a.pdf").startswith("La ligne 2 de index.csv")


def test_a_row_without_its_file_is_refused(deposit: Deposit, folder: Path) -> None:
    papers.index(folder, whole_row(file="absent.pdf"), whole_row(file=""))
    reasons = {refused.file: refused.reason for refused in deposit().refused}
    assert reasons == {
        "absent.pdf": "Ce fichier, cité à la ligne 2 de index.csv, n'est pas dans le dossier.",
        "index.csv": "La ligne 3 de index.csv ne nomme aucun fichier.",
    }


@pytest.mark.parametrize(
    "seller",
    [
        legal_id("987654321"),
        legal_id("98765432100010"),
        vat_number("FR11987654321"),
        vat_number("DE123456789"),
        legal_id("123456789", scheme="0060"),
        legal_id("987654321") + vat_number("FR32123456789"),
    ],
)
def test_another_seller_is_refused(refusal: Refusal, company: Company, seller: str) -> None:
    reason = refusal(facturx(company, seller=seller))
    assert reason.startswith("Cette facture est celle d'un autre vendeur")


@pytest.mark.parametrize(
    "seller",
    [legal_id("12345678900017"), legal_id("123 456 789"), vat_number("FR 32 123456789"), ""],
)
def test_the_sellers_own_numbers_are_recognised(
    deposit: Deposit, folder: Path, company: Company, seller: str
) -> None:
    (folder / "a.pdf").write_bytes(facturx(company, seller=seller))
    assert deposit().deposited == 1


def test_a_supplier_without_siren_takes_any_seller(
    deposit: Deposit, folder: Path, supplier: Supplier, company: Company
) -> None:
    supplier.siren = None
    (folder / "a.pdf").write_bytes(facturx(company, seller=legal_id("987654321")))
    assert deposit().deposited == 1


def test_an_unknown_customer_is_named(refusal: Refusal) -> None:
    buyer = client_number("C-9") + "<ram:Name>Inconnue</ram:Name>" + legal_id("555555555")
    assert refusal(pdf(cii(buyer=buyer))) == "Client inconnu : C-9, Inconnue, 555555555."


def test_no_buyer_at_all_is_an_unknown_customer(refusal: Refusal) -> None:
    assert refusal(pdf(cii())) == "Client inconnu : aucun acheteur indiqué."


def test_the_client_number_of_the_index_decides_alone(
    refusal: Refusal, folder: Path, company: Company
) -> None:
    papers.index(folder, {"file": "a.pdf", "client_number": "C-9"})
    assert refusal(facturx(company), "a.pdf") == "Le numéro client C-9 est inconnu."


def test_several_customers_of_one_siren_ask_for_the_client_number(
    refusal: Refusal, supplier: Supplier
) -> None:
    make_company(supplier, siren="555555555")
    make_company(supplier, siren="555555555")
    reason = refusal(pdf(cii(buyer=legal_id("55555555500012"))))
    assert reason.startswith("Plusieurs clients") and "numéro client" in reason


def test_another_suppliers_customer_is_unknown(refusal: Refusal) -> None:
    make_company(make_supplier("autre"), client_number="C-9")
    assert refusal(pdf(cii(buyer=client_number("C-9")))).startswith("Client inconnu")


def test_a_date_in_the_future_is_refused(refusal: Refusal, company: Company) -> None:
    assert "dans le futur" in refusal(facturx(company, issued=day(1)))


def test_before_the_opening_is_refused(
    refusal: Refusal, supplier: Supplier, company: Company
) -> None:
    supplier.opened_on = clock.today() - timedelta(days=9)
    assert "avant l'ouverture" in refusal(facturx(company, issued=day(-10)))


def test_the_opening_day_itself_is_accepted(
    deposit: Deposit, folder: Path, supplier: Supplier, company: Company
) -> None:
    supplier.opened_on = clock.today() - timedelta(days=9)
    (folder / "a.pdf").write_bytes(facturx(company, issued=day(-9)))
    assert deposit().deposited == 1


def test_beyond_retention_is_refused(refusal: Refusal, company: Company) -> None:
    old = papers.months_ago(24, days=1)
    assert "il y a plus de 24 mois" in refusal(facturx(company, issued=f"{old:%Y%m%d}"))


def test_the_last_day_of_retention_is_accepted(
    deposit: Deposit, folder: Path, company: Company
) -> None:
    last = papers.months_ago(24)
    (folder / "a.pdf").write_bytes(facturx(company, issued=f"{last:%Y%m%d}"))
    assert deposit().deposited == 1


def test_a_number_with_other_content_is_a_conflict(
    deposit: Deposit, folder: Path, company: Company, instance: Path
) -> None:
    (folder / "a.pdf").write_bytes(facturx(company))
    (folder / "b.pdf").write_bytes(facturx(company, gross="121.00"))
    report = deposit()
    assert (report.deposited, report.already) == (1, 0)
    assert [(each.file, each.reason) for each in report.refused] == [
        ("b.pdf", "Le numéro F-1 existe déjà avec un autre contenu.")
    ]
    assert Invoice.get().gross_cents == 12_000
    stored = list((instance / "documents").rglob("*.pdf"))
    assert len(stored) == 1


def test_reasons_are_given_in_the_order_of_the_specification(
    folder: Path, deposit: Deposit, supplier: Supplier, company: Company
) -> None:
    """A document with every fault gives them one after the other as they are mended."""
    supplier.opened_on = clock.today() - timedelta(days=1)
    (folder / "0.pdf").write_bytes(facturx(company))
    faults: dict[str, object] = {
        "gross": "x",
        "seller": legal_id("987654321"),
        "buyer": client_number("C-9"),
        "issued": day(1),
    }
    seen = [reason_of(deposit, folder, pdf(cii(**faults))[:-600])]
    mended = [{}, {"gross": "99"}, {"seller": ""}, {"buyer": client_number("C-1")}]
    mended += [{"issued": f"{papers.months_ago(24, days=1):%Y%m%d}"}]
    for change in mended:
        faults |= change
        seen.append(reason_of(deposit, folder, pdf(cii(**faults))))
    supplier.opened_on = None
    seen.append(reason_of(deposit, folder, pdf(cii(**faults))))
    seen.append(reason_of(deposit, folder, pdf(cii(**(faults | {"issued": day(0)})))))
    starts = (
        "Ce PDF est coupé",
        "Description incorrecte",
        "Cette facture est celle d'un autre vendeur",
        "Client inconnu",
        "La date d'émission",
        "Émise le",
        "Émise le",
        "Le numéro F-1 existe déjà",
    )
    assert len(seen) == len(starts)
    for reason, start in zip(seen, starts, strict=True):
        assert reason.startswith(start)
    assert "avant l'ouverture" in seen[5] and "24 mois" in seen[6]


def reason_of(deposit: Deposit, folder: Path, content: bytes) -> str:
    (folder / "1.pdf").write_bytes(content)
    (refused,) = deposit().refused
    return refused.reason


def test_the_list_of_rejects_is_rewritten_by_each_run(
    deposit: Deposit, folder: Path, company: Company
) -> None:
    (folder / "a.pdf").write_bytes(b"x")
    deposit()
    assert "a.pdf" in (folder / "rejets.csv").read_text("utf-8")
    (folder / "a.pdf").write_bytes(facturx(company))
    deposit()
    assert (folder / "rejets.csv").read_text("utf-8") == "file;reason\n"


def test_a_file_name_that_a_spreadsheet_would_compute_is_made_inert(
    deposit: Deposit, folder: Path
) -> None:
    (folder / "=1+1.pdf").write_bytes(b"x")
    deposit()
    assert "'=1+1.pdf;" in (folder / "rejets.csv").read_text("utf-8")
