"""« Sessions »: what is open, where, since when, and closing it."""

from collections.abc import Callable

import pytest
import time_machine

from selfservice.accounts.models import User, UserSession
from selfservice.audit import AuditEntry
from tests.conftest import Browser
from tests.factories import PASSWORD, People

PAGE = "/profil/sessions"
ACCOUNT = "/profil/compte"


@pytest.fixture
def elsewhere(alice: Browser, new_browser: Callable[[], Browser]) -> Browser:
    """A second browser of alice's."""
    browser = new_browser()
    browser.sign_in("alice", PASSWORD)
    return browser


@pytest.mark.parametrize(
    ("address", "words"),
    [
        ("192.168.1.20", "Réseau local"),
        ("10.0.0.4", "Réseau local"),
        ("127.0.0.1", "Réseau local"),
        ("fd00::1", "Réseau local"),
        ("::ffff:192.168.1.20", "Réseau local"),
        ("203.0.113.9", "203.0.113.9"),
        ("2001:db8::9", "2001:db8::9"),
        ("", "Lieu inconnu"),
    ],
)
def test_sessions_name_the_place(
    address: str, words: str, browser: Browser, people: People
) -> None:
    browser.client.environ_base["REMOTE_ADDR"] = address
    browser.sign_in("alice", PASSWORD)
    assert f">{words}</td>" in browser.get(PAGE).text


def test_sessions_say_in_paris_time_when_they_were_opened_and_used(
    browser: Browser, people: People
) -> None:
    with time_machine.travel("2026-07-01T22:30:00Z", tick=False) as machine:
        browser.sign_in("alice", PASSWORD)
        machine.shift(600)
        page = browser.get(PAGE).text
    assert "02/07/2026 00:30" in page
    assert "02/07/2026 00:40" in page


def test_all_others_close_and_this_one_stays(alice: Browser, elsewhere: Browser) -> None:
    assert "Fermer toutes les autres sessions" in alice.get(PAGE).text
    alice.submit("/profil/sessions/fermer-les-autres", {}, page=PAGE)
    assert elsewhere.get(ACCOUNT).status_code == 302
    page = alice.get(PAGE).text
    assert "Vos autres sessions sont fermées." in page
    assert "Fermer toutes les autres sessions" not in page


def test_all_sessions_close_with_ones_own(alice: Browser, elsewhere: Browser) -> None:
    response = alice.submit("/profil/sessions/fermer-toutes", {}, page=PAGE)
    assert response.location == "/"
    assert "Toutes vos sessions sont fermées" in alice.get("/").text
    assert UserSession.select().count() == 0
    for browser in (alice, elsewhere):
        assert browser.get(ACCOUNT).status_code == 302


@pytest.mark.parametrize("which", ["fermer-les-autres", "fermer-toutes"])
def test_nobody_elses_session_closes(which: str, alice: Browser, bob: Browser) -> None:
    alice.submit(f"/profil/sessions/{which}", {}, page=PAGE)
    assert bob.get(ACCOUNT).status_code == 200


def test_the_list_shows_ones_own_sessions_only(alice: Browser, charlie: Browser) -> None:
    foreign = UserSession.select().join(User).where(User.login == "charlie").get()
    page = alice.get(PAGE).text
    assert page.count('data-label="Lieu"') == 1
    assert foreign.id_hash not in page


def test_closing_is_in_the_journal(alice: Browser, elsewhere: Browser, people: People) -> None:
    alice.submit("/profil/sessions/fermer-les-autres", {}, page=PAGE)
    entry = AuditEntry.get(AuditEntry.event == "session.closed")
    assert (entry.actor, entry.company_id) == ("alice", people.alice.company_id)
    assert entry.facts == '{"count": 1}'
    assert entry.origin == "127.0.0.1"
