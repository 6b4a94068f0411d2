"""axe-core on every page of the portal, light and dark, phone and desk; the keyboard alone."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.axe import SCHEMES, looks, sample_then_all, violations
from tests.browser.conftest import SIZES
from tests.browser.test_walk import (
    assert_nothing_scrolls_sideways,
    enter_desk,
    open_newest_mail,
    sign_in,
)

PUBLIC = [
    "/",
    "/connexion",
    "/recuperation",
    "/contact",
    "/je-n-ai-rien-recu",
    "/avis",
    "/demo/mails",
    "/demo/telephone",
]
PRIVATE = [
    "/factures",
    "/factures?historique=tout",
    "/factures?q=zzz",
    "/factures?vue=a_archiver",
    "/profil/compte",
    "/profil/preferences",
    "/profil/mot-de-passe",
    "/profil/sessions",
    "/profil/double-authentification",
    "/profil/demandes",
    "/profil/demandes/adresse",
    "/profil/demandes/notification",
    "/profil/demandes/envoi",
    "/profil/demandes/document",
    "/profil/demandes/question",
    "/administration/utilisateurs",
    "/administration/utilisateurs?q=zzz",
    "/administration/utilisateurs/ajout",
    "/administration/profils",
    "/administration/profils/ajout",
    "/administration/journal",
    "/administration/journal?type=refus",
    "/administration/securite",
    "/administration/courriels",
]
DESK = [
    "/conseil",
    "/conseil?q=garage",
    "/conseil?q=zzz",
    "/conseil/100310",
    "/conseil/100310/journal",
    "/conseil/100310/factures",
    "/conseil/100310/adresse",
    "/conseil/100310/notification",
    "/conseil/100310/lien",
    "/conseil/demandes",
]
OTHER_WIDTHS = (320, 360, 640, 768, 1024)
# A template may run a name and an attribute together: « <tddata-label= » is no cell.
STRANGE_TAGS = """[...document.querySelectorAll("*")]
    .filter(each => each instanceof HTMLUnknownElement || each.localName.includes("-"))
    .map(each => each.localName)"""
LINES = """each => {
  const text = document.createRange()
  text.selectNodeContents(each)
  return new Set([...text.getClientRects()].filter(line => line.width).map(line => line.top)).size
}"""
OWNER = ("claire.lemoine@example.com", "Atelier-2CV")
# Opened once, then held against axe at each size: the style sheets alone lay it out.
opened_once = pytest.mark.parametrize("size", ["desk"], ids=["every size"])


@pytest.fixture
def portal(shared_portal: str) -> str:
    return shared_portal


def assert_accessible(page: Page) -> None:
    """Hold the page against axe in both colour schemes."""
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert not violations(page, scheme)
    assert page.evaluate(STRANGE_TAGS) == []
    assert_nothing_scrolls_sideways(page)


def assert_accessible_at_every_size(page: Page, *, is_whole: bool) -> None:
    for scheme, (width, height) in looks(SIZES, is_whole=is_whole):
        page.set_viewport_size({"width": width, "height": height})
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        assert not violations(page, scheme, is_whole=is_whole)
        assert_nothing_scrolls_sideways(page)
    for width in OTHER_WIDTHS:
        page.set_viewport_size({"width": width, "height": 640})
        assert_nothing_scrolls_sideways(page)
    assert page.evaluate(STRANGE_TAGS) == []


@opened_once
@sample_then_all
def test_every_page_of_an_adviser(page: Page, is_whole: bool) -> None:
    enter_desk(page)
    for path in DESK:
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert_accessible_at_every_size(page, is_whole=is_whole)
    for path, link in (
        ("/conseil/demandes", "Document qui n’est plus ici"),
        ("/conseil/100310", re.compile("^Envoyer de nouveau")),
        ("/conseil/100310", "Fermer julien.garage"),
    ):
        page.goto(path)
        page.get_by_role("link", name=link).first.click()
        page.wait_for_url(lambda url, path=path: not url.endswith(path))
        assert_accessible_at_every_size(page, is_whole=is_whole)


@opened_once
@sample_then_all
def test_every_page_without_an_account(page: Page, is_whole: bool) -> None:
    for path in PUBLIC:
        page.goto(path)
        assert_accessible_at_every_size(page, is_whole=is_whole)
    open_newest_mail(page, "Votre identifiant E-Facture")
    assert_accessible_at_every_size(page, is_whole=is_whole)


@opened_once
@sample_then_all
def test_every_page_of_an_administrator(page: Page, is_whole: bool) -> None:
    sign_in(page, *OWNER)
    for path in PRIVATE:
        page.goto(path)
        expect(page.get_by_role("heading", level=1)).to_be_visible()
        assert_accessible_at_every_size(page, is_whole=is_whole)


@opened_once
@sample_then_all
def test_every_page_of_one_user_and_one_profile(page: Page, is_whole: bool) -> None:
    sign_in(page, *OWNER)
    for login, rests in (
        (OWNER[0], [""]),
        ("julien.garage", ["", "/mot-de-passe", "/suppression"]),
    ):
        page.goto("/administration/utilisateurs")
        page.get_by_role("link", name=f"Modifier {login}").click()
        address = page.url
        for rest in rests:
            page.goto(address + rest)
            assert_accessible_at_every_size(page, is_whole=is_whole)
    page.goto("/administration/profils")
    page.get_by_role("link", name="Modifier Véhicules de courtoisie").click()
    assert_accessible_at_every_size(page, is_whole=is_whole)
    page.goto(page.url + "/suppression")
    assert_accessible_at_every_size(page, is_whole=is_whole)


@opened_once
def test_an_address_keeps_its_line_on_a_tablet(page: Page) -> None:
    sign_in(page, *OWNER)
    page.set_viewport_size({"width": 768, "height": 1024})
    page.goto("/administration/utilisateurs")
    login = page.get_by_role("rowheader", name=OWNER[0])
    assert login.evaluate(LINES) == 1


def test_pages_that_tell_a_fault(page: Page) -> None:
    sign_in(page, "personne", "faux")
    expect(page.get_by_text("Identifiant ou mot de passe incorrect.")).to_be_visible()
    assert_accessible(page)
    page.goto("/recuperation")
    page.get_by_label("Adresse mail").fill("personne@example.com")
    page.get_by_role("button", name="Envoyer").click()
    expect(page.get_by_text("Aucun compte trouvé pour personne@example.com")).to_be_visible()
    assert_accessible(page)
    sign_in(page, *OWNER)
    page.goto("/administration/utilisateurs/ajout")
    page.get_by_role("button", name="Valider").click()
    expect(page.get_by_role("alert")).to_be_visible()
    assert_accessible(page)


def test_the_keyboard_alone_signs_in_and_opens_the_menu(page: Page, size: str) -> None:
    page.goto("/")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Aller au contenu")).to_be_focused()
    page.get_by_label("Identifiant", exact=True).focus()
    page.keyboard.type(OWNER[0])
    page.keyboard.press("Tab")
    page.keyboard.type(OWNER[1])
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/factures$"))
    if size == "phone":
        page.get_by_role("button", name="Menu").focus()
        page.keyboard.press("Enter")
    account = page.get_by_text("Mon compte")
    account.focus()
    page.keyboard.press("Enter")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Mon profil", exact=True)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/profil/compte$"))
