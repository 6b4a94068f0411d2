"""Ways to a first list of documents, in the steps counted, at the size of a phone and of a desk."""

import re

import pytest
from playwright.sync_api import Browser, FrameLocator, Locator, Page, expect

from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_walk import (
    PASSWORD,
    assert_nothing_scrolls_sideways,
)

pytestmark = pytest.mark.browser


class Steps:
    """Counts what a person does."""

    def __init__(self) -> None:
        self.taps = self.fields = 0

    def tap(self, what: Locator) -> None:
        self.taps += 1
        what.click()

    def fill(self, what: Locator, text: str) -> None:
        self.fields += 1
        what.fill(text)


def opened_mail(page: Page, name: str | re.Pattern[str], *, row: str = "") -> FrameLocator:
    """Open a mail of the demonstration's mailbox, as soon as it is there: no step of a person."""
    for _ in range(100):
        page.goto("/demo/mails")
        rows = page.get_by_role("row", name=row) if row else page
        found = rows.get_by_role("link", name=name)
        if found.count():
            break
        page.wait_for_timeout(100)
    found.first.click()
    return page.frame_locator("iframe")


def test_first_connection_from_the_mail_in_6_taps_and_3_fields(page: Page) -> None:
    steps = Steps()
    mail = opened_mail(
        page, re.compile("identifiant .*Garage Lemoine"), row="claire.lemoine@example.com"
    )
    login = mail.locator(".login").inner_text().strip()
    link = mail.get_by_role("link", name="Choisir mon mot de passe").get_attribute("href")
    page.goto(re.sub("^https?://[^/]+", "", str(link)))  # the mail was made on another port
    steps.taps += 1
    expect(page.get_by_role("heading", level=1)).to_have_text("Première connexion")
    expect(page.get_by_label("Adresse mail")).to_have_value("claire.lemoine@example.com")
    assert_nothing_scrolls_sideways(page)
    assert_accessible(page)
    steps.tap(page.get_by_role("button", name="Envoyer"))
    mail = opened_mail(page, "Récupération de votre identifiant")
    steps.tap(mail.get_by_role("link", name="Retrouver mon identifiant"))
    steps.fill(page.get_by_label("Votre mot de passe", exact=True), PASSWORD)
    steps.fill(page.get_by_label("Confirmation", exact=True), PASSWORD)
    assert_nothing_scrolls_sideways(page)
    steps.tap(page.get_by_role("button", name="Envoyer"))
    expect(page.get_by_label("Identifiant", exact=True)).to_have_value(login)
    steps.fill(page.get_by_label("Mot de passe", exact=True), PASSWORD)
    steps.tap(page.get_by_role("button", name="Connexion"))
    expect(page).to_have_url(re.compile(r"/factures$"))
    assert steps.taps <= 6
    assert steps.fields <= 3


def test_lost_both_login_and_password(page: Page) -> None:
    steps = Steps()
    page.goto("/")
    assert_nothing_scrolls_sideways(page)
    steps.tap(page.get_by_role("link", name="Mot de passe ou identifiant oublié"))
    pasted = "Pierre Durand <mailto:pierre.durand@example.com>"
    steps.fill(page.get_by_label("Adresse mail"), pasted)
    steps.tap(page.get_by_role("button", name="Envoyer"))
    mail = opened_mail(page, "Récupération de votre identifiant")
    steps.tap(mail.get_by_role("link", name="Retrouver mon identifiant"))
    steps.tap(page.get_by_role("radio", name="Tous mes identifiants"))
    steps.fill(page.get_by_label("Votre mot de passe", exact=True), PASSWORD)
    steps.tap(page.get_by_role("button", name="Afficher").first)
    expect(page.get_by_label("Votre mot de passe", exact=True)).to_have_attribute("type", "text")
    steps.fill(page.get_by_label("Confirmation", exact=True), PASSWORD)
    steps.tap(page.get_by_role("button", name="Envoyer"))
    assert_nothing_scrolls_sideways(page)
    assert_accessible(page)
    steps.tap(page.get_by_role("link", name="Utiliser pierre.durand_2"))
    expect(page.get_by_label("Identifiant", exact=True)).to_have_value("pierre.durand_2")
    steps.fill(page.get_by_label("Mot de passe", exact=True), PASSWORD)
    steps.tap(page.get_by_role("button", name="Connexion"))
    expect(page).to_have_url(re.compile(r"/factures$"))
    assert (steps.taps, steps.fields) == (8, 4)


@pytest.mark.parametrize("size", ["phone"])
def test_without_script_everything_still_works(chromium: Browser, portal: str, size: str) -> None:
    context = chromium.new_context(
        base_url=portal, viewport={"width": 390, "height": 844}, java_script_enabled=False
    )
    page = context.new_page()
    page.set_default_timeout(10_000)
    page.goto("/")
    assert page.get_by_role("button", name="Afficher").count() == 0
    page.get_by_role("link", name="Première connexion").click()
    page.get_by_label("Adresse mail").fill("pierre.durand@example.com")
    page.get_by_role("button", name="Envoyer").click()
    mail = opened_mail(page, "Récupération de votre identifiant")
    address = mail.get_by_role("link", name="Retrouver mon identifiant").get_attribute("href")
    page.goto(str(address))
    page.get_by_role("radio", name="Tous mes identifiants").check()
    page.get_by_label("Votre mot de passe", exact=True).fill(PASSWORD)
    page.get_by_label("Confirmation", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Envoyer").click()
    page.get_by_role("link", name="Utiliser pierre.durand_1").click()
    page.get_by_label("Mot de passe", exact=True).fill(PASSWORD)
    page.get_by_role("button", name="Connexion").click()
    page.locator(".switch summary").click()  # a <details>
    page.get_by_role("link", name=re.compile("Toutes mes sociétés")).click()
    expect(page.locator(".is-documents td.company").first).to_be_attached()
    page.goto("/administration/utilisateurs/ajout")
    page.get_by_label("Login", exact=True).fill("sophie.durand")
    page.get_by_role("button", name="Proposer un mot de passe").click()
    expect(page.get_by_label("Login", exact=True)).to_have_value("sophie.durand")
    context.close()
