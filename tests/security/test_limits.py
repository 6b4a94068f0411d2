"""Limits: shared by all workers, kept over a restart, told in French with the time to come back."""

import re
import urllib.error
from concurrent.futures import ThreadPoolExecutor, as_completed
from contextlib import AbstractContextManager
from itertools import islice, pairwise
from pathlib import Path
from threading import Event, Semaphore
from urllib.parse import urlencode

import pytest
from argon2 import PasswordHasher
from flask import Flask
from werkzeug.test import TestResponse

from selfservice import config, db, ratelimit
from selfservice.accounts import passwords
from selfservice.accounts.models import RescueCode, User, UserSession
from selfservice.audit import AuditEntry
from selfservice.mail import OutboxMail
from selfservice.ratelimit import LimitReachedError, RateCounter
from tests.accounts.authenticator import PAGE, set_up
from tests.accounts.test_recovery import ask, choose, mailed_path
from tests.conftest import Browser, free_port
from tests.factories import PASSWORD, People, give_second_factor, make_invoice, make_user
from tests.platform.test_server import TOKEN, Visitor
from tests.processes import serving, wait_until

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
    assert re.search(r"à partir d(e|u \d.* à) \d\dh\d\d", response.text), "tomorrow's near midnight"
    assert "/aide/" in response.text
    assert name in AuditEntry.get(AuditEntry.event == "limit.reached").facts


@pytest.mark.slow
@pytest.mark.parametrize("threads", ["2", "4"])
def test_who_hashes_waits_for_his_turn_and_leaves_a_thread_to_pages(
    threads: str, app: Flask, instance: Path, people: People
) -> None:
    slow = {"PASSWORD_HASH_MEMORY_KIB": "32768", "PASSWORD_HASH_ITERATIONS": "5"}
    with (
        serving(instance, free_port(), "--threads", threads, PROXY_COUNT="1", **slow) as address,
        ThreadPoolExecutor(12) as pool,
    ):
        User.update(password_hash=None).execute()  # all are compared with a hash as slow
        visitors = [_visitor(address) for _ in range(12)]
        for number, (visitor, _token) in enumerate(visitors):  # one of them would wait for himself
            visitor.opener.addheaders.append(("X-Forwarded-For", f"192.0.2.{number}"))
        many = [pool.submit(_code_of, *known) for known in visitors]
        wait_until(lambda: any(each.done() for each in many))
        _visitor(address)
        assert not all(each.done() for each in many), "the page came before"
        assert {each.result() for each in many} == {200}, "nobody is sent away"


@pytest.mark.slow
def test_who_takes_files_away_waits_for_his_turn(
    app: Flask, instance: Path, people: People
) -> None:
    make_invoice(people.alice.company)
    with (
        serving(instance, free_port(), PROXY_COUNT="1") as address,
        ThreadPoolExecutor(12) as pool,
    ):
        first, token = _visitor(address)
        first.post("/connexion", {"csrf_token": token, "login": "alice", "password": PASSWORD})
        visitors = [first, *(Visitor(address) for _ in range(11))]
        for number, visitor in enumerate(visitors):
            visitor.opener.addheaders.append(("X-Forwarded-For", f"192.0.2.{number}"))
            for cookie in first.cookies:
                visitor.cookies.set_cookie(cookie)
        for _ in range(3):
            taken = pool.map(lambda each: each.get("/factures/registre.csv"), visitors)
            assert all("Numéro" in each for each in taken), "a refusal would be an error"


@pytest.mark.slow
def test_one_network_has_not_all_turns_to_hash(app: Flask, instance: Path, people: People) -> None:
    slow = {"PASSWORD_HASH_MEMORY_KIB": "32768", "PASSWORD_HASH_ITERATIONS": "5"}
    with (
        serving(instance, free_port(), PROXY_COUNT="1", **slow) as address,
        ThreadPoolExecutor(9) as pool,
    ):
        User.update(password_hash=None).execute()  # all are compared with a hash as slow
        visitors = [_visitor(address) for _ in range(9)]
        for visitor, _token in visitors[:8]:
            visitor.opener.addheaders.append(("X-Forwarded-For", "192.0.2.1"))
        visitors[8][0].opener.addheaders.append(("X-Forwarded-For", "192.0.2.2"))
        many = [pool.submit(_code_of, *known) for known in visitors[:8]]
        wait_until(lambda: any(each.done() for each in many))
        assert _code_of(*visitors[8]) == 200
        assert not all(each.done() for each in many), "they still had turns"


def _code_of(visitor: Visitor, token: str) -> int:
    body = urlencode({"csrf_token": token, "login": "alice", "password": "faux"}).encode()
    try:
        with visitor.opener.open(f"{visitor.address}/connexion", body, timeout=60) as answer:
            code: int = answer.status
    except urllib.error.HTTPError as error:
        return error.code
    return code


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


@pytest.mark.slow
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


def test_hashing_leaves_threads_for_pages(
    app: Flask, people: People, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, may_end, verify = Semaphore(0), Event(), PasswordHasher.verify
    hashing: list[int] = []

    def slow_verify(*args: object) -> bool:
        hashing.append(1)
        begun.release()
        assert may_end.wait(20)
        hashing.pop()
        return verify(*args)  # type: ignore[arg-type]

    def attempt(number: int) -> TestResponse:
        try:
            return Browser(app.test_client()).sign_in(f"user{number}", "faux")
        finally:
            db.database.close()  # that of this thread

    browser.sign_in("nobody", "faux")  # makes the hash that unknown logins are compared with
    monkeypatch.setattr(PasswordHasher, "verify", slow_verify)
    with ThreadPoolExecutor(8) as pool:
        waiting = [pool.submit(attempt, number) for number in range(8)]
        assert begun.acquire(timeout=20)
        # Of the four threads of a server, three hash or wait.
        refused = [each.result() for each in islice(as_completed(waiting, timeout=20), 5)]
        page = browser.get("/connexion")
        at_once = len(hashing)
        may_end.set()
    assert page.status_code == 200
    assert at_once <= passwords.MAX_HASHING
    assert {response.status_code for response in refused} == {429}
    assert all(0 < int(response.headers["Retry-After"]) <= 60 for response in refused)
    assert browser.sign_in("alice", PASSWORD).status_code == 302, "every place is given back"


def test_what_a_user_does_fills_the_journal_up_to_a_limit(
    app: Flask, people: People, alice: Browser, bob: Browser
) -> None:
    invoice = make_invoice(people.bob.company)
    app.config |= {"LIMIT_JOURNAL_USER": "5/hour", "LIMIT_DENIAL_IP": "5/hour"}
    many = [
        lambda: bob.get("/administration/journal"),
        lambda: bob.get("/factures/registre.csv"),
        lambda: bob.submit("/profil/compte", {"last_name": "Bob"}),
        lambda: alice.get(f"/factures/{invoice.id}.pdf"),
        lambda: alice.get("/administration/utilisateurs/999"),
    ]
    before = AuditEntry.select().where(AuditEntry.event != "limit.reached").count()
    codes = [each().status_code for _ in range(6) for each in many]
    after = AuditEntry.select().where(AuditEntry.event != "limit.reached").count()
    assert after - before <= 10, "five acts of bob's, and five refusals"
    assert codes[:5] == [404, 200, 302, 404, 404]
    assert codes[-5:] == [404, 429, 429, 404, 404]
    assert bob.get("/factures").status_code == 200, "what the journal does not note goes on"
    assert User.get_by_id(people.bob.id).last_name == "Bob"


def test_a_full_journal_of_a_user_refuses_what_it_cannot_note(
    app: Flask, people: People, bob: Browser
) -> None:
    app.config["LIMIT_JOURNAL_USER"] = "1/hour"
    assert bob.submit("/profil/compte", {"last_name": "Bob"}).status_code == 302
    assert bob.submit("/profil/compte", {"last_name": "Autre"}).status_code == 429
    assert User.get_by_id(people.bob.id).last_name == "Bob", "nothing is done unseen"
    assert bob.submit("/deconnexion", {}, page="/profil/sessions").status_code == 302


def test_strangers_fill_no_journal_of_a_user(app: Flask, people: People, browser: Browser) -> None:
    app.config["LIMIT_JOURNAL_USER"] = "1/hour"
    for _ in range(3):
        browser.sign_in("bob", "faux")
        ask(browser, "bob@example.com")
    assert browser.sign_in("bob", PASSWORD).status_code == 302


def test_unknown_logins_fill_the_journal_up_to_a_limit(
    app: Flask, people: People, browser: Browser
) -> None:
    app.config["LIMIT_JOURNAL_STRANGER"] = "3/hour"
    for number in range(5):
        assert browser.sign_in(f"unknown{number}", "faux").status_code == 200
    browser.sign_in("alice", "faux")
    _from(app, "203.0.113.9").sign_in("unknown", "faux")
    failed = AuditEntry.select(AuditEntry.actor, AuditEntry.origin)
    failed = failed.where(AuditEntry.event == "sign_in.failed").order_by(AuditEntry.id).tuples()
    assert list(failed) == [
        *[("", "127.0.0.1")] * 3,
        ("alice", "127.0.0.1"),
        ("", "203.0.113.9"),
    ], "what concerns a login is noted whatever else a network tries"


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


def test_right_passwords_use_up_no_try_of_who_is_signed_in(app: Flask, alice: Browser) -> None:
    app.config["LIMIT_SIGN_IN_LOGIN"] = "2/hour"
    typed = {"password": "trop court", "confirmation": "trop court"}
    pages = [alice.submit("/profil/mot-de-passe", {"current": PASSWORD} | typed) for _ in range(4)]
    assert [page.status_code for page in pages] == [200] * 4


def test_a_company_leaves_turns_to_hash_for_who_signs_in(
    app: Flask, people: People, alice: Browser, bob: Browser
) -> None:
    app.config["LIMIT_HASHING_COMPANY"] = "2 per minute"
    User.update(is_administrator=True).execute()
    typed = {"current": PASSWORD, "password": "trop court", "confirmation": "trop court"}
    codes = [alice.submit("/profil/mot-de-passe", typed).status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    colleague = {
        "login": "mule",
        "password": "Vielle-roue7",
        "password_again": "Vielle-roue7",
        "company": str(people.alice.company_id),
    }
    assert alice.submit("/administration/utilisateurs/ajout", colleague).status_code == 429
    assert bob.submit("/profil/mot-de-passe", typed).status_code == 200
    assert Browser(app.test_client()).sign_in("alice", PASSWORD).status_code == 302


def test_a_user_leaves_colleagues_turns_to_hash(app: Flask, people: People, alice: Browser) -> None:
    make_user(people.alice.company, "ursule")
    colleague = Browser(app.test_client())
    colleague.sign_in("ursule", PASSWORD)
    typed = {"current": PASSWORD, "password": "trop court", "confirmation": "trop court"}
    app.config["LIMIT_HASHING_COMPANY"], app.config["LIMIT_HASHING_USER"] = "4/minute", "2/minute"
    codes = [colleague.submit("/profil/mot-de-passe", typed).status_code for _ in range(5)]
    assert codes == [200, 200, 429, 429, 429]
    assert alice.submit("/profil/mot-de-passe", typed).status_code == 200


def test_colleagues_use_up_nothing_that_the_owner_needs(
    app: Flask, people: People, alice: Browser
) -> None:
    """Nor does who had the registered address before."""
    app.config["LIMIT_HASHING_COMPANY"] = "5/minute"
    app.config["LIMIT_LOGIN_TAKEN"] = app.config["LIMIT_PROFILES"] = "1/hour"
    typed = {"current": PASSWORD, "password": "trop court", "confirmation": "trop court"}
    added = {"login": "bob", "password": "Vielle-roue7", "password_again": "Vielle-roue7"}
    added["company"] = str(people.alice.company_id)

    def acts_of(browser: Browser, name: str) -> list[int]:
        return [
            browser.submit("/administration/utilisateurs/ajout", added).status_code,
            browser.submit(
                "/administration/profils/ajout", {"name": name, "other_contracts": "A"}
            ).status_code,
            browser.submit("/profil/mot-de-passe", typed).status_code,
        ]

    former = {"email": "former@example.com", "is_from_activation": True}
    for login, fields in {"added": {}, "former": former}.items():
        colleague = Browser(app.test_client())
        make_user(people.alice.company, login, is_administrator=True, **fields)
        colleague.sign_in(login, PASSWORD)
        for number in range(4):
            last = acts_of(colleague, f"{login} {number}")
    assert last == [429] * 3
    assert acts_of(alice, "Flotte") == [200, 302, 200]


def test_rescue_codes_count_as_what_is_hashed_for_a_company(
    app: Flask, people: People, alice: Browser
) -> None:
    app.config["LIMIT_HASHING_COMPANY"] = "12 per minute"
    give_second_factor(people.alice)
    typed = {"current": PASSWORD, "code": "000000"}
    path = "/profil/double-authentification/codes"
    codes = [alice.submit(path, typed).status_code for _ in range(3)]
    assert codes == [200, 429, 429], "a password and ten codes, then a password"


def test_who_changes_the_password_without_end_uses_up_no_mail_of_the_others(
    app: Flask, alice: Browser, browser: Browser
) -> None:
    app.config["LIMIT_OWN_CHANGES"] = "2/hour"
    chosen = [PASSWORD, *(f"Cabrette-verte{number}" for number in range(3))]
    codes = []
    for current, password in pairwise(chosen):
        typed = {"current": current, "password": password, "confirmation": password}
        codes.append(alice.submit("/profil/mot-de-passe", typed).status_code)
    assert codes == [302, 302, 429]
    assert OutboxMail.select().where(OutboxMail.kind == "password_changed").count() == 2
    assert "vous a été adressé" in ask(browser, "alice@example.com"), "a recovery stays possible"


def test_who_changes_the_second_factor_without_end_uses_up_no_mail_of_the_others(
    app: Flask, alice: Browser
) -> None:
    app.config["LIMIT_OWN_CHANGES"] = "2/hour"
    code = set_up(alice).rescue_codes[0]
    pages = [alice.submit(f"{PAGE}/codes", {"current": PASSWORD, "code": code})]
    codes = re.findall(r"<code>([\d ]+)</code>", pages[0].text)
    typed = {"current": PASSWORD, "code": codes[0]}
    pages += [alice.submit(f"{PAGE}/{path}", typed) for path in ("codes", "desactivation")]
    assert [page.status_code for page in pages] == [200, 429, 429]
    assert OutboxMail.select().where(OutboxMail.kind == "second_factor_changed").count() == 2
    assert RescueCode.select().count() == len(codes), "what is refused uses up no code"


def test_a_new_cookie_gives_who_guesses_the_password_no_further_try(
    app: Flask, alice: Browser
) -> None:
    app.config["LIMIT_SIGN_IN_LOGIN"] = "1/hour"
    typed = {"current": "faux", "password": "Cabrette-verte9", "confirmation": "Cabrette-verte9"}
    assert alice.submit("/profil/mot-de-passe", typed).status_code == 200
    assert alice.submit("/profil/mot-de-passe", typed).status_code == 429
    others = "/profil/sessions/fermer-les-autres"
    assert alice.submit(others, {}, page="/profil/sessions").status_code == 302
    assert alice.submit("/profil/mot-de-passe", typed).status_code == 429


def test_a_full_journal_gives_no_wrong_password_its_try_back(app: Flask, alice: Browser) -> None:
    app.config |= {"LIMIT_SIGN_IN_LOGIN": "2/hour", "LIMIT_JOURNAL_USER": "1/hour"}
    alice.submit("/profil/compte", {"last_name": "Autre"})
    typed = {"current": "faux", "password": "Cabrette-verte9", "confirmation": "Cabrette-verte9"}
    codes = [alice.submit("/profil/mot-de-passe", typed).status_code for _ in range(4)]
    assert codes == [200, 200, 429, 429]
    right = typed | {"current": PASSWORD}
    assert alice.submit("/profil/mot-de-passe", right).status_code == 429, "no guess tells more"


def test_visitors_of_one_ipv6_network_count_as_one(app: Flask, people: People) -> None:
    app.config["LIMIT_RECOVERY_IP"] = "2/hour"
    codes = []
    for last in ("1", "2:3", "ffff:4", "5"):
        client = app.test_client()
        network = "2001:db8:0:1" if last != "5" else "2001:db8:0:100"
        client.environ_base["REMOTE_ADDR"] = f"{network}::{last}"
        asked = {"email": f"u{last[0]}@example.com"}
        codes.append(Browser(client).submit("/recuperation", asked).status_code)
    assert codes == [200, 200, 429, 200]


def _from(app: Flask, address: str) -> Browser:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = address
    return Browser(client)


def test_the_256_networks_of_one_ipv6_customer_have_a_limit_in_common(
    app: Flask, people: People
) -> None:
    app.config["LIMIT_RECOVERY_IP"] = "1/hour"
    asked = [
        _from(app, f"2001:db8:0:{number:x}00::1").submit(
            "/recuperation", {"email": f"u{number}@example.com"}
        )
        for number in range(ratelimit.WIDE_FACTOR + 1)
    ]
    codes = [response.status_code for response in asked]
    assert codes == [200] * ratelimit.WIDE_FACTOR + [429]
    neighbour = _from(app, "2001:db8:1::1").submit("/recuperation", {"email": "v@example.com"})
    assert neighbour.status_code == 200


def test_a_stranger_does_not_lock_the_owner_out(app: Flask, people: People) -> None:
    app.config["LIMIT_SIGN_IN_LOGIN_ALL"] = "12/hour"
    stranger, owner = _from(app, "192.0.2.66"), _from(app, "192.0.2.7")
    codes = [stranger.sign_in("alice", "faux").status_code for _ in range(20)]
    assert codes == [200] * 10 + [429] * 10
    assert owner.sign_in("alice", PASSWORD).status_code == 302


def test_a_stranger_with_many_ipv6_networks_does_not_lock_the_owner_out(
    app: Flask, people: People
) -> None:
    app.config |= {"LIMIT_SIGN_IN_LOGIN": "1/hour", "LIMIT_SIGN_IN_LOGIN_ALL": "8/hour"}
    strangers = [_from(app, f"2001:db8:0:{number:x}00::1") for number in range(8)]
    codes = [each.sign_in("alice", "faux").status_code for each in strangers]
    assert codes == [200] * 4 + [429] * 4
    assert _from(app, "2001:db8:1::1").sign_in("alice", PASSWORD).status_code == 302


def test_wrong_passwords_from_many_places_are_limited_in_all(app: Flask, people: People) -> None:
    app.config["LIMIT_SIGN_IN_LOGIN_ALL"] = "3/hour"
    codes = [_from(app, f"192.0.2.{n}").sign_in("alice", "faux").status_code for n in range(4)]
    assert codes == [200, 200, 200, 429]
    assert _from(app, "192.0.2.9").sign_in("bob", "faux").status_code == 200


def test_a_password_chosen_by_a_recovery_link_lifts_both_limits(
    app: Flask, people: People, browser: Browser
) -> None:
    app.config |= {"LIMIT_SIGN_IN_LOGIN": "2/hour", "LIMIT_SIGN_IN_LOGIN_ALL": "2/hour"}
    codes = [browser.sign_in("alice", "faux").status_code for _ in range(3)]
    assert codes == [200, 200, 429]
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    assert choose(browser, "Cabrette-verte9").status_code == 302
    assert browser.sign_in("alice", "Cabrette-verte9").status_code == 302


def test_who_goes_on_guessing_keeps_nobody_out_who_has_just_chosen_the_password(
    app: Flask, people: People
) -> None:
    limits = ("LIMIT_SIGN_IN_LOGIN", "LIMIT_SIGN_IN_LOGIN_ALL", "LIMIT_SIGN_IN_IP")
    app.config |= dict.fromkeys(limits, "2/hour")
    owner, neighbour = _from(app, "192.0.2.7"), _from(app, "192.0.2.7")
    ask(owner, "alice@example.com")
    owner.get(mailed_path())
    assert choose(owner, "Cabrette-verte9").status_code == 302
    assert [neighbour.sign_in("alice", "faux").status_code for _ in range(3)] == [200, 200, 429]
    right = "Cabrette-verte9"
    assert _from(app, "192.0.2.9").sign_in("alice", right).status_code == 429
    assert owner.sign_in("alice", right).status_code == 302, "whom the mail has proven"


def test_a_browser_s_own_tries_end_with_the_password_that_it_chose(
    app: Flask, people: People
) -> None:
    app.config["LIMIT_SIGN_IN_LOGIN"] = "2/hour"
    first, second = _from(app, "192.0.2.7"), _from(app, "192.0.2.7")
    for browser, password in ((first, "Cabrette-verte9"), (second, "Bombarde-noire8")):
        ask(browser, "alice@example.com")
        browser.get(mailed_path())
        assert choose(browser, password).status_code == 302
    assert [first.sign_in("alice", "faux").status_code for _ in range(3)] == [200, 200, 429]
    assert second.sign_in("alice", "faux").status_code == 200, "its own, which have an end too"
    codes = [second.sign_in("alice", "faux").status_code for _ in range(2)]
    assert codes == [200, 429]


def test_right_passwords_use_up_no_try(app: Flask, people: People) -> None:
    app.config |= {"LIMIT_SIGN_IN_LOGIN": "2/hour", "LIMIT_SIGN_IN_LOGIN_ALL": "2/hour"}
    for _ in range(4):
        assert Browser(app.test_client()).sign_in("alice", PASSWORD).status_code == 302


@pytest.mark.parametrize("message", ["explicit", "neutral"])
def test_requests_for_unknown_addresses_use_up_no_mail_of_the_others(
    message: str, app: Flask, people: People, browser: Browser
) -> None:
    app.config |= {"LIMIT_RECOVERY_ALL": "1/hour", "RECOVERY_MESSAGE": message}
    addresses = ["u1@example.com", "u2@example.com", "alice@example.com"]
    asked = [browser.submit("/recuperation", {"email": each}) for each in addresses]
    assert [response.status_code for response in asked] == [200, 200, 200]
    assert OutboxMail.select().count() == 1
    later = [
        browser.submit("/recuperation", {"email": each}).status_code
        for each in ("u3@example.com", "bob@example.com")
    ]
    assert later == [429, 429], "known and unknown alike, once no mail may leave"


def test_counters_hold_no_address_and_no_login(browser: Browser, people: People) -> None:
    browser.sign_in("alice", PASSWORD)
    browser.submit("/recuperation", {"email": "alice@example.com"})
    keys = " ".join(row.key for row in RateCounter.select())
    assert RateCounter.select().count() == 12
    for secret in ("alice", "127.0.0.1"):
        assert secret not in keys


def test_what_is_refused_for_want_of_a_place_has_not_failed(app: Flask) -> None:
    app.config["LIMIT_SIGN_IN_LOGIN"] = "2/hour"

    def attempt() -> AbstractContextManager[None]:
        return ratelimit.failure("sign_in_login", "alice", of=ValueError)

    with attempt(), attempt():
        for _ in range(3):
            with pytest.raises(LimitReachedError), attempt():
                pass
    with attempt(), attempt():
        pass
