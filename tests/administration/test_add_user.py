"""« Ajout d'un utilisateur » and « Liste des utilisateurs » (FAQ 13)."""

import re
from collections.abc import Callable

import pytest
from flask import Flask

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.accounts.users import active_administrators
from selfservice.administration import users
from selfservice.audit import AuditEntry
from selfservice.mail.outbox import OutboxMail
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_company, make_user, share_company

ADD = "/administration/utilisateurs/ajout"
LIST = "/administration/utilisateurs"


def fields(people: People, **changes: object) -> dict[str, object]:
    return {
        "login": "julie.martin",
        "password": "Vielle-roue7",
        "password_again": "Vielle-roue7",
        "company": str(people.alice.company_id),
        "last_name": "Martin",
        "first_name": "Julie",
        "is_active": "y",
    } | changes


def test_form_has_the_groups_and_labels_of_the_guide(alice: Browser) -> None:
    page = alice.get(ADD).text
    groups = re.findall(r"<fieldset>(.*?)</fieldset>", page, re.DOTALL)
    seen = [
        (
            re.findall(r"<legend>(.*?)</legend>", group)[0],
            [label.replace("’", "'") for label in re.findall(r"<label[^>]*>(.*?)</label>", group)],
        )
        for group in groups
    ]
    assert seen == [
        ("CONNEXION", ["Login", "Mot de passe", "Mot de passe (bis)", "Société"]),
        (
            "COORDONNÉES",
            ["Nom", "Prénom", "Adresse mail", "Téléphone", "Mobile", "Activer"],
        ),
        ("DROITS", ["Profil", "Administrateur"]),
    ]
    assert "Choisir ..." in page
    assert "Aucun..." in page
    assert re.search(r'<input[^>]*checked[^>]*name="is_active"', page)


def test_breadcrumb_reads_as_in_the_guide(alice: Browser) -> None:
    page = alice.get(ADD).text
    trail = re.search(r'<nav class="trail".*?</nav>', page, re.DOTALL)
    assert trail
    words = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", trail[0])).strip()
    assert words.replace("’", "'") == "Accueil &gt; Administration &gt; Ajout d'un utilisateur"


def test_added_colleague_signs_in_and_gets_no_mail(
    alice: Browser, people: People, new_browser: Callable[[], Browser]
) -> None:
    response = alice.submit(ADD, fields(people))
    assert response.location == LIST
    assert "julie.martin" in alice.get(LIST).text
    colleague = new_browser()
    assert colleague.sign_in("julie.martin", "Vielle-roue7").status_code == 302
    assert "Atelier Alice" in colleague.get("/profil/compte").text
    assert OutboxMail.select().count() == 0
    assert AuditEntry.get(AuditEntry.event == "user.added").actor == "alice"
    assert "Vielle-roue7" not in AuditEntry.get(AuditEntry.event == "user.added").facts


def test_a_login_that_is_an_address_serves_for_recovery(
    alice: Browser, people: People, new_browser: Callable[[], Browser]
) -> None:
    alice.submit(ADD, fields(people, login="Julie@example.com"))
    alice.submit(ADD, fields(people, login="paul@example.com", email="p@example.com"))
    for address in ("julie@example.com", "paul@example.com", "p@example.com"):
        new_browser().submit("/recuperation", {"email": address})
    asked = [mail.to_address for mail in OutboxMail.select().order_by(OutboxMail.id)]
    assert asked == ["Julie@example.com", "p@example.com"]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"login": ""}, "Choisissez un identifiant"),
        ({"login": "BOB"}, "Cet identifiant est déjà pris"),
        ({"login": "julie martin"}, "ne contient pas d’espace"),
        ({"password": "", "password_again": ""}, "Choisissez un mot de passe"),
        ({"password_again": "Autre-roue7"}, "Les deux mots de passe sont différents."),
        ({"password": "abc", "password_again": "abc"}, "au moins 8 caractères"),
        ({"password": "Julie.Martin7", "password_again": "Julie.Martin7"}, "identifiant"),
        ({"company": ""}, "Choisissez une société"),
        ({"email": "julie"}, "adresse mail complète"),
        ({"email": "élodie@example.com"}, "adresse mail complète"),
        ({"login": "https://evil.example"}, "ni «\u00a0:\u00a0» ni «\u00a0/\u00a0»"),
        ({"login": "evil.example/portail"}, "ni «\u00a0:\u00a0» ni «\u00a0/\u00a0»"),
        ({"login": "mailto:julie"}, "ni «\u00a0:\u00a0» ni «\u00a0/\u00a0»"),
        ({"login": "julie,bob@example.com"}, "sans rien autour"),
        ({"login": "julie@example.com."}, "sans rien autour"),
        ({"login": "comptа"}, "lettres latines"),
        ({"login": "alice\u200b"}, "caractères invisibles"),
        ({"phone": "0" * 41}, "trop long"),
        ({"login": "ﬃ" * 107}, "trop long"),
    ],
)
def test_each_fault_is_told_and_nothing_is_created(
    changes: dict[str, object], message: str, alice: Browser, people: People
) -> None:
    before = User.select().count()
    response = alice.submit(ADD, fields(people, **changes))
    assert response.status_code == 200
    assert message in response.text
    assert User.select().count() == before


def test_the_use_case_itself_refuses_a_login_that_is_a_link(people: People) -> None:
    new = users.NewUser(
        login="//evil.example", password=PASSWORD, company_id=people.alice.company_id
    )
    with pytest.raises(users.LinkLikeLoginError):
        users.add_user(people.alice, new, origin="")


def test_what_was_typed_stays_but_for_the_passwords(alice: Browser, people: People) -> None:
    page = alice.submit(ADD, fields(people, login="bob")).text
    assert 'value="Julie"' in page
    assert "Vielle-roue7" not in page


def test_a_company_of_others_cannot_be_chosen(alice: Browser, people: People) -> None:
    for foreign in (people.bob.company_id, people.charlie.company_id, 2**63, "x"):
        response = alice.submit(ADD, fields(people, company=str(foreign)))
        assert response.status_code == 200
    assert not User.select().where(User.login == "julie.martin").exists()


def test_companies_registered_with_the_proven_address_are_offered(
    alice: Browser, people: People
) -> None:
    share_company(people.alice, name="Alice Location", email="ALICE@example.com")
    make_company(people.other_supplier, name="Alice chez Martin", email="alice@example.com")
    page = alice.get(ADD).text
    assert "Atelier Alice" in page
    assert "Alice Location" in page
    assert "Alice chez Martin" not in page


def test_a_typed_address_gives_no_right_over_another_company(
    alice: Browser, people: People, new_browser: Callable[[], Browser]
) -> None:
    make_company(people.supplier, name="Cible", email="cible@example.com")
    alice.submit(ADD, fields(people, email="cible@example.com", is_administrator="y"))
    colleague = new_browser()
    colleague.sign_in("julie.martin", "Vielle-roue7")
    page = colleague.get(ADD).text
    assert "Atelier Alice" in page
    assert "Cible" not in page


def test_users_of_other_companies_never_show(alice: Browser, people: People) -> None:
    page = alice.get(LIST).text
    assert "alice@example.com" in page
    assert "bob@example.com" not in page
    assert "charlie@example.com" not in page


@pytest.mark.parametrize("path", [ADD, LIST])
def test_pages_of_administrators_are_404_for_others(
    path: str, bob: Browser, browser: Browser
) -> None:
    assert bob.get(path).status_code == 404
    assert browser.get(path).status_code == 302
    assert "Administration" not in bob.get("/profil/compte").text


def test_switched_off_at_creation_cannot_sign_in(
    alice: Browser, people: People, browser: Browser
) -> None:
    chosen = fields(people)
    del chosen["is_active"]
    alice.submit(ADD, chosen)
    assert browser.sign_in("julie.martin", "Vielle-roue7").status_code == 200
    assert "Désactivé" in alice.get(LIST).text
    assert browser.sign_in("alice", PASSWORD).status_code == 302


def test_a_company_learns_of_a_few_taken_logins_only(
    app: Flask, people: People, alice: Browser
) -> None:
    app.config["LIMIT_LOGIN_TAKEN"] = "2/hour"
    added = [alice.submit(ADD, fields(people, login=f"julie{each}")) for each in range(3)]
    assert [page.location for page in added] == [LIST] * 3, "a free login uses up nothing"
    logins = ("bob", "charlie", "bob", "nobody.yet")
    codes = [alice.submit(ADD, fields(people, login=login)).status_code for login in logins]
    assert codes == [200, 200, 429, 429]


def test_no_colleague_adds_administrators_quicker_than_the_owner_removes_them(
    app: Flask, people: People, alice: Browser, enter: Callable[[User], Browser]
) -> None:
    """One added sixty a minute, each of which added more; the owner removed twenty."""
    app.config["LIMIT_USERS"] = "2/hour"
    rogue, friend = (
        make_user(people.alice.company, login, is_administrator=True)
        for login in ("rogue", "friend")
    )

    def add(browser: Browser, login: str) -> int:
        return browser.submit(ADD, fields(people, login=login, is_administrator="y")).status_code

    others = [enter(rogue), enter(rogue), enter(friend)]
    assert [add(each, f"rogue{n}") for n, each in enumerate(others)] == [302, 302, 429]
    assert not User.select().where(User.login == "rogue2").exists()
    assert [add(alice, login) for login in ("julie", "julie", "paul")] == [302, 200, 302]
    for user in (friend, *User.select().where(User.login.startswith("rogue"))):
        alice.submit(f"{LIST}/{user.id}/suppression", {})
    assert {user.login for user in active_administrators()} == {"alice", "julie", "paul"}


def test_a_company_has_so_many_users_at_most(alice: Browser, people: People) -> None:
    company = people.alice.company
    rows = [
        {"company": company, "login": f"u{n}", "login_key": f"u{n}", "created_at": clock.now()}
        for n in range(users.MAX_USERS - 2)
    ]
    User.insert_many(rows).execute()
    assert alice.submit(ADD, fields(people)).location == LIST
    page = alice.submit(ADD, fields(people, login="one.too.many"))
    assert "a déjà 500 utilisateurs" in page.text
    User.update(closed_at=clock.now()).where(User.login == "u1").execute()
    assert alice.submit(ADD, fields(people, login="one.too.many")).location == LIST
