"""A demonstration, whose passwords are public, takes nobody's real invoices."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from selfservice.demo import instance as demo_instance
from selfservice.operations.findings import Level
from tests.factories import make_company, make_supplier, make_user
from tests.processes import command

pytestmark = pytest.mark.slow


@pytest.fixture
def demo(configure: Callable[..., None], make_app: Callable[[], Flask]) -> Flask:
    configure(DEMO="true")
    return make_app()


def test_doctor_names_the_suppliers_of_others(demo: Flask, instance: Path) -> None:
    make_supplier("diac")
    assert list(demo_instance.examine(demo.config)) == []
    make_supplier("vrai")
    (finding,) = demo_instance.examine(demo.config)
    assert finding.level is Level.FAULT and "vrai" in finding.line
    done = command(instance, "doctor", DEMO="true")
    assert done.returncode == 1
    assert "défaut\tDémonstration : elle a de vrais fournisseurs (vrai)" in done.stdout
    (finding,) = demo_instance.examine(demo.config | {"DEMO_ANYWAY": True})
    assert finding.level is Level.WARNING


def test_real_portal_has_nothing_to_tell(app: Flask) -> None:
    company = make_company(make_supplier("vrai"))
    make_user(company, "claire.lemoine@example.com", password="Autre-Chose-77")
    assert list(demo_instance.examine(app.config)) == []


def test_doctor_names_the_logins_of_what_was_a_demonstration(app: Flask, instance: Path) -> None:
    company = make_company(make_supplier("diac"))
    make_user(company, "claire.lemoine@example.com", password="Atelier-2CV")
    make_user(company, "quelqu.un", password="Atelier-2CV")
    done = command(instance, "doctor")
    assert done.returncode == 1
    assert "le mot de passe de claire.lemoine@example.com ;" in done.stdout


def test_deposit_and_register_are_refused_beside_them(
    demo: Flask, instance: Path, tmp_path: Path
) -> None:
    make_supplier("vrai")
    register = tmp_path / "clients.csv"
    register.write_text("client_number;name\nC-1;Un\n")
    for words in (
        ["invoices", "deposit", "vrai", str(tmp_path)],
        ["companies", "import", "vrai", str(register)],
        ["suppliers", "set", "vrai", "--name", "Vrai"],
    ):
        done = command(instance, *words, DEMO="true")
        assert done.returncode == 1, words
        assert "vrais fournisseurs (vrai)" in done.stderr
        assert command(instance, *words, DEMO="true", DEMO_ANYWAY="true").returncode == 0, words


def test_no_real_supplier_comes_into_a_demonstration(demo: Flask, instance: Path) -> None:
    make_supplier("diac")
    done = command(instance, "suppliers", "set", "vrai", "--name", "Vrai", DEMO="true")
    assert done.returncode == 1
    assert "vrai" not in command(instance, "suppliers", "list", DEMO="true").stdout
    own = command(instance, "suppliers", "set", "diac", "--colour", "#112233", DEMO="true")
    assert own.returncode == 0
