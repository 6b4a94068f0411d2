"""The frame of every page and what its forms say, over HTTP against the real app."""

import re
from datetime import timedelta

import pytest
import time_machine

from selfservice import clock
from selfservice.accounts.models import User, UserSession
from tests.conftest import Browser
from tests.factories import People, make_invoice

ADD = "/administration/utilisateurs/ajout"


def _text(html: str) -> str:
    """Return what a reader sees, on one line, with ordinary apostrophes and spaces."""
    without_head = re.sub(r"<head>.*?</head>", "", html, flags=re.DOTALL)
    return " ".join(re.sub(r"<[^>]+>|&nbsp;|\s", " ", without_head).replace("’", "'").split())


def _element(html: str, pattern: str) -> str:
    found = re.search(pattern, html, re.DOTALL)
    assert found, pattern
    return found[0]


def test_header_names_supplier_company_and_client_number(alice: Browser, people: People) -> None:
    header = _text(_element(alice.get("/factures").text, r"<header.*?</header>"))
    company = people.alice.company
    assert header.startswith("D Diac / Diac Location Portail de publication")
    assert f"{company.name} Client n° {company.client_number}" in header


def test_header_shows_the_previous_sign_in_but_not_the_first(alice: Browser) -> None:
    assert "Votre dernière connexion" not in _text(alice.get("/factures").text)
    UserSession.update(previous_sign_in_at=clock.now()).execute()
    assert re.search(
        r"Votre dernière connexion : \d\d-\d\d-\d{4} \d\d:\d\d", _text(alice.get("/factures").text)
    )


def test_menu_offers_administration_to_administrators_only(alice: Browser, bob: Browser) -> None:
    menu = r'<nav class="menu".*?</nav>'
    entries = "Fermer Accueil Mon Profil"
    page = _text(_element(alice.get("/factures").text, menu))
    assert page.startswith(f"{entries} Administration Mon compte")
    assert _text(_element(bob.get("/factures").text, menu)).startswith(f"{entries} Mon compte")


def test_account_menu_holds_the_four_entries_of_the_seed(alice: Browser) -> None:
    menu = _text(_element(alice.get("/factures").text, r"<details class=\"account\".*?</details>"))
    assert menu == (
        "Mon compte Mon profil Réinitialiser mon mot de passe Aide en ligne Déconnexion"
    )


def test_breadcrumb_reads_as_in_the_seed(alice: Browser) -> None:
    trail = _element(alice.get(ADD).text, r'<nav class="trail".*?</nav>')
    assert _text(trail).replace("&gt;", ">") == "Accueil > Administration > Ajout d'un utilisateur"


@pytest.mark.parametrize(
    ("path", "marked"),
    [
        ("/factures", ["Accueil"]),
        ("/profil/preferences", ["Mon Profil", "Préférences", "Préférences"]),
        (ADD, ["Administration", "Ajout d'un utilisateur", "Ajout d'un utilisateur"]),
    ],
)
def test_current_page_is_marked_for_those_who_do_not_see(
    alice: Browser, path: str, marked: list[str]
) -> None:
    found = re.findall(r'aria-current="[a-z]+">([^<]+)<', alice.get(path).text)
    assert [label.replace("’", "'") for label in found] == marked


def test_password_chosen_by_someone_else_is_met_with_an_invitation(
    alice: Browser, people: People
) -> None:
    invitation = "Votre mot de passe a été choisi par une autre personne."
    assert invitation not in _text(alice.get("/factures").text)
    User.update(is_password_from_other=True).where(User.id == people.alice.id).execute()
    assert invitation in _text(alice.get("/factures").text)
    assert invitation not in _text(alice.get("/profil/mot-de-passe").text)


def test_fault_is_tied_to_its_field_and_listed_on_top(alice: Browser) -> None:
    page = alice.submit(ADD, {"login": ""}).text
    control = _element(page, r'<input[^>]*name="login"[^>]*>')
    assert 'aria-invalid="true"' in control
    assert 'aria-describedby="login-error login-hint"' in control
    assert 'id="login-error"' in page
    summary = _element(page, r'id="erreurs".*?</ul>')
    assert 'href="#login"' in summary
    assert "/aide/foire-aux-questions/#acces-collaborateurs" in summary
    assert _element(page, r"<title>.*?</title>").startswith("<title>Erreur")


def test_what_was_done_opens_the_title_and_takes_the_focus(alice: Browser) -> None:
    done = alice.submit("/profil/preferences", {"display_history_months": "6"})
    page = alice.get(done.location).text
    assert _element(page, r"<title>.*?</title>").startswith(
        "<title>Vos préférences sont enregistrées · Préférences"
    )
    assert "autofocus" in _element(page, r'<div class="band is-message".*?>')


def test_one_summary_links_its_help_once(browser: Browser, people: People) -> None:
    page = browser.submit("/je-n-ai-rien-recu", {}).text
    summary = _element(page, r'id="erreurs".*?</ul>')
    assert summary.count("<li>") == 3
    assert summary.count("/aide/") == 1


def test_required_fields_are_said_so_beside_their_label(alice: Browser) -> None:
    page = alice.get(ADD).text
    assert page.count("(obligatoire)") == 4
    assert '<label for="login">Login</label>' in page


def test_stale_form_keeps_what_was_typed_but_no_password(browser: Browser, people: People) -> None:
    typed = {"login": 'jul"ie', "password": "Vielle-roue7"}
    with time_machine.travel("2026-03-01T08:00:00Z", tick=False) as machine:
        token = re.findall(r'name="csrf_token"[^>]*value="([^"]+)"', browser.get("/connexion").text)
        machine.shift(timedelta(hours=13))
        response = browser.client.post("/connexion", data={"csrf_token": token[0], **typed})
    assert response.status_code == 400
    assert "Votre page était restée ouverte trop longtemps" in response.text
    assert 'name="login" value="jul&#34;ie"' in response.text
    assert "Vielle-roue7" not in response.text


def test_form_that_another_site_sent_is_not_offered_again(alice: Browser) -> None:
    response = alice.client.post(ADD, data={"csrf_token": "forged", "login": "pirate"})
    assert response.status_code == 400
    assert "pirate" not in response.text


def test_hidden_documents_are_counted_and_shown_in_one_click(
    alice: Browser, people: People
) -> None:
    company = people.alice.company
    make_invoice(company)
    old = [
        make_invoice(company, issued_on=clock.today() - timedelta(days=days)) for days in (200, 300)
    ]
    page = alice.get("/factures").text
    assert (
        "2 documents plus anciens sont masqués par votre historique d'affichage de 3 mois."
        in _text(page)
    )
    everything = _element(page, r'<a href="[^"]*">Tout afficher')
    shown = alice.get(re.sub(r'.*href="([^"]*)".*', r"\1", everything)).text
    assert all(invoice.number in shown for invoice in old)


@pytest.mark.parametrize("recent", [0, 1])
def test_one_hidden_document_is_counted_in_the_singular(
    alice: Browser, people: People, recent: int
) -> None:
    make_invoice(people.alice.company, issued_on=clock.today() - timedelta(days=200))
    for _ in range(recent):
        make_invoice(people.alice.company)
    text = _text(alice.get("/factures").text)
    assert "1 document plus ancien est masqué par votre historique d'affichage de 3 mois." in text


def test_new_company_learns_when_its_first_document_comes(alice: Browser) -> None:
    page = alice.get("/factures").text
    assert "Votre première facture apparaîtra ici dès son émission." in _text(page)
    assert '<form class="filters"' not in page


def test_fruitless_search_says_what_was_searched(alice: Browser, people: People) -> None:
    make_invoice(people.alice.company)
    text = _text(alice.get("/factures?q=%3Cb%3E").text)
    assert "Aucun document ne correspond à « &lt;b&gt; »" in text
    assert "La recherche a porté sur tous vos documents disponibles" in text


@pytest.mark.parametrize("path", ["/", "/recuperation", "/factures", "/nulle-part"])
def test_help_can_be_searched_from_every_page(path: str, alice: Browser, browser: Browser) -> None:
    for visitor in (alice, browser):
        page = visitor.client.get(path, follow_redirects=True).text
        form = _element(page, r'<form class="help-search" action="/aide/" role="search">.*?</form>')
        assert _text(form) == "Chercher dans l'aide Chercher"


def test_first_view_takes_four_requests_at_most(browser: Browser, people: People) -> None:
    page = browser.get("/").text
    parts = re.findall(r"<(?:link|script|img)[^>]*(?:href|src)=", page)
    assert 1 + len(parts) <= 4
