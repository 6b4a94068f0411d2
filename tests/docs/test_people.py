"""Ten people come from a search engine, on a phone: each reads the answer on two screens."""

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

WIDTH, SCREEN = 390, 844
FAQ = "foire-aux-questions/"

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def phone(chromium: Browser) -> Iterator[Page]:
    size = {"width": WIDTH, "height": SCREEN}
    page = chromium.new_page(locale="fr-FR", viewport=size, has_touch=True, reduced_motion="reduce")
    yield page
    page.close()


def top_of(page: Page, words: str) -> float:
    """Return how far below the top of the screen these words stand, in the text of the page."""
    found = page.locator("article").get_by_text(re.compile(words))
    expect(found.first).to_be_attached()
    tops = found.evaluate_all(
        "found => found.filter(each => each.checkVisibility())"
        ".map(each => each.getBoundingClientRect().top).filter(top => top >= 0)"
    )
    return min(tops, default=float("inf"))


@pytest.mark.parametrize(
    ("landing", "link", "answer"),
    [
        (FAQ, "Mot de passe oublié", "cliquez sur « mot de passe ou identifiant oublié »"),
        (FAQ, "Retrouver son identifiant", "La page de récupération"),
        (FAQ, "Mail d’activation non reçu", "Je n’ai rien reçu"),
        (FAQ, "Donner accès à des collègues", "Ajout d’un utilisateur"),
        (FAQ, "Changer d’adresse ou de notification", "Envoyer la demande"),
        (FAQ, "Factures de plus de 3 mois", "Historique d’affichage"),
        (FAQ, "Durée de disponibilité", "24 mois"),
        ("je-n-arrive-pas-a-me-connecter/", "Que dit la page ?", "Trop de tentatives"),
        ("contact/", "", "09 00 00 00 01"),
        ("contact/", "Ce que le portail ne fait pas", "payer"),
    ],
)
def test_answer_stands_on_the_first_or_the_second_screen(
    phone: Page, help_address: str, landing: str, link: str, answer: str
) -> None:
    phone.goto(help_address + landing)
    if link:
        phone.locator("article").get_by_role("link", name=link).first.click()
    assert top_of(phone, answer.replace(" ", r"\s")) < 2 * SCREEN


def test_first_step_of_the_guide_stands_on_the_first_screen(phone: Page, help_address: str) -> None:
    phone.goto(f"{help_address}guide-de-connexion/")
    assert top_of(phone, r"^1\. Ouvrez la page de récupération") < SCREEN - 100
    assert top_of(phone, "pour définir votre mot de passe") < SCREEN - 40


def test_phone_has_its_own_screenshot_and_a_link_as_large_as_a_finger(
    phone: Page, help_address: str
) -> None:
    phone.goto(f"{help_address}guide-de-connexion/")
    image = phone.locator(".capture picture img").first
    image.scroll_into_view_if_needed()
    assert str(image.evaluate("image => image.currentSrc")).endswith("accueil-telephone.webp")
    box = phone.locator(".enlarge").first.bounding_box()
    assert box
    assert box["height"] >= 44
    phone.emulate_media(media="print")
    expect(phone.locator(".enlarge").first).to_be_hidden()
    phone.emulate_media(media="screen")
