"""The supplier's staff: commands, first sign-in, where they land, and how long they stay."""

from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from click.testing import Result
from flask import Flask

from selfservice import clock
from selfservice.accounts import spaces
from selfservice.accounts.models import User
from selfservice.accounts.second_factor import of
from selfservice.advisers import team
from selfservice.advisers.companies import companies_of
from selfservice.cli import cli
from selfservice.mail.outbox import OutboxMail
from selfservice.suppliers import registration
from selfservice.suppliers.models import Company
from tests.accounts.test_recovery import ask, mailed_path
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_adviser, make_user

ADDRESS = "nadia@diac.example"


def test_an_adviser_is_added_listed_and_closed(app: Flask, people: People) -> None:
    def run(args: list[str]) -> Result:
        return app.test_cli_runner().invoke(cli, args)

    added = run(args=["advisers", "add", "diac", "nadia", "--email", ADDRESS])
    assert (added.exit_code, "Mot de passe ou identifiant oublié" in added.output) == (0, True)
    listed = run(args=["advisers", "list"]).output
    assert listed == f"nadia\tsans mot de passe\tdiac\t{ADDRESS}\n"
    assert "nadia\tactif\tconseiller\tdiac" in run(args=["users", "list"]).output
    assert run(args=["advisers", "close", "NADIA"]).exit_code == 0
    assert "nadia\tfermé\t" in run(args=["advisers", "list"]).output


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (["add", "diac", "a b", "--email", ADDRESS], "ne contient ni espace"),
        (["add", "diac", "a:b", "--email", ADDRESS], "ne contient ni espace"),
        (["add", "diac", "ﬃ" * 107, "--email", ADDRESS], "ne contient ni espace"),
        (["add", "diac", "nadia", "--email", "nadia"], "n'est pas une adresse mail"),
        (["add", "diac", "ALICE", "--email", ADDRESS], "déjà pris"),
        (["add", "nobody", "nadia", "--email", ADDRESS], "n'existe pas"),
        (["close", "alice"], "Aucun identifiant"),
    ],
)
def test_what_cannot_be_done_is_said_in_one_line(
    app: Flask, people: People, args: list[str], words: str
) -> None:
    done = app.test_cli_runner().invoke(cli, ["advisers", *args])
    assert done.exit_code == 1
    assert words in done.stderr.replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_the_desk_is_no_company_of_the_supplier(app: Flask, people: People) -> None:
    make_adviser(people.supplier, "nadia")
    desk = Company.get(Company.client_number == "")
    assert desk not in registration.companies_of(people.supplier)
    assert desk not in companies_of(User.get(User.login == "nadia"))


def test_the_door_gives_the_companies_of_the_supplier_to_its_advisers_alone(
    people: People,
) -> None:
    adviser = make_adviser(people.supplier, "nadia")
    assert set(companies_of(adviser)) == {people.alice.company, people.bob.company}
    for customer in (people.alice, people.bob, people.charlie):
        assert list(companies_of(customer)) == []


def test_an_address_shared_with_a_customer_gives_no_reading(
    people: People, new_browser: Callable[[], Browser]
) -> None:
    """A customer's registered address is not a right of the adviser who has the same mailbox."""
    adviser = team.add_adviser(people.supplier, "nadia", email="alice@example.com")
    assert people.alice.company_id not in [each.id for each in spaces.readable_spaces(adviser)]


def test_the_first_sign_in_leads_to_the_second_factor_and_nowhere_else(
    people: People, browser: Browser
) -> None:
    adviser = team.add_adviser(people.supplier, "nadia", email=ADDRESS)
    ask(browser, ADDRESS)
    browser.get(mailed_path())
    browser.submit("/reinitialisation", {"password": PASSWORD, "confirmation": PASSWORD,
                                         "user_id": str(adviser.id)})  # fmt: skip
    assert browser.sign_in("nadia", PASSWORD).headers["Location"] == "/conseil"
    for path in ("/conseil", "/factures", "/", "/profil/compte"):
        followed = browser.client.get(path, follow_redirects=True)
        assert followed.request.path == "/profil/double-authentification", path
        assert "Un conseiller se connecte avec la double authentification" in followed.text


def test_signed_in_an_adviser_is_at_the_desk(nadia: Browser) -> None:
    assert nadia.get("/").headers["Location"] == "/conseil"
    assert nadia.get("/factures").headers["Location"] == "/conseil"
    page = nadia.get("/conseil").text
    assert "Mon Profil" in page and "Administration" not in page


def test_the_second_factor_cannot_be_switched_off(nadia: Browser, people: People) -> None:
    page = nadia.get("/profil/double-authentification").text
    assert "elle ne peut pas être désactivée" in page
    assert of(User.get(User.login == "nadia"))


@pytest.mark.parametrize(("minutes", "status"), [(19, 200), (21, 302)])
def test_a_session_ends_sooner_than_a_customers(
    nadia: Browser, alice: Browser, minutes: int, status: int
) -> None:
    with time_machine.travel(clock.now() + timedelta(minutes=minutes), tick=False):
        assert nadia.get("/conseil").status_code == status
        assert alice.get("/factures").status_code == 200


def test_a_session_lasts_a_working_day_at_most(nadia: Browser) -> None:
    opened = clock.now()
    for minutes in range(15, 9 * 60, 15):
        with time_machine.travel(opened + timedelta(minutes=minutes), tick=False):
            assert nadia.get("/conseil").status_code == 200
    with time_machine.travel(opened + timedelta(hours=9, minutes=1), tick=False):
        assert nadia.get("/conseil").status_code == 302


def test_a_closed_adviser_is_out_at_once(nadia: Browser) -> None:
    team.close_adviser("nadia")
    assert nadia.get("/conseil").headers["Location"].startswith("/connexion")


def test_an_adviser_learns_by_mail_that_the_second_factor_changed(
    app: Flask, nadia: Browser
) -> None:
    done = app.test_cli_runner().invoke(cli, ["users", "reset-second-factor", "nadia"])
    assert done.exit_code == 0
    mail = OutboxMail.get(OutboxMail.kind == "second_factor_changed")
    assert mail.to_address == ADDRESS
    for body in (mail.body_text, mail.body_html):
        assert body.count("l’exploitant du portail") == 2
        assert "votre conseiller" not in body and "votre société" not in body


def test_who_types_an_advisers_address_does_not_speak_in_its_mails(
    browser: Browser, people: People
) -> None:
    make_adviser(people.supplier, "nadia")
    make_user(people.charlie.company, "faux", email="NADIA@diac.example")
    ask(browser, "nadia@diac.example")
    (sent,) = OutboxMail.select()
    assert (sent.to_address, sent.sender_name) == ("nadia@diac.example", people.supplier.name)
