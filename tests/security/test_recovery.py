"""What must hold of recovery (ASVS 6.4, OWASP Forgot Password)."""

import random
import re
import statistics
import time
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from selfservice import clock, mail
from selfservice.accounts.models import User
from selfservice.audit import AuditEntry
from selfservice.mail import outbox
from selfservice.mail.outbox import OutboxMail
from selfservice.suppliers.models import Supplier
from selfservice.tokens import Token
from tests.accounts.test_recovery import ask, choose, mailed_path
from tests.conftest import Browser, free_port
from tests.factories import PASSWORD, People, make_company, make_people, make_user
from tests.platform.test_server import TOKEN, Visitor
from tests.processes import serving


def test_a_link_holds_256_random_bits_and_only_their_hash_is_kept(
    browser: Browser, people: People
) -> None:
    secrets = []
    for _ in range(2):
        ask(browser, "alice@example.com")
        secrets.append(mailed_path().rpartition("/")[2])
    assert len(set(secrets)) == 2
    for secret in secrets:
        assert re.fullmatch(r"[\w-]{43}", secret)
    kept = " ".join(str(value) for row in Token.select().tuples() for value in row)
    kept += " ".join(row.facts + row.actor for row in AuditEntry.select())
    assert not any(secret in kept for secret in secrets)
    assert all(len(row.secret_hash) == 64 for row in Token.select())


def test_a_link_dies_when_the_mail_address_changes(browser: Browser, people: People) -> None:
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    User.update(email="new@example.com", email_key="new@example.com").where(
        User.id == people.alice.id
    ).execute()
    assert browser.get("/reinitialisation").status_code == 410
    assert choose(browser).status_code == 410
    assert User.get_by_id(people.alice.id).password_hash == people.alice.password_hash


def test_a_page_chooses_for_the_link_that_it_was_opened_by_only(
    browser: Browser, people: People
) -> None:
    """Another site can have its own link opened, in another window, while a page waits."""
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    shown = re.search(r'name="link"[^>]*value="(\w+)"', browser.get("/reinitialisation").text)
    assert shown
    ask(browser, "bob@example.com")
    browser.get(mailed_path())
    page = choose(browser, link=shown[1]).text
    assert "Un autre lien a été ouvert depuis dans ce navigateur" in page
    for user in (people.alice, people.bob):
        assert User.get_by_id(user.id).password_hash == user.password_hash
    opened = re.search(r'name="link"[^>]*value="(\w+)"', page)
    assert opened
    assert choose(browser, link=opened[1]).location == "/connexion"
    assert User.get_by_id(people.bob.id).password_hash != people.bob.password_hash


def test_a_choice_that_left_the_mailbox_is_refused_at_the_post(
    browser: Browser, people: People
) -> None:
    for login in ("alice_2", "alice_3"):
        company = make_company(people.supplier, email="alice@example.com")
        make_user(company, login, email="alice@example.com", is_from_activation=True)
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    User.update(email="x@example.com", email_key="x@example.com").where(
        User.id == people.alice.id
    ).execute()
    choose(browser, user_id=people.alice.id)
    assert User.get_by_id(people.alice.id).password_hash == people.alice.password_hash


@pytest.mark.parametrize("hostname", [None, "diac.example.com"])
def test_links_are_built_from_settings_whatever_host_asked(
    hostname: str | None, app: Flask, people: People
) -> None:
    app.extensions["trusted_hosts"].add("autre.example.com")
    Supplier.update(hostname=hostname).where(Supplier.slug == "diac").execute()
    client = app.test_client()
    page = client.get("/recuperation", base_url="http://autre.example.com").text
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    forged = {"X-Forwarded-Host": "evil.example"}
    client.post(
        "/recuperation",
        data={"csrf_token": token, "email": "alice@example.com"},
        base_url="http://autre.example.com",
        headers=forged,
    )
    links = re.findall(r"https?://[^/\s]+", OutboxMail.get().body_text)
    expected = f"https://{hostname}" if hostname else "http://127.0.0.1:8000"
    assert set(links) == {expected}


def test_choosing_a_password_signs_nobody_in(browser: Browser, people: People) -> None:
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    assert choose(browser).location == "/connexion"
    assert browser.get("/factures").location.startswith("/connexion")


def test_known_and_unknown_addresses_cost_the_same_work(
    browser: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    rendered: list[str] = []
    real = mail.render

    def render(kind: str, context: Mapping[str, object]) -> dict[str, str]:
        rendered.append(kind)
        return real(kind, context)

    for module in (mail, outbox):
        monkeypatch.setattr(module, "render", render)
    ask(browser, "alice@example.com")
    known = rendered.copy()
    rendered.clear()
    ask(browser, "personne@example.com")
    assert rendered == known
    assert known == ["recovery"]
    assert OutboxMail.get().state == "queued", "no conversation with a mail server meanwhile"


def test_a_throttled_visitor_locks_no_account_and_no_link(
    browser: Browser, new_browser: Callable[[], Browser], people: People
) -> None:
    for _ in range(5):
        ask(browser, "alice@example.com")
    path = mailed_path()
    assert browser.submit("/recuperation", {"email": "alice@example.com"}).status_code == 429
    owner = new_browser()
    assert owner.get(path).status_code == 303, "the last link that was sent still serves"
    assert choose(owner).status_code == 302


@pytest.mark.parametrize("method", ["get", "head"])
def test_looking_at_a_link_consumes_nothing(method: str, browser: Browser, people: People) -> None:
    ask(browser, "alice@example.com")
    path = mailed_path()
    for address in (path, "/reinitialisation"):
        getattr(browser.client, method)(address)
    row = Token.get()
    assert (row.used_at, row.replaced_at) == (None, None)
    assert choose(browser).status_code == 302


@pytest.mark.parametrize(
    ("kind", "words"),
    [("expired", "a expiré"), ("used", "a déjà servi"), ("replaced", "a été remplacé")],
)
def test_a_dead_link_says_which_and_one_click_sends_a_new_one(
    kind: str, words: str, browser: Browser, new_browser: Callable[[], Browser], people: People
) -> None:
    with time_machine.travel("2026-03-02T10:00:00Z", tick=False) as machine:
        ask(browser, "alice@example.com")
        dead = mailed_path()
        browser.get(dead)
        if kind == "expired":
            machine.shift(timedelta(minutes=120))
        elif kind == "used":
            choose(browser)
        else:
            ask(browser, "alice@example.com")
        for visitor in (browser, new_browser()):
            response = visitor.get(dead)
            assert response.status_code == 410
            assert f"Ce lien {words}" in response.text
        renewed = visitor.submit("/recuperation/nouveau-lien", {}, page=dead)
        assert "vous a été adressé" in renewed.text
        assert mailed_path() != dead
        assert visitor.get(mailed_path()).status_code == 303
        assert choose(visitor, "Vielle-roue-7").status_code == 302


def test_a_typed_address_ends_no_link_of_its_mailbox(
    people: People, alice: Browser, new_browser: Callable[[], Browser]
) -> None:
    typed = make_user(people.alice.company, "homonyme", email="charlie@example.com")
    charlie = new_browser()
    ask(charlie, "charlie@example.com")
    link = mailed_path()
    again = {"password_again": "Autre-Chose-7", "current": PASSWORD}
    given = {"password": "Autre-Chose-7", **again}
    path = f"/administration/utilisateurs/{typed.id}/mot-de-passe"
    assert alice.submit(path, given).status_code == 302
    assert charlie.get(link).status_code == 303
    page = charlie.get("/reinitialisation").text
    assert "charlie" in page
    assert "homonyme" not in page


@pytest.mark.soak
def test_neutral_recovery_takes_the_same_time_known_or_unknown_within_five_percent(
    configure: Callable[..., None], make_app: Callable[[], Flask], instance: Path
) -> None:
    limits = ("LIMIT_RECOVERY_ADDRESS", "LIMIT_RECOVERY_IP", "LIMIT_RECOVERY_ALL")
    keys = {"RECOVERY_MESSAGE": "neutral", **dict.fromkeys(limits, "100000/hour")}
    configure(**keys)
    make_app()
    supplier, rounds = make_people().supplier, range(500)
    addresses = {
        kind: [f"{kind}{number}@example.com" for number in rounds]
        for kind in ("nobody", "known", "cabinet", "ended")
    }
    logins = {"known": 1, "cabinet": 12, "ended": 10}
    for kind, count in logins.items():
        company = make_company(supplier)
        for email in addresses[kind]:
            for number in range(count):
                changes = {"closed_at": clock.now()} if kind == "ended" else {}
                name = f"{email.partition('@')[0]}_{number}"
                make_user(company, name, email=email, is_from_activation=True, **changes)
    times: dict[str, list[float]] = {kind: [] for kind in addresses}
    with serving(instance, free_port(), **keys) as address:
        visitor = Visitor(address)
        token = TOKEN.search(visitor.get("/recuperation"))
        assert token
        for number in rounds:
            for kind in sorted(times, key=lambda _: random.random()):
                # Not the same form twice: that gets its first answer again.
                fields = {"csrf_token": f"{number}{token[1]}", "email": addresses[kind][number]}
                begin = time.perf_counter()
                visitor.post("/recuperation", fields)
                times[kind].append(time.perf_counter() - begin)
    medians = {kind: statistics.median(taken[10:]) for kind, taken in times.items()}
    quickest = min(medians.values())
    assert max(medians["known"], medians["nobody"]) <= 1.05 * quickest, medians
    assert medians["ended"] <= 1.1 * quickest, medians
    assert medians["cabinet"] <= 1.2 * quickest, "twelve journals"
