"""Editing, switching off, giving a password, removing: what is allowed, to whom (FAQ 13)."""

import json
import re
import urllib.error
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from lxml import html

from selfservice import clock, tokens
from selfservice.accounts import profile, recovery
from selfservice.accounts.models import Profile, User, UserSession
from selfservice.administration import contract_profiles, editing
from selfservice.administration.companies import NoLongerAdministratorError
from selfservice.audit import AuditEntry
from selfservice.invoices.models import Opening
from selfservice.mail.outbox import OutboxMail
from tests.administration.conftest import OpenPage, edited, page_of
from tests.conftest import Browser, free_port
from tests.factories import (
    PASSWORD,
    People,
    make_company,
    make_invoice,
    make_profile,
    make_user,
    share_company,
)
from tests.platform.test_server import TOKEN, Visitor
from tests.processes import serving

LIST = "/administration/utilisateurs"
GIVEN = {"password": "Vielle-roue7", "password_again": "Vielle-roue7", "current": PASSWORD}


def now(user: User) -> User:
    fresh: User = User.get_by_id(user.id)
    return fresh


def events() -> list[str]:
    return [entry.event for entry in AuditEntry.select().order_by(AuditEntry.id)]


def test_coordinates_are_changed_and_the_journal_names_the_fields(
    alice: Browser, julie: User
) -> None:
    changes = {"last_name": "Petit", "phone": "0102030405"}
    assert alice.submit(page_of(julie), edited(julie, **changes)).location == LIST
    assert (now(julie).last_name, now(julie).phone) == ("Petit", "0102030405")
    entry = AuditEntry.get(AuditEntry.event == "user.edited")
    assert (entry.actor, entry.user_id, entry.origin) == ("alice", julie.id, "127.0.0.1")
    assert json.loads(entry.facts) == {"fields": "last_name, phone"}


def test_nothing_changed_leaves_no_trace(alice: Browser, julie: User) -> None:
    before = len(events())
    assert alice.submit(page_of(julie), edited(julie)).location == LIST
    assert len(events()) == before


def test_a_changed_address_ends_the_recovery_links_of_the_former(
    alice: Browser, julie: User
) -> None:
    link = tokens.issue(recovery.PURPOSE, "julie@example.com", lifetime=timedelta(hours=1))
    alice.submit(page_of(julie), edited(julie, email="J.Martin@example.com", current=PASSWORD))
    assert now(julie).email == "J.Martin@example.com"
    assert now(julie).email_key == "j.martin@example.com"
    with pytest.raises(tokens.ReplacedTokenError):
        recovery.choices(link)
    assert "example.com" not in AuditEntry.get(AuditEntry.event == "user.edited").facts


def test_an_address_can_be_emptied(alice: Browser, julie: User) -> None:
    alice.submit(page_of(julie), edited(julie, email="", current=PASSWORD))
    assert (now(julie).email, now(julie).email_key) == (None, None)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"email": "julie"}, "adresse mail complète"),
        ({"last_name": "x" * 101}, "trop long"),
        ({"first_name": "a\u202eb"}, "caractères invisibles"),
        ({"profile_id": "999"}, "Un point est à corriger"),
    ],
)
def test_each_fault_is_told_and_nothing_changes(
    alice: Browser, julie: User, changes: dict[str, object], message: str
) -> None:
    response = alice.submit(page_of(julie), edited(julie, phone="1", **changes))
    assert response.status_code == 200
    assert message in response.text
    assert now(julie).phone == ""


def test_switching_off_ends_sessions_at_once_and_on_opens_again(
    alice: Browser, julie: User, enter: Callable[[User], Browser], browser: Browser
) -> None:
    colleague = enter(julie)
    alice.submit(page_of(julie), edited(julie, is_active=None))
    assert UserSession.select().where(UserSession.user == julie).count() == 0
    assert colleague.get("/factures").status_code == 302
    assert browser.sign_in("julie", PASSWORD).status_code == 200
    alice.submit(page_of(julie), edited(julie, is_active="y"))
    assert colleague.get("/factures").status_code == 302
    assert browser.sign_in("julie", PASSWORD).status_code == 302
    assert [event for event in events() if event.startswith("user.")] == [
        "user.switched_off",
        "user.switched_on",
    ]


def test_demotion_ends_sessions_at_once(
    alice: Browser, dave: User, enter: Callable[[User], Browser]
) -> None:
    colleague = enter(dave)
    assert colleague.get(LIST).status_code == 200
    alice.submit(page_of(dave), edited(dave, is_administrator=None))
    assert colleague.get(LIST).status_code == 302
    again = enter(dave)
    assert again.get(LIST).status_code == 404
    alice.submit(page_of(dave), edited(dave, is_administrator="y"))
    assert again.get(LIST).status_code == 200
    assert "user.demoted" in events() and "user.promoted" in events()


def test_a_new_password_ends_sessions_and_links_and_invites_to_change_it(
    alice: Browser,
    julie: User,
    enter: Callable[[User], Browser],
    new_browser: Callable[[], Browser],
) -> None:
    colleague = enter(julie)
    link = tokens.issue(recovery.PURPOSE, "julie@example.com", lifetime=timedelta(hours=1))
    mails = OutboxMail.select().count()
    response = alice.submit(page_of(julie, "mot-de-passe"), GIVEN)
    assert response.location == page_of(julie)
    assert colleague.get("/factures").status_code == 302
    with pytest.raises(tokens.ReplacedTokenError):
        recovery.choices(link)
    assert OutboxMail.select().count() == mails
    assert new_browser().sign_in("julie", PASSWORD).status_code == 200
    again = new_browser()
    assert again.sign_in("julie", GIVEN["password"]).status_code == 302
    assert "choisi par une autre personne" in again.get("/factures").text
    entry = AuditEntry.get(AuditEntry.event == "password.given")
    assert (entry.actor, entry.user_id) == ("alice", julie.id)
    assert "roue" not in entry.facts


@pytest.mark.parametrize(
    ("current", "message"),
    [("", "Saisissez votre mot de passe actuel"), ("faux", "mot de passe actuel est incorrect")],
)
def test_address_and_password_of_a_colleague_need_ones_own_password(
    alice: Browser, julie: User, current: str, message: str
) -> None:
    forms = {page_of(julie): edited(julie, email="x@example.com")}
    for page, fields in (forms | {page_of(julie, "mot-de-passe"): GIVEN}).items():
        response = alice.submit(page, fields | {"current": current})
        assert message in response.text
        assert "/aide/" in response.text
    kept = now(julie)
    assert (kept.email, kept.password_hash) == (julie.email, julie.password_hash)
    assert alice.submit(page_of(julie), edited(julie, phone="1")).location == LIST, "not for this"


def test_guessing_ones_own_password_there_is_limited(
    app: Flask, alice: Browser, julie: User
) -> None:
    app.config["LIMIT_SIGN_IN_LOGIN"] = "2/hour"
    typed = edited(julie, email="x@example.com", current="faux")
    assert [alice.submit(page_of(julie), typed).status_code for _ in range(3)] == [200, 200, 429]


@pytest.mark.parametrize("name", ["julie", "dave"])
def test_sessions_of_any_colleague_can_be_ended(
    alice: Browser, julie: User, dave: User, enter: Callable[[User], Browser], name: str
) -> None:
    user = {"julie": julie, "dave": dave}[name]
    colleague, other = enter(user), enter({"julie": dave, "dave": julie}[name])
    assert "Fermer ses sessions" in alice.get(page_of(user)).text
    response = alice.submit(page_of(user, "sessions"), {}, page=page_of(user))
    assert response.location == page_of(user)
    assert "sont fermées" in alice.get(page_of(user)).text
    assert colleague.get("/factures").status_code == 302
    assert other.get("/factures").status_code == 200
    entry = AuditEntry.get(AuditEntry.event == "session.closed")
    assert (entry.actor, entry.user_id, entry.details) == ("alice", user.id, {"count": 1})


def test_no_administrator_keeps_the_owner_out_by_ending_the_sessions_time_and_again(
    app: Flask, people: People, dave: User, enter: Callable[[User], Browser]
) -> None:
    app.config["LIMIT_CLOSED_SESSIONS"] = "2/hour"
    colleague, owner = enter(dave), page_of(people.alice)

    def close() -> int:
        return colleague.submit(page_of(people.alice, "sessions"), {}, page=owner).status_code

    assert [close(), close()] == [302, 302]
    alice = enter(people.alice)
    assert close() == 429
    assert alice.submit(page_of(dave, "sessions"), {}, page=page_of(dave)).status_code == 302
    assert alice.submit(page_of(dave), edited(dave, is_administrator=None)).location == LIST
    assert not now(dave).is_administrator


@pytest.mark.parametrize(
    ("password", "again", "message"),
    [
        ("abc", "abc", "au moins 8 caractères"),
        ("Martin-2026x", "Martin-2026x", "ni un nom de personne"),
        ("Vielle-roue7", "Vielle-roue8", "Les deux mots de passe sont différents."),
        ("", "", "Choisissez un mot de passe"),
    ],
)
def test_the_rule_holds_for_a_given_password(
    alice: Browser, julie: User, password: str, again: str, message: str
) -> None:
    fields = {"password": password, "password_again": again, "current": PASSWORD}
    response = alice.submit(page_of(julie, "mot-de-passe"), fields)
    assert message in response.text
    assert now(julie).password_hash == julie.password_hash


def test_what_a_removed_person_was_sending_is_not_kept(
    app: Flask, alice: Browser, julie: User
) -> None:
    assert alice.submit(page_of(julie, "suppression"), {}).status_code == 302
    names = {"last_name": "Martin", "first_name": "Élodie", "phone": "", "mobile": ""}
    profile.save_coordinates(julie, **names, origin="")  # whom the request loaded before
    assert not User.get_by_id(julie.id).last_name
    assert not AuditEntry.select().where(AuditEntry.event == "user.coordinates").exists()


def test_removal_forgets_the_person_and_keeps_the_login(
    alice: Browser, people: People, julie: User, enter: Callable[[User], Browser]
) -> None:
    colleague = enter(julie)
    User.update(profile=make_profile(julie.company, "Flotte", "K")).execute()
    Opening.create(user=julie, invoice=make_invoice(julie.company), opened_at=clock.now())
    page = alice.get(page_of(julie, "suppression")).text
    assert "n’est plus jamais attribué" in page
    assert now(julie).closed_at is None
    assert alice.submit(page_of(julie, "suppression"), {}).location == LIST
    gone = now(julie)
    assert gone.closed_at is not None and gone.login == "julie"
    assert (gone.email, gone.email_key, gone.password_hash, gone.profile_id) == (None,) * 4
    assert (gone.last_name, gone.first_name, gone.signed_in_at) == ("", "", None)
    assert Opening.select().count() == 0
    assert colleague.get("/factures").status_code == 302
    assert "julie" not in re.sub("est supprimé", "", alice.get(LIST).text.split("<table")[1])
    assert alice.get(page_of(julie)).status_code == 404
    assert AuditEntry.get(AuditEntry.event == "user.removed").actor == "alice"
    taken = GIVEN | {"login": "JULIE", "company": str(people.alice.company_id), "profile_id": ""}
    page = alice.submit("/administration/utilisateurs/ajout", taken).text
    assert "Cet identifiant est déjà pris" in page


@pytest.mark.parametrize("target", ["alice", "dave"])
def test_neither_an_activated_login_nor_ones_own_can_be_touched(
    alice: Browser, people: People, dave: User, enter: Callable[[User], Browser], target: str
) -> None:
    user = {"alice": people.alice, "dave": dave}[target]
    browser = enter(dave)
    page = browser.get(page_of(user)).text
    for name in ("email", "is_active", "is_administrator", "profile_id"):
        assert f'name="{name}"' not in page
    assert "suppression" not in page
    reason = "créé par activation" if target == "alice" else "votre propre identifiant"
    assert reason in page
    forged = edited(
        user,
        phone="0102030405",
        is_active=None,
        is_administrator=None,
        email="pirate@example.com",
        profile_id=str(make_profile(user.company, "Rien", "X").id),
    )
    assert browser.submit(page_of(user), forged).location == LIST
    kept = now(user)
    assert (kept.is_active, kept.is_administrator, kept.profile_id) == (True, True, None)
    assert (kept.email, kept.phone) == (user.email, "0102030405")
    for rest, fields in (("mot-de-passe", GIVEN), ("suppression", {})):
        assert browser.get(page_of(user, rest)).status_code == 404
        assert browser.submit(page_of(user, rest), fields, page=LIST).status_code == 404
    assert now(user).password_hash == user.password_hash
    assert now(user).closed_at is None


def test_the_use_cases_protect_by_themselves(people: People, dave: User) -> None:
    nothing = editing.Coordinates(last_name="", first_name="", phone="", mobile="")
    access = editing.Access(email="", is_active=False, is_administrator=False, profile_id=None)
    for user in (people.alice, dave):
        with pytest.raises(editing.ProtectedLoginError):
            editing.edit_user(dave, user.id, nothing, access, origin="")
        with pytest.raises(editing.ProtectedLoginError):
            editing.give_password(dave, user.id, "Vielle-roue7", current=PASSWORD, origin="")
        with pytest.raises(editing.ProtectedLoginError):
            editing.remove_user(dave, user.id, origin="")


def test_two_administrators_cannot_demote_each_other(people: People, dave: User) -> None:
    erin = make_user(dave.company, "erin", is_administrator=True)
    nothing = editing.Coordinates(last_name="", first_name="", phone="", mobile="")
    access = editing.Access(email="", is_active=True, is_administrator=False, profile_id=None)
    editing.edit_user(dave, erin.id, nothing, access, origin="")
    with pytest.raises(NoLongerAdministratorError):
        editing.edit_user(erin, dave.id, nothing, access, origin="")
    assert now(dave).is_administrator


@pytest.mark.slow
def test_parallel_demotions_leave_one_administrator(
    app: Flask, instance: Path, people: People
) -> None:
    company = make_company(people.supplier)
    pair = [make_user(company, name, is_administrator=True) for name in ("dave", "erin")]
    with serving(instance, free_port()) as address:
        for _ in range(5):
            User.update(is_administrator=True).where(User.company == company).execute()
            visitors = [_signed_in(address, user) for user in pair]

            def demote(number: int, visitors: list[Visitor] = visitors) -> int:
                other = pair[1 - number]
                token = TOKEN.search(visitors[number].get("/profil/compte"))
                assert token
                fields = {"csrf_token": token[1], "is_active": "y", "profile_id": ""}
                try:
                    visitors[number].post(page_of(other), fields)
                except urllib.error.HTTPError as error:
                    return error.code
                return 200

            with ThreadPoolExecutor(2) as pool:
                list(pool.map(demote, (0, 1)))
            left = User.select().where(User.company == company, User.is_administrator)
            assert left.count() == 1


def _signed_in(address: str, user: User) -> Visitor:
    visitor = Visitor(address)
    token = TOKEN.search(visitor.get("/connexion"))
    assert token
    fields = {"csrf_token": token[1], "login": user.login, "password": PASSWORD}
    assert visitor.post("/connexion", fields) == f"{address}/factures"
    return visitor


@pytest.mark.parametrize("way", ["demote", "switch off", "remove"])
def test_a_company_keeps_its_last_administrator(alice: Browser, people: People, way: str) -> None:
    other = share_company(people.alice, name="Alice Location")
    last = make_user(other, "last", is_administrator=True)
    fields = {
        "demote": edited(last, is_administrator=None),
        "switch off": edited(last, is_active=None),
        "remove": {},
    }[way]
    rest = ["suppression"] if way == "remove" else []
    response = alice.submit(page_of(last, *rest), fields)
    assert "doit garder un administrateur actif" in response.text
    assert (now(last).is_administrator, now(last).is_active) == (True, True)
    assert now(last).closed_at is None
    make_user(other, "second", is_administrator=True)
    assert alice.submit(page_of(last, *rest), fields).location == LIST


def test_a_profile_of_the_users_company_can_be_given_and_taken_back(
    alice: Browser, people: People, julie: User
) -> None:
    own = make_profile(julie.company, "Flotte", "VEH-1")
    foreign = make_profile(people.bob.company, "De Bob", "B")
    assert "De Bob" not in alice.get(page_of(julie)).text
    response = alice.submit(page_of(julie), edited(julie, profile_id=str(foreign.id)))
    assert response.status_code == 200
    assert now(julie).profile_id is None
    alice.submit(page_of(julie), edited(julie, profile_id=str(own.id)))
    assert now(julie).profile_id == own.id
    assert "Utilisateur, Flotte" in alice.get(LIST).text
    alice.submit(page_of(julie), edited(now(julie), profile_id=""))
    assert now(julie).profile_id is None


def test_an_administrator_is_not_limited_by_a_profile(alice: Browser, julie: User) -> None:
    profile = make_profile(julie.company, "Flotte", "VEH-1")
    fields = edited(julie, profile_id=str(profile.id), is_administrator="y")
    assert "lit toutes les factures" in alice.submit(page_of(julie), fields).text
    assert (now(julie).profile_id, now(julie).is_administrator) == (None, False)


@pytest.mark.parametrize("rest", ["", "mot-de-passe", "suppression"])
def test_users_of_others_do_not_exist(
    alice: Browser, bob: Browser, charlie: Browser, people: People, julie: User, rest: str
) -> None:
    for stranger in (people.bob, people.charlie):
        path = page_of(stranger, *([rest] if rest else []))
        assert alice.get(path).status_code == 404
        for fields in (edited(stranger), GIVEN):
            assert alice.submit(path, fields, page=LIST).status_code == 404
        assert now(stranger).password_hash == stranger.password_hash
        assert now(stranger).closed_at is None
    for other in (bob, charlie):
        assert other.get(page_of(julie, *([rest] if rest else []))).status_code == 404
    User.update(is_administrator=True).execute()
    for other in (bob, charlie):
        assert other.get(page_of(julie, *([rest] if rest else []))).status_code == 404
    assert alice.get(f"{LIST}/{2**63}/{rest}".rstrip("/")).status_code == 404


def boxes(page: str) -> dict[str, bool]:
    found = html.fromstring(page).xpath("//fieldset[legend='CONTRATS']//input")
    return {box.get("value").partition(":")[2]: box.get("checked") is not None for box in found}


def ticks(user: User, *contracts: str) -> list[str]:
    return [f"{user.company_id}:{contract}" for contract in contracts]


@pytest.fixture
def limited(people: People, julie: User) -> User:
    """Julie, who reads C-1 and an old contract by a profile of two people."""
    for contract in ("C-1", "C-2"):
        make_invoice(julie.company, contract=contract)
    profile = make_profile(julie.company, "Flotte", "C-1", "C-0")
    make_user(julie.company, "jeanne", profile=profile)
    User.update(profile=profile).where(User.id == julie.id).execute()
    return now(julie)


def test_contracts_are_boxes_with_those_of_the_profile_ticked(
    alice: Browser, limited: User
) -> None:
    assert boxes(alice.get(page_of(limited)).text) == {"C-0": True, "C-1": True, "C-2": False}
    kept = edited(limited, contracts=ticks(limited, "C-0", "C-1"))
    assert alice.submit(page_of(limited), kept).location == LIST
    assert now(limited).profile_id == limited.profile_id
    assert Profile.select().count() == 1


def test_more_contracts_than_a_page_shows_are_no_boxes(alice: Browser, limited: User) -> None:
    for number in range(contract_profiles.OFFERED_CONTRACTS - 1):
        make_invoice(limited.company, contract=f"D-{number}")
    assert not boxes(alice.get(page_of(limited)).text)  # the first of them would seem to be all
    assert alice.submit(page_of(limited), edited(limited)).location == LIST
    assert now(limited).profile_id == limited.profile_id


def test_a_box_ticked_gives_a_profile_found_or_made_and_changes_nobody_elses(
    alice: Browser, limited: User
) -> None:
    more = edited(limited, contracts=ticks(limited, "C-0", "C-1", "C-2"))
    assert alice.submit(page_of(limited), more).location == LIST
    made = now(limited).profile
    assert sorted(each.contract for each in made.contracts) == ["C-0", "C-1", "C-2"]
    assert User.get(User.login == "jeanne").profile_id == limited.profile_id
    back = edited(now(limited), contracts=ticks(limited, "C-0", "C-1"))
    alice.submit(page_of(limited), back)
    assert now(limited).profile_id == limited.profile_id
    assert {"profile.added", "user.edited"} <= set(events())


def test_of_profile_and_boxes_the_one_that_was_changed_decides(
    alice: Browser, limited: User
) -> None:
    other = str(make_profile(limited.company, "Atelier", "C-2").id)
    present = ticks(limited, "C-0", "C-1")
    alice.submit(page_of(limited), edited(limited, contracts=present, profile_id=other))
    assert str(now(limited).profile_id) == other
    both = edited(now(limited), contracts=ticks(limited, "C-1"), profile_id=limited.profile_id)
    assert "pas les deux" in alice.submit(page_of(limited), both).text
    everything = edited(now(limited), contracts=ticks(limited, "C-2"), profile_id="")
    assert alice.submit(page_of(limited), everything).location == LIST
    assert now(limited).profile_id is None


def test_unticking_all_is_not_taken_for_everything(alice: Browser, limited: User) -> None:
    page = alice.submit(page_of(limited), edited(limited)).text
    assert "Cochez au moins un contrat, ou choisissez" in page
    assert now(limited).profile_id == limited.profile_id
    wrong = edited(limited, contracts=ticks(limited, "C-2"), is_administrator="y")
    page = alice.submit(page_of(limited), wrong).text
    assert "décochez les contrats ou" in page
    assert boxes(page) == {"C-0": False, "C-1": False, "C-2": True}


def test_contracts_of_another_company_are_not_given(
    alice: Browser, limited: User, people: People
) -> None:
    make_invoice(people.bob.company, contract="B-1")
    foreign = edited(limited, contracts=ticks(people.bob, "B-1"))
    assert "Un point est à corriger" in alice.submit(page_of(limited), foreign).text
    assert now(limited).profile_id == limited.profile_id


@pytest.mark.parametrize(
    ("decided", "name"),
    [
        ({"is_active": None}, "is_active"),
        ({"is_administrator": None}, "is_administrator"),
        ({"profile_id": "own"}, "profile_id"),
    ],
)
def test_page_opened_before_gives_no_right_back(
    alice: Browser,
    dave: User,
    enter: Callable[[User], Browser],
    decided: dict[str, object],
    name: str,
) -> None:
    company = dave.company
    is_administrator = name == "is_administrator"
    erin = make_user(company, "erin", email="erin@example.com", is_administrator=is_administrator)
    if "profile_id" in decided:
        decided = {"profile_id": str(make_profile(company, "VEH-1").id)}
    left_open = OpenPage(enter(dave), page_of(erin))
    assert alice.submit(page_of(erin), edited(erin, **decided)).location == LIST
    withdrawn = getattr(now(erin), name)
    answer = left_open.send(phone="0102030405")
    assert answer.location == page_of(erin)
    assert (getattr(now(erin), name), now(erin).phone) == (withdrawn, "")
    assert events().count("user.edited") <= 1


def test_page_opened_before_gives_no_contract_back_that_the_profile_has_lost(
    alice: Browser, dave: User, limited: User, enter: Callable[[User], Browser]
) -> None:
    left_open = OpenPage(enter(dave), page_of(limited))
    profile = f"/administration/profils/{limited.profile_id}"
    lost = {"name": "Flotte", "contracts": [], "other_contracts": "C-0"}
    assert alice.submit(profile, lost).location == "/administration/profils"
    assert left_open.send(phone="0102030405").location == page_of(limited)
    assert (now(limited).profile_id, now(limited).phone) == (limited.profile_id, "")
    assert Profile.select().count() == 1


def test_page_opened_before_says_so_and_shows_how_things_are(
    alice: Browser, dave: User, julie: User, enter: Callable[[User], Browser]
) -> None:
    browser = enter(dave)
    left_open = OpenPage(browser, page_of(julie))
    alice.submit(page_of(julie), edited(julie, is_active=None))
    left_open.send(phone="0102030405")
    assert "depuis que votre page est ouverte" in browser.get(page_of(julie)).text
    assert OpenPage(browser, page_of(julie)).send(phone="0102030405").location == LIST
    assert (now(julie).is_active, now(julie).phone) == (False, "0102030405")


def test_coordinates_that_another_changed_are_no_right(
    alice: Browser, dave: User, julie: User, enter: Callable[[User], Browser]
) -> None:
    left_open = OpenPage(enter(dave), page_of(julie))
    alice.submit(page_of(julie), edited(julie, mobile="0607080910"))
    assert left_open.send(phone="0102030405").location == LIST
