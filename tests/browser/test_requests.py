"""A request from the first sign-in's question to its proof and objection, as people do it."""

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_advisers import enter_desk
from tests.browser.test_people import opened_mail
from tests.browser.test_walk import open_menu, sign_in

pytestmark = pytest.mark.browser

BOOKKEEPER = ("helene.morvan_1", "Douze-Bilans-29")
OWNER = ("paul.garnier@example.com", "84-Camions")
NEW = "direction.garnier@example.com"
QUESTION = "prévenu des nouvelles factures"
ONE_LINE = 40


def follow(page: Page, subject: str, button: str, *, row: str) -> None:
    """Press the button of a mail in the demonstration's mailbox."""
    mail = opened_mail(page, re.compile(subject), row=row)
    link = mail.get_by_role("link", name=button).get_attribute("href")
    page.goto(re.sub("^https?://[^/]+", "", str(link)))


def test_the_first_sign_in_asks_in_one_line_and_one_answer_is_a_request(page: Page) -> None:
    sign_in(page, *BOOKKEEPER)
    page.wait_for_url("**/factures")
    question = page.locator("summary", has_text=QUESTION)
    box = page.locator(".bands > *", has=question).bounding_box()
    assert box and box["height"] <= ONE_LINE
    question.click()
    answers = page.locator(".bands button")
    expect(answers).to_have_count(4)
    assert_accessible(page)
    answers.last.click()
    expect(page.get_by_text("Votre demande est envoyée.")).to_be_visible()
    expect(question).to_be_hidden()
    page.goto("/profil/demandes")
    expect(page.get_by_role("rowheader")).to_contain_text("Changement de notification")


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


@pytest.mark.parametrize("size", ["phone"])
def test_an_adviser_decides_in_the_queue_and_is_asked_for_a_reason(page: Page) -> None:
    enter_desk(page)
    open_menu(page, "phone")
    page.get_by_role("link", name="Demandes", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Demandes")
    assert_accessible(page)
    page.get_by_role("link", name="Document qui n’est plus ici").click()
    page.get_by_role("button", name="Répondre").click()
    expect(page.get_by_role("alert")).to_contain_text("Donnez la raison")
    assert_accessible(page)
    page.get_by_label("Réponse au client").fill("Une copie part demain par la poste.")
    page.get_by_role("button", name="Répondre").click()
    expect(page.get_by_role("status").first).to_contain_text("est faite")
