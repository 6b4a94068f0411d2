"""Recovery asks for nothing twice: logins held, addresses pasted, every fault at once."""

import pytest
from lxml import html

from selfservice.suppliers.addresses import pasted
from tests.accounts.test_recovery import NEW, ask, choose, mailed_path
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_company, make_user

SHAPES = {
    "nom@societe.fr": "nom@societe.fr",
    "  Nom@Societe.fr ": "Nom@Societe.fr",
    "Nom Prénom <nom@societe.fr>": "nom@societe.fr",
    '"Nom, Prénom" <nom@societe.fr>;': "nom@societe.fr",
    "ancien@societe.fr <nom@societe.fr>": "nom@societe.fr",
    "mailto:nom@societe.fr": "nom@societe.fr",
    "MAILTO:nom%40societe.fr?subject=x": "nom@societe.fr",
    "mailto:nom@societe.fr?subject=Facture": "nom@societe.fr",
    "\u200bnom@so\u00adciete.fr\ufeff": "nom@societe.fr",
    "\u202anom@societe.fr\u202c": "nom@societe.fr",
    "\u00a0nom@societe.fr\u00a0": "nom@societe.fr",
    "nom@societe.fr.": "nom@societe.fr",
    "« nom@societe.fr »": "nom@societe.fr",
    "(nom@societe.fr)": "nom@societe.fr",
    "nom@societe.fr, autre@societe.fr": "nom@societe.fr",
    "o'neil@societe.fr": "o'neil@societe.fr",
    "pierre.durand_1": "pierre.durand_1",
    "Jean Dupont": "Jean Dupont",
    "@": "@",
    "": "",
}


@pytest.mark.parametrize("typed", SHAPES)
def test_an_address_is_taken_out_of_what_surrounds_it(typed: str) -> None:
    assert pasted(typed) == SHAPES[typed]


def test_a_pasted_address_gets_the_link_and_shows_as_an_address(
    browser: Browser, people: People
) -> None:
    assert "à l’adresse alice@example.com" in " ".join(
        ask(browser, "Alice Martin <mailto:alice@example.com>").split()
    )
    assert mailed_path()


def test_a_pasted_login_signs_in(browser: Browser, people: People) -> None:
    assert browser.sign_in("\u200b alice\u00a0", people.password).status_code == 302


def _held(page: str) -> str:
    return str(html.fromstring(page).xpath("string(//input[@name='login']/@value)"))


def test_the_sign_in_page_holds_the_login_that_was_recovered(
    browser: Browser, people: People
) -> None:
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    assert choose(browser).location == "/connexion"
    assert _held(browser.get("/connexion").text) == "alice"
    assert _held(browser.get("/").text) == "alice"
    assert "Utiliser" not in browser.get("/connexion").text
    assert browser.get("/reinitialisation").location == "/connexion", "the back button"


def test_several_recovered_logins_are_listed_and_picked_by_one_click(
    browser: Browser, people: People
) -> None:
    for login in ("alice_2", "alice_3"):
        company = make_company(people.supplier, email="alice@example.com")
        make_user(company, login, email="alice@example.com", is_from_activation=True)
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    assert choose(browser, user_id="0").status_code == 302
    page = html.fromstring(browser.get("/connexion").text)
    links = page.xpath("//a[normalize-space()='Utiliser']")
    assert len(links) == 3
    picked = links[1].get("aria-label").removeprefix("Utiliser ")
    assert _held(browser.get(links[1].get("href")).text) == picked
    for wrong in ("3", "-1", "x", "9" * 30):
        assert _held(browser.get(f"/connexion?utiliser={wrong}").text) == ""


def test_recovered_logins_are_for_the_browser_that_recovered_them(
    browser: Browser, people: People, bob: Browser
) -> None:
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    choose(browser)
    assert browser.sign_in("alice", NEW).status_code == 302
    browser.submit("/deconnexion", {}, page="/profil/compte")
    assert _held(browser.get("/connexion?utiliser=0").text) == ""


def test_every_fault_of_a_new_password_shows_at_once(browser: Browser, people: People) -> None:
    for login in ("alice_2",):
        company = make_company(people.supplier, email="alice@example.com")
        make_user(company, login, email="alice@example.com", is_from_activation=True)
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    page = choose(browser, "court", "autre").text
    for words in (
        "Choisissez un identifiant dans la liste.",
        "au moins 8 caractères",
        "au moins une majuscule",
        "au moins un chiffre",
        "au moins un caractère spécial",
        "Les deux mots de passe sont différents.",
    ):
        assert words in page, words


def test_a_wrong_current_password_shows_beside_the_other_faults(
    alice: Browser, people: People
) -> None:
    typed = {"current": "Faux-faux-7", "password": "court", "confirmation": "autre"}
    page = alice.submit("/profil/mot-de-passe", typed).text
    for words in ("actuel est incorrect", "au moins 8 caractères", "passe sont différents"):
        assert words in page, words


def test_an_administrator_sees_every_fault_at_once(alice: Browser, people: People) -> None:
    typed = {"login": "a b", "password": "court", "password_again": "autre", "email": "x"}
    page = alice.submit("/administration/utilisateurs/ajout", typed).text
    for words in (
        "Un identifiant ne contient pas d’espace.",
        "au moins 8 caractères",
        "passe sont différents",
        "Choisissez une société.",
        "une adresse mail complète",
    ):
        assert words in page, words
    added = make_user(people.alice.company, "collegue", email="c@example.com")
    path = f"/administration/utilisateurs/{added.id}/mot-de-passe"
    given = {"password": "court", "password_again": "autre", "current": "Faux-faux-7"}
    page = alice.submit(path, given).text
    for words in ("au moins 8 caractères", "passe sont différents", "actuel est incorrect"):
        assert words in page, words


@pytest.mark.parametrize("path", ["/reinitialisation", "/profil/mot-de-passe"])
def test_a_password_manager_learns_the_login(path: str, alice: Browser) -> None:
    ask(alice, "alice@example.com")
    alice.get(mailed_path())
    page = html.fromstring(alice.get(path).text)
    (known,) = page.xpath("//form//input[@autocomplete='username']")
    assert known.get("value") == "alice"
    assert known.get("name") is None, "a form takes the fields that it has"
    assert page.xpath("//input[@autocomplete='new-password']")


def test_first_connection_is_a_door_of_its_own_with_its_own_words(
    browser: Browser, people: People
) -> None:
    home = html.fromstring(browser.get("/").text)
    doors = {
        " ".join(a.text_content().split()): a.get("href") for a in home.xpath("//a[@class='door']")
    }
    assert list(doors) == ["Mot de passe ou identifiant oublié", "Première connexion"]
    assert doors["Mot de passe ou identifiant oublié"] == "/recuperation"
    page = browser.get(doors["Première connexion"]).text
    assert "<h1>Première connexion</h1>" in page
    form = html.fromstring(page).xpath("//form[@method='post']")[0]
    answer = browser.submit(form.get("action"), {"email": "alice@example.com"}).text
    assert "<h1>Première connexion</h1>" in answer
    assert "vous a été adressé" in answer


def test_a_used_link_offers_sign_in_first(browser: Browser, people: People) -> None:
    ask(browser, "alice@example.com")
    dead = mailed_path()
    browser.get(dead)
    choose(browser)
    page = html.fromstring(browser.get(dead).text)
    actions = page.xpath("//div[@class='actions']//*[contains(@class, 'button')]")
    assert [each.text_content() for each in actions] == ["Se connecter", "Recevoir un nouveau lien"]
    assert actions[0].get("href") == "/connexion"


def test_a_failed_login_with_an_at_says_that_it_is_not_always_the_address(
    browser: Browser, people: People
) -> None:
    page = browser.sign_in("alice@example.com", PASSWORD).text
    assert "L’identifiant n’est pas toujours l’adresse mail." in page
    link = html.fromstring(page).xpath("string(//a[.='Retrouver mon identifiant']/@href)")
    assert 'value="alice@example.com"' in browser.get(link).text
    assert "pas toujours" not in browser.sign_in("personne", PASSWORD).text
