"""Recovering a password or login by mail (FAQ 4, 9, 10)."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask
from werkzeug.test import TestResponse

from selfservice import tokens
from selfservice.accounts import recovery, users
from selfservice.accounts.models import User, UserSession
from selfservice.audit import AuditEntry
from selfservice.mail import delivery
from selfservice.mail.outbox import OutboxMail
from selfservice.tokens import Token
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_company, make_people, make_user

NEW = "Cabrette-verte9"
SENT = "Un mail de récupération de votre identifiant ou mot de passe vous a été adressé"


def ask(browser: Browser, address: str) -> str:
    return browser.submit("/recuperation", {"email": address}).text


def mailed_path() -> str:
    """Return the path of the link in the newest recovery mail."""
    mail = OutboxMail.select().where(OutboxMail.kind == "recovery").order_by(-OutboxMail.id).get()
    found = re.search(r"http://127\.0\.0\.1:8000(/reinitialisation/\S+)", mail.body_text)
    assert found, mail.body_text
    assert found[1] in mail.body_html
    return found[1]


def choose(
    browser: Browser, password: str = NEW, confirmation: str | None = None, **fields: object
) -> TestResponse:
    typed: dict[str, object] = {"password": password, "confirmation": confirmation or password}
    return browser.submit("/reinitialisation", typed | fields)


def test_unknown_address_is_told_as_typed_and_kept_as_a_fingerprint(
    browser: Browser, people: People
) -> None:
    page = ask(browser, "  Inconnu@Example.com ")
    assert "Aucun compte trouvé pour Inconnu@Example.com" in page
    assert OutboxMail.select().count() == 0
    entry = AuditEntry.get(AuditEntry.event == "recovery.unknown")
    assert "inconnu" not in entry.facts.lower()


def test_known_address_gets_a_mail_and_the_page_names_the_sender(
    browser: Browser, people: People
) -> None:
    page = ask(browser, "ALICE@example.com")
    assert SENT in page
    assert "facture@example.com" in page
    mail = OutboxMail.get()
    assert mail.to_address == "alice@example.com"
    assert "Retrouver mon identifiant ou choisir un mot de passe" in mail.body_html


def test_neutral_message_hides_which_addresses_are_known(
    configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    configure(RECOVERY_MESSAGE="neutral")
    browser = Browser(make_app().test_client())
    people = make_people()
    neutral = "Si un compte existe pour cette adresse, un mail vous a été adressé"
    assert neutral in ask(browser, "personne@example.com")
    assert neutral in ask(browser, people.alice.email)


def test_second_request_says_what_to_check(browser: Browser, people: People) -> None:
    assert "indésirables" not in ask(browser, "alice@example.com")
    page = ask(browser, "alice@example.com")
    assert "indésirables" in page
    assert "#mail-reinitialisation-non-recu" in page


def test_link_leads_to_a_page_whose_address_holds_no_secret(
    browser: Browser, people: People
) -> None:
    ask(browser, "alice@example.com")
    path = mailed_path()
    response = browser.get(path)
    assert response.status_code == 303
    assert response.location == "/reinitialisation"
    page = browser.get("/reinitialisation").text
    assert "Atelier Alice" in page
    assert "alice" in page
    assert path.rpartition("/")[2] not in page


def test_whole_way_from_forgotten_to_signed_in(browser: Browser, people: People) -> None:
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    response = choose(browser)
    assert response.location == "/connexion"
    assert "enregistré" in browser.get("/connexion").text
    assert browser.sign_in("alice", PASSWORD).status_code == 200
    assert browser.sign_in("alice", NEW).status_code == 302


def test_opening_a_link_consumes_nothing(browser: Browser, people: People) -> None:
    ask(browser, "alice@example.com")
    path = mailed_path()
    for _ in range(3):
        assert browser.get(path).status_code == 303
        assert browser.client.head(path).status_code == 303
    assert Token.get().used_at is None


def test_used_link_says_so_and_offers_a_new_one_in_one_click(
    browser: Browser, new_browser: Callable[[], Browser], people: People
) -> None:
    ask(browser, "alice@example.com")
    path = mailed_path()
    browser.get(path)
    choose(browser)
    late = new_browser()
    response = late.get(path)
    assert response.status_code == 410
    assert "a déjà servi" in response.text
    renewed = late.submit("/recuperation/nouveau-lien", {}, page=path)
    assert SENT in renewed.text
    assert late.get(mailed_path()).status_code == 303


def test_expired_link_says_so(browser: Browser, people: People) -> None:
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as machine:
        ask(browser, "alice@example.com")
        path = mailed_path()
        machine.shift(timedelta(minutes=119))
        assert browser.get(path).status_code == 303
        machine.shift(timedelta(minutes=1))
        response = browser.get(path)
        assert response.status_code == 410
        assert "a expiré" in response.text


def test_clock_set_back_revives_no_link(browser: Browser, people: People) -> None:
    with time_machine.travel("2026-03-02T10:00:00Z", tick=False) as machine:
        ask(browser, "alice@example.com")
        machine.shift(timedelta(days=-1))
        assert browser.get(mailed_path()).status_code == 410


def test_newer_request_replaces_the_earlier_link(browser: Browser, people: People) -> None:
    ask(browser, "alice@example.com")
    first = mailed_path()
    ask(browser, "alice@example.com")
    response = browser.get(first)
    assert response.status_code == 410
    assert "a été remplacé" in response.text


def test_unknown_link_is_404(browser: Browser, people: People) -> None:
    assert browser.get("/reinitialisation/nimporte-quoi").status_code == 404


def test_reset_page_without_a_link_leads_to_the_request(browser: Browser, people: People) -> None:
    assert browser.get("/reinitialisation").location == "/recuperation"


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("Ab1!", "au moins 8 caractères"),
        ("cabrette-verte9", "au moins une majuscule"),
        ("Cabrette-verte", "au moins un chiffre"),
        ("Cabretteverte9", "au moins un caractère spécial"),
        ("Facture2024!", "trop courant"),
        ("Password1!", "trop courant"),
        ("Mon-alice-2x!", "pas contenir l’identifiant"),
        ("L-Atelier-9x", "ni celui de la société"),
        ("Aa1!" + "x" * 125, "pas dépasser 128"),
    ],
)
def test_each_fault_of_a_password_has_its_message(
    password: str, message: str, browser: Browser, people: People
) -> None:
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    response = choose(browser, password)
    assert response.status_code == 200
    assert message in response.text
    assert Token.get().used_at is None, "a refused password leaves the link alive"


def test_two_different_passwords_are_refused(browser: Browser, people: People) -> None:
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    assert "Les deux mots de passe sont différents." in choose(browser, NEW, NEW + "x").text


def test_several_companies_offer_the_choice_of_one_login(browser: Browser, people: People) -> None:
    elsewhere = make_company(people.other_supplier, name="Alice Import", email="alice@example.com")
    twin = make_user(elsewhere, "alice_2", email="alice@example.com", is_from_activation=True)
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    page = browser.get("/reinitialisation").text
    assert "Atelier Alice" in page
    assert "Alice Import" in page
    assert "Fournitures Martin" in page
    assert "Choisissez un identifiant" in choose(browser).text
    assert choose(browser, user_id=twin.id).location == "/connexion"
    assert browser.sign_in("alice_2", NEW).status_code == 302
    assert User.get_by_id(people.alice.id).password_hash == people.alice.password_hash


def test_login_of_another_mailbox_cannot_be_chosen(browser: Browser, people: People) -> None:
    twin_company = make_company(people.supplier, email="alice@example.com")
    make_user(twin_company, "alice_2", email="alice@example.com")
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    response = choose(browser, user_id=people.bob.id)
    assert "Choisissez un identifiant" in response.text
    assert User.get_by_id(people.bob.id).password_hash == people.bob.password_hash


def test_new_password_ends_every_session_and_is_told_by_mail(
    alice: Browser, new_browser: Callable[[], Browser], people: People
) -> None:
    other = new_browser()
    ask(other, "alice@example.com")
    other.get(mailed_path())
    choose(other)
    assert UserSession.select().count() == 0
    assert alice.get("/profil/compte").status_code == 302
    told = OutboxMail.get(OutboxMail.kind == "password_changed")
    assert "alice" in told.body_text
    assert NEW not in told.body_text + told.body_html


def test_sixth_request_for_an_address_waits_and_locks_nobody_out(
    browser: Browser, people: People
) -> None:
    for _ in range(5):
        assert SENT in ask(browser, "alice@example.com")
    response = browser.submit("/recuperation", {"email": "alice@example.com"})
    assert response.status_code == 429
    assert int(response.headers["Retry-After"]) <= 3600
    assert browser.sign_in("alice", PASSWORD).status_code == 302


def test_secret_leaves_the_outbox_with_the_mail(app: Flask, people: People) -> None:
    recovery.request_link("alice@example.com", origin="192.0.2.1")
    delivery.deliver_due()
    mail = OutboxMail.get()
    assert mail.state == "sent"
    assert mail.body_text == mail.body_html == ""


def test_link_that_cannot_leave_in_time_is_dropped_and_shown(app: Flask, people: People) -> None:
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as machine:
        recovery.request_link("alice@example.com", origin="192.0.2.1")
        machine.shift(timedelta(minutes=121))
        report = delivery.deliver_due()
    assert (report.sent, report.dropped) == (0, 1)
    assert OutboxMail.get().state == "dropped"


def test_mailed_links_ignore_the_host_header(browser: Browser, people: People) -> None:
    response = browser.get("/recuperation", headers={"Host": "evil.example"})
    assert response.status_code == 400
    ask(browser, "alice@example.com")
    assert mailed_path()


def test_an_expired_link_stays_dead_when_the_clock_is_set_back(
    browser: Browser, people: People
) -> None:
    with time_machine.travel("2026-03-02T10:00:00Z", tick=False) as machine:
        ask(browser, "alice@example.com")
        machine.shift(timedelta(hours=3))
        assert tokens.mark_expired() == 1
        machine.shift(timedelta(hours=-2))
        assert browser.get(mailed_path()).status_code == 410


def test_a_replaced_link_cannot_be_consumed(app: Flask, people: People) -> None:
    secret = tokens.issue(recovery.PURPOSE, "alice@example.com", lifetime=timedelta(hours=1))
    token = tokens.read(recovery.PURPOSE, secret)
    tokens.replace_all(recovery.PURPOSE, "alice@example.com")
    with pytest.raises(tokens.UsedTokenError):
        tokens.consume(token)


@pytest.mark.parametrize("who", ["owner", "operator"])
def test_a_link_dies_with_a_change_of_password(who: str, alice: Browser, people: People) -> None:
    ask(alice, "alice@example.com")
    if who == "owner":
        typed = {"current": PASSWORD, "password": NEW, "confirmation": NEW}
        alice.submit("/profil/mot-de-passe", typed)
    else:
        users.give_password(users.by_login("alice"), NEW)
        assert alice.get("/profil/compte").status_code == 302, "its sessions end too"
    assert alice.get(mailed_path()).status_code == 410


def test_closing_a_login_ends_its_sessions_and_its_recovery(alice: Browser, people: People) -> None:
    users.close_login("alice")
    assert alice.get("/profil/compte").status_code == 302
    assert "Aucun compte trouvé" in ask(alice, "alice@example.com")


def test_switching_off_a_login_ends_its_sessions(alice: Browser, people: People) -> None:
    User.update(is_active=False).where(User.id == people.alice.id).execute()
    assert alice.get("/profil/compte").status_code == 302


def test_an_address_that_only_looks_equal_opens_nothing(browser: Browser, people: People) -> None:
    hotel = make_company(people.other_supplier, email="hotel@strasse.de")
    make_user(hotel, "hotel", email="hotel@strasse.de", is_from_activation=True)
    make_user(people.bob.company, "mule", email="hotel@straße.de")
    ask(browser, "hotel@strasse.de")
    assert OutboxMail.get().to_address == "hotel@strasse.de"
    browser.get(mailed_path())
    assert "mule" not in browser.get("/reinitialisation").text


@pytest.mark.parametrize("limit", ["LIMIT_RECOVERY_IP", "LIMIT_RECOVERY_ALL"])
def test_requests_are_limited_from_one_place_and_in_all(
    limit: str, configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    configure(**{limit: "2/hour"})
    browser = Browser(make_app().test_client())
    make_people()
    for address in ("alice@example.com", "bob@example.com"):
        ask(browser, address)
    response = browser.submit("/recuperation", {"email": "charlie@example.com"})
    assert response.status_code == 429


def test_the_neutral_message_says_what_to_check_the_second_time(
    configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    configure(RECOVERY_MESSAGE="neutral")
    browser = Browser(make_app().test_client())
    assert "indésirables" not in ask(browser, "personne@example.com")
    assert "indésirables" in ask(browser, "personne@example.com")


@pytest.mark.parametrize("password", ["M0tdepasse!", "Abc12345!", "Aaaaaaa1!", "Diac-2026!x"])
def test_what_everybody_tries_is_refused(password: str, browser: Browser, people: People) -> None:
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    assert choose(browser, password).status_code == 200


def test_an_unknown_link_says_so(browser: Browser, people: People) -> None:
    page = browser.get("/reinitialisation/nimporte-quoi").text
    assert "n’existe pas" in page
    assert 'href="/recuperation"' in page
