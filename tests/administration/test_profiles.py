"""« Profils »: defining, changing, giving and removing them (FAQ 13)."""

import json
import re
from collections.abc import Callable

import pytest
from flask import Flask
from peewee import IntegrityError

from selfservice import clock
from selfservice.accounts.models import Profile, ProfileContract, User
from selfservice.audit import AuditEntry
from selfservice.suppliers.models import Company
from tests.administration.conftest import OpenPage, edited, page_of
from tests.conftest import Browser
from tests.factories import (
    People,
    make_invoice,
    make_profile,
    make_user,
    share_company,
)
from tests.papers import months_ago

LIST = "/administration/profils"
ADD = "/administration/profils/ajout"


def contracts(profile: Profile) -> list[str]:
    query = ProfileContract.select().where(ProfileContract.profile == profile)
    return sorted(row.contract for row in query)


def test_contracts_of_documents_are_offered_and_others_can_be_written(
    alice: Browser, people: People
) -> None:
    company = people.alice.company
    for contract in ("VEH-1", "VEH-1", "LLD-1", ""):
        make_invoice(company, contract=contract)
    make_invoice(company, contract="OLD", issued_on=months_ago(25))
    make_invoice(people.bob.company, contract="BOB-1")
    page = alice.get(ADD).text
    assert re.findall(r'name="contracts"[^>]*value="([^"]*)"', page) == ["LLD-1", "VEH-1"]
    fields = {
        "name": " Flotte ",
        "contracts": ["VEH-1"],
        "other_contracts": " VEH-2 \r\n\r\nVEH-1\r\n",
    }
    assert alice.submit(ADD, fields).location == LIST
    profile = Profile.get()
    assert (profile.name, profile.company_id) == ("Flotte", company.id)
    assert contracts(profile) == ["VEH-1", "VEH-2"]
    entry = AuditEntry.get(AuditEntry.event == "profile.added")
    assert entry.actor == "alice"
    assert json.loads(entry.facts) == {"profile": "Flotte", "contracts": "VEH-1, VEH-2"}
    assert "VEH-1, VEH-2" in alice.get(LIST).text


def test_a_long_list_of_contracts_takes_a_few_kilobytes_of_the_journal(alice: Browser) -> None:
    """Its administrators may write hundreds an hour, and each stays for a year."""
    written = "\n".join(f"{number:03d}{'é' * 60}" for number in range(100))
    assert alice.submit(ADD, {"name": "Flotte", "other_contracts": written}).location == LIST
    facts = AuditEntry.get(AuditEntry.event == "profile.added").facts
    assert len(facts.encode()) < 5000
    assert json.loads(facts)["contracts"].startswith("000é") and facts.count("…") == 1
    assert "000é" in alice.get("/administration/journal").text


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"name": ""}, "Donnez un nom au profil d’accès"),
        ({"name": "Flotte"}, "déjà un profil d’accès de ce nom"),
        ({"name": "x" * 101}, "trop long"),
        ({"other_contracts": " \r\n "}, "Choisissez au moins un contrat"),
        ({"other_contracts": "K" * 101}, "ne dépasse pas 100 caractères"),
        ({"other_contracts": "a\0b"}, "caractères invisibles"),
        ({"other_contracts": "\n".join(map(str, range(1001)))}, "ne dépasse pas 1000 contrats"),
    ],
)
def test_each_fault_is_told_and_nothing_is_made(
    alice: Browser, people: People, changes: dict[str, str], message: str
) -> None:
    make_profile(people.alice.company, "Flotte", "VEH-1")
    fields = {"name": "Autre", "other_contracts": "VEH-2"} | changes
    response = alice.submit(ADD, fields)
    assert response.status_code == 200
    assert message in response.text
    assert Profile.select().count() == 1


def test_two_companies_may_use_one_name(alice: Browser, people: People) -> None:
    make_profile(people.bob.company, "Flotte", "B")
    fields = {"name": "Flotte", "other_contracts": "VEH-1"}
    assert alice.submit(ADD, fields).location == LIST


def test_the_company_is_chosen_first_where_there_are_several(
    alice: Browser, people: People
) -> None:
    other = share_company(people.alice, name="Alice Location")
    make_invoice(people.alice.company, contract="VEH-1")
    make_invoice(other, contract="LOC-1")
    page = alice.get(ADD).text
    assert "Atelier Alice" in page and "Alice Location" in page and "Continuer" in page
    path = f"{ADD}?societe={other.id}"
    page = alice.get(path).text
    assert "LOC-1" in page and "VEH-1" not in page
    assert alice.submit(path, {"name": "L", "contracts": "LOC-1"}).location == LIST
    assert Profile.get().company_id == other.id
    for foreign in (people.bob.company_id, people.charlie.company_id, 2**63, "x"):
        assert "Continuer" in alice.get(f"{ADD}?societe={foreign}").text


def test_a_change_holds_for_all_who_have_the_profile(alice: Browser, people: People) -> None:
    company = people.alice.company
    make_invoice(company, contract="VEH-1")
    profile = make_profile(company, "Flotte", "VEH-1", "GONE-1")
    make_user(company, "julie", profile=profile)
    page = alice.get(f"{LIST}/{profile.id}").text
    assert re.search(r'<input[^>]*checked[^>]*value="VEH-1"', page)
    assert re.search(r"<textarea[^>]*>\s*GONE-1</textarea>", page)
    assert "julie" in page
    fields = {"name": "Parc", "other_contracts": "VEH-3"}
    assert alice.submit(f"{LIST}/{profile.id}", fields).location == LIST
    assert contracts(profile) == ["VEH-3"]
    assert Profile.get().name == "Parc"
    assert AuditEntry.get(AuditEntry.event == "profile.edited").actor == "alice"


def test_a_refused_change_keeps_the_contracts(alice: Browser, people: People) -> None:
    make_profile(people.alice.company, "Parc", "K")
    profile = make_profile(people.alice.company, "Flotte", "VEH-1")
    fields = {"name": "Parc", "other_contracts": "VEH-3"}
    assert "déjà un profil d’accès" in alice.submit(f"{LIST}/{profile.id}", fields).text
    assert contracts(profile) == ["VEH-1"]


def test_a_profile_in_use_is_not_removed(alice: Browser, people: People) -> None:
    profile = make_profile(people.alice.company, "Flotte", "VEH-1")
    julie = make_user(people.alice.company, "julie", profile=profile)
    assert "suppression" not in alice.get(f"{LIST}/{profile.id}").text
    response = alice.submit(f"{LIST}/{profile.id}/suppression", {})
    assert "encore donné à un utilisateur" in response.text
    assert User.get_by_id(julie.id).profile_id == profile.id
    with pytest.raises(IntegrityError):
        profile.delete_instance()


def test_a_profile_that_nobody_has_is_removed_after_a_confirmation(
    alice: Browser, people: People
) -> None:
    profile = make_profile(people.alice.company, "Flotte", "VEH-1")
    make_user(people.alice.company, "former", profile=profile, closed_at=clock.now())
    assert "suppression" in alice.get(f"{LIST}/{profile.id}").text
    assert alice.get(f"{LIST}/{profile.id}/suppression").status_code == 200
    assert Profile.select().count() == 1
    assert alice.submit(f"{LIST}/{profile.id}/suppression", {}).location == LIST
    assert (Profile.select().count(), ProfileContract.select().count()) == (0, 0)
    assert AuditEntry.get(AuditEntry.event == "profile.removed").actor == "alice"


def test_an_added_colleague_gets_a_profile_of_the_chosen_company_only(
    alice: Browser, people: People
) -> None:
    other = share_company(people.alice, name="Alice Location")
    own = make_profile(people.alice.company, "Flotte", "VEH-1")
    elsewhere = make_profile(other, "Loyers", "LOC-1")
    make_profile(people.bob.company, "De Bob", "B")
    page = alice.get("/administration/utilisateurs/ajout").text
    assert "Flotte (Atelier Alice)" in page and "Loyers (Alice Location)" in page
    assert "De Bob" not in page
    fields = {
        "login": "julie",
        "password": "Vielle-roue7",
        "password_again": "Vielle-roue7",
        "company": str(people.alice.company_id),
    }
    add = "/administration/utilisateurs/ajout"
    refused = alice.submit(add, fields | {"profile_id": str(elsewhere.id)})
    assert "celui d’une autre société" in refused.text
    limited = {"profile_id": str(own.id), "is_administrator": "y"}
    assert "lit toutes les factures" in alice.submit(add, fields | limited).text
    assert not User.select().where(User.login == "julie").exists()
    assert alice.submit(add, fields | {"profile_id": str(own.id)}).status_code == 302
    assert User.get(User.login == "julie").profile_id == own.id


@pytest.mark.parametrize("rest", ["", "/suppression"])
def test_profiles_of_others_do_not_exist(
    alice: Browser, bob: Browser, charlie: Browser, people: People, rest: str
) -> None:
    foreign = [make_profile(user.company, "Autre", "X") for user in (people.bob, people.charlie)]
    own = make_profile(people.alice.company, "Flotte", "VEH-1")
    assert "Autre" not in alice.get(LIST).text
    fields = {"name": "Pris", "other_contracts": "K"}
    for profile in foreign:
        assert alice.get(f"{LIST}/{profile.id}{rest}").status_code == 404
        assert alice.submit(f"{LIST}/{profile.id}{rest}", fields, page=ADD).status_code == 404
    User.update(is_administrator=True).execute()
    for other in (bob, charlie):
        assert other.get(f"{LIST}/{own.id}{rest}").status_code == 404
        assert "Flotte" not in other.get(LIST).text
    assert alice.get(f"{LIST}/{2**63}{rest}").status_code == 404
    assert Profile.select().count() == 3


@pytest.mark.parametrize("path", [LIST, ADD, "/administration/journal"])
def test_pages_of_administrators_are_404_for_others(
    path: str, bob: Browser, charlie: Browser, browser: Browser
) -> None:
    assert bob.get(path).status_code == 404
    assert charlie.get(path).status_code == 404
    assert browser.get(path).status_code == 302


def _others(company: Company, count: int) -> None:
    profile = make_profile(company, "Flotte")
    rows = [{"profile": profile, "contract": f"K{number}"} for number in range(count)]
    for first in range(0, count, 1000):
        ProfileContract.insert_many(rows[first : first + 1000]).execute()


def test_a_company_has_so_many_profiles(alice: Browser, people: People) -> None:
    """Pages offer all of them: thousands of one contract each held the pages of others."""
    company = people.alice.company
    rows = [{"company": company, "name": f"P{number}"} for number in range(499)]
    Profile.insert_many(rows).execute()
    fields = {"name": "Avant-dernier", "other_contracts": "A"}
    assert alice.submit(ADD, fields).location == LIST
    assert "500 profils" in alice.submit(ADD, fields | {"name": "Dernier"}).text
    last = Profile.get(Profile.name == "Avant-dernier")
    changed = {"name": "Toujours là", "other_contracts": "B"}
    assert alice.submit(f"{LIST}/{last.id}", changed).location == LIST


def test_the_profiles_of_a_company_hold_so_many_contracts_in_all(
    alice: Browser, people: People
) -> None:
    company = people.alice.company
    make_invoice(company, contract="A")
    make_invoice(company, contract="B")
    _others(company, 4998)
    fields: dict[str, object] = {"name": "Autre", "other_contracts": "A\r\nB\r\nC"}
    assert "5000 contrats en tout" in alice.submit(ADD, fields).text
    assert alice.submit(ADD, fields | {"other_contracts": "A\r\nB"}).location == LIST
    other = Profile.get(Profile.name == "Autre")
    changed = alice.submit(f"{LIST}/{other.id}", fields)
    assert "5000 contrats en tout" in changed.text
    assert contracts(other) == ["A", "B"], "a refused change keeps what there was"
    person = {
        "login": "julie",
        "password": "Vielle-roue7",
        "password_again": "Vielle-roue7",
        "company": str(company.id),
        "contracts": [f"{company.id}:A"],
    }
    page = alice.submit("/administration/utilisateurs/ajout", person)
    assert "5000 contrats en tout" in page.text
    assert not User.select().where(User.login == "julie").exists()


def test_the_administrators_of_a_company_change_so_many_profiles_together(
    app: Flask, people: People, enter: Callable[[User], Browser], dave: User, julie: User
) -> None:
    """Five hundred of them filled the journal by half a gigabyte an hour, and kept others from
    writing meanwhile."""
    app.config["LIMIT_PROFILES"] = "4/hour"
    company = people.alice.company
    make_invoice(company, contract="A")
    make_invoice(company, contract="B")
    used = make_profile(company, "Flotte", "B")
    make_user(company, "former", profile=used)
    carole = make_user(company, "carole", is_administrator=True)
    first, colleague = enter(carole), enter(dave)
    fields = {"name": "Autre", "other_contracts": "A"}
    boxes = edited(julie, contracts=[f"{company.id}:A"])
    many = [
        lambda: first.submit(ADD, fields),
        lambda: colleague.submit(f"{LIST}/{used.id}", fields | {"name": "Parc"}),
        lambda: first.submit(f"{LIST}/{used.id}/suppression", {}),
        lambda: colleague.submit(page_of(julie), boxes),
    ]
    assert [each().status_code for each in many] == [302, 302, 200, 302]
    other = edited(User.get_by_id(julie.id), contracts=[f"{company.id}:B"])
    many[-1] = lambda: colleague.submit(page_of(julie), other)
    before = AuditEntry.select().where(AuditEntry.event.startswith("profile.")).count()
    assert [each().status_code for each in many] == [429] * 4
    assert AuditEntry.select().where(AuditEntry.event.startswith("profile.")).count() == before
    off = edited(User.get_by_id(julie.id), is_active=None, contracts=[f"{company.id}:A"])
    assert first.submit(page_of(julie), off).location == "/administration/utilisateurs"
    assert not User.get_by_id(julie.id).is_active, "to take a right back takes no profile"


def test_page_opened_before_gives_no_contract_back(alice: Browser, people: People) -> None:
    profile = make_profile(people.alice.company, "VEH-1", "VEH-2")
    page = f"{LIST}/{profile.id}"
    left_open = OpenPage(alice, page)
    fields = {"name": profile.name, "other_contracts": "VEH-1"}
    assert alice.submit(page, fields).location == LIST
    assert left_open.send(name="Flotte entière").location == page
    assert contracts(profile) == ["VEH-1"]
    assert OpenPage(alice, page).send(name="Flotte").location == LIST
