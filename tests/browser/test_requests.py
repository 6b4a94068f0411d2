"""A new address: proved by its reader, objected to by the former, as people do it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_people import opened_mail
from tests.browser.test_walk import sign_in

pytestmark = pytest.mark.browser

OWNER = ("paul.garnier@example.com", "84-Camions")
NEW = "direction.garnier@example.com"


def follow(page: Page, subject: str, button: str, *, row: str) -> None:
    """Press the button of a mail in the demonstration's mailbox."""
    mail = opened_mail(page, re.compile(subject), row=row)
    link = mail.get_by_role("link", name=button).get_attribute("href")
    page.goto(re.sub("^https?://[^/]+", "", str(link)))


def test_a_new_address_is_proved_by_its_reader_and_objected_to_by_the_former(page: Page) -> None:
    sign_in(page, *OWNER)
    page.wait_for_url("**/factures")
    page.goto("/profil/compte")
    page.get_by_role("link", name="Demander un changement").click()
    page.get_by_role("link", name="Changer d’adresse mail").click()
    page.get_by_label("Nouvelle adresse mail").fill(NEW)
    page.get_by_role("button", name="Envoyer la demande").click()
    expect(page.get_by_text(f"Un mail part à {NEW}")).to_be_visible()
    follow(page, "Confirmez votre adresse", "Confirmer mon adresse", row=NEW)
    assert_accessible(page)
    page.get_by_role("button", name="Confirmer mon adresse").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Adresse confirmée")
    assert_accessible(page)
    follow(page, "Une autre adresse est demandée", "M’opposer", row=OWNER[0])
    page.get_by_label("Pourquoi").fill("Nous gardons la nôtre.")
    assert_accessible(page)
    page.get_by_role("button", name="M’opposer à ce changement").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Opposition enregistrée")
    assert_accessible(page)
    page.goto("/profil/demandes")
    expect(page.get_by_text("s’y est opposé")).to_be_visible()
