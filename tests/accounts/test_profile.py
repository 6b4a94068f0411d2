"""« Mon profil »: coordinates, preferences, password, sessions (FAQ 7, 13, 15)."""

from collections.abc import Callable

import pytest

from selfservice.accounts import passwords
from selfservice.accounts.models import User, UserSession
from tests.conftest import Browser
from tests.factories import PASSWORD, People

NEW = "Cabrette-verte9"


@pytest.mark.parametrize("months", [3, 6, 12, 24])
def test_display_history_is_kept(months: int, alice: Browser, people: People) -> None:
    response = alice.submit("/profil/preferences", {"display_history_months": months})
    assert response.status_code == 302
    assert User.get_by_id(people.alice.id).display_history_months == months


def test_preferences_offer_the_four_durations(alice: Browser) -> None:
    page = alice.get("/profil/preferences").text
    for label in ("3 mois", "6 mois", "1 an", "2 ans", "Valider"):
        assert label in page
    assert "Historique d" in page


@pytest.mark.parametrize("months", ["5", "", "x", "9" * 30, "\x00"])
def test_other_durations_change_nothing(months: str, alice: Browser, people: People) -> None:
    response = alice.submit("/profil/preferences", {"display_history_months": months})
    assert response.status_code == 200
    assert User.get_by_id(people.alice.id).display_history_months == 3


def test_coordinates_are_kept_and_the_address_is_not(alice: Browser, people: People) -> None:
    alice.submit(
        "/profil/compte",
        {"last_name": " Durand ", "first_name": "Alice", "email": "autre@example.com"},
    )
    user = User.get_by_id(people.alice.id)
    assert (user.last_name, user.first_name, user.email) == ("Durand", "Alice", "alice@example.com")


def test_account_shows_address_and_mode_read_only_and_whom_to_ask(alice: Browser) -> None:
    page = alice.get("/profil/compte").text
    assert "alice@example.com" in page
    assert "Aucun mail" in page
    assert "conseiller clientèle" in page
    assert "#adresse-notification" in page


def test_changing_the_password_asks_the_current_one(alice: Browser, people: People) -> None:
    path = "/profil/mot-de-passe"
    typed = {"password": NEW, "confirmation": NEW}
    refused = alice.submit(path, typed | {"current": "faux"})
    assert "actuel est incorrect" in refused.text
    assert alice.submit(path, typed | {"current": PASSWORD}).status_code == 302
    assert alice.get("/profil/compte").status_code == 200, "the session in use stays open"


def test_a_change_of_password_meanwhile_wins(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who holds the old password and a session cannot overtake the owner's change."""
    owners_hash = passwords.hash_password("Le-Choix-2-Alice")
    hash_password = passwords.hash_password

    def be_overtaken(password: str) -> str:
        User.update(password_hash=owners_hash).where(User.id == people.alice.id).execute()
        return hash_password(password)

    monkeypatch.setattr(passwords, "hash_password", be_overtaken)
    typed = {"current": PASSWORD, "password": NEW, "confirmation": NEW}
    response = alice.submit("/profil/mot-de-passe", typed)
    assert "Le mot de passe actuel est incorrect." in response.text
    assert User.get_by_id(people.alice.id).password_hash == owners_hash


def test_changing_the_password_ends_the_other_sessions(
    alice: Browser, new_browser: Callable[[], Browser], people: People
) -> None:
    elsewhere = new_browser()
    elsewhere.sign_in("alice", PASSWORD)
    typed = {"current": PASSWORD, "password": NEW, "confirmation": NEW}
    alice.submit("/profil/mot-de-passe", typed)
    assert elsewhere.get("/profil/compte").status_code == 302


@pytest.mark.parametrize(
    ("user_agent", "words"),
    [
        (
            "Mozilla/5.0 (Windows NT 10.0; rv:140.0) Gecko/20100101 Firefox/140.0",
            "Firefox sous Windows",
        ),
        (
            "Mozilla/5.0 (Linux; Android 15) Chrome/140.0 Mobile Safari/537.36",
            "Chrome sous Android",
        ),
        ("Mozilla/5.0 (iPhone; CPU like Mac OS X) Version/18.0 Safari/604.1", "Safari sous iPhone"),
        ("Mozilla/5.0 (Windows NT 10.0) Chrome/140.0 Safari/537.36 Edg/140.0", "Edge sous Windows"),
        ("curl/8", "Navigateur inconnu"),
    ],
)
def test_sessions_name_the_browser_in_words(
    user_agent: str, words: str, browser: Browser, people: People
) -> None:
    browser.client.environ_base["HTTP_USER_AGENT"] = user_agent
    browser.sign_in("alice", PASSWORD)
    assert words in browser.get("/profil/sessions").text


def test_an_open_session_can_be_closed_from_another(
    alice: Browser, new_browser: Callable[[], Browser], people: People
) -> None:
    elsewhere = new_browser()
    elsewhere.sign_in("alice", PASSWORD)
    assert alice.get("/profil/sessions").text.count("Fermer</button>") >= 1
    other = UserSession.select().order_by(UserSession.opened_at.desc()).first()
    alice.submit("/profil/sessions/fermer", {"session": other.id_hash}, page="/profil/sessions")
    assert elsewhere.get("/profil/compte").status_code == 302


def test_sessions_of_others_cannot_be_closed(alice: Browser, bob: Browser) -> None:
    foreign = UserSession.select().join(User).where(User.login == "bob").get()
    response = alice.submit(
        "/profil/sessions/fermer", {"session": foreign.id_hash}, page="/profil/sessions"
    )
    assert response.status_code == 404
    assert bob.get("/profil/compte").status_code == 200


def test_a_choice_that_does_not_exist_is_refused_in_french(alice: Browser) -> None:
    page = alice.submit("/profil/preferences", {"display_history_months": "5"}).text
    assert "valide" in page
    assert "Not a valid" not in page
