"""The second factor: setting it up, changing it, losing it."""

import re
from collections.abc import Callable
from datetime import UTC, timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from selfservice import clock
from selfservice.accounts import second_factor, sessions
from selfservice.accounts.models import RescueCode, SecondFactor, User, UserSession
from selfservice.audit import AuditEntry
from selfservice.db import database
from selfservice.mail.outbox import OutboxMail
from selfservice.suppliers.models import Supplier
from selfservice.tokens import TokenError
from tests.accounts.authenticator import (
    CONFIRM,
    PAGE,
    WRONG,
    Phone,
    begin,
    code_of,
    enter,
    events,
    hidden,
    scan,
    set_up,
)
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_user
from tests.processes import command

CHANGE = f"{PAGE}/telephone"
RENEW = f"{PAGE}/codes"
DISABLE = f"{PAGE}/desactivation"


def test_setup_asks_the_password_shows_a_key_and_is_confirmed_by_a_first_code(
    machine: time_machine.Traveller, alice: Browser, people: People
) -> None:
    assert "mot de passe actuel est incorrect" in alice.submit(PAGE, {"current": "faux"}).text
    page = begin(alice)
    assert "<svg" in page
    assert 'style="' not in page
    assert SecondFactor.select().count() == 0, "nothing before the first code"
    fields = {"setup": hidden(page, "setup")}
    wrong = alice.submit(CONFIRM, fields | {"code": "000000"}, page=PAGE).text
    assert WRONG in wrong
    assert scan(wrong).secret == scan(page).secret, "the same key, to try again"
    codes = alice.submit(CONFIRM, fields | {"code": code_of(scan(page))}, page=PAGE).text
    assert len(set(re.findall(r"<code>(\d{5} \d{5} \d{5} \d{5})</code>", codes))) == 10
    assert "Activée le 02/03/2026 11:00" in alice.get(PAGE).text
    assert events()[-1] == "second_factor.enabled"


def test_qr_code_names_login_and_supplier(app: Flask, people: People) -> None:
    setup = second_factor.start(people.alice, password=PASSWORD, origin="")
    uri = second_factor.application(people.alice, setup).provisioning_uri()
    assert uri.startswith("otpauth://totp/Diac%20/%20Diac%20Location:alice?secret=")


def test_setup_ends_after_a_quarter_of_an_hour(
    machine: time_machine.Traveller, alice: Browser
) -> None:
    page = begin(alice)
    machine.shift(timedelta(minutes=15))
    fields = {"setup": hidden(page, "setup"), "code": code_of(scan(page))}
    assert alice.submit(CONFIRM, fields, page=PAGE).location == PAGE
    assert "Recommencez" in alice.get(PAGE).text
    assert SecondFactor.select().count() == 0


def test_setup_of_another_user_shows_nothing_and_confirms_nothing(
    machine: time_machine.Traveller, alice: Browser, bob: Browser
) -> None:
    page = begin(alice)
    for code in ("", "000000", code_of(scan(page))):
        fields = {"setup": hidden(page, "setup"), "code": code}
        assert bob.submit(CONFIRM, fields, page=PAGE).location == PAGE
    assert SecondFactor.select().count() == 0


def test_key_is_never_shown_again(phone: Phone, alice: Browser) -> None:
    seed = SecondFactor.get().seed
    assert "<svg" not in alice.submit(PAGE, {"current": PASSWORD}, page="/profil/compte").text
    again = alice.submit(CONFIRM, {"setup": seed, "code": "000000"}, page="/profil/compte")
    assert again.location == PAGE


@pytest.mark.sqlite
def test_database_holds_neither_key_nor_rescue_codes(phone: Phone, instance: Path) -> None:
    database.execute_sql("PRAGMA wal_checkpoint(TRUNCATE)")
    content = (instance / "portal.db").read_bytes()
    assert SecondFactor.get().seed.encode() in content
    for secret in (phone.totp.secret, *phone.rescue_codes):
        assert secret.encode() not in content
        assert secret.replace(" ", "").encode() not in content
    assert phone.totp.byte_secret() not in content


def test_key_depends_on_the_secret_key_of_the_portal(phone: Phone, app: Flask) -> None:
    app.config["SECRET_KEY"] = "x" * 40
    with (
        pytest.raises(second_factor.WrongCodeError),
        second_factor.proven(User.get(User.login == "alice"), phone.code(), origin=""),
    ):
        pass


def test_switching_on_ends_the_other_sessions_and_tells_by_mail(
    machine: time_machine.Traveller, alice: Browser, new_browser: Callable[[], Browser]
) -> None:
    Supplier.update(mail="conseil@diac.example").execute()
    elsewhere = new_browser()
    elsewhere.sign_in("alice", PASSWORD)
    set_up(alice)
    assert elsewhere.get("/profil/compte").status_code == 302
    assert alice.get("/profil/compte").status_code == 200
    mail = OutboxMail.get(OutboxMail.kind == "second_factor_changed")
    assert (mail.to_address, mail.reply_to) == ("alice@example.com", "conseil@diac.example")
    assert "activée" in mail.body_text


def test_rescue_codes_can_be_downloaded_from_their_page_only(phone: Phone, alice: Browser) -> None:
    path = f"{PAGE}/codes.txt"
    response = alice.submit(path, {"rescue_code": phone.rescue_codes}, page=PAGE)
    assert response.headers["Content-Disposition"] == 'attachment; filename="codes-de-secours.txt"'
    assert response.headers["Cache-Control"] == "no-store"
    assert all(code in response.text for code in phone.rescue_codes)
    for other in ("", "<script>", "12345", "1" * 200_000):
        assert alice.submit(path, {"rescue_code": other}, page=PAGE).status_code == 400


def test_switching_off_asks_password_and_code(
    machine: time_machine.Traveller, phone: Phone, alice: Browser
) -> None:
    wrong = alice.submit(DISABLE, {"current": "faux", "code": phone.code()})
    assert "mot de passe actuel est incorrect" in wrong.text
    assert WRONG in alice.submit(DISABLE, {"current": PASSWORD, "code": "000000"}).text
    assert alice.submit(DISABLE, {"current": PASSWORD, "code": phone.code()}).location == PAGE
    assert SecondFactor.select().count() == RescueCode.select().count() == 0
    assert events()[-2:] == ["second_factor.used", "second_factor.disabled"]
    assert "désactivée" in OutboxMail.select().order_by(OutboxMail.id.desc()).first().body_text


def test_new_rescue_codes_replace_the_former_ones(
    phone: Phone, alice: Browser, browser: Browser, new_browser: Callable[[], Browser]
) -> None:
    page = alice.submit(RENEW, {"current": PASSWORD, "code": phone.rescue_codes[0]}).text
    codes = re.findall(r"<code>([\d ]+)</code>", page)
    assert len(codes) == RescueCode.select().count() == 10
    assert enter(browser, phone.rescue_codes[1]) is None
    assert enter(new_browser(), codes[0]) == "/factures"
    assert "second_factor.codes_renewed" in events()


def test_another_phone_replaces_the_present_one_once_it_is_confirmed(
    machine: time_machine.Traveller,
    phone: Phone,
    alice: Browser,
    browser: Browser,
    new_browser: Callable[[], Browser],
) -> None:
    assert WRONG in alice.submit(CHANGE, {"current": PASSWORD, "code": "000000"}).text
    page = alice.submit(CHANGE, {"current": PASSWORD, "code": phone.rescue_codes[0]}).text
    assert enter(browser, phone.code()) == "/factures", "until then the present one works"
    fields = {"setup": hidden(page, "setup"), "code": code_of(scan(page))}
    alice.submit(CONFIRM, fields, page=PAGE)
    machine.shift(timedelta(seconds=30))
    assert enter(new_browser(), phone.code()) is None
    assert RescueCode.select().count() == 10, "the former ones are gone"
    assert enter(new_browser(), code_of(scan(page))) == "/factures"


def test_setup_begun_without_a_code_replaces_nothing(
    machine: time_machine.Traveller, alice: Browser
) -> None:
    page = begin(alice)
    SecondFactor.create(
        user=User.get(User.login == "alice"), seed="x", last_step=0, enabled_at=clock.now()
    )
    fields = {"setup": hidden(page, "setup"), "code": code_of(scan(page))}
    assert alice.submit(CONFIRM, fields, page=PAGE).location == PAGE
    assert SecondFactor.get().seed == "x"


def test_setup_confirmed_while_the_password_changes_sets_nothing_up(
    machine: time_machine.Traveller, people: People
) -> None:
    """It holds the login, so that no session opened meanwhile without a code outlives it."""
    setup = second_factor.start(people.alice, password=PASSWORD, origin="")
    code = second_factor.application(people.alice, setup).at(clock.now().replace(tzinfo=UTC))
    User.update(password_hash="another").where(User.id == people.alice.id).execute()
    with pytest.raises(TokenError):
        second_factor.confirm(people.alice, setup, code, origin="")
    assert SecondFactor.select().count() == 0


@pytest.mark.parametrize("path", [CHANGE, RENEW, DISABLE])
def test_what_is_not_set_up_is_neither_renewed_nor_switched_off(path: str, bob: Browser) -> None:
    assert bob.get(path).location == PAGE
    assert bob.submit(path, {"current": PASSWORD, "code": "1"}, page=PAGE).location == PAGE


@pytest.mark.parametrize("path", [PAGE, CONFIRM, CHANGE, RENEW, DISABLE, f"{PAGE}/codes.txt"])
def test_pages_of_the_second_factor_ask_to_sign_in(
    path: str, browser: Browser, phone: Phone
) -> None:
    response = browser.submit(path, {"current": PASSWORD, "code": phone.code()}, page="/connexion")
    assert response.location.startswith("/connexion")


def test_charlie_sees_nothing_of_the_second_factor_of_alice(phone: Phone, charlie: Browser) -> None:
    assert "Elle n’est pas activée" in charlie.get(PAGE).text


def test_the_journal_holds_no_secret(phone: Phone, alice: Browser, browser: Browser) -> None:
    alice.submit(RENEW, {"current": PASSWORD, "code": phone.code()})
    enter(browser, phone.rescue_codes[0])
    written = " ".join(f"{entry.actor} {entry.facts}" for entry in AuditEntry.select())
    for secret in (phone.totp.secret, SecondFactor.get().seed, phone.code(), *phone.rescue_codes):
        assert secret not in written


def test_operator_takes_it_from_who_lost_phone_and_codes(
    phone: Phone, alice: Browser, browser: Browser, instance: Path
) -> None:
    done = command(instance, "users", "reset-second-factor", "ALICE")
    assert (done.returncode, done.stdout) == (
        0,
        "La double authentification de alice est retirée.\n",
    )
    assert alice.get("/profil/compte").status_code == 302, "its sessions end"
    assert browser.sign_in("alice", PASSWORD).location == "/factures"
    again = command(instance, "users", "reset-second-factor", "alice")
    assert again.returncode == 1
    assert "n'a pas de double authentification" in again.stderr


@pytest.mark.parametrize("character", ["a", "é", "漢"])
def test_the_longest_login_is_set_up_too(character: str, people: People, browser: Browser) -> None:
    login = character * User.login.max_length
    Supplier.update(name=character * Supplier.name.max_length).execute()
    make_user(people.alice.company, login)
    assert browser.sign_in(login, PASSWORD).status_code == 302
    set_up(browser)
    assert SecondFactor.select().count() == 1


@pytest.mark.parametrize("which", ["fermer", "fermer-les-autres", "fermer-toutes"])
def test_closing_sessions_asks_for_a_code(
    which: str, phone: Phone, alice: Browser, people: People
) -> None:
    sessions.open_session(people.alice, origin="", browser="")
    other = UserSession.select().where(UserSession.browser == "").get()
    path, page = f"/profil/sessions/{which}", "/profil/sessions"
    assert 'name="code"' in alice.get(page).text
    for code in ("", "000000"):
        assert alice.submit(path, {"session": other.id_hash, "code": code}, page=page).location
        assert UserSession.select().where(UserSession.id_hash == other.id_hash).exists()
        assert WRONG in alice.get(page).text
    alice.submit(path, {"session": other.id_hash, "code": phone.code(1)}, page=page)
    assert not UserSession.select().where(UserSession.id_hash == other.id_hash).exists()
