"""An adviser answers five calls, each within a minute, at the size of a phone and of a desk."""

import re
import time
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import OWNER, assert_accessible
from tests.browser.test_people import opened_mail
from tests.browser.test_second_factor import read_secret
from tests.browser.test_walk import CODE, assert_nothing_scrolls_sideways, enter_desk, sign_in

pytestmark = pytest.mark.browser

NEW = "nouvelle.adresse@example.com"
MINUTE = 60


def find(page: Page, said: str) -> None:
    """Type what the caller says; one found opens at once."""
    page.goto("/conseil")
    page.get_by_label("Ce que dit le client").fill(said)
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", name="Motif de l’appel")).to_be_visible()


def follow(page: Page, link: str | re.Pattern[str]) -> None:
    page.get_by_role("link", name=link).first.click()
    assert_nothing_scrolls_sideways(page)
    assert_accessible(page)


def confirm(page: Page, button: str, *, then: str) -> None:
    page.get_by_label("Motif", exact=True).select_option("Appel du client")
    page.get_by_role("button", name=button).click()
    expect(page.get_by_role("status").first).to_contain_text(then)


def no_mail(page: Page) -> None:
    find(page, "Fleurs Kerbrat")
    expect(page.locator("#etat ~ p").nth(1)).to_contain_text(re.compile(r"revenu\s*:\s*boîte"))
    assert_nothing_scrolls_sideways(page)
    assert_accessible(page)
    follow(page, re.compile("^Envoyer de nouveau"))
    confirm(page, "Envoyer de nouveau", then="Le mail repart")


def wrong_address(page: Page) -> None:
    find(page, "100577")
    follow(page, "Changer l’adresse")
    page.get_by_role("textbox", name="Adresse mail").fill("menuiserie@gmial.com")
    page.get_by_label("Motif", exact=True).select_option("Appel du client")
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("alert")).to_contain_text("Vouliez-vous dire menuiserie@gmail.com")
    assert_accessible(page)
    page.get_by_role("textbox", name="Adresse mail").fill(NEW)
    page.get_by_role("button", name="Enregistrer").click()
    expect(page.get_by_role("status").first).to_contain_text("L’adresse est enregistrée")
    follow(page, "Envoyer l’activation maintenant")
    confirm(page, "Envoyer l’activation", then="Le mail d’activation part")
    expect(page.locator("#etat")).to_have_text("Activé, mot de passe pas encore choisi")


def other_mode(page: Page) -> None:
    find(page, "durand location")
    follow(page, "Changer notification ou originaux")
    page.get_by_label("Un mail par jour, avec la liste des documents").check()
    confirm(page, "Enregistrer", then="dès le prochain document")


def lost_second_factor(page: Page) -> None:
    find(page, OWNER[0])
    follow(page, re.compile("Retirer la double authentification"))
    confirm(page, "Retirer la double authentification", then="est retirée")


def administrator_gone(page: Page) -> None:
    find(page, "julien.garage")
    page.get_by_role("row", name=OWNER[0]).get_by_role("link", name="Fermer").click()
    assert_accessible(page)
    confirm(page, "Fermer cet identifiant", then="est fermé")
    follow(page, "Changer l’adresse")
    page.get_by_role("textbox", name="Adresse mail").fill("chef.atelier@example.com")
    confirm(page, "Enregistrer", then="L’adresse est enregistrée")
    follow(page, "Envoyer l’activation maintenant")
    confirm(page, "Envoyer l’activation", then="Le mail d’activation part")
    page.get_by_role("button", name="Donner accès à un collègue").click()
    expect(page.get_by_role("status").first).to_contain_text("compté")
    follow(page, "Voir comme le client")
    expect(page.get_by_role("status").first).to_contain_text("sans rien pouvoir ouvrir ni changer")


CALLS: tuple[Callable[[Page], None], ...] = (
    no_mail,
    wrong_address,
    other_mode,
    lost_second_factor,
    administrator_gone,
)


def set_up_second_factor(page: Page) -> None:
    sign_in(page, *OWNER)
    page.goto("/profil/double-authentification")
    page.get_by_label("Mot de passe actuel").fill(OWNER[1])
    page.get_by_role("button", name="Configurer").click()
    page.get_by_label(CODE).fill(read_secret(page).now())
    page.get_by_role("button", name="Activer").click()
    expect(page.get_by_role("heading", name="Vos codes de secours")).to_be_visible()
    page.context.clear_cookies()


def test_an_adviser_answers_five_calls_in_a_minute_each(page: Page) -> None:
    set_up_second_factor(page)
    enter_desk(page)
    assert_accessible(page)
    for answer in CALLS:
        begun = time.monotonic()
        answer(page)
        assert time.monotonic() - begun < MINUTE, answer.__name__
    opened_mail(page, re.compile("Menuiserie"), row=NEW)
