"""What must hold of sessions (ASVS 7)."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

from selfservice.accounts import sessions
from selfservice.accounts.models import User, UserSession
from tests.accounts.authenticator import set_up
from tests.accounts.test_recovery import NEW
from tests.conftest import Browser
from tests.factories import PASSWORD, People

PAGE = "/profil/compte"


def cookie(browser: Browser) -> str:
    found = browser.client.get_cookie("session")
    assert found is not None
    return found.value


def content(browser: Browser) -> dict[str, object]:
    with browser.client.session_transaction() as session:
        return dict(session)


def test_the_cookie_holds_a_random_id_and_nothing_of_the_user(alice: Browser, bob: Browser) -> None:
    held = content(alice)
    assert len(str(held["_user_id"])) == 43
    assert held["_user_id"] != content(bob)["_user_id"]
    assert set(held) <= {"_user_id", "_fresh", "csrf_token"}
    assert "alice" not in str(held)
    row = UserSession.select().join(User).where(User.login == "alice").get()
    assert str(held["_user_id"]) not in str(row.__data__), "only its hash is stored"


def test_the_cookie_is_signed_as_flask_signs(alice: Browser, app: Flask) -> None:
    flask = SecureCookieSessionInterface().get_signing_serializer(app)
    assert flask and flask.loads(cookie(alice)) == content(alice)
    alice.client.set_cookie("session", flask.dumps(content(alice)))
    assert alice.get(PAGE).status_code == 200
    alice.client.set_cookie("session", f"{flask.dumps(content(alice))}x")
    assert alice.get(PAGE).status_code == 302


def test_a_session_that_was_read_says_so_and_is_not_written_again(alice: Browser) -> None:
    alice.get(PAGE)  # the token of its form is new
    response = alice.get(PAGE)
    assert response.headers.getlist("Vary") == ["Cookie"]
    assert "Set-Cookie" not in response.headers


@pytest.mark.parametrize(
    "beside",
    [
        *("sess ion={bobs}; session={own}", "sess\tion={bobs}; session={own}"),
        *("\u2000session={bobs}; session={own}", 'a="; session={own}; b="'),
    ],
)
def test_no_cookie_that_a_site_beside_ours_may_set_passes_for_ours(
    beside: str, alice: Browser, bob: Browser, app: Flask
) -> None:
    """Of « __Host-session », browsers keep no other writing but these from another site."""
    sent = beside.format(own=cookie(alice), bobs=cookie(bob)).encode().decode("latin-1")
    answer = app.test_client(use_cookies=False).get(PAGE, headers={"Cookie": sent})
    assert answer.status_code == 200
    assert "alice" in answer.text and "bob" not in answer.text


@pytest.mark.parametrize("end", ["sign-out", "password", "switched off", "closed by another"])
def test_a_stolen_cookie_dies_with_its_session(
    end: str, alice: Browser, app: Flask, people: People
) -> None:
    thief = Browser(app.test_client())
    thief.client.set_cookie("session", cookie(alice))
    assert thief.get(PAGE).status_code == 200
    if end == "sign-out":
        alice.submit("/deconnexion", {}, page=PAGE)
    elif end == "password":
        owner = Browser(app.test_client())
        owner.sign_in("alice", PASSWORD)
        typed = {"current": PASSWORD, "password": NEW, "confirmation": NEW}
        assert owner.submit("/profil/mot-de-passe", typed).status_code == 302
    elif end == "switched off":
        User.update(is_active=False).where(User.id == people.alice.id).execute()
    else:
        UserSession.delete().execute()
    assert thief.get(PAGE).status_code == 302


@pytest.mark.parametrize("act", ["password", "others closed", "second factor on", "and off"])
def test_a_copied_cookie_dies_where_its_owner_ends_the_others_and_stays(
    act: str, alice: Browser, app: Flask, people: People
) -> None:
    with time_machine.travel("2026-03-02T10:00:00Z", tick=False) as machine:
        alice.sign_in("alice", PASSWORD)
        phone = set_up(alice) if act == "and off" else None
        machine.shift(timedelta(minutes=1))
        thief = Browser(app.test_client())
        thief.client.set_cookie("session", cookie(alice))
        assert thief.get(PAGE).status_code == 200
        if act == "password":
            typed = {"current": PASSWORD, "password": NEW, "confirmation": NEW}
            alice.submit("/profil/mot-de-passe", typed)
        elif act == "others closed":
            alice.submit("/profil/sessions/fermer-les-autres", {}, page="/profil/sessions")
        elif phone is None:
            set_up(alice)
        else:
            off = "/profil/double-authentification/desactivation"
            alice.submit(off, {"current": PASSWORD, "code": phone.code()})
        assert (alice.get(PAGE).status_code, thief.get(PAGE).status_code) == (200, 302)


def test_a_session_id_that_somebody_planted_is_never_taken_over(
    browser: Browser, people: People
) -> None:
    with browser.client.session_transaction() as session:
        session["_user_id"] = "planted"
    browser.sign_in("alice", PASSWORD)
    assert content(browser)["_user_id"] != "planted"


def test_no_session_opens_with_the_id_of_a_user(browser: Browser, people: People) -> None:
    with browser.client.session_transaction() as session:
        session["_user_id"] = str(people.alice.id)
    assert browser.get(PAGE).status_code == 302


@pytest.mark.parametrize("header", ["X-Forwarded-For", "User-Agent"])
def test_a_changed_header_neither_ends_nor_opens_a_session(header: str, alice: Browser) -> None:
    assert alice.get(PAGE, headers={header: "203.0.113.9"}).status_code == 200
    assert alice.get(PAGE).status_code == 200


def test_no_remember_me_cookie_is_written_or_read(alice: Browser, app: Flask) -> None:
    assert alice.client.get_cookie("remember_token") is None
    for value in ("1|" + "0" * 128, "é|x", "1|é", "\udcff", URLSafeTimedSerializer("x").dumps(1)):
        browser = Browser(app.test_client(use_cookies=False))  # its own would take their place
        raw = f"remember_token={value}".encode("utf-8", "surrogateescape").decode("latin-1")
        response = browser.get(PAGE, headers={"Cookie": raw})
        assert response.status_code == 302


def test_every_post_asks_for_a_token(app: Flask, alice: Browser, browser: Browser) -> None:
    routes = [rule for rule in app.url_map.iter_rules() if "POST" in (rule.methods or ())]
    assert len(routes) >= 10
    for rule in routes:
        arguments = {name: "adresse" if name == "subject" else 1 for name in rule.arguments}
        path = rule.build(arguments, append_unknown=False)
        assert path
        for visitor in (alice, browser):
            for forged in ({}, {"csrf_token": "forged"}):
                response = visitor.client.post(path[1], data=forged)
                assert response.status_code == 400, rule.rule
    assert UserSession.select().count() == 1, "nobody was signed out by a form of another site"


def test_a_token_of_another_visitor_is_refused(alice: Browser, bob: Browser) -> None:
    page = bob.get(PAGE).text
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    response = alice.client.post(PAGE, data={"csrf_token": token, "last_name": "x"})
    assert response.status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_is_refused_with_a_good_token_too(
    headers: dict[str, str], alice: Browser
) -> None:
    token = alice.get(PAGE).text.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    fields = {"csrf_token": token, "last_name": "x"}
    assert alice.client.post(PAGE, data=fields, headers=headers).status_code == 400
    assert alice.client.post(PAGE, data=fields).status_code == 302


def test_a_sign_in_sent_by_another_site_leads_who_is_signed_in_nowhere(alice: Browser) -> None:
    fields = {"csrf_token": "forged", "login": "alice", "next": "/factures/archive.zip"}
    for site, status in (("same-site", 400), ("same-origin", 302)):
        headers = {"Sec-Fetch-Site": site}
        assert alice.client.post("/connexion", data=fields, headers=headers).status_code == status


@pytest.mark.parametrize("then", ["alice", "bob"])
def test_signing_in_over_an_open_session_ends_it(
    then: str, app: Flask, people: People, alice: Browser
) -> None:
    before = UserSession.get()
    typed = {"login": then, "password": PASSWORD}
    assert alice.submit("/connexion", typed, page=PAGE).status_code == 302
    rows = list(UserSession.select())
    assert len(rows) == 1
    assert rows[0] != before
    assert rows[0].user.login == then


def test_the_oldest_sessions_end_beyond_twenty(
    app: Flask, people: People, new_browser: Callable[[], Browser]
) -> None:
    browsers = [new_browser() for _ in range(sessions.MAX_OPEN + 1)]
    with time_machine.travel("2026-03-02T10:00:00Z", tick=False) as machine:
        for browser in browsers:
            assert browser.sign_in("alice", PASSWORD).status_code == 302
            machine.shift(timedelta(seconds=1))
        codes = [browser.get("/factures").status_code for browser in browsers]
    assert codes == [302] + [200] * sessions.MAX_OPEN
    assert UserSession.select().count() == sessions.MAX_OPEN
