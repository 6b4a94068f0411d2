"""The register from three sides: what a person changed on the portal is not undone in silence."""

from collections.abc import Callable
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner, Result
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfservice.accounts.models import User
from selfservice.cli import cli
from selfservice.mail.outbox import OutboxMail
from selfservice.suppliers import companies_csv, register
from selfservice.suppliers.companies_csv import ImportReport, import_companies
from selfservice.suppliers.models import Company, RegisterChange, Supplier
from tests.conftest import Browser
from tests.factories import People, make_company, make_supplier

Import = Callable[..., ImportReport]
MARIE = User(login="marie.conseil")
VALUES = {
    "email": ["", "a@example.com", "A@Example.com", "b@example.com", "c@example.com"],
    "notification": ["none", "link", "daily"],
    "delivery": ["electronic", "paper"],
}


@pytest.fixture
def supplier(app: Flask) -> Supplier:
    return make_supplier("diac")


@pytest.fixture
def take(supplier: Supplier, tmp_path: Path) -> Import:
    """Import one company, with these values of the others' columns."""

    def import_line(number: str = "C-1", **cells: str) -> ImportReport:
        file = tmp_path / "clients.csv"
        names, values = ";".join(["", *cells]), ";".join(["", *cells.values()])
        file.write_text(f"client_number;name{names}\n{number};Cliente{values}\n")
        return import_companies(supplier, file)

    return import_line


def only() -> Company:
    return Company.get()


def change(field: str, value: str) -> None:
    register.change(only(), field, value, by=MARIE, reason="par téléphone")


def begun(data: st.DataObject) -> tuple[str, st.SearchStrategy[str]]:
    """Forget the companies of the example before; return a field, and what it may hold."""
    RegisterChange.delete().execute()
    Company.delete().execute()
    field = data.draw(st.sampled_from(register.FIELDS))
    return field, st.sampled_from(VALUES[field])


def shown(value: object) -> str:
    return str(value or "").lower()


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
@pytest.mark.slow
def test_no_order_of_imports_and_changes_loses_a_change_in_silence(
    take: Import, data: st.DataObject
) -> None:
    field, values = begun(data)
    steps = st.sampled_from(["import", "import without the column", "change"])
    take() if data.draw(st.booleans()) else take(**{field: data.draw(values)})
    said = shown(getattr(only(), field))  # what the file last said, or the value of the start
    changes: list[tuple[str, str]] = []  # of persons, ever
    unfollowed: list[tuple[str, str]] = []
    for step in data.draw(st.lists(steps, max_size=8)):
        before = shown(getattr(only(), field))
        if step == "change":
            value = data.draw(values)
            change(field, value)
            assert shown(getattr(only(), field)) == shown(value)
            if shown(value) != before:
                changes.append((before, shown(value)))
                unfollowed.append(changes[-1])
            continue
        value = data.draw(values)
        report = take(**{field: value}) if step == "import" else take()
        after = shown(getattr(only(), field))
        if step != "import":
            assert (after, report.differences) == (before, [])
            continue
        is_old = shown(value) in (said, *(former for former, _ in unfollowed))
        is_kept = bool(changes) and is_old and shown(value) != before
        assert after == (before if is_kept else shown(value))
        is_to_name = bool(changes) and before != shown(value) and (before != said or is_kept)
        assert [each.is_kept for each in report.differences] == [is_kept] * is_to_name
        for each in report.differences:
            assert (shown(each.portal), shown(each.file)) == (before, shown(value))
            assert each.actor == MARIE.login
        if not is_kept and shown(value) != said:
            followed = [place for place, each in enumerate(unfollowed, 1) if each[1] == after]
            unfollowed = unfollowed[followed[0] if followed else len(unfollowed) :]
        said = shown(value)


@settings(max_examples=100, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.data())
@pytest.mark.slow
def test_what_a_person_decided_last_outlives_every_earlier_export(
    take: Import, data: st.DataObject
) -> None:
    field, values = begun(data)
    take(**{field: data.draw(values)})
    exports: list[str] = []
    decided = shown(getattr(only(), field))
    for step in data.draw(st.lists(st.sampled_from(["change", "export", "import"]), max_size=12)):
        if step == "change":
            decided = data.draw(values)
            change(field, decided)
        elif step == "export":
            exports.append(getattr(only(), field) or "")
        elif exports:
            take(**{field: exports.pop(0)})
        assert shown(getattr(only(), field)) == shown(decided)


def test_the_report_names_what_is_kept_and_what_is_replaced(take: Import) -> None:
    take(email="a@example.com", notification="none")
    with time_machine.travel("2026-11-03T12:00:00Z", tick=False):
        change("email", "b@example.com")
        change("notification", "daily")
    report = take(email="a@example.com", notification="link")
    assert (only().email, only().notification) == ("b@example.com", "link")
    changed = "changé sur le portail le 03/11/2026 par marie.conseil, est"
    still, new = "le fichier dit encore « a@example.com ».", "nouveau dans le fichier."
    assert report.difference_lines == [
        f"Client C-1, adresse mail : « b@example.com », {changed} gardé ; {still}",
        f"Client C-1, mode de notification : « daily », {changed} remplacé par « link », {new}",
    ]
    assert report.summary.endswith("1 valeur(s) du portail gardée(s), 1 remplacée(s).")
    assert take(email="b@example.com", notification="link").differences == []


def test_a_company_that_no_file_has_named_keeps_a_persons_first_change(
    take: Import, supplier: Supplier
) -> None:
    make_company(supplier, client_number="C-1", email="a@example.com")
    change("email", "b@example.com")
    assert take(email="A@example.com").differences[0].is_kept
    assert only().email == "b@example.com"


def export(*words: str) -> Result:
    return CliRunner().invoke(cli, ["companies", "export", *words], catch_exceptions=False)


def test_export_gives_the_register_as_it_is_now_in_columns_that_import_takes(
    take: Import, supplier: Supplier, tmp_path: Path
) -> None:
    take(siren="123456789", vat_number="FR40123456789", email="a@example.com", delivery="paper")
    make_company(supplier, client_number="", name="Conseillers")
    make_company(supplier, client_number="=C;2", name="=1+1 « d'été »", email="e@exemplé.fr")
    make_company(make_supplier("martin"), client_number="C-9")
    change("email", "b@example.com")
    result = export("diac")
    assert result.stderr == "2 société(s) exportée(s).\n"
    file = tmp_path / "export.csv"
    file.write_text(result.stdout, "utf-8")
    assert result.stdout.splitlines()[0] == ";".join(companies_csv.COLUMNS)
    assert "C-1;Cliente;123456789;FR40123456789;b@example.com;none;paper" in result.stdout
    before = [dict(each.__data__) for each in Company.select().order_by(Company.id)]
    report = import_companies(supplier, file)
    assert report.fault_lines == []
    assert (report.created, report.updated, report.unchanged) == (0, 0, 2)
    after = [dict(each.__data__) for each in Company.select().order_by(Company.id)]
    names = [name for name in before[0] if not name.endswith("_in_file")]
    assert [[row[name] for name in names] for row in after] == [
        [row[name] for name in names] for row in before
    ]


def test_an_export_of_before_a_correction_does_not_undo_it(
    take: Import, supplier: Supplier, tmp_path: Path
) -> None:
    take(email="a@example.com")
    change("email", "slip@example.com")
    file = tmp_path / "export.csv"
    file.write_text(export("diac").stdout, "utf-8")
    with time_machine.travel("2026-11-03T12:00:00Z", tick=False):
        change("email", "right@example.com")
    result = CliRunner().invoke(cli, ["companies", "import", "diac", str(file)])
    assert only().email == "right@example.com"
    assert "1 valeur(s) du portail gardée(s), 0 remplacée(s)" in result.stdout
    assert "« right@example.com », changé sur le portail le 03/11/2026" in result.stderr
    assert take(email="right@example.com").differences == []  # the register has followed
    take(email="slip@example.com")  # and says so itself now
    assert only().email == "slip@example.com"


def test_export_since_a_day_gives_what_persons_changed_from_that_paris_day_on(
    take: Import,
) -> None:
    take()
    with time_machine.travel("2026-11-03T22:59:00Z", tick=False):
        change("notification", "daily")
    assert "C-1;" in export("diac", "--since", "2026-11-03").stdout
    assert "C-1;" not in export("diac", "--since", "2026-11-04").stdout
    assert export("diac", "--since", "hier").exit_code == 2
    assert "« rien »" in CliRunner().invoke(cli, ["companies", "export", "rien"]).output


def replaced_mails() -> list[OutboxMail]:
    return list(OutboxMail.select().where(OutboxMail.kind == "address_replaced"))


def test_the_former_address_is_told_at_once_and_the_new_one_is_not(people: People) -> None:
    company = people.alice.company
    register.change(company, "email", "claire@example.com", by=MARIE, reason="appel")
    (mail,) = replaced_mails()
    assert mail.to_address == "alice@example.com"
    assert "alice" in mail.body_text and "claire" not in mail.body_text
    assert OutboxMail.select().count() == 1


@pytest.mark.parametrize("value", ["", "Alice@Example.com"])
def test_no_other_address_nothing_to_tell(people: People, value: str) -> None:
    register.change(people.alice.company, "email", value, by=MARIE, reason="appel")
    assert replaced_mails() == []


def test_an_import_tells_it_too_and_an_address_without_login_is_told_nothing(
    people: People, tmp_path: Path
) -> None:
    quiet = make_company(people.supplier, email="jamais@example.com")
    file = tmp_path / "clients.csv"
    numbers = (people.alice.company.client_number, quiet.client_number)
    file.write_text(
        "client_number;email\n" + "".join(f"{each};n@example.com\n" for each in numbers)
    )
    import_companies(people.supplier, file)
    assert [mail.to_address for mail in replaced_mails()] == ["alice@example.com"]


def test_the_former_login_reads_it_on_every_page_until_it_closes(
    people: People, alice: Browser, bob: Browser
) -> None:
    told = "cet identifiant sera fermé"
    assert told not in alice.get("/factures").text
    register.change(people.alice.company, "email", "claire@example.com", by=MARIE, reason="appel")
    for path in ("/factures", "/profil/compte", "/contact", "/administration/utilisateurs"):
        assert told in alice.get(path).text, path
    assert told not in bob.get("/factures").text
    register.change(people.alice.company, "email", "alice@example.com", by=MARIE, reason="appel")
    assert told not in alice.get("/factures").text
