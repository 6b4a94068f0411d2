"""Who may pass which door: every rule of the URL map, for every role, as matrix.txt says."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import NamedTuple

import pytest
from flask import Flask

from selfservice import clock, tokens
from selfservice.accounts import recovery, sessions
from selfservice.accounts.models import Activation, SecondFactor, User, UserSession
from selfservice.accounts.views import second_factor
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import direct_links, mails
from selfservice.suppliers.models import Supplier
from tests.conftest import Browser, sign_in_adviser
from tests.factories import (
    PASSWORD,
    People,
    make_adviser,
    make_company,
    make_invoice,
    make_profile,
    make_user,
)
from tests.papers import cii, pdf
from tests.requests import steps as requests

ROLES = (
    "anonymous",
    "user",
    "profile",
    "administrator",
    "two-companies",
    "other-company",
    "other-supplier",
    "adviser",
    "other-adviser",
)
# What differs between any two views of one page: its token and its padding.
CHANCE = re.compile(r'name="csrf_token" value="[^"]+"|<!-- [0-9a-f]* -->')
UNSAFE = {"POST", "PUT", "PATCH", "DELETE"}
# Of what needs no session, these lead whoever must set up a second factor to the setup: they lead
# a session on, or show nothing to people.
LEADING_TO_SETUP = {
    *("accounts.home", "accounts.sign_in", "accounts.change_password_address"),
    "operations.answer_health",
}


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


@dataclass(frozen=True)
class World:
    """What stands behind the doors: all of it belongs to the first company, to alice or to nobody.

    `arguments` of addresses are common to all doors or special to one, `fields` are posted.
    """

    arguments: dict[str, object]
    special: dict[str, dict[str, object]]
    fields: dict[str, Callable[[], dict[str, object]]]


@pytest.fixture
def world(app: Flask, people: People) -> World:
    company = people.alice.company
    invoice: Invoice = make_invoice(company, has_xml=True, sha256="a" * 64)
    path = storage.path_of(invoice.sha256)
    path.parent.mkdir(parents=True)
    path.write_bytes(pdf(cii(number="F-1")))
    logo = app.config["DOCUMENTS_DIR"] / "logos" / ("0" * 64)
    logo.parent.mkdir()
    logo.write_bytes(b"\x89PNG\r\n\x1a\n")
    Supplier.update(logo_sha256=logo.name).execute()
    address = str(people.alice.email_key)
    link = tokens.issue(recovery.PURPOSE, address, lifetime=timedelta(hours=1))
    colleague = make_user(company, "collegue")
    SecondFactor.create(user=colleague, seed="", last_step=0, enabled_at=clock.now())

    def an_open_session() -> dict[str, object]:
        sessions.open_session(people.alice, origin="", browser="")
        return {"session": UserSession.get(UserSession.user == people.alice).id_hash}

    stranger = requests.asked(people, "access")
    requests.prove()  # so that its company may object
    requests.asked(people, "administrator")
    mails.queue_activation(company, people.alice)
    return World(
        arguments={
            "request_id": stranger.id,
            "subject": "adresse",
            "invoice_id": invoice.id,
            "user_id": colleague.id,
            "profile_id": make_profile(company, "Atelier", "C-1").id,
            "slug": people.supplier.slug,
            "client_number": company.client_number,
            "mail_id": OutboxMail.get(OutboxMail.kind == "activation").id,
            "filename": "portal.css",
            "path": "page/inconnue/",
        },
        special={
            "accounts.open_link": {"secret": link},
            "notifications.download": {"secret": direct_links.issue(invoice, address)},
            "requests.open_objection": {"secret": requests.secret("request_objection")},
            "requests.open_proof": {"secret": requests.secret("request_proof")},
        },
        fields={
            "accounts.close_session": an_open_session,
            "advisers.decide_request": lambda: {"act": "take"},
            "requests.answer_notices": lambda: {"notification": "none"},
            "administration.remove_second_factor": lambda: {"current": PASSWORD},
        },
    )


@pytest.fixture
def enter(people: People, new_browser: Callable[[], Browser]) -> Callable[[str], Browser]:
    """Open a browser in a role; the other companies are seen by their administrators."""
    User.update(is_administrator=True).where(User.login.in_(("bob", "charlie"))).execute()
    User.get_or_none(User.login == "ursule") or make_user(people.alice.company, "ursule")
    second = make_company(people.supplier, email="alice@example.com")  # its owner reads both
    owner = {"is_from_activation": True, "is_administrator": True, "email": "alice@example.com"}
    make_user(second, "alice_2", **owner)
    elsewhere = make_profile(people.alice.company, "Un autre contrat", "C-2")
    make_user(people.alice.company, "paul", profile=elsewhere)
    logins = {
        "user": "ursule",
        "profile": "paul",
        "administrator": "alice",
        "two-companies": "alice_2",
        "other-company": "bob",
        "other-supplier": "charlie",
    }

    advisers = {"adviser": people.supplier, "other-adviser": people.other_supplier}

    def open_browser(role: str) -> Browser:
        browser = new_browser()
        if role in advisers:
            known = User.get_or_none(User.login == role) or make_adviser(advisers[role], role)
            SecondFactor.delete().where(SecondFactor.user == known).execute()
            return sign_in_adviser(browser, known)
        if role == "two-companies":  # its address has its login in the other one too
            Activation.get_or_create(
                company=people.alice.company,
                email_key=people.alice.email_key,
                defaults={"user": people.alice, "activated_at": clock.now()},
            )
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


def test_what_needs_no_session_needs_no_second_factor_either() -> None:
    free = {door.endpoint for door in MATRIX if door.answers["anonymous"] != "sign-in"}
    led = {each for each in free if each.partition(".")[0] not in second_factor.OPEN_BLUEPRINTS}
    assert led - {*second_factor.OPEN} == LEADING_TO_SETUP


@pytest.mark.slow
@pytest.mark.parametrize("role", ROLES)
def test_each_role_passes_its_doors_and_no_other(
    role: str, app: Flask, enter: Callable[[str], Browser], world: World
) -> None:
    surprises = []
    for door in MATRIX:
        for rule in app.url_map.iter_rules(door.endpoint):
            if door.method not in (rule.methods or ()):
                continue
            values = world.arguments | world.special.get(door.endpoint, {})
            _, path = rule.build({name: values[name] for name in rule.arguments}) or ("", "")
            answer = _knock(enter(role), door, path, world.fields.get(door.endpoint, dict)())
            if answer != door.answers[role]:
                surprises.append(f"{door.endpoint} {door.method} {path}: {answer}")
    assert surprises == []


@pytest.mark.parametrize("role", ["anonymous", "user", "administrator"])
def test_asking_a_door_for_its_methods_opens_it_to_nobody(
    role: str, app: Flask, enter: Callable[[str], Browser], world: World
) -> None:
    visitor = enter(role)
    for rule in app.url_map.iter_rules():
        values = world.arguments | world.special.get(rule.endpoint, {"secret": "x", "name": "x"})
        _, path = rule.build({name: values[name] for name in rule.arguments}) or ("", "")
        response = visitor.client.options(path)
        assert response.status_code < 500, path
        assert response.text == "" or response.status_code in (302, 404), path


def test_a_foreign_document_answers_as_one_that_is_not_there(
    enter: Callable[[str], Browser], world: World
) -> None:
    bob = enter("other-company")
    foreign = bob.get(f"/factures/{world.arguments['invoice_id']}.pdf")
    assert foreign.status_code == 404
    absent = bob.get("/factures/999999.pdf")
    assert CHANCE.sub("", foreign.text) == CHANCE.sub("", absent.text)


def _knock(browser: Browser, door: Door, path: str, fields: dict[str, object]) -> str:
    if door.method in UNSAFE:
        signed_in = browser.get("/profil/compte").status_code == 200
        page = "/profil/compte" if signed_in else "/connexion"
        response = browser.submit(path, fields, page=page)
    else:
        response = browser.get(path)
    if response.status_code == 302 and response.headers["Location"].startswith("/connexion"):
        return "sign-in"
    return str(response.status_code)
