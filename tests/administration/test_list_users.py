"""« Liste des utilisateurs »: search, state, pages."""

import re

import pytest
from lxml import html

from selfservice.accounts.models import User
from selfservice.administration import users
from tests.conftest import Browser
from tests.factories import People, make_profile, make_user, share_company
from tests.invoices.test_listing import counted_queries

LIST = "/administration/utilisateurs"


def logins(browser: Browser, query: str = "") -> list[str]:
    page = browser.get(f"{LIST}{query}").text
    return re.findall(r'<th class="address" scope="row">\s*([^<\s]+)', page)


def test_a_row_tells_role_profile_state_and_last_connection(
    alice: Browser, people: People, julie: User
) -> None:
    profile = make_profile(julie.company, "Flotte", "VEH-1")
    User.update(profile=profile, is_active=False).where(User.id == julie.id).execute()
    rows = alice.get(LIST).text.split("<tr>")[2:]
    assert "Administrateur" in rows[0] and "Désactivé" not in rows[0]
    assert re.search(r"\d\d/\d\d/\d{4} \d\d:\d\d", rows[0])
    assert "Utilisateur, Flotte" in rows[1]
    assert "Désactivé" in rows[1] and "Jamais" in rows[1]
    assert f'href="{LIST}/{julie.id}"' in rows[1]


def test_each_cell_stands_below_its_heading(alice: Browser, julie: User) -> None:
    User.update(last_name="Morel", first_name="Julie").where(User.id == julie.id).execute()
    table = html.document_fromstring(alice.get(LIST).text).xpath("//table")[0]
    headings = [heading.text for heading in table.xpath(".//thead//th")]
    assert "Nom" in headings and "Julie Morel" in table.text_content()
    for row in table.xpath(".//tbody/tr"):
        assert [cell.get("data-label", "") for cell in row][1:-1] == headings[1:-1]


def test_an_address_that_is_the_login_is_told_once(alice: Browser, julie: User) -> None:
    User.update(login=julie.email, login_key=julie.email).where(User.id == julie.id).execute()
    assert alice.get(LIST).text.count(f"{julie.email}\n") == 1


@pytest.mark.parametrize(
    "text", ["JUL", "julie@", "marti", "élodie", "Élodie", "ÉLODIE", "%20julie%20"]
)
def test_search_finds_a_part_of_login_name_or_address(
    alice: Browser, julie: User, text: str
) -> None:
    assert logins(alice, f"?q={text}") == ["julie"]


@pytest.mark.parametrize("text", ["%25", "_", "bob", "charlie", "zzz"])
def test_search_finds_nothing_else(alice: Browser, julie: User, text: str) -> None:
    page = alice.get(f"{LIST}?q={text}").text
    assert "Aucun utilisateur ne correspond" in page


def test_state_filters(alice: Browser, people: People, julie: User) -> None:
    make_user(julie.company, "off", is_active=False)
    assert logins(alice, "?etat=active") == ["alice", "julie"]
    assert logins(alice, "?etat=inactive") == ["off"]
    assert logins(alice, "?etat=x") == ["alice", "julie", "off"]


@pytest.mark.parametrize("stem", ["user", "user" + "r" * 310], ids=["short", "long"])
def test_pages_follow_each_other_and_keep_the_search(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch, stem: str
) -> None:
    monkeypatch.setattr(users, "PAGE_ROWS", 2)
    for number in range(5):
        make_user(people.alice.company, f"{stem}{number}")
    seen: list[list[str]] = []
    path = "?q=user"
    while path and len(seen) < 4:
        seen.append(logins(alice, path))
        following = re.search(
            r'href="[^"]*utilisateurs(\?[^"]*)">Utilisateurs suivants', alice.get(LIST + path).text
        )
        path = following[1].replace("&amp;", "&") if following else ""
    assert seen == [[f"{stem}0", f"{stem}1"], [f"{stem}2", f"{stem}3"], [f"{stem}4"]]


def test_companies_are_named_where_there_are_several(alice: Browser, people: People) -> None:
    assert "Société</th>" not in alice.get(LIST).text
    other = share_company(people.alice, name="Alice Location")
    make_user(other, "far")
    page = alice.get(LIST).text
    assert "Société</th>" in page and "Alice Location" in page


def test_the_list_takes_few_queries(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        profile = make_profile(people.alice.company, f"P{number}", "K")
        make_user(people.alice.company, f"user{number}", profile=profile)
    alice.get(LIST)
    with counted_queries(monkeypatch) as seen:
        assert alice.get(LIST).status_code == 200
    assert len(seen) <= 5, seen


@pytest.mark.parametrize(
    "query", ["q=%00", "q=%ed%a0%80", "q=" + "9" * 20_000, "etat=%00&apres=%ff", "apres=%00zzz"]
)
def test_no_parameter_breaks_the_page(alice: Browser, query: str) -> None:
    assert alice.get(f"{LIST}?{query}").status_code == 200
