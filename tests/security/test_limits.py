"""Limits: shared by all workers, kept over a restart, told in French with the time to come back."""

import re
import urllib.error
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from argon2 import PasswordHasher
from flask import Flask

from selfservice import config, ratelimit
from selfservice.accounts.models import UserSession
from selfservice.audit import AuditEntry
from selfservice.ratelimit import RateCounter
from tests.conftest import Browser, free_port
from tests.factories import PASSWORD, People
from tests.platform.test_server import TOKEN, Visitor
from tests.processes import serving

LIMITS = [key.name for key in config.KEYS if key.name.startswith("LIMIT_")]


@pytest.mark.usefixtures("unshared")
@pytest.mark.parametrize("key", LIMITS)
def test_every_limit_answers_429_with_the_time_to_come_back(
    key: str, app: Flask, people: People
) -> None:
    app.config[key] = "1/hour"
    name = key.removeprefix("LIMIT_").lower()

    def work() -> str:
        ratelimit.hit(name)
        return "done"

    app.add_url_rule("/travail", view_func=work)
    client = app.test_client()
    assert client.get("/travail").text == "done"
    response = client.get("/travail")
    assert response.status_code == 429
    assert 0 < int(response.headers["Retry-After"]) <= 3600
    assert '<html lang="fr">' in response.text
    assert re.search(r"à partir de \d\dh\d\d", response.text)
    assert "/aide/" in response.text
    assert name in AuditEntry.get(AuditEntry.event == "limit.reached").facts


def _attempt(visitor: Visitor, token: str) -> int:
    fields = {"csrf_token": token, "login": "alice", "password": "faux"}
    try:
        visitor.post("/connexion", fields)
    except urllib.error.HTTPError as error:
        return error.code
    return 200


def _visitor(address: str) -> tuple[Visitor, str]:
    visitor = Visitor(address)
    token = TOKEN.search(visitor.get("/connexion"))
    assert token
    return visitor, token[1]


def test_two_workers_count_together_and_a_restart_forgets_nothing(
    app: Flask, instance: Path, people: People
) -> None:
    with serving(instance, free_port()) as address, ThreadPoolExecutor(8) as pool:
        visitors = [_visitor(address) for _ in range(16)]
        codes = list(pool.map(lambda known: _attempt(*known), visitors))
    assert sorted(codes) == [200] * 10 + [429] * 6, "no parallel attempt slips through"
    with serving(instance, free_port()) as address:
        assert _attempt(*_visitor(address)) == 429


def test_a_limit_counts_before_the_password_is_verified(
    app: Flask, people: People, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    app.config["LIMIT_SIGN_IN_LOGIN"] = "1/hour"
    browser.sign_in("alice", "faux")
    monkeypatch.setattr(PasswordHasher, "verify", lambda *args: pytest.fail("verified"))
    assert browser.sign_in("alice", PASSWORD).status_code == 429
    assert UserSession.select().count() == 0


def test_strangers_use_up_no_attempt_of_who_is_signed_in(
    app: Flask, alice: Browser, browser: Browser
) -> None:
    app.config["LIMIT_SIGN_IN_LOGIN"] = "2/hour"
    for _ in range(2):
        browser.sign_in("alice", "faux")
    assert browser.sign_in("alice", "faux").status_code == 429
    typed = {"current": "faux", "password": "Cabrette-verte9", "confirmation": "Cabrette-verte9"}
    codes = [alice.submit("/profil/mot-de-passe", typed).status_code for _ in range(3)]
    assert codes == [200, 200, 429], "guessing in a stolen session has its own limit"


def test_visitors_of_one_ipv6_network_count_as_one(app: Flask, people: People) -> None:
    app.config["LIMIT_RECOVERY_IP"] = "2/hour"
    codes = []
    for last in ("1", "2:3", "ffff:4", "5"):
        client = app.test_client()
        network = "2001:db8:0:1" if last != "5" else "2001:db8:0:2"
        client.environ_base["REMOTE_ADDR"] = f"{network}::{last}"
        asked = {"email": f"u{last[0]}@example.com"}
        codes.append(Browser(client).submit("/recuperation", asked).status_code)
    assert codes == [200, 200, 429, 200]


def test_counters_hold_no_address_and_no_login(browser: Browser, people: People) -> None:
    browser.sign_in("alice", PASSWORD)
    browser.submit("/recuperation", {"email": "alice@example.com"})
    keys = " ".join(row.key for row in RateCounter.select())
    assert RateCounter.select().count() == 5
    for secret in ("alice", "127.0.0.1"):
        assert secret not in keys
