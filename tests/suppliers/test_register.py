"""`companies import`: the advisers' register (FAQ 3, 8, 15)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from selfservice.mail.outbox import OutboxMail
from selfservice.suppliers import companies_csv, errors, messages
from selfservice.suppliers.companies_csv import ImportReport, import_companies
from selfservice.suppliers.models import Company, Supplier
from tests.factories import make_company, make_supplier

HEADER = "client_number;name;siren;vat_number;email;notification;delivery"
Import = Callable[..., ImportReport]


@pytest.fixture
def supplier(app: Flask) -> Supplier:
    return make_supplier("diac")


@pytest.fixture
def take(supplier: Supplier, tmp_path: Path) -> Import:
    """Import these lines."""

    def import_lines(*lines: str, encoding: str = "utf-8") -> ImportReport:
        file = tmp_path / "clients.csv"
        file.write_bytes("\n".join(lines).encode(encoding))
        return import_companies(supplier, file)

    return import_lines


def only() -> Company:
    return Company.get()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_a_company_is_created_in_its_compact_form(take: Import, encoding: str) -> None:
    report = take(
        HEADER,
        " C-1 ;Société  d'Été;123 456 789;fr 40 123.456.789; Elise@Example.com ;Daily;PAPER",
        encoding=encoding,
    )
    assert (report.created, report.updated, report.faults) == (1, 0, [])
    company = only()
    assert (company.client_number, company.name) == ("C-1", "Société d'Été")
    assert (company.siren, company.vat_number) == ("123456789", "FR40123456789")
    assert (company.email, company.email_key) == ("Elise@Example.com", "elise@example.com")
    assert (company.notification, company.delivery) == ("daily", "paper")
    assert company.email_registered_at is not None


def test_what_is_not_said_has_the_defaults(take: Import) -> None:
    take("client_number;name", "C-1;Cliente")
    company = only()
    assert (company.notification, company.delivery) == ("none", "electronic")
    assert (company.email, company.email_key, company.email_registered_at) == (None, None, None)


def test_an_absent_column_changes_nothing(take: Import) -> None:
    take(HEADER, "C-1;Cliente;123456789;FR40123456789;a@example.com;daily;paper")
    before = only().__data__
    report = take("client_number;name", "C-1;Nouveau nom")
    assert report.updated == 1
    changed = {"name": "Nouveau nom", "search_key": only().search_key}
    assert only().__data__ == before | changed


def test_an_empty_email_removes_the_address(take: Import) -> None:
    take("client_number;name;email", "C-1;Cliente;a@example.com")
    take("client_number;email", "C-1;")
    company = only()
    assert (company.email, company.email_key, company.email_registered_at) == (None, None, None)


def test_an_empty_number_is_removed_and_empty_choices_stay(take: Import) -> None:
    take(HEADER, "C-1;Cliente;123456789;FR40123456789;a@example.com;daily;paper")
    take("client_number;name;siren;vat_number;notification;delivery", "C-1;;;;;")
    company = only()
    assert (company.siren, company.vat_number) == (None, None)
    assert (company.name, company.notification, company.delivery) == ("Cliente", "daily", "paper")


def test_absent_companies_stay(take: Import, supplier: Supplier) -> None:
    make_company(supplier, client_number="C-2")
    take("client_number;name", "C-1;Cliente")
    assert Company.select().count() == 2


def test_importing_again_changes_nothing(take: Import) -> None:
    lines = (HEADER, "C-1;Cliente;;;a@example.com;daily;paper")
    take(*lines)
    before = only().__data__
    report = take(*lines)
    assert (report.created, report.updated, report.unchanged) == (0, 0, 1)
    assert only().__data__ == before


def test_a_changed_address_is_registered_anew_and_another_case_is_not(take: Import) -> None:
    take("client_number;name;email", "C-1;Cliente;a@example.com")
    first = only().email_registered_at
    take("client_number;email", "C-1;A@Example.com")
    assert (only().email, only().email_registered_at) == ("A@Example.com", first)
    take("client_number;email", "C-1;b@example.com")
    assert only().email_registered_at > first


def test_registering_an_address_sends_nothing(take: Import) -> None:
    take("client_number;name;email;notification", "C-1;Cliente;a@example.com;attached")
    assert OutboxMail.select().count() == 0


def test_another_suppliers_company_of_the_same_number_is_left_alone(take: Import) -> None:
    other = make_company(make_supplier("martin"), client_number="C-1", name="Autre")
    take("client_number;name", "C-1;Cliente")
    assert Company.get_by_id(other.id).name == "Autre"
    assert Company.select().count() == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (";Cliente;;;;;", "le numéro client manque"),
        ("x" * 65 + ";Cliente;;;;;", "le numéro client « "),
        ("C-1;;;;;;", "la raison sociale manque"),
        ("C-1;" + "x" * 201 + ";;;;;", "la raison sociale n'est pas valable"),
        ("C-1;Cliente;12345678;;;;", "le SIREN ou SIRET « 12345678 »"),
        ("C-1;Cliente;;40;;;", "le numéro de TVA « 40 »"),
        ("C-1;Cliente;;;pas une adresse;;", "l'adresse mail « pas une adresse »"),
        ("C-1;Cliente;;;a@example.com;weekly;", "le mode de notification « weekly »"),
        ("C-1;Cliente;;;;;email", "le mode d'envoi « email »"),
        ("C-1;Cliente;;;;;;de trop", "du texte se trouve hors des colonnes"),
        ('"C-1;Dupont, fils;;;;;"', "du texte se trouve hors des colonnes"),
        ("C-1;Cliente;1,23457E+13;;;;", "un tableur a remplacé un long numéro"),
    ],
)
def test_a_bad_row_is_reported_and_the_others_go_through(
    take: Import, line: str, reason: str
) -> None:
    report = take(HEADER, "C-0;Avant;;;;;", line, "", "C-2;Après;;;;;")
    assert report.created == 2
    (fault,) = report.faults
    assert fault.line == 3 and fault.reason.startswith(reason)
    assert report.fault_lines[0].startswith(f"Ligne 3 : {reason}")
    assert report.summary.startswith("2 société(s) créée(s), 0 mise(s) à jour")


def test_a_bad_row_changes_nothing_of_its_company(take: Import) -> None:
    take(HEADER, "C-1;Cliente;;;a@example.com;daily;")
    take(HEADER, "C-1;Nouveau nom;;;b@example;none;")
    assert (only().name, only().email) == ("Cliente", "a@example.com")


def test_a_client_number_given_twice_is_reported_with_the_first_line(take: Import) -> None:
    report = take("client_number;name", "C-1;Première", "C-1;Seconde")
    assert only().name == "Première"
    assert report.faults[0].line == 3 and "ligne 2" in report.faults[0].reason


def test_lines_are_counted_as_an_editor_shows_them(take: Import) -> None:
    report = take("client_number;name", '"C-1";"Deux\nlignes"', "", ";x")
    assert [fault.line for fault in report.faults] == [5]
    assert only().name == "Deux lignes"


@pytest.mark.parametrize(
    ("lines", "encoding", "words"),
    [
        (["client_number;name", "C-1;Été"], "latin-1", "UTF-8"),
        (["client_number,name", "C-1,Cliente"], "utf-8", "séparées par des virgules"),
        (["name", "Cliente"], "utf-8", "client_number manque"),
        (["client_number;name;emial"], "utf-8", "inconnues : emial"),
        (["client_number;name;name"], "utf-8", "en double : name"),
        ([""], "utf-8", "est vide"),
        (["client_number;name", 'C-1;"' + "x" * 200_000], "utf-8", "Ligne 2"),
    ],
)
def test_a_file_that_cannot_be_used_is_one_error(
    take: Import, lines: list[str], encoding: str, words: str
) -> None:
    with pytest.raises(errors.RegisterError) as caught:
        take(*lines, encoding=encoding)
    told = messages.explain(caught.value)
    assert words in told and "rien n'a été importé" in told and "\n" not in told
    assert Company.select().count() == 0


def test_an_absent_file_is_one_error(supplier: Supplier, tmp_path: Path) -> None:
    with pytest.raises(errors.RegisterError) as caught:
        import_companies(supplier, tmp_path / "nowhere.csv")
    assert "nowhere.csv" in messages.explain(caught.value)


def test_large_registers_go_batch_by_batch(take: Import, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(companies_csv, "BATCH_ROWS", 3)
    report = take("client_number;name", *(f"C-{each};Cliente" for each in range(8)))
    assert report.created == Company.select().count() == 8


def test_every_error_has_its_sentence() -> None:
    def families(error: type[Exception]) -> list[type[Exception]]:
        return [error, *(each for child in error.__subclasses__() for each in families(child))]

    named = {error.__name__ for error in families(errors.SupplierError)}
    assert named - {"SupplierError"} == set(messages.ERRORS)


def test_empty_cells_after_the_last_column_say_nothing(take: Import) -> None:
    report = take("client_number;name;;", "C-1;Cliente;;", "C-2;Autre;;;", "C-3;Encore;;de trop")
    assert report.created == 2
    assert [fault.line for fault in report.faults] == [4]


def test_a_quote_that_is_never_closed_imports_nothing(take: Import) -> None:
    with pytest.raises(errors.SupplierError):
        take("client_number;email;name", '500;z@example.com;"Zed', "501;zz@example.com;Zou")
    assert Company.select().count() == 0


def test_a_line_that_ends_early_has_its_last_cells_empty(take: Import) -> None:
    """As a spreadsheet leaves it: it writes no empty cells at the end of some lines."""
    take(HEADER, "C-1;Cliente;123456789;;a@example.com;daily;paper", "C-2;Autre")
    assert Company.select().count() == 2
    report = take("Client_Number;EMAIL;Siren", "C-1")
    assert report.fault_lines == []
    company = Company.get(Company.client_number == "C-1")
    assert (company.email, company.siren, company.notification) == (None, None, "daily")


@pytest.mark.parametrize("encoding", ["cp1252", "utf-16", "utf-16-le"])
def test_another_encoding_changes_no_name(take: Import, encoding: str) -> None:
    take("client_number;name", "C-1;Été")
    with pytest.raises(errors.RegisterError) as caught:
        take("client_number;name", "C-1;Été bis", encoding=encoding)
    assert "Enregistrez sous CSV UTF-8" in messages.explain(caught.value)
    assert only().name == "Été"
