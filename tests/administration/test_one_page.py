"""A colleague added on one page: contracts ticked, a password proposed, what to hand over."""

import re
from collections.abc import Callable
from itertools import count

import pytest
from lxml import html

from selfservice.accounts import passwords
from selfservice.accounts.models import Profile, User
from selfservice.submissions import Kept
from tests.administration.test_add_user import ADD, LIST, fields
from tests.conftest import Browser
from tests.factories import (
    PASSWORD,
    People,
    make_invoice,
    make_profile,
    make_user,
    share_company,
)


@pytest.fixture
def billed(people: People) -> People:
    for contract in ("C-1", "C-2", "C-3"):
        make_invoice(people.alice.company, contract=contract)
    return people


def ticked(people: People, *contracts: str) -> list[str]:
    return [f"{people.alice.company_id}:{contract}" for contract in contracts]


def contracts_of(login: str) -> list[str]:
    user = User.get(User.login == login)
    return sorted(each.contract for each in user.profile.contracts)


def test_two_contracts_are_two_boxes_and_a_profile_is_made(
    alice: Browser, billed: People, new_browser: Callable[[], Browser]
) -> None:
    page = html.fromstring(alice.get(ADD).text)
    (group,) = page.xpath("//fieldset[legend='CONTRATS']")
    assert [label.text for label in group.xpath(".//label")] == ["C-1", "C-2", "C-3"]
    assert (
        alice.submit(ADD, fields(billed, contracts=ticked(billed, "C-1", "C-2"))).location == LIST
    )
    assert contracts_of("julie.martin") == ["C-1", "C-2"]
    assert Profile.get().name == "C-1, C-2"
    colleague = new_browser()
    colleague.sign_in("julie.martin", "Vielle-roue7")
    page_of_invoices = colleague.get("/factures").text
    assert "C-1" in page_of_invoices or page_of_invoices.count("FA-") >= 2


def test_the_same_contracts_use_the_profile_that_there_is(alice: Browser, billed: People) -> None:
    known = make_profile(billed.alice.company, "Atelier", "C-2", "C-1")
    alice.submit(ADD, fields(billed, contracts=ticked(billed, "C-1", "C-2")))
    assert User.get(User.login == "julie.martin").profile == known
    assert Profile.select().count() == 1


def test_a_profile_takes_a_free_name(alice: Browser, billed: People) -> None:
    make_profile(billed.alice.company, "C-1, C-2", "C-3")
    alice.submit(ADD, fields(billed, contracts=ticked(billed, "C-1", "C-2")))
    assert User.get(User.login == "julie.martin").profile.name == "C-1, C-2 (2)"


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"is_administrator": "y"}, "décochez les contrats ou"),
        ({"profile_id": "known"}, "pas les deux"),
        ({"company": "other"}, "ceux d’une autre société"),
    ],
)
def test_contracts_that_contradict_the_rest_are_told(
    changes: dict[str, str], words: str, alice: Browser, billed: People
) -> None:
    other = share_company(billed.alice, name="Alice Location")
    known = make_profile(billed.alice.company, "Atelier", "C-1")
    told = {"known": str(known.id), "other": str(other.id)}
    given = {name: told.get(value, value) for name, value in changes.items()}
    page = alice.submit(ADD, fields(billed, contracts=ticked(billed, "C-1"), **given)).text
    assert words in page
    assert User.select().where(User.login == "julie.martin").count() == 0
    boxes = html.fromstring(page).xpath("//input[@name='contracts'][@checked]/@value")
    assert boxes == ticked(billed, "C-1"), "what was ticked stays"


def test_a_contract_of_another_customer_is_no_box(alice: Browser, billed: People) -> None:
    make_invoice(billed.bob.company, contract="B-1")
    assert "B-1" not in alice.get(ADD).text
    stolen = [f"{billed.bob.company_id}:B-1"]
    assert alice.submit(ADD, fields(billed, contracts=stolen)).status_code == 200
    assert Profile.select().count() == 0


def test_nobody_is_added_without_the_profile_nor_the_profile_without_them(
    alice: Browser, billed: People
) -> None:
    make_user(billed.alice.company, "julie.martin")
    alice.submit(ADD, fields(billed, contracts=ticked(billed, "C-1")))
    assert Profile.select().count() == 0


def test_ones_own_company_is_chosen_beforehand(alice: Browser, people: People) -> None:
    share_company(people.alice, name="Alice Location")
    page = html.fromstring(alice.get(ADD).text)
    options = page.xpath("//select[@name='company']/option")
    assert options[0].text == "Choisir ..."
    (chosen,) = page.xpath("//select[@name='company']/option[@selected]")
    assert chosen.get("value") == str(people.alice.company_id)


def test_a_proposed_password_is_shown_once_and_kept_nowhere(
    alice: Browser, people: People, new_browser: Callable[[], Browser]
) -> None:
    Kept.delete().execute()
    typed = fields(people, password="", password_again="", proposer="oui")
    page = alice.submit(ADD, typed).text
    form = html.fromstring(page).xpath("//main//form[@method='post']")[0]
    proposed = form.fields["password"]
    assert form.fields["password_again"] == proposed
    assert page.count(proposed) == 3
    assert form.fields["login"] == "julie.martin"
    assert "à corriger" not in page
    assert Kept.select().count() == 0
    assert User.select().where(User.login == "julie.martin").count() == 0
    sent = {k: v for k, v in form.fields.items() if v is not None and k != "csrf_token"}
    assert alice.submit(ADD, sent).location == LIST
    assert new_browser().sign_in("julie.martin", proposed).status_code == 302


@pytest.mark.parametrize("login", ["-", "\N{HYPHEN}", "a-"])
def test_a_proposal_ends_whatever_the_login_is(
    login: str, alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    syllables = count()

    def syllable() -> str:
        assert next(syllables) < 1000, "it goes on for ever"
        return "ka"

    monkeypatch.setattr(passwords, "_syllable", syllable)
    typed = fields(people, login=login, password="", password_again="", proposer="oui")
    assert alice.submit(ADD, typed).status_code == 200


def test_enter_sends_the_form_and_proposes_nothing(alice: Browser, people: People) -> None:
    buttons = html.fromstring(alice.get(ADD).text).xpath("//main//form//button[@type='submit']")
    assert buttons[0].get("name") is None


def test_the_list_shows_once_what_to_hand_over(alice: Browser, people: People) -> None:
    alice.submit(ADD, fields(people, email="julie@example.com"))
    page = " ".join(alice.get(LIST).text.split())
    assert "À remettre à Julie Martin" in page
    assert "http://127.0.0.1:8000/" in page
    assert "envoie un lien à julie@example.com" in page
    assert "Vielle-roue7" not in page
    assert "À remettre" not in alice.get(LIST).text
    user = User.get(User.login == "julie.martin")
    sheet = alice.get(f"{LIST}/{user.id}/remise")
    assert "julie.martin" in sheet.text


def test_a_sheet_is_for_the_companys_administrators(
    alice: Browser, bob: Browser, people: People
) -> None:
    User.update(is_administrator=True).where(User.login == "bob").execute()
    assert bob.get(f"{LIST}/{people.alice.id}/remise").status_code == 404


def test_an_emptied_address_leaves_the_login_that_is_one(alice: Browser, people: People) -> None:
    user = make_user(people.alice.company, "julie@example.com", email="autre@example.com")
    kept = {"is_active": "y", "profile_id": ""}
    alice.submit(f"{LIST}/{user.id}", {"email": "", "current": PASSWORD, **kept})
    assert User.get_by_id(user.id).email == "julie@example.com"
    alice.submit(f"{LIST}/{user.id}", {"email": "", "last_name": "Martin", **kept})
    assert User.get_by_id(user.id).last_name == "Martin", "no password asked: nothing changed"


def test_who_is_no_administrator_learns_who_is(
    people: People, new_browser: Callable[[], Browser]
) -> None:
    User.update(first_name="Alice", last_name="Bernard").where(User.login == "alice").execute()
    make_user(people.alice.company, "chef", is_administrator=True)
    make_user(people.alice.company, "ancien", is_administrator=True, is_active=False)
    make_user(people.bob.company, "autre", is_administrator=True, first_name="Zoé")
    make_user(people.alice.company, "ursule")
    ursule = new_browser()
    ursule.sign_in("ursule", PASSWORD)
    for path in (LIST, "/administration/journal"):
        answer = ursule.get(path)
        assert answer.status_code == 404
        assert re.search(r"<b>Alice Bernard, chef</b>", answer.text)
    page = ursule.get("/profil/compte").text
    assert "Alice Bernard, chef" in page
    assert "ancien" not in page
    assert "Zoé" not in page
