"""Signing in, whatever the failure, and signing out (FAQ 5, 6, 11)."""

from datetime import timedelta

import pytest
import time_machine

from selfservice import clock
from selfservice.accounts.models import User, UserSession
from selfservice.audit import AuditEntry
from tests.conftest import Browser
from tests.factories import PASSWORD, People

REFUSED = "Identifiant ou mot de passe incorrect."


def test_right_password_opens_the_invoices(browser: Browser, people: People) -> None:
    response = browser.sign_in("alice", PASSWORD)
    assert response.status_code == 302
    assert response.location == "/factures"


def test_case_and_spaces_of_the_login_do_not_matter(browser: Browser, people: People) -> None:
    assert browser.sign_in("  ALICE ", PASSWORD).status_code == 302


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


@pytest.mark.parametrize("login", ["DC-123456", "dl-9"])
def test_login_of_the_former_portal_says_that_it_is_closed(
    login: str, browser: Browser, people: People
) -> None:
    page = browser.sign_in(login, PASSWORD).get_data(as_text=True)
    assert REFUSED in page
    assert "E-Fact" in page
    assert "septembre" in page


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
        for _ in range(13):
            machine.shift(timedelta(minutes=59))
            alive = browser.get("/profil/compte").status_code == 200
        assert not alive, "older than twelve hours, however busy"
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
