"""Who decides: the adviser's queue, and the commands without a screen."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
import time_machine
from click.testing import Result
from flask import Flask

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.cli import cli
from selfservice.mail.outbox import OutboxMail
from selfservice.requests import asking, deciding, messages
from selfservice.requests.models import Portal
from selfservice.suppliers import register
from selfservice.suppliers.models import Company, RegisterChange
from tests.conftest import Browser
from tests.factories import People, make_user
from tests.requests.steps import NEW, OLD, again, asked, prove, secret

QUEUE = "/conseil/demandes"
Run = Callable[..., Result]


@pytest.fixture
def run(app: Flask) -> Run:
    def invoke(*args: str) -> Result:
        return app.test_cli_runner().invoke(cli, ["requests", *args])

    return invoke


def present(browser: Browser, number: int) -> str:
    """Return what the page of a request says of the register now."""
    found = re.search(r'name="present"[^>]*value="([^"]*)"', browser.get(f"{QUEUE}/{number}").text)
    return found[1] if found else ""


def decide(browser: Browser, number: int, act: str, reason: str = "", **fields: object) -> str:
    path, seen = f"{QUEUE}/{number}", {"seen": "", "present": present(browser, number)}
    answer = browser.submit(path, {"act": act, "reason": reason} | seen | fields)
    page = browser.get(answer.location) if answer.status_code == 302 else answer
    return " ".join(page.text.split()).replace("&nbsp;", " ")


def test_the_queue_has_the_oldest_first_and_what_must_wait_last(
    people: People, nadia: Browser, marc: Browser
) -> None:
    asked(people, "access")
    asked(people, "notification")
    asked(people, "document")
    page = nadia.get(QUEUE).text
    places = [page.index(messages.KIND_LABELS[each]) for each in ("notification", "document")]
    assert places == sorted(places)
    assert page.index(messages.KIND_LABELS["access"]) > places[1]
    assert "non identifié" in page
    assert "Aucune demande n’attend" in marc.get(QUEUE).text


def test_an_adviser_takes_and_accepts_and_the_register_says_why(
    people: People, nadia: Browser
) -> None:
    request = asked(people, "notification")
    assert "Merci" in nadia.get(f"{QUEUE}/{request.id}").text
    assert "est à vous" in decide(nadia, request.id, "take")
    assert "est faite" in decide(nadia, request.id, "accept")
    assert Company.get_by_id(people.alice.company_id).notification == "daily"
    (change,) = RegisterChange.select()
    assert (change.actor, f"n° {request.id}" in change.reason) == ("nadia", True)


def test_a_refusal_without_a_reason_is_asked_for_one(people: People, nadia: Browser) -> None:
    request = asked(people, "delivery")
    assert str(messages.REASON_MISSING) in decide(nadia, request.id, "refuse")
    assert "est refusée" in decide(nadia, request.id, "refuse", "Plus de papier.\nDepuis 2025.")
    assert again(request).reason == "Plus de papier.\nDepuis 2025."


def test_the_second_adviser_is_told_who_decided(people: People, nadia: Browser) -> None:
    request = asked(people, "delivery")
    deciding.accept(request, by=Portal("nora"))
    page = decide(nadia, request.id, "refuse", "Non")
    assert "a déjà été décidée par nora" in page
    assert again(request).state == "done"


def test_an_objection_that_the_page_did_not_show_is_shown_first(
    people: People, nadia: Browser
) -> None:
    request = asked(people, "address")
    prove()
    asking.object_by_link(secret("request_objection"), words="C’est un vol", origin="")
    page = decide(nadia, request.id, "accept", "Vérifié")
    assert "lisez-la avant d’accepter" in page and "C’est un vol" in page
    seen = again(request).objection_mark
    assert "est faite" in decide(nadia, request.id, "accept", "Vérifié", seen=seen)


@pytest.mark.parametrize("asker", ["owner", "added", "former"])
def test_who_asks_for_an_address_without_having_the_registered_one_is_named_so(
    asker: str, people: People, nadia: Browser
) -> None:
    added = make_user(people.alice.company, OLD, is_administrator=True)
    request = asked(people, "address", user=added if asker == "added" else None)
    if asker == "former":
        company = Company.get_by_id(request.company_id)
        register.change(company, "email", "direction@atelier.example", by=Portal(), reason="Appel")
    page = nadia.get(f"{QUEUE}/{request.id}").text
    assert ("n’a pas l’adresse enregistrée" in page) == (asker != "owner")


@pytest.mark.parametrize(
    "ended",
    [{"is_administrator": False}, {"is_active": False}, {"closed_at": clock.now()}],
    ids=lambda fields: next(iter(fields)),
)
def test_who_was_an_administrator_asks_no_more_by_what_was_asked_before(
    ended: dict[str, object], people: People, nadia: Browser, run: Run
) -> None:
    gone = make_user(people.alice.company, "parti", is_administrator=True)
    request = asked(people, "address", user=gone)
    User.update(ended).where(User.id == gone.id).execute()
    prove()
    assert "parti (n’est plus administrateur)" in nadia.get(f"{QUEUE}/{request.id}").text
    assert "parti (n’est plus administrateur)" in run("list").stdout
    assert "parti n’est plus administrateur" in decide(nadia, request.id, "accept")
    assert "parti n’est plus administrateur" in run("accept", str(request.id)).stderr
    unseen = decide(nadia, request.id, "accept", "Bonjour")  # from a page opened before
    assert "parti n’est plus administrateur" in unseen
    assert Company.get_by_id(request.company_id).email == OLD
    assert "est faite" in decide(nadia, request.id, "accept", "Vérifié au téléphone", gone="1")


def test_a_value_that_changed_since_the_page_was_read_is_shown_first(
    people: People, nadia: Browser
) -> None:
    request = asked(people, "notification")
    before = present(nadia, request.id)
    register.change(people.alice.company, "notification", "link", by=Portal(), reason="Appel")
    page = decide(nadia, request.id, "accept", present=before)
    assert "Quelqu’un d’autre vient de changer" in page
    assert Company.get_by_id(people.alice.company_id).notification == "link"
    assert again(request).is_open
    assert "est faite" in decide(nadia, request.id, "accept")


@pytest.mark.parametrize(("act", "reason"), [("x", ""), ("", ""), ("accept", "a" * 501)])
def test_bad_input_changes_nothing(act: str, reason: str, people: People, nadia: Browser) -> None:
    request = asked(people, "delivery")
    decide(nadia, request.id, act, reason)
    assert again(request).state == "received"
    assert nadia.get(f"{QUEUE}/{10**30}").status_code == 404


def test_another_suppliers_adviser_decides_nothing(people: People, marc: Browser) -> None:
    request = asked(people, "delivery")
    assert marc.get(f"{QUEUE}/{request.id}").status_code == 404
    page = marc.submit(f"{QUEUE}/{request.id}", {"act": "accept"}, page="/profil/compte")
    assert page.status_code == 404
    assert again(request).state == "received"


def test_commands_list_accept_and_refuse(people: People, run: Run) -> None:
    first, second = asked(people, "notification"), asked(people, "document")
    listed = run("list").stdout.splitlines()
    assert listed[-1] == "2 demande(s)."
    assert [line.split("\t")[0] for line in listed[:-1]] == [str(first.id), str(second.id)]
    accepted = run("accept", str(first.id))
    assert (accepted.exit_code, accepted.stdout.count("\n")) == (0, 1)
    assert accepted.stdout.startswith(f"Demande {first.id} acceptée")
    refused = run("refuse", str(second.id), "--reason", "Détruit")
    assert (refused.exit_code, again(second).reason) == (0, "Détruit")
    assert run("list").stdout == "0 demande(s).\n"
    assert len(run("list", "--all").stdout.splitlines()) == 3


def test_the_list_says_what_each_waits_for(people: People, run: Run) -> None:
    asked(people, "address")
    asked(people, "access")
    assert run("list").stdout.count("Adresse pas encore confirmée") == 2
    prove()
    asking.object_by_link(secret("request_objection"), words="C’est un vol", origin="")
    line = run("list").stdout.splitlines()[1].split("\t")
    assert (line[2], line[-1]) == ("Opposition", "C’est un vol")
    accept = ("accept", line[0], "--reason", "Vérifié")
    assert "lisez-la avant d’accepter" in run(*accept).stderr
    assert run(*accept, "--despite-objection").exit_code == 0


def test_what_cannot_be_decided_is_said_in_one_line(people: People, run: Run) -> None:
    address, question = asked(people, "access"), asked(people, "document")
    prove()
    for args, words in (
        (["accept", "99"], "Aucune demande sous le numéro 99."),
        (["accept", str(address.id)], "peut s’y opposer jusqu’au"),
        (["accept", str(question.id)], "Donnez la raison"),
        (["refuse", str(question.id)], "Donnez la raison"),
        (["refuse", str(question.id), "--reason", "a" * 501], "dépasse 500"),
    ):
        done = run(*args)
        assert (done.exit_code, done.stdout, done.stderr.count("\n")) == (1, "", 1), args
        assert words in done.stderr
    assert run("accept", "0").exit_code == 2
    with time_machine.travel(clock.now() + timedelta(days=8), tick=False):
        assert run("accept", str(address.id)).exit_code == 0
        second = run("accept", str(address.id))
    assert (second.exit_code, "a déjà été décidée par le portail" in second.stderr) == (1, True)
    assert OutboxMail.get(OutboxMail.subject.contains("Demande faite")).to_address == NEW


def test_the_sheet_of_a_company_leads_to_its_requests(people: People, nadia: Browser) -> None:
    request = asked(people, "delivery")
    sheet = f"/conseil/{people.alice.company.client_number}"
    assert f"{QUEUE}/{request.id}" in nadia.get(sheet).text
    assert sheet in nadia.get(f"{QUEUE}/{request.id}").text
    deciding.refuse(request, by=Portal("nora"), reason="Non")
    assert "par nora" in nadia.get(sheet).text
    bobs = people.bob.company.client_number
    assert f"{QUEUE}/" not in nadia.get(f"/conseil/{bobs}").text
