"""Signing in with the second factor: no code works twice, and half-way opens nothing (ASVS 6.5)."""

import json
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from selfservice import clock, tokens
from selfservice.accounts.models import User, UserSession
from selfservice.audit import AuditEntry
from tests.accounts.authenticator import (
    CODE,
    PAGE,
    WRONG,
    Phone,
    enter,
    events,
    hidden,
    set_up,
)
from tests.conftest import Browser, free_port
from tests.factories import PASSWORD
from tests.platform.test_server import Visitor
from tests.processes import serving


def test_sign_in_asks_the_code_after_the_password_and_goes_on_to_the_page_wanted(
    phone: Phone, browser: Browser
) -> None:
    sent = browser.submit(
        "/connexion", {"login": "alice", "password": PASSWORD, "next": "/profil/preferences"}
    )
    assert sent.location == f"{CODE}?next=/profil/preferences"
    page = browser.get(sent.location).text
    assert 'autocomplete="one-time-code"' in page
    fields = {"code": phone.code(), "next": hidden(page, "next")}
    assert browser.submit(CODE, fields).location == "/profil/preferences"
    assert browser.get("/profil/preferences").status_code == 200


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil", "/é", "\x00"]
)
def test_next_never_leaves_the_portal_after_the_code(
    target: str, phone: Phone, browser: Browser
) -> None:
    assert enter(browser, phone.code(), next=target) == "/factures"


def test_another_site_has_nothing_taken_away_after_the_code(phone: Phone, browser: Browser) -> None:
    browser.submit("/connexion", {"login": "alice", "password": PASSWORD})
    path = f"{CODE}?next=/factures/archive.zip"
    assert hidden(browser.get(path).text, "next") == "/factures/archive.zip"
    assert "archive.zip" not in browser.get(path, headers={"Sec-Fetch-Site": "cross-site"}).text


def test_half_way_opens_no_page(phone: Phone, browser: Browser, app: Flask) -> None:
    before = UserSession.select().count()
    browser.submit("/connexion", {"login": "alice", "password": PASSWORD})
    assert UserSession.select().count() == before
    for rule in app.url_map.iter_rules():
        if "GET" in (rule.methods or ()) and not rule.arguments:
            response = browser.get(rule.rule)
            assert "Mon compte" not in response.text, rule.rule
            if rule.rule.startswith(("/profil", "/administration", "/factures")):
                assert response.location.startswith("/connexion?next="), rule.rule


def test_half_way_lasts_five_minutes_and_says_so(
    machine: time_machine.Traveller, phone: Phone, browser: Browser
) -> None:
    browser.submit("/connexion", {"login": "alice", "password": PASSWORD, "next": "/profil/compte"})
    machine.shift(timedelta(minutes=5))
    fields = {"code": phone.code(), "next": "/profil/compte"}
    late = browser.submit(CODE, fields, page="/connexion")
    assert late.location == "/connexion?next=/profil/compte"
    assert "Saisissez à nouveau votre mot de passe" in browser.get(late.location).text


@pytest.mark.parametrize(
    "changes",
    [{"password_hash": "another"}, {"is_active": False}, {"closed_at": clock.now()}],
    ids=["password", "switched off", "closed"],
)
def test_a_change_of_the_login_ends_the_half_way(
    changes: dict[str, object], phone: Phone, browser: Browser
) -> None:
    browser.submit("/connexion", {"login": "alice", "password": PASSWORD})
    User.update(changes).where(User.login == "alice").execute()
    response = browser.submit(CODE, {"code": phone.code()}, page="/connexion")
    assert response.location == "/connexion"
    assert UserSession.select().count() == 1, "only the one that set it up"


def test_half_way_works_once(
    phone: Phone, browser: Browser, machine: time_machine.Traveller
) -> None:
    browser.submit("/connexion", {"login": "alice", "password": PASSWORD})
    stolen = browser.client.get_cookie("session")
    assert stolen is not None
    assert browser.submit(CODE, {"code": phone.code()}).location == "/factures"
    machine.shift(timedelta(seconds=30))
    browser.client.set_cookie("session", stolen.value)
    again = browser.submit(CODE, {"code": phone.code()}, page="/connexion")
    assert again.location == "/connexion"


def test_the_same_code_never_works_twice(
    phone: Phone, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    assert enter(browser, phone.code()) == "/factures"
    assert enter(new_browser(), phone.code()) is None
    assert enter(new_browser(), phone.code(-1)) is None, "nor an earlier one"
    assert events()[-1] == "second_factor.failed"


def test_the_code_of_the_setup_does_not_work_again(
    machine: time_machine.Traveller, alice: Browser, browser: Browser
) -> None:
    assert enter(browser, set_up(alice).code()) is None


@pytest.mark.parametrize(
    ("steps", "is_accepted"), [(-2, False), (-1, True), (0, True), (1, True), (2, False)]
)
def test_a_clock_one_step_off_is_forgiven(
    steps: int, is_accepted: bool, machine: time_machine.Traveller, phone: Phone, browser: Browser
) -> None:
    machine.shift(timedelta(minutes=2))
    assert (enter(browser, phone.code(steps)) is not None) is is_accepted


def test_a_clock_set_back_revives_no_code(
    machine: time_machine.Traveller,
    phone: Phone,
    browser: Browser,
    new_browser: Callable[[], Browser],
) -> None:
    used = phone.code()
    assert enter(browser, used) == "/factures"
    machine.shift(timedelta(seconds=-30))
    assert enter(new_browser(), used) is None


@pytest.mark.parametrize("between", [" ", "\u00a0", "-", "\u2011", "\u200b"])
def test_code_may_be_typed_or_pasted_with_what_parts_its_digits(
    between: str, phone: Phone, browser: Browser
) -> None:
    code = phone.code()
    assert enter(browser, f" {code[:3]}{between}{code[3:]} ") == "/factures"


@pytest.mark.parametrize(
    "code",
    [
        "",
        " ",
        "\x00",
        "12345",
        "1234567",
        "abcdef",
        "١٢٣٤٥٦",
        "１２３４５６",
        "\ud800",
        "-1",
        "9" * 200_000,
    ],
    ids=repr,
)
def test_odd_codes_are_refused_politely(code: str, phone: Phone, browser: Browser) -> None:
    browser.submit("/connexion", {"login": "alice", "password": PASSWORD})
    field = code.encode("utf-8", "surrogatepass")
    response = browser.submit(CODE, {"code": field})
    assert response.status_code == 200
    assert WRONG in response.text or "Saisissez le code" in response.text


def test_rescue_code_works_once_in_place_of_the_application(
    phone: Phone, browser: Browser, new_browser: Callable[[], Browser], alice: Browser
) -> None:
    assert enter(browser, phone.rescue_codes[3]) == "/factures"
    assert enter(new_browser(), phone.rescue_codes[3]) is None
    assert enter(new_browser(), phone.rescue_codes[4].replace(" ", "")) == "/factures"
    assert re.search(r"Codes de secours restants</dt>\s*<dd>\s*8\s", alice.get(PAGE).text)
    used = AuditEntry.get(AuditEntry.event == "second_factor.used")
    assert json.loads(used.facts) == {"is_rescue_code": True}


def test_rescue_code_of_another_user_is_refused(
    phone: Phone, bob: Browser, browser: Browser, machine: time_machine.Traveller
) -> None:
    theirs = set_up(bob)
    machine.shift(timedelta(seconds=30))
    assert enter(browser, theirs.rescue_codes[0]) is None
    assert enter(browser, theirs.code()) is None


def test_wrong_codes_are_limited_whatever_the_password(
    phone: Phone, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    for _ in range(5):
        assert enter(new_browser(), "000000") is None
    browser.submit("/connexion", {"login": "alice", "password": PASSWORD})
    response = browser.submit(CODE, {"code": phone.code()})
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 900
    assert events().count("second_factor.failed") == 5
    assert browser.sign_in("bob", PASSWORD).location == "/factures"


def test_a_code_takes_no_sign_in_from_the_others_of_an_office(
    app: Flask, phone: Phone, new_browser: Callable[[], Browser]
) -> None:
    app.config["LIMIT_SIGN_IN_IP"] = "3 per minute"
    enter_codes = [enter(new_browser(), code) for code in phone.rescue_codes[:2]]
    assert enter_codes == ["/factures"] * 2
    assert new_browser().sign_in("bob", PASSWORD).location == "/factures"


def test_right_codes_use_up_no_try(phone: Phone, new_browser: Callable[[], Browser]) -> None:
    for code in phone.rescue_codes[:7]:
        assert enter(new_browser(), code) == "/factures"


def test_a_new_password_by_mail_does_not_switch_the_second_factor_off(
    phone: Phone, browser: Browser
) -> None:
    secret = tokens.issue("recovery", "alice@example.com", lifetime=timedelta(hours=1))
    browser.get(f"/reinitialisation/{secret}")
    browser.submit(
        "/reinitialisation", {"password": "Vielle-roue7", "confirmation": "Vielle-roue7"}
    )
    sent = browser.submit("/connexion", {"login": "alice", "password": "Vielle-roue7"})
    assert sent.location == CODE


@pytest.mark.slow
def test_of_parallel_uses_of_one_code_exactly_one_opens_a_session(
    app: Flask, alice: Browser, instance: Path
) -> None:
    phone = set_up(alice)
    limits = {"LIMIT_SECOND_FACTOR": "99/hour", "LIMIT_SIGN_IN_LOGIN": "99/hour"}
    with serving(instance, free_port(), **limits) as address:
        for code in (phone.code(1), phone.rescue_codes[0]):
            waiting = [half_way(address) for _ in range(8)]
            with ThreadPoolExecutor(8) as pool:
                ends = list(pool.map(lambda visitor, code=code: send(visitor, code), waiting))
            assert ends.count(f"{address}/factures") == 1
            assert set(ends) == {f"{address}{CODE}", f"{address}/factures"}


def half_way(address: str) -> Visitor:
    """Return a visitor of a real server whom alice's password has brought to the code."""
    visitor = Visitor(address)
    token = hidden(visitor.get("/connexion"), "csrf_token")
    fields = {"csrf_token": token, "login": "alice", "password": PASSWORD}
    assert visitor.post("/connexion", fields) == address + CODE
    return visitor


def send(visitor: Visitor, code: str) -> str:
    token = hidden(visitor.get(CODE), "csrf_token")
    return visitor.post(CODE, {"csrf_token": token, "code": code})


def test_a_former_key_of_the_instance_counts_until_it_is_taken_away(
    phone: Phone, browser: Browser, app: Flask
) -> None:
    former = app.config["SECRET_KEY"]
    app.config.update(SECRET_KEY="another" * 8, SECRET_KEY_FALLBACKS=[former])
    browser.submit("/connexion", {"login": "alice", "password": PASSWORD})
    app.config["SECRET_KEY_FALLBACKS"] = []
    assert enter(browser, phone.code(1)) is None
    app.config["SECRET_KEY_FALLBACKS"] = [former]
    browser.submit("/connexion", {"login": "alice", "password": PASSWORD})
    assert enter(browser, phone.code(1)) == "/factures"
