"""Signing in, whatever the failure, and signing out (FAQ 5, 6, 11)."""

import unicodedata
from collections.abc import Callable
from datetime import timedelta
from io import BytesIO

import pytest
import time_machine
from argon2 import PasswordHasher
from flask import Flask
from lxml import html

from selfservice import clock, ratelimit
from selfservice.accounts import passwords, sign_in
from selfservice.accounts.models import User, UserSession
from selfservice.audit import AuditEntry
from selfservice.suppliers.registration import set_supplier
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_people

REFUSED = "Identifiant ou mot de passe incorrect."


def words(page: str) -> str:
    return " ".join(html.fromstring(page).text_content().split())


def test_right_password_opens_the_invoices(browser: Browser, people: People) -> None:
    response = browser.sign_in("alice", PASSWORD)
    assert response.status_code == 302
    assert response.location == "/factures"


def test_case_and_spaces_of_the_login_do_not_matter(browser: Browser, people: People) -> None:
    assert browser.sign_in("  ALICE ", PASSWORD).status_code == 302


@pytest.mark.parametrize("set_on", ["NFC", "NFD"])
@pytest.mark.parametrize("typed_on", ["NFC", "NFD"])
def test_a_password_opens_from_a_mac_what_a_pc_has_set_and_back(
    set_on: str, typed_on: str, browser: Browser, people: People
) -> None:
    password = "Ét\u00e9 à Ça\u00a0va-2026\u2026"
    changed = unicodedata.normalize(set_on, password)
    people.alice.password_hash = passwords.hash_password(changed)
    people.alice.save()
    assert browser.sign_in("alice", unicodedata.normalize(typed_on, password)).status_code == 302


def test_the_longest_password_has_as_many_letters_on_a_mac(
    browser: Browser, people: People
) -> None:
    password = "Éa1-" + "é" * 124
    passwords.check(unicodedata.normalize("NFD", password), login="alice", names=())
    people.alice.password_hash = passwords.hash_password(password)
    people.alice.save()
    assert browser.sign_in("alice", unicodedata.normalize("NFD", password)).status_code == 302


@pytest.mark.parametrize("login", ["al\u00adice", "\u200balice\ufeff", "\u202aalice\u202c"])
def test_a_login_pasted_with_what_nobody_sees_opens(
    login: str, browser: Browser, people: People
) -> None:
    assert browser.sign_in(login, PASSWORD).status_code == 302


def test_home_leads_a_signed_in_user_to_the_invoices(alice: Browser) -> None:
    assert alice.get("/").location == "/factures"


@pytest.mark.parametrize("kind", ["unknown", "wrong", "switched off", "closed", "no password"])
def test_every_failure_says_the_same(kind: str, browser: Browser, people: People) -> None:
    password = PASSWORD
    changes = {
        "switched off": {"is_active": False},
        "closed": {"closed_at": clock.now()},
        "no password": {"password_hash": None},
    }
    if kind in changes:
        User.update(changes[kind]).where(User.id == people.alice.id).execute()
    if kind == "wrong":
        password = "Autre-chose1"
    response = browser.sign_in("personne" if kind == "unknown" else "alice", password)
    page = response.get_data(as_text=True)
    assert response.status_code == 200
    assert REFUSED in page
    assert UserSession.select().count() == 0
    assert AuditEntry.select().where(AuditEntry.event == "sign_in.failed").count() == 1


@pytest.mark.parametrize("login", ["DC-123456", " dl-9 "])
def test_login_of_a_former_portal_says_that_it_is_closed_and_whom_to_ask(
    login: str, browser: Browser, people: People
) -> None:
    set_supplier("diac", former_prefixes="DC-, DL-")
    page = words(browser.sign_in(login, PASSWORD).text)
    assert REFUSED in page
    assert "commençant par DC- ou DL- étaient ceux de l’ancien portail. Pour" in page
    assert "anciennes, adressez-vous à votre conseiller clientèle." in page
    set_supplier("diac", former_portal="E-Fact", former_closed_on="2023-09", phone="09 00 00 00 01")
    page = words(browser.sign_in(login, PASSWORD).text)
    assert "étaient ceux de l’ancien portail E-Fact, fermé depuis septembre 2023. Pour" in page
    assert "anciennes : 09 00 00 00 01." in page
    assert "ancien portail" not in browser.sign_in("dcx", PASSWORD).text


def test_no_login_is_of_a_former_portal_that_no_supplier_had(
    browser: Browser, people: People
) -> None:
    assert "ancien portail" not in browser.sign_in("DC-123456", PASSWORD).text


def test_previous_sign_in_is_absent_the_first_time_then_in_paris_time(
    browser: Browser, people: People
) -> None:
    with time_machine.travel("2022-12-08T14:14:00Z", tick=False):
        browser.sign_in("alice", PASSWORD)
        assert "Votre dernière connexion" not in browser.get("/profil/compte").text
    with time_machine.travel("2022-12-09T08:00:00Z", tick=False):
        browser.client.delete_cookie("session")
        browser.sign_in("alice", PASSWORD)
        assert "08-12-2022 15:14" in browser.get("/profil/compte").text


def test_anonymous_visitor_is_sent_to_sign_in_and_back(browser: Browser, people: People) -> None:
    response = browser.get("/profil/preferences")
    assert response.status_code == 302
    assert response.location == "/connexion?next=/profil/preferences"
    back = browser.submit(
        "/connexion",
        {"login": "alice", "password": PASSWORD, "next": "/profil/preferences"},
        page=response.location,
    )
    assert back.location == "/profil/preferences"


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil", "/é", ""])
def test_next_never_leaves_the_portal(target: str, browser: Browser, people: People) -> None:
    response = browser.submit(
        "/connexion", {"login": "alice", "password": PASSWORD, "next": target}
    )
    assert response.location == "/factures"


def test_sign_out_ends_the_session_on_the_server(alice: Browser) -> None:
    stolen = alice.client.get_cookie("session")
    assert stolen is not None
    assert alice.submit("/deconnexion", {}, page="/profil/compte").status_code == 302
    alice.client.set_cookie("session", stolen.value)
    assert alice.get("/profil/compte").status_code == 302


def test_sign_out_by_get_is_not_possible(alice: Browser) -> None:
    assert alice.get("/deconnexion").status_code == 405


def test_session_ends_when_idle_and_when_old(browser: Browser, people: People) -> None:
    with time_machine.travel("2026-01-01T08:00:00Z", tick=False) as machine:
        browser.sign_in("alice", PASSWORD)
        alive = []
        for _ in range(13):
            machine.shift(timedelta(minutes=59))
            alive.append(browser.get("/profil/compte").status_code == 200)
        assert alive == [True] * 12 + [False], "older than twelve hours, however busy"
    with time_machine.travel("2026-01-02T08:00:00Z", tick=False) as machine:
        browser.sign_in("alice", PASSWORD)
        machine.shift(timedelta(minutes=61))
        assert browser.get("/profil/compte").status_code == 302


def test_eleventh_attempt_is_refused_with_the_time_to_come_back(
    browser: Browser, people: People
) -> None:
    for _ in range(10):
        assert REFUSED in browser.sign_in("alice", "faux").text
    response = browser.sign_in("alice", PASSWORD)
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 900
    assert browser.sign_in("bob", PASSWORD).status_code == 302


def test_form_without_token_is_refused_with_a_friendly_page(
    browser: Browser, people: People
) -> None:
    response = browser.client.post("/connexion", data={"login": "alice", "password": PASSWORD})
    assert response.status_code == 400
    assert "<html" in response.text


def test_cookie_of_another_library_is_left_unread(browser: Browser, people: People) -> None:
    browser.client.set_cookie("remember_token", "é|x")
    assert browser.get("/profil/compte").status_code == 302


def test_an_unknown_login_costs_the_same_hashing(
    browser: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    verified: list[str] = []
    real = PasswordHasher.verify
    monkeypatch.setattr(
        PasswordHasher, "verify", lambda *args: verified.append(args[1]) or real(*args)
    )
    browser.sign_in("personne", PASSWORD)
    User.update(password_hash=None).execute()
    browser.sign_in("alice", PASSWORD)
    assert len(verified) == 2


def test_a_change_of_password_wins_over_a_sign_in_at_the_same_time(
    app: Flask, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change_meanwhile(user: User) -> bool:
        User.update(password_hash="another").where(User.id == user.id).execute()
        return True

    monkeypatch.setattr(passwords, "needs_rehash", change_meanwhile)
    with pytest.raises(sign_in.BadCredentialsError):
        sign_in.sign_in("alice", PASSWORD, origin="192.0.2.1", browser="")
    assert User.get_by_id(people.alice.id).password_hash == "another"
    assert UserSession.select().count() == 0


def test_an_older_hash_is_renewed_at_sign_in(app: Flask, people: People, browser: Browser) -> None:
    app.config["PASSWORD_HASH_ITERATIONS"] = 3
    browser.sign_in("alice", PASSWORD)
    assert "t=3" in str(User.get_by_id(people.alice.id).password_hash)


def test_an_unknown_login_is_kept_as_a_fingerprint(browser: Browser, people: People) -> None:
    browser.sign_in("Mon-secret-1", "x")
    entry = AuditEntry.get(AuditEntry.event == "sign_in.failed")
    assert "secret" not in entry.facts + entry.actor


def test_signing_in_leaves_nothing_of_the_visitor_before(browser: Browser, people: People) -> None:
    with browser.client.session_transaction() as session:
        session["planted"] = "by someone"
    browser.sign_in("alice", PASSWORD)
    with browser.client.session_transaction() as session:
        assert "planted" not in session


def test_one_place_cannot_try_many_logins(
    configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    configure(LIMIT_SIGN_IN_IP="3/minute")
    browser = Browser(make_app().test_client())
    make_people()
    codes = [browser.sign_in(f"user{n}", "x").status_code for n in range(4)]
    assert codes == [200, 200, 200, 429]
    entry = AuditEntry.get(AuditEntry.event == "limit.reached")
    assert "sign_in_ip" in entry.facts


@pytest.mark.parametrize(
    ("address", "network"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:1ff:3::4", "2001:db8:1:100::/56"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("x", "unknown x"),
    ],
)
def test_a_visitor_is_an_ipv4_address_or_an_ipv6_network(address: str, network: str) -> None:
    assert ratelimit.network_of(address) == network


def test_a_limit_ends_by_itself_also_when_the_clock_is_set_back(app: Flask) -> None:
    app.config["LIMIT_SIGN_IN_LOGIN"] = "1/minute"
    with time_machine.travel("2026-03-02T10:00:00Z", tick=False) as machine:
        ratelimit.hit("sign_in_login", "alice")
        with pytest.raises(ratelimit.LimitReachedError) as caught:
            ratelimit.hit("sign_in_login", "alice")
        assert 0 < caught.value.retry_after_seconds <= 60
        machine.shift(timedelta(days=-1))
        ratelimit.hit("sign_in_login", "alice")


@pytest.mark.parametrize("path", ["/recuperation", "/profil/compte"])
def test_a_file_in_place_of_a_text_is_no_error(path: str, alice: Browser) -> None:
    page = alice.get(path).text
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    fields = {"csrf_token": token, "email": (BytesIO(b"x"), "x"), "last_name": (BytesIO(b"x"), "x")}
    response = alice.client.post(path, data=fields, content_type="multipart/form-data")
    assert response.status_code < 500
