"""Who asks for an address may object to it, by a friend or before it changes: that stops nobody."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from selfservice import clock
from selfservice.cli import cli
from selfservice.mail.outbox import OutboxMail
from selfservice.requests import asking, deciding
from selfservice.requests.errors import TooEarlyError
from selfservice.requests.models import CustomerRequest, Portal
from selfservice.suppliers import register
from selfservice.suppliers.models import Company
from tests.conftest import Browser
from tests.factories import People, make_user
from tests.requests.steps import NEW, OLD, ORIGIN, again, asked, link, prove

BY = Portal("nadia")
SINCE = "direction@atelier.example"
REASON = "Confirmé par qui s’y était opposé"
MISTAKE = "Opposition par erreur : acceptez"


@pytest.fixture
def friend(people: People, new_browser: Callable[[], Browser]) -> Browser:
    """An administrator of alice's company whom she has added."""
    make_user(people.alice.company, "ami", is_administrator=True)
    browser = new_browser()
    browser.sign_in("ami", people.password)
    return browser


@pytest.fixture
def objected(people: People, friend: Browser) -> CustomerRequest:
    """A colleague's request, proven, to which the colleague's friend has objected."""
    request = asked(people, "administrator")
    prove()
    _object_on_page(friend, request)
    return again(request)


def _object_on_page(browser: Browser, request: CustomerRequest, words: str = MISTAKE) -> None:
    page = browser.submit(f"/profil/demandes/{request.id}/opposition", {"words": words})
    assert page.location == "/profil/demandes"


def _object_by_link(browser: Browser, kind: str, words: str) -> str:
    page = browser.get(link(kind)).location
    return browser.submit(page, {"words": words}).text


def _let_days_pass() -> None:
    CustomerRequest.update(waits_until=clock.now()).where(
        CustomerRequest.waits_until.is_null(False)
    ).execute()


def _address(request: CustomerRequest) -> str:
    return str(Company.get_by_id(request.company_id).email)


def test_what_an_administrator_says_leaves_the_registered_address_its_days(
    app: Flask, objected: CustomerRequest, nadia: Browser
) -> None:
    listed = app.test_cli_runner().invoke(cli, ["requests", "list"]).stdout
    assert f"l’identifiant ami : {MISTAKE}" in listed
    page = nadia.get(f"/conseil/demandes/{objected.id}").text
    assert (
        "par l’identifiant ami." in page
        and "une autre est possible jusqu’au" in page
        and 'value="accept"' not in page
    )
    with pytest.raises(TooEarlyError):
        deciding.accept(objected, by=BY, reason=REASON)
    _let_days_pass()
    deciding.accept(objected, by=BY, reason=REASON)
    assert _address(objected) == NEW


@pytest.mark.parametrize("way", ["link", "page"])
def test_the_registered_address_is_heard_after_an_administrator(
    way: str, objected: CustomerRequest, browser: Browser, alice: Browser, friend: Browser
) -> None:
    if way == "link":
        assert "Opposition enregistrée" in _object_by_link(browser, "request_objection", "Non !")
    else:
        assert f"/{objected.id}/opposition" in alice.get("/profil/demandes").text
        _object_on_page(alice, objected, "Non !")
    _object_on_page(friend, objected)  # changes nothing any more
    assert (again(objected).objection, again(objected).is_stopped) == ("Non !", True)
    assert f"/{objected.id}/opposition" not in alice.get("/profil/demandes").text


def test_what_an_administrator_takes_back_is_told_to_the_registered_address(
    people: People, browser: Browser, friend: Browser
) -> None:
    request = asked(people, "access")
    prove()
    _let_days_pass()
    deciding.accept(again(request), by=BY)
    OutboxMail.delete().where(OutboxMail.kind == "request_objection").execute()
    friend.submit(
        f"/profil/demandes/{request.id}/opposition", {"words": MISTAKE}, page="/profil/demandes"
    )
    change = register.last_change(Company.get_by_id(request.company_id), "email")
    assert change and (change.value, change.actor, change.reason) == (
        OLD,
        "ami",
        "Un administrateur s’est opposé à ce changement.",
    )
    assert "Opposition enregistrée" in _object_by_link(browser, "request_objection", "Non !")
    assert again(request).is_stopped


def test_an_objection_that_came_after_the_one_shown_is_shown_first(
    objected: CustomerRequest, browser: Browser, nadia: Browser
) -> None:
    path = f"/conseil/demandes/{objected.id}"
    seen = re.search(r'name="seen"[^>]*value="([^"]+)"', nadia.get(path).text)
    assert seen
    _object_by_link(browser, "request_objection", "C’est un vol")
    decision = {"act": "accept", "reason": REASON, "present": OLD}
    page = nadia.submit(path, decision | {"seen": seen[1]}).text
    assert "lisez-la avant d’accepter" in page and "C’est un vol" in page
    assert _address(objected) == OLD


def test_what_was_accepted_in_spite_of_an_administrator_may_be_taken_back_once(
    objected: CustomerRequest, browser: Browser, friend: Browser
) -> None:
    _let_days_pass()
    deciding.accept(objected, by=BY, reason=REASON)
    refused = friend.submit(
        f"/profil/demandes/{objected.id}/opposition", {}, page="/profil/demandes"
    )
    assert "a déjà été décidée" in friend.get(refused.location).text
    assert _address(objected) == NEW
    assert "Opposition enregistrée" in _object_by_link(browser, "address_replaced", "Non !")
    assert _address(objected) == OLD
    deciding.accept(again(objected), by=BY, reason="Vérifié au téléphone")
    last = OutboxMail.select().where(OutboxMail.kind == "address_replaced")
    assert "/demandes/opposition/" not in last.order_by(OutboxMail.id.desc())[0].body_text


@pytest.mark.parametrize("kind", ["access", "address"])
@pytest.mark.parametrize("between", [[], [""]])
def test_an_address_registered_since_is_told_although_the_one_before_has_objected(
    between: list[str], kind: str, people: People, browser: Browser, nadia: Browser
) -> None:
    request = asked(people, kind)
    prove()
    _object_by_link(browser, "request_objection", MISTAKE)
    _let_days_pass()
    for address in (*between, SINCE):
        company = Company.get_by_id(request.company_id)
        register.change(company, "email", address, by=BY, reason="Le gérant a téléphoné")
    assert f"par l’ancienne adresse {OLD}." in nadia.get(f"/conseil/demandes/{request.id}").text
    if kind == "access":
        with pytest.raises(TooEarlyError):
            deciding.accept(again(request), by=BY, reason=REASON)
    told = OutboxMail.get(OutboxMail.to_address == SINCE)
    assert (told.kind, NEW in told.body_text) == ("request_objection", True)
    assert "Opposition enregistrée" in _object_by_link(browser, "request_objection", "Non !")
    assert (again(request).objection, again(request).is_stopped) == ("Non !", True)


def test_who_is_replaced_while_objecting_does_not_speak_for_who_is_registered_now(
    people: People,
) -> None:
    request = asked(people, "access")
    prove()
    company = Company.get_by_id(request.company_id)
    register.change(company, "email", SINCE, by=BY, reason="Le gérant a téléphoné")
    asking.object_as(people.alice, request.id, words=MISTAKE, origin=ORIGIN)  # as it was loaded
    assert (again(request).objected_by, again(request).is_stopped) == ("alice", False)
