"""« Sécurité »: demanding the second factor, and taking it from who lost it."""

import json
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from selfservice import db
from selfservice.accounts.models import SecondFactor, User, UserSession
from selfservice.accounts.views.second_factor import OPEN, OPEN_BLUEPRINTS
from selfservice.administration import security
from selfservice.administration.companies import NoLongerAdministratorError
from selfservice.audit import AuditEntry
from selfservice.mail.outbox import OutboxMail
from selfservice.suppliers.models import Company
from tests.accounts.authenticator import PAGE, hidden, set_up
from tests.administration.conftest import OpenPage
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_user, share_company

SECURITY = "/administration/securite"
DISABLE = f"{PAGE}/desactivation"


def demand(administrator: Browser, *companies: object) -> None:
    assert administrator.submit(SECURITY, {"company": list(companies)}).location == SECURITY


def is_demanded(user: User) -> bool:
    return bool(Company.get_by_id(user.company_id).is_second_factor_required)


@pytest.fixture
def julie(people: People) -> User:
    """A colleague whom alice has added."""
    return make_user(people.alice.company, "julie", email="julie@example.com")


def test_administrator_demands_it_and_no_more(alice: Browser, people: People) -> None:
    demand(alice, people.alice.company_id)
    assert is_demanded(people.alice)
    set_up(alice)
    demand(alice)
    assert not is_demanded(people.alice)
    decisions = AuditEntry.event.in_(("second_factor.demanded", "second_factor.made_optional"))
    entries = AuditEntry.select().where(decisions).order_by(AuditEntry.id)
    assert [entry.event for entry in entries] == [
        "second_factor.demanded",
        "second_factor.made_optional",
    ]


def test_saying_the_same_again_is_not_journalled(alice: Browser) -> None:
    demand(alice)
    assert not AuditEntry.select().where(AuditEntry.event == "second_factor.demanded").exists()


def test_who_has_many_companies_keeps_nobody_from_writing_for_long(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One by one they took a second for a thousand, in which everybody else was answered 503."""
    companies = [share_company(people.alice).id for _ in range(30)]
    set_up(alice)  # all stay readable
    asked: list[str] = []
    execute = db.database.obj.execute_sql

    def told(sql: str, *args: object, **how: object) -> object:
        asked.append(sql)
        return execute(sql, *args, **how)

    page = alice.get(SECURITY).text
    monkeypatch.setattr(db.database.obj, "execute_sql", told)
    data = {"company": companies, "csrf_token": hidden(page, "csrf_token")}
    assert alice.client.post(SECURITY, data=data).status_code == 302
    updates = [sql for sql in asked if sql.startswith('UPDATE "company"')]
    assert len(updates) == 2, "one locks all, one changes all"
    asked.clear()
    data = {"company": companies, "csrf_token": hidden(alice.get(SECURITY).text, "csrf_token")}
    assert alice.client.post(SECURITY, data=data).status_code == 302
    assert not [sql for sql in asked if sql.startswith('UPDATE "company"')], "nothing changes"


def test_rule_reaches_own_companies_only(alice: Browser, people: People) -> None:
    ours = share_company(people.alice, name="Atelier Nord")
    everyone = [ours.id, people.bob.company_id, people.charlie.company_id, 2**63, "x"]
    demand(alice, *everyone)
    assert Company.get_by_id(ours.id).is_second_factor_required
    assert not is_demanded(people.bob)
    assert not is_demanded(people.charlie)


def test_company_that_demands_it_leads_everyone_to_the_setup_before_anything_else(
    app: Flask, alice: Browser, people: People
) -> None:
    demand(alice, people.alice.company_id)
    closed = []
    for rule in app.url_map.iter_rules():
        is_open = rule.endpoint in OPEN or rule.endpoint.partition(".")[0] in OPEN_BLUEPRINTS
        if is_open or rule.arguments:
            continue
        path, methods = rule.rule, rule.methods or set()
        response = alice.get(path) if "GET" in methods else alice.submit(path, {}, page=PAGE)
        assert response.location == PAGE, path
        closed.append(path)
    assert {"/", "/factures", "/profil/compte", "/profil/sessions", SECURITY} <= set(closed)
    assert "Votre société exige" in alice.get(PAGE).text
    assert alice.get("/factures/1.pdf").location == PAGE
    set_up(alice)
    assert alice.get("/factures").status_code == 200


@pytest.mark.parametrize(
    "path",
    [
        *("/contact", "/recuperation", "/reinitialisation/x", "/avis"),
        *("/demandes/preuve/x", "/demandes/opposition/x", "/demandes/opposition"),
    ],
)
def test_what_needs_no_session_stays_open_before_the_setup(
    path: str, alice: Browser, browser: Browser, people: People
) -> None:
    demand(alice, people.alice.company_id)
    answer = alice.get(path)
    assert answer.location != PAGE
    assert answer.status_code == browser.get(path).status_code


def test_sign_out_stays_possible_before_the_setup(alice: Browser, people: People) -> None:
    demand(alice, people.alice.company_id)
    assert alice.submit("/deconnexion", {}, page=PAGE).location == "/"
    assert UserSession.select().count() == 0


def test_other_companies_are_left_alone(alice: Browser, bob: Browser, people: People) -> None:
    demand(alice, people.alice.company_id)
    assert bob.get("/factures").status_code == 200


def test_what_the_company_demands_cannot_be_switched_off(alice: Browser, people: People) -> None:
    with time_machine.travel("2026-03-02T10:00:00Z", tick=False) as machine:
        alice.client.delete_cookie("session")
        alice.sign_in("alice", PASSWORD)
        phone = set_up(alice)
        demand(alice, people.alice.company_id)
        assert DISABLE not in alice.get(PAGE).text
        machine.shift(timedelta(seconds=30))
        alice.submit(DISABLE, {"current": PASSWORD, "code": phone.code()})
        assert "Votre société exige" in alice.get(PAGE).text
        assert SecondFactor.select().count() == 1


def test_page_tells_who_has_it(alice: Browser, julie: User) -> None:
    assert "0 utilisateur sur 2" in alice.get(SECURITY).text
    set_up(alice)
    page = alice.get(SECURITY).text
    assert "1 utilisateur sur 2" in page
    assert page.count("Activée le") == 1


def test_administrator_takes_it_from_an_added_user(
    alice: Browser, browser: Browser, julie: User
) -> None:
    browser.sign_in("julie", PASSWORD)
    set_up(browser)
    response = alice.submit(f"{SECURITY}/{julie.id}/retirer", {"current": PASSWORD}, page=SECURITY)
    assert response.location == SECURITY
    assert SecondFactor.select().count() == 0
    assert browser.get("/profil/compte").status_code == 302, "its sessions end"
    entry = AuditEntry.get(AuditEntry.event == "second_factor.removed")
    assert (entry.actor, json.loads(entry.facts)) == ("alice", {"why": ""})
    assert OutboxMail.select().count() == 0, "her address was typed: nobody has proven it"


def test_it_is_not_taken_from_oneself_nor_from_an_owner_nor_from_others(
    alice: Browser, bob: Browser, charlie: Browser, julie: User, people: People
) -> None:
    owner = make_user(people.alice.company, "owner", is_from_activation=True)
    for browser in (alice, bob, charlie):
        set_up(browser)
    SecondFactor.create(user=owner, seed="x", last_step=0, enabled_at=julie.created_at)
    for user_id in (people.alice.id, people.bob.id, people.charlie.id, owner.id, julie.id, 2**63):
        response = alice.submit(
            f"{SECURITY}/{user_id}/retirer", {"current": PASSWORD}, page=SECURITY
        )
        assert response.status_code == 404, user_id
    assert SecondFactor.select().count() == 4


@pytest.mark.parametrize("current", ["", "faux"])
def test_removal_needs_ones_own_password(alice: Browser, julie: User, current: str) -> None:
    SecondFactor.create(user=julie, seed="x", last_step=0, enabled_at=julie.created_at)
    path = f"{SECURITY}/{julie.id}/retirer"
    assert 'name="current"' in alice.get(SECURITY).text
    response = alice.submit(path, {"current": current}, page=SECURITY)
    assert response.status_code == 200
    assert f'href="#current-{julie.id}"' in response.text
    assert SecondFactor.select().count() == 1


def test_administrator_demoted_meanwhile_changes_nothing(people: People, julie: User) -> None:
    SecondFactor.create(user=julie, seed="x", last_step=0, enabled_at=julie.created_at)
    User.update(is_administrator=False).where(User.id == people.alice.id).execute()
    with pytest.raises(NoLongerAdministratorError):
        security.demand(people.alice, [people.alice.company_id], origin="")
    with pytest.raises(NoLongerAdministratorError):
        security.remove_second_factor(people.alice, julie.id, current=PASSWORD, origin="")
    assert not is_demanded(people.alice)
    assert SecondFactor.select().count() == 1


def test_bob_and_charlie_see_nothing_of_it(
    alice: Browser, bob: Browser, charlie: Browser, julie: User, people: People
) -> None:
    User.update(is_administrator=True).where(User.login == "charlie").execute()
    assert bob.get(SECURITY).status_code == 404
    page = charlie.get(SECURITY).text
    assert "Boutique Charlie" in page
    assert not any(name in page for name in ("alice", "julie", "Atelier Alice"))


def test_page_opened_before_lifts_no_demand(alice: Browser, people: People) -> None:
    other = share_company(people.alice, name="Atelier Nord")
    set_up(alice)
    left_open = OpenPage(alice, SECURITY)
    demand(alice, other.id)
    assert left_open.send(company=[people.alice.company_id]).location == SECURITY
    assert "depuis que votre page est ouverte" in alice.get(SECURITY).text
    assert Company.get_by_id(other.id).is_second_factor_required
    assert not is_demanded(people.alice)
