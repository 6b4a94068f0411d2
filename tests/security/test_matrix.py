"""Who may pass which door: every rule of the URL map, for every role, as matrix.txt says."""

from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask

from selfservice.accounts.models import User
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from tests.conftest import Browser
from tests.factories import People, make_invoice, make_profile, make_user
from tests.invoices.papers import cii, pdf

ROLES = ("anonymous", "user", "profile", "administrator", "other-company", "other-supplier")
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}


class Door(NamedTuple):
    endpoint: str
    method: str
    answers: dict[str, str]


def _read_matrix() -> list[Door]:
    lines = Path(__file__).with_name("matrix.txt").read_text("utf-8").splitlines()
    rows = [line.split() for line in lines if line and not line.startswith("#")]
    return [
        Door(endpoint, method, dict(zip(ROLES, answers, strict=True)))
        for endpoint, method, *answers in rows
    ]


MATRIX = _read_matrix()


@pytest.fixture(autouse=True)
def generous(configure: Callable[..., None], tmp_path: Path) -> None:
    """No limit counts here, and no help site is built."""
    configure(
        LIMIT_SIGN_IN_LOGIN="1000/minute",
        LIMIT_SIGN_IN_IP="1000/minute",
        HELP_SITE_DIR=str(tmp_path / "site"),
    )


@pytest.fixture
def objects(people: People) -> dict[str, object]:
    """What stands behind the doors: all of it belongs to the first company."""
    company = people.alice.company
    content = pdf(cii(number="F-1"))
    invoice: Invoice = make_invoice(company, has_xml=True, sha256="a" * 64)
    path = storage.path_of(invoice.sha256)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    return {
        "invoice_id": invoice.id,
        "user_id": make_user(company, "collegue").id,
        "secret": "inconnu",
        "slug": people.supplier.slug,
        "filename": "portal.css",
        "_path": "page/inconnue/",
    }


@pytest.fixture
def enter(people: People, new_browser: Callable[[], Browser]) -> Callable[[str], Browser]:
    """Open a browser in a role; the other companies are seen by their administrators."""
    User.update(is_administrator=True).where(User.login.in_(("bob", "charlie"))).execute()
    make_user(people.alice.company, "ursule")
    elsewhere = make_profile(people.alice.company, "Un autre contrat", "C-2")
    make_user(people.alice.company, "paul", profile=elsewhere)
    logins = {
        "user": "ursule",
        "profile": "paul",
        "administrator": "alice",
        "other-company": "bob",
        "other-supplier": "charlie",
    }

    def open_browser(role: str) -> Browser:
        browser = new_browser()
        if role in logins:
            assert browser.sign_in(logins[role], people.password).status_code == 302
        return browser

    return open_browser


def test_the_matrix_knows_every_rule(app: Flask) -> None:
    rules = {
        (rule.endpoint, method)
        for rule in app.url_map.iter_rules()
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }
    lines = [(door.endpoint, door.method) for door in MATRIX]
    assert sorted(lines) == sorted(rules)


@pytest.mark.parametrize("role", ROLES)
def test_each_role_passes_its_doors_and_no_other(
    role: str, app: Flask, enter: Callable[[str], Browser], objects: dict[str, object]
) -> None:
    surprises = []
    for door in MATRIX:
        for rule in app.url_map.iter_rules(door.endpoint):
            if door.method not in (rule.methods or ()):
                continue
            _, path = rule.build({name: objects[name] for name in rule.arguments}) or ("", "")
            answer = _knock(enter(role), door.method, path, page=_page_with_a_form(role))
            if answer != door.answers[role]:
                surprises.append(f"{door.endpoint} {door.method} {path}: {answer}")
    assert surprises == []


def _page_with_a_form(role: str) -> str:
    return "/connexion" if role == "anonymous" else "/profil/compte"


def _knock(browser: Browser, method: str, path: str, *, page: str) -> str:
    is_form = method in UNSAFE
    response = browser.submit(path, {}, page=page) if is_form else browser.get(path)
    if response.status_code == 302 and response.headers["Location"].startswith("/connexion"):
        return "sign-in"
    return str(response.status_code)
