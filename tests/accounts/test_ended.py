"""Closed and switched-off logins: the truth by mail, the page as for anybody."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from selfservice import clock, tokens
from selfservice.accounts import ended
from selfservice.accounts.models import User
from selfservice.cli import cli
from selfservice.mail.outbox import OutboxMail
from selfservice.tokens import Token
from tests.accounts.test_recovery import ask
from tests.conftest import Browser, free_port
from tests.factories import PASSWORD, People, make_company, make_user

ENDS: dict[str, tuple[dict[str, object], str]] = {
    "closed": ({"closed_at": "now"}, "Il a été fermé le"),
    "superseded": ({"closed_at": "now", "is_superseded": True}, "Une autre adresse mail"),
    "switched off": ({"is_active": False}, "Un administrateur de cette société l’a désactivé"),
}


def end(user: User, changes: dict[str, object]) -> None:
    told = {name: clock.now() if value == "now" else value for name, value in changes.items()}
    User.update(**told).where(User.id == user.id).execute()


def ended_mails() -> list[OutboxMail]:
    ended.tell_asked()  # as the worker does
    return list(OutboxMail.select().where(OutboxMail.kind == "login_ended"))


@pytest.mark.parametrize("how", ENDS)
def test_the_right_password_of_an_ended_login_is_told_by_mail(
    how: str, browser: Browser, people: People
) -> None:
    changes, words = ENDS[how]
    end(people.alice, changes)
    page = browser.sign_in("alice", PASSWORD)
    assert page.status_code == 200
    assert "Identifiant ou mot de passe incorrect." in page.text
    (mail,) = ended_mails()
    assert mail.to_address == "alice@example.com"
    assert "alice" in mail.subject
    assert words in mail.body_text
    assert people.alice.company.name in mail.body_text


def test_a_wrong_password_of_an_ended_login_tells_nobody(browser: Browser, people: People) -> None:
    end(people.alice, {"closed_at": "now"})
    browser.sign_in("alice", "Faux-faux-7")
    assert ended_mails() == []


@pytest.mark.parametrize("how", ENDS)
def test_recovery_of_an_ended_login_is_told_by_mail_and_the_page_is_anybodys(
    how: str, browser: Browser, people: People
) -> None:
    changes, words = ENDS[how]
    end(people.alice, changes)
    anybody = ask(browser, "inconnu@example.com").replace("inconnu@", "alice@")
    page = ask(browser, "alice@example.com")
    assert "Aucun compte trouvé pour alice@example.com" in page
    assert ("band is-danger" in page) == ("band is-danger" in anybody)
    (mail,) = ended_mails()
    assert words in mail.body_text


def test_limits_that_cannot_be_counted_hold_up_no_other_mail(
    app: Flask, browser: Browser, people: People
) -> None:
    end(people.alice, {"closed_at": "now"})
    ask(browser, "alice@example.com")
    ask(browser, "bob@example.com")
    app.extensions.pop("ratelimit_storage")
    app.config["RATELIMIT_STORAGE_URI"] = f"redis://127.0.0.1:{free_port()}/0"
    delivered = app.test_cli_runner().invoke(cli, ["mail", "deliver"])
    assert (delivered.exit_code, delivered.stdout[:16]) == (0, "1 mail(s) envoyé")
    app.extensions.pop("ratelimit_storage")
    app.config["RATELIMIT_STORAGE_URI"] = "database://"
    assert [mail.to_address for mail in ended_mails()] == ["alice@example.com"]


def test_the_worker_writes_the_mails_so_that_no_time_tells_how_many(
    browser: Browser, people: People
) -> None:
    for number in range(3):
        end(make_user(people.alice.company, f"a{number}", email="a@example.com"), {"is_active": 0})
    for address in ("inconnu@example.com", "a@example.com"):
        ask(browser, address)
    assert not OutboxMail.select().exists()
    assert [token.subject for token in Token.select()] == ["a@example.com"], "of nobody else"
    assert len(ended_mails()) == 3
    assert tokens.living(ended.ASKED) == []


def test_an_ended_login_beside_a_living_one_is_told_too(browser: Browser, people: People) -> None:
    old = make_user(people.alice.company, "alice_0", email="alice@example.com")
    end(old, {"is_active": False})
    assert "vous a été adressé" in ask(browser, "alice@example.com")
    assert [mail.subject.split()[0] for mail in ended_mails()] == ["Un"], "that others typed"


def test_it_is_told_once_a_day(browser: Browser, people: People) -> None:
    end(people.alice, {"closed_at": "now"})
    with time_machine.travel("2026-03-02T10:00:00Z", tick=False) as machine:
        for _ in range(2):
            ask(browser, "alice@example.com")
            browser.sign_in("alice", PASSWORD)
        assert len(ended_mails()) == 1
        machine.shift(timedelta(days=1))
        browser.sign_in("alice", PASSWORD)
        assert len(ended_mails()) == 2


def test_a_typed_mailbox_gets_no_more_of_it_than_of_recovery(
    browser: Browser, people: People
) -> None:
    """An administrator who switches twenty logins off cannot flood the mailbox that they name."""
    for number in range(7):
        end(
            make_user(people.alice.company, f"faux_{number}", email="victime@example.com"),
            {"is_active": False},
        )
    ask(browser, "victime@example.com")
    assert len(ended_mails()) == 5
    assert {mail.company_id for mail in ended_mails()} == {None}


def test_who_names_a_mailbox_takes_no_link_from_its_owner(browser: Browser, people: People) -> None:
    make_user(people.bob.company, "victime", email="victime@example.com")
    for number in range(7):
        end(
            make_user(people.alice.company, f"faux_{number}", email="victime@example.com"),
            {"is_active": False},
        )
    for _ in range(3):
        assert "vous a été adressé" in ask(browser, "victime@example.com")


def test_the_password_of_a_login_with_a_typed_mailbox_mails_nobody(
    browser: Browser, people: People
) -> None:
    typed = make_user(people.alice.company, "faux", email="victime@example.com")
    end(typed, {"is_active": False})
    assert "Identifiant ou mot de passe incorrect." in browser.sign_in("faux", PASSWORD).text
    assert ended_mails() == []
    ask(browser, "victime@example.com")
    assert len(ended_mails()) == 1, "its owner has asked"


def test_a_mailbox_of_many_closed_logins_uses_up_nobodys_mails(
    app: Flask, browser: Browser, people: People
) -> None:
    for number in range(12):
        company = make_company(people.supplier, email="cabinet@example.com")
        closed = make_user(
            company, f"cabinet_{number}", email="cabinet@example.com", is_from_activation=True
        )
        end(closed, {"closed_at": "now"})
    ask(browser, "cabinet@example.com")
    assert len(ended_mails()) == 10


def test_past_the_limit_of_all_the_page_stays_anybodys(
    app: Flask, browser: Browser, people: People
) -> None:
    end(people.alice, {"closed_at": "now"})
    app.config["LIMIT_RECOVERY_ALL"] = "1/hour"
    ask(browser, "bob@example.com")
    assert "Identifiant ou mot de passe incorrect." in browser.sign_in("alice", PASSWORD).text
    assert ended_mails() == []


def test_a_forgotten_person_is_told_nothing(
    alice: Browser, people: People, new_browser: Callable[[], Browser]
) -> None:
    added = make_user(people.alice.company, "parti", email="parti@example.com")
    path = f"/administration/utilisateurs/{added.id}/suppression"
    assert alice.submit(path, {}).status_code == 302
    new_browser().sign_in("parti", PASSWORD)
    assert ended_mails() == []
