"""Nothing is lost by a person's habit: one rule for every form of the portal."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from lxml import html
from werkzeug.test import TestResponse
from wtforms import PasswordField

from selfservice import db, ratelimit, submissions
from selfservice.accounts import forms as accounts_forms
from selfservice.accounts.models import User, UserSession
from selfservice.administration import forms as administration_forms
from selfservice.audit import AuditEntry
from selfservice.mail.outbox import OutboxMail
from selfservice.submissions import Kept
from tests.accounts.authenticator import CONFIRM, begin, code_of, hidden, scan
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_user

NEW = "Cabrette-verte9"
OURS = {"Sec-Fetch-Site": "same-origin"}


def load(browser: Browser, path: str) -> str:
    """Open a page and return the token of its forms."""
    found = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get(path).text)
    assert found, path
    return found[1]


def press(browser: Browser, path: str, token: str, **fields: object) -> TestResponse:
    return browser.client.post(path, data={"csrf_token": token, **fields}, headers=OURS)


def twice(browser: Browser, path: str, page: str = "", **fields: object) -> list[TestResponse]:
    """Press the button of one loaded form twice; the second time with the cookie of the first."""
    token = load(browser, page or path)
    cookie = browser.client.get_cookie("session")
    answers = [press(browser, path, token, **fields)]
    if cookie:  # the browser gave the first answer up, with its cookie
        browser.client.set_cookie("session", cookie.value)
    return [*answers, press(browser, path, token, **fields)]


def shown(browser: Browser, answer: TestResponse) -> str:
    return browser.get(answer.location).text if answer.status_code == 302 else answer.text


def test_a_password_changed_twice_by_one_form_is_changed(alice: Browser) -> None:
    fields = {"current": PASSWORD, "password": NEW, "confirmation": NEW}
    answers = twice(alice, "/profil/mot-de-passe", **fields)
    assert [answer.status_code for answer in answers] == [302, 302]
    assert "Votre mot de passe est modifié." in shown(alice, answers[1])
    assert AuditEntry.select().where(AuditEntry.event == "password.changed").count() == 1


def test_a_form_pressed_again_after_a_change_of_password_signs_nobody_out(alice: Browser) -> None:
    token = load(alice, "/profil/preferences")
    press(alice, "/profil/preferences", token, display_history_months="6")
    fields = {"current": PASSWORD, "password": NEW, "confirmation": NEW}
    alice.submit("/profil/mot-de-passe", fields)
    press(alice, "/profil/preferences", token, display_history_months="6")
    assert alice.get("/factures").status_code == 200


def test_a_colleague_added_twice_by_one_form_is_one_colleague(
    alice: Browser, people: People
) -> None:
    fields = {
        "login": "julie",
        "password": NEW,
        "password_again": NEW,
        "company": people.alice.company_id,
        "is_active": "y",
    }
    answers = twice(alice, "/administration/utilisateurs/ajout", **fields)
    assert answers[0].location == answers[1].location
    assert "julie" in shown(alice, answers[1])
    assert User.select().where(User.login == "julie").count() == 1


def test_signing_in_by_two_presses_opens_one_session(browser: Browser, people: People) -> None:
    answers = twice(browser, "/connexion", login="alice", password=PASSWORD)
    assert [answer.location for answer in answers] == ["/factures", "/factures"]
    assert browser.get("/factures").status_code == 200
    assert UserSession.select().count() == 1
    assert "Votre dernière connexion" not in browser.get("/factures").text


def test_signing_out_twice_is_being_signed_out(alice: Browser) -> None:
    answers = twice(alice, "/deconnexion", page="/profil/compte")
    assert [answer.location for answer in answers] == ["/", "/"]
    assert "Vous êtes déconnecté." in shown(alice, answers[1])


def test_one_form_of_recovery_sends_one_mail_and_a_new_one_another(
    browser: Browser, people: People
) -> None:
    answers = twice(browser, "/recuperation", email="alice@example.com")
    assert answers[0].text == answers[1].text
    assert OutboxMail.select().count() == 1
    twice(browser, "/recuperation", email="alice@example.com")
    assert OutboxMail.select().count() == 2


def test_a_minute_later_the_same_form_of_recovery_is_a_new_request(
    browser: Browser, people: People
) -> None:
    with time_machine.travel("2026-03-02T10:00:00Z", tick=False) as machine:
        token = load(browser, "/recuperation")
        for seconds, mails in ((0, 1), (59, 1), (2, 2)):
            machine.shift(timedelta(seconds=seconds))
            press(browser, "/recuperation", token, email="alice@example.com")
            assert OutboxMail.select().count() == mails


def test_another_text_in_the_same_form_is_another_request(browser: Browser, people: People) -> None:
    token = load(browser, "/recuperation")
    for address in ("alice@example.com", "bob@example.com"):
        press(browser, "/recuperation", token, email=address)
    assert OutboxMail.select().count() == 2


def test_a_body_in_parts_is_never_taken_for_another(browser: Browser, people: People) -> None:
    token = load(browser, "/recuperation")
    for address in ("alice@example.com", "bob@example.com"):
        data = {"csrf_token": token, "email": address}
        browser.client.post("/recuperation", data=data, content_type="multipart/form-data")
    assert OutboxMail.select().count() == 2


def test_a_fault_is_judged_again(alice: Browser) -> None:
    Kept.delete().execute()
    answers = twice(alice, "/profil/mot-de-passe", current=PASSWORD, password="x", confirmation="x")
    assert "au moins 8 caractères" in answers[1].text
    assert Kept.select().count() == 0


def test_presses_at_the_same_moment_get_one_answer(
    app: Flask, people: People, browser: Browser
) -> None:
    token = load(browser, "/recuperation")
    cookie = browser.client.get_cookie("session")
    assert cookie

    def send(_number: int) -> int:
        client = app.test_client()
        client.set_cookie("session", cookie.value)
        data = {"csrf_token": token, "email": "alice@example.com"}
        try:
            return client.post("/recuperation", data=data).status_code
        finally:
            db.database.close()  # that of this thread

    with ThreadPoolExecutor(3) as pool:
        assert list(pool.map(send, range(3))) == [200] * 3
    assert OutboxMail.select().count() == 1


def test_those_who_wait_for_an_answer_leave_threads_to_others(
    browser: Browser, people: People
) -> None:
    token = load(browser, "/recuperation")
    press(browser, "/recuperation", token, email="alice@example.com")
    Kept.update(sealed=None).execute()  # as while it is being made
    with submissions.waiting.one(), submissions.waiting.one():
        refused = press(browser, "/recuperation", token, email="alice@example.com")
    assert refused.status_code == 429
    assert refused.headers["Retry-After"] == "5"
    assert OutboxMail.select().count() == 1


def test_a_network_has_only_so_much_kept(app: Flask, browser: Browser, people: People) -> None:
    app.config["LIMIT_KEPT_IP"] = "2/hour"
    Kept.delete().execute()
    forgotten = "/je-n-ai-rien-recu/autre"
    for _ in range(4):
        token = load(browser, "/je-n-ai-rien-recu")
        assert press(browser, forgotten, token).status_code == 303, "it is done all the same"
    assert Kept.select().count() == 2


def test_what_ended_sessions_typed_is_kept_within_the_same_limit(
    app: Flask, alice: Browser
) -> None:
    token = load(alice, "/profil/compte")
    app.config["LIMIT_KEPT_IP"] = "3/hour"
    ratelimit.RateCounter.delete().execute()
    UserSession.delete().execute()
    Kept.delete().execute()
    for number in range(6):
        answer = press(alice, "/profil/compte", token, last_name=f"Martin {number}")
        assert answer.status_code == 302
    assert Kept.select().count() == 6, "three answers, three texts"


def test_what_is_kept_is_sealed_and_without_passwords(alice: Browser) -> None:
    Kept.delete().execute()
    press(
        alice,
        "/profil/mot-de-passe",
        load(alice, "/profil/mot-de-passe"),
        current=PASSWORD,
        password=NEW,
        confirmation=NEW,
    )
    (row,) = Kept.select()
    kept = bytes(row.sealed) + row.id_hash.encode()
    for secret in (PASSWORD, NEW, "mot de passe", "/profil/compte"):
        assert secret.encode() not in kept
    assert submissions.forget_expired() == 0
    with time_machine.travel(row.expires_at, tick=False):
        assert submissions.forget_expired() == 1


def test_an_answer_is_for_the_visitor_who_got_it(
    alice: Browser, bob: Browser, people: People
) -> None:
    token = load(alice, "/profil/compte")
    press(alice, "/profil/compte", token, last_name="Martin")
    assert press(bob, "/profil/compte", token, last_name="Martin").status_code == 400


def test_a_private_page_does_not_come_again_after_signing_out(alice: Browser) -> None:
    page = "/profil/double-authentification"
    token = load(alice, page)
    first = press(alice, page, token, current=PASSWORD)
    assert 'name="setup"' in first.text
    assert press(alice, page, token, current=PASSWORD).text == first.text, "pressed twice"
    alice.submit("/deconnexion", {}, page="/profil/compte")
    assert 'name="setup"' not in press(alice, page, token, current=PASSWORD).text


def test_rescue_codes_asked_for_twice_by_one_form_are_shown(alice: Browser) -> None:
    setup = begin(alice)
    fields = {"setup": hidden(setup, "setup"), "code": code_of(scan(setup))}
    first, again = twice(alice, CONFIRM, page="/profil/compte", **fields)
    assert "codes de secours" in first.text
    assert again.text == first.text
    assert alice.get("/profil/compte").status_code == 200


def test_every_secret_of_every_form_is_known() -> None:
    forms = [
        each
        for module in (accounts_forms, administration_forms)
        for each in vars(module).values()
        if isinstance(each, type) and issubclass(each, accounts_forms.PortalForm)
    ]
    names = {
        name
        for form in forms
        for name in dir(form)
        if getattr(getattr(form, name), "field_class", None) is PasswordField
    }
    assert {"password", "current", "confirmation"} <= names <= submissions.SECRET_FIELDS


# The session has ended meanwhile


def end_sessions() -> None:
    UserSession.delete().execute()


FORMS = {
    "/profil/compte": {"last_name": "Martin-Dubois", "phone": "01 02 03 04 05"},
    "/profil/preferences": {"display_history_months": "24"},
    "/administration/utilisateurs/ajout": {"login": "julie", "last_name": "Petit"},
    "/administration/profils/ajout": {"name": "Atelier", "other_contracts": "C-12\nC-13"},
}


@pytest.mark.parametrize("path", FORMS)
def test_what_was_typed_is_there_again_after_signing_in_again(
    path: str, alice: Browser, people: People
) -> None:
    token = load(alice, path)
    end_sessions()
    answer = press(alice, path, token, password=NEW, **FORMS[path])
    assert answer.location.startswith("/connexion?next=")
    page = alice.get(answer.location).text
    assert "vous retrouverez votre saisie" in page
    assert NEW.encode() not in b"".join(bytes(row.sealed) for row in Kept.select() if row.sealed)
    again = alice.submit(
        "/connexion",
        {"login": "alice", "password": PASSWORD, "next": path},
        page=answer.location,
    )
    assert again.location == path
    page = alice.get(path).text
    assert "Rien n’est encore enregistré" in page
    form = html.fromstring(page).xpath("//main//form[@method='post']")[0]
    for name, value in FORMS[path].items():
        assert form.fields[name].replace("\r", "").strip() == value
    assert "Rien n’est encore" not in alice.get(path).text, "once"


def test_what_somebody_typed_is_for_nobody_else(alice: Browser, people: People) -> None:
    token = load(alice, "/profil/compte")
    end_sessions()
    press(alice, "/profil/compte", token, last_name="Martin-Dubois")
    assert alice.sign_in("bob", PASSWORD).status_code == 302
    assert "Martin-Dubois" not in alice.get("/profil/compte").text


def test_a_button_without_a_page_leads_back_to_the_page_that_has_it(
    alice: Browser, people: People
) -> None:
    user = make_user(people.alice.company, "julie")
    page = f"/administration/utilisateurs/{user.id}"
    token = load(alice, page)
    end_sessions()
    referer = {**OURS, "Referer": f"http://localhost{page}"}
    answer = alice.client.post(f"{page}/sessions", data={"csrf_token": token}, headers=referer)
    assert answer.location == f"/connexion?next={page}"
    for number, named in enumerate(
        ("https://ailleurs.example/x", "http://[", "http://localhost//[")
    ):
        other = {"csrf_token": token, "other": str(number)}
        answer = alice.client.post(f"{page}/sessions", data=other, headers={"Referer": named})
        assert answer.status_code == 302 and answer.location.startswith("/connexion"), named


def test_the_boxes_of_security_are_ticked_again(alice: Browser, people: People) -> None:
    path, box = "/administration/securite", people.alice.company_id
    token = load(alice, path)
    end_sessions()
    answer = press(alice, path, token, company=box)
    typed = {"login": "alice", "password": PASSWORD, "next": path}
    alice.submit("/connexion", typed, page=answer.location)
    assert html.fromstring(alice.get(path).text).xpath("//input[@name='company']/@checked")
    assert not people.alice.company.is_second_factor_required


# Two tabs


def test_a_form_of_a_tab_left_open_after_sign_out_keeps_what_was_typed(
    alice: Browser, people: People
) -> None:
    token = load(alice, "/profil/compte")
    alice.submit("/deconnexion", {}, page="/profil/compte")
    answer = press(alice, "/profil/compte", token, last_name="Martin-Dubois")
    assert answer.location == "/connexion?next=/profil/compte"
    alice.sign_in("alice", PASSWORD)
    assert "Martin-Dubois" in alice.get("/profil/compte").text


def test_signing_out_in_a_second_tab_is_no_error(alice: Browser) -> None:
    token = load(alice, "/profil/compte")
    alice.submit("/deconnexion", {}, page="/profil/compte")
    answer = press(alice, "/deconnexion", token)
    assert answer.location == "/"
    assert "Vous êtes déconnecté." in alice.get("/").text


def test_signing_in_in_a_second_tab_leads_in(browser: Browser, people: People) -> None:
    token = load(browser, "/connexion")
    browser.sign_in("alice", PASSWORD)
    assert press(browser, "/connexion", token, login="Alice", password="x").location == "/factures"
    assert "déjà connecté" not in browser.get("/profil/compte").text
    assert press(browser, "/connexion", token, login="bob", password="x").location == "/factures"
    assert "déjà connecté avec l’identifiant alice" in browser.get("/profil/compte").text


def test_a_form_of_the_session_before_keeps_what_was_typed_and_does_nothing(
    alice: Browser, people: People
) -> None:
    token = load(alice, "/profil/compte")
    alice.submit("/deconnexion", {}, page="/profil/compte")
    alice.sign_in("alice", PASSWORD)
    answer = press(alice, "/profil/compte", token, last_name="Martin-Dubois")
    assert answer.status_code == 400
    resumed = html.fromstring(answer.text).xpath("//main//form")[0]
    assert resumed.fields["last_name"] == "Martin-Dubois"
    assert User.get_by_id(people.alice.id).last_name == ""
    assert alice.client.post("/profil/compte", data=dict(resumed.fields)).status_code == 302
    assert User.get_by_id(people.alice.id).last_name == "Martin-Dubois"


def test_another_site_makes_nobody_resume_what_it_typed(alice: Browser, people: People) -> None:
    with time_machine.travel("2026-03-02T10:00:00Z", tick=False) as machine:
        token = load(alice, "/recuperation")
        machine.shift(timedelta(hours=13))
        for headers in ({"Sec-Fetch-Site": "cross-site"}, {"Origin": "https://evil.example"}):
            data = {"csrf_token": token, "email": "evil@example.com"}
            answer = alice.client.post("/recuperation", data=data, headers=headers)
            assert answer.status_code == 400
            assert "evil@example.com" not in answer.text


# Cookies refused, addresses, managers


def test_refused_cookies_are_named(app: Flask, people: People) -> None:
    browser = Browser(app.test_client(use_cookies=False))
    token = load(browser, "/connexion")
    answer = press(browser, "/connexion", token, login="alice", password=PASSWORD)
    assert answer.status_code == 400
    assert "n’a pas gardé le cookie" in answer.text
    assert 'value="alice"' in answer.text
    assert PASSWORD not in answer.text


@pytest.mark.parametrize(
    "typed",
    ["/factures/", "/profil//compte/", "/profil/compte///", "/administration/utilisateurs/"],
)
def test_a_slash_too_much_leads_to_the_page_that_is_meant(typed: str, alice: Browser) -> None:
    answer = alice.client.get(typed, follow_redirects=True)
    assert answer.status_code == 200
    meant = re.sub("/+", "/", typed).rstrip("/")
    titles = [re.findall("<title>[^<]+", page) for page in (answer.text, alice.get(meant).text)]
    assert titles[0] == titles[1]


def test_what_was_typed_comes_back_to_an_address_with_a_slash_too(alice: Browser) -> None:
    token = load(alice, "/profil/compte/")
    end_sessions()
    press(alice, "/profil/compte/", token, last_name="Martin-Dubois")
    alice.sign_in("alice", PASSWORD)
    assert "Martin-Dubois" in alice.get("/profil/compte").text


def test_a_password_manager_finds_the_page(
    alice: Browser, new_browser: Callable[[], Browser]
) -> None:
    assert alice.get("/.well-known/change-password").location == "/profil/mot-de-passe"
    stranger = new_browser()
    assert stranger.get("/.well-known/change-password").location == "/profil/mot-de-passe"
    assert "/connexion" in stranger.get("/profil/mot-de-passe").location


@pytest.mark.parametrize(
    ("page", "fields"),
    [
        ("/connexion", {"login": "alice", "password": "x"}),
        ("/recuperation", {"email": "inconnu@example.com"}),
        ("/je-n-ai-rien-recu", {"client_number": "1", "number": "1", "gross": "1"}),
    ],
)
def test_the_answer_of_an_open_form_comes_again_by_the_back_button(
    page: str, fields: dict[str, str], browser: Browser, people: People
) -> None:
    answer = browser.submit(page, fields)
    assert answer.headers["Cache-Control"] == "private, no-cache"
    assert browser.get(page).headers["Cache-Control"] == "no-store"


def test_a_private_answer_stays_in_no_browser(alice: Browser) -> None:
    page = "/administration/utilisateurs/ajout"
    assert alice.submit(page, {}).headers["Cache-Control"] == "no-store"
