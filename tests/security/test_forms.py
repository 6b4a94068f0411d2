"""Forms take the fields they have, and no input is an error (ASVS 2.2, 15.3)."""

import re
from urllib.parse import quote_from_bytes

import pytest
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from lxml import html

from selfservice.accounts import recovery
from selfservice.accounts.models import User
from tests.accounts.test_recovery import mailed_path
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_user
from tests.platform.test_server import TOKEN

pytestmark = pytest.mark.slow

EVIL = {
    "id": "1",
    "is_administrator": "y",
    "is_active": "y",
    "is_from_activation": "y",
    "company": "2",
    "company_id": "2",
    "login": "boss",
    "email": "evil@example.com",
    "password_hash": "x",
    "is_password_from_other": "y",
}
FORMS = {
    "/connexion": ["login", "password", "next"],
    "/recuperation": ["email"],
    "/reinitialisation": ["link", "user_id", "password", "confirmation"],
    "/profil/compte": ["last_name", "first_name", "phone", "mobile"],
    "/profil/preferences": ["display_history_months"],
    "/profil/mot-de-passe": ["current", "password", "confirmation"],
    "/profil/sessions/fermer": ["session"],
    "/administration/utilisateurs/ajout": [
        *("login", "password", "password_again", "company", "last_name", "first_name"),
        *("email", "phone", "mobile", "is_active", "profile", "is_administrator"),
    ],
}
ODD = ["\x00", "\ud800", "9223372036854775808", "é" * 100_000, "\u202egnp.exe", "ÿþ", "-1", ""]


@pytest.mark.parametrize("path", ["/profil/compte", "/profil/preferences", "/profil/mot-de-passe"])
def test_fields_that_a_form_does_not_have_change_nothing(
    path: str, bob: Browser, people: People
) -> None:
    valid = {
        "display_history_months": "6",
        "current": PASSWORD,
        "password": "Cabrette-verte9",
        "confirmation": "Cabrette-verte9",
    }
    before = dict(User.get_by_id(people.bob.id).__data__)
    assert bob.submit(path, EVIL | valid).status_code == 302
    after = dict(User.get_by_id(people.bob.id).__data__)
    changed = {name for name in before if before[name] != after[name]}
    assert changed <= {"display_history_months", "password_hash"}
    assert after["password_hash"] != "x"


def test_a_field_in_the_address_is_not_one_of_the_form(bob: Browser, people: People) -> None:
    before = dict(User.get_by_id(people.bob.id).__data__)
    bob.submit("/profil/compte?last_name=Adresse&phone=1", {"last_name": "Formulaire"})
    after = User.get_by_id(people.bob.id)
    assert (after.last_name, after.phone) == ("Formulaire", before["phone"])
    token = TOKEN.search(bob.get("/profil/compte").text)
    assert token
    refused = bob.client.post(f"/profil/compte?csrf_token={token[1]}", data={"last_name": "x"})
    assert refused.status_code == 400


def test_every_password_is_masked_and_left_to_password_managers(
    alice: Browser, browser: Browser, people: People
) -> None:
    colleague = make_user(people.alice.company, "collegue")
    paths = (
        "/profil/mot-de-passe",
        "/profil/double-authentification",
        "/administration/utilisateurs/ajout",
        f"/administration/utilisateurs/{colleague.id}",
        f"/administration/utilisateurs/{colleague.id}/mot-de-passe",
    )
    for page in (browser.get("/connexion").text, *(alice.get(path).text for path in paths)):
        fields = [
            field
            for field in html.fromstring(page).iter("input")
            if re.search("pass|current|confirm", field.get("name") or "")
        ]
        assert fields
        for field in fields:
            assert field.get("type") == "password"
            assert field.get("autocomplete") in ("current-password", "new-password")
            assert field.get("readonly") is None and field.get("value") in (None, "")


@pytest.fixture
def no_limits(app: Flask) -> None:
    for name in app.config:
        if name.startswith("LIMIT_"):
            app.config[name] = "1000000/hour"


def _encode(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")


@pytest.mark.usefixtures("no_limits")
@pytest.mark.parametrize("path", FORMS)
def test_no_input_of_a_form_is_an_error(path: str, alice: Browser) -> None:
    recovery.request_link("alice@example.com", origin="")
    alice.get(mailed_path())
    page = alice.get("/profil/compte").text
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    values = st.one_of(st.sampled_from(ODD), st.text(), st.binary())
    pairs = st.lists(st.tuples(st.sampled_from([*FORMS[path], "x\x00"]), values), max_size=8)

    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(pairs)
    def send(fields: list[tuple[str, str | bytes]]) -> None:
        body = "&".join(
            f"{quote_from_bytes(_encode(name))}="
            f"{quote_from_bytes(value if isinstance(value, bytes) else _encode(value))}"
            for name, value in [("csrf_token", token), *fields]
        )
        response = alice.client.post(
            path, data=body, content_type="application/x-www-form-urlencoded"
        )
        assert response.status_code < 500, (path, fields)

    send()


PARAMETERS = ["/factures?q={}", "/factures?kind={}", "/factures?apres={}", "/connexion?next={}"]
PARAMETERS += ["/reinitialisation/{}", "/telechargement/{}", "/factures/{}.pdf"]
PARAMETERS += ["/fournisseurs/{}/logo", "/fournisseurs/{}/portal.css", "/aide/{}", "/{}"]


@pytest.mark.parametrize("path", PARAMETERS)
def test_no_parameter_is_an_error(path: str, alice: Browser) -> None:
    @settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.one_of(st.sampled_from(ODD), st.text(), st.binary()))
    def ask(value: str | bytes) -> None:
        raw = value if isinstance(value, bytes) else _encode(value)
        response = alice.get(path.format(quote_from_bytes(raw, safe="")))
        assert response.status_code < 500, value

    ask()
