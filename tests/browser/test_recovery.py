"""« Tous mes identifiants » by the keyboard alone, accessible when right and when wrong."""

import re

from playwright.sync_api import Page, expect

from tests.browser.test_accessibility import assert_accessible
from tests.browser.test_walk import PASSWORD, sign_in


def open_link(page: Page) -> None:
    """Ask for a link and follow it from the mail."""
    page.goto("/recuperation")
    page.get_by_label("Adresse mail").fill("pierre.durand@example.com")
    page.get_by_role("button", name="Envoyer").click()
    found = page.get_by_role("link", name="Récupération de votre identifiant")
    for _ in range(100):
        page.goto("/demo/mails")
        if found.count():
            break
        page.wait_for_timeout(100)
    found.first.click()
    page.frame_locator("iframe").get_by_role("link", name="Retrouver mon identifiant").click()
    expect(page).to_have_url(re.compile(r"/reinitialisation$"))


def test_one_password_for_all_logins_by_the_keyboard(page: Page) -> None:
    open_link(page)
    assert_accessible(page)
    page.get_by_role("radio").first.focus()
    page.keyboard.press("ArrowUp")  # from the first round to the last
    expect(page.get_by_role("radio", name="Tous mes identifiants")).to_be_checked()
    page.keyboard.press("Tab")
    page.keyboard.type("Grand-durand9")
    page.keyboard.press("Tab")  # « Afficher »
    page.keyboard.press("Tab")
    page.keyboard.type("Grand-durand9")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert")).to_contain_text("cela concerne")
    expect(page.get_by_role("radio", name="Tous mes identifiants")).to_be_checked()
    assert_accessible(page)
    for label in ("Votre mot de passe", "Confirmation"):
        page.get_by_label(label, exact=True).fill(PASSWORD)
    page.keyboard.press("Enter")
    expect(page.get_by_text("pour vos 3 identifiants")).to_be_visible()
    sign_in(page, "pierre.durand_3", PASSWORD)
    expect(page).to_have_url(re.compile(r"/factures$"))
