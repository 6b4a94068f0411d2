"""The second factor from the setup to the next sign-in, by the keyboard alone, each page by axe."""

import re
import time

from playwright.sync_api import Page, expect
from pyotp import TOTP

from tests.browser.test_accessibility import OWNER, assert_accessible
from tests.browser.test_walk import sign_in

CODE = "Code à 6 chiffres"


def type_and_enter(page: Page, label: str, text: str) -> None:
    page.get_by_label(label).focus()
    page.keyboard.type(text)
    page.keyboard.press("Enter")


def read_secret(page: Page) -> TOTP:
    """Return what a telephone would make of the secret, once it is shown."""
    expect(page.get_by_role("img", name="Code QR")).to_be_visible()
    page.wait_for_load_state()
    return TOTP("".join(page.locator(".secret span").all_inner_texts()))


def test_demanded_second_factor_is_set_up_and_used_by_the_keyboard(page: Page) -> None:
    sign_in(page, *OWNER)
    page.goto("/administration/securite")
    page.get_by_role("checkbox").focus()
    page.keyboard.press("Space")
    page.keyboard.press("Enter")
    expect(page.get_by_text("Votre société exige la double authentification.")).to_be_visible()
    assert_accessible(page)

    type_and_enter(page, "Mot de passe actuel", OWNER[1])
    totp = read_secret(page)
    assert_accessible(page)
    type_and_enter(page, CODE, "000000")
    expect(page.get_by_role("alert")).to_be_focused()
    assert_accessible(page)
    page.get_by_label(CODE).fill("")
    type_and_enter(page, CODE, totp.now())
    expect(page.get_by_role("heading", name="Vos codes de secours")).to_be_visible()
    expect(page.locator(".rescue li")).to_have_count(10)
    assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Télécharger les codes").press("Enter")
    assert download.value.suggested_filename == "codes-de-secours.txt"

    page.goto("/administration/securite")
    expect(page.get_by_text("Activée le")).to_be_visible()
    assert_accessible(page)
    for path in ("", "/telephone", "/codes", "/desactivation"):
        page.goto(f"/profil/double-authentification{path}")
        assert_accessible(page)

    page.context.clear_cookies()
    sign_in(page, *OWNER)
    expect(page).to_have_url(re.compile(r"/connexion/code$"))
    assert_accessible(page)
    type_and_enter(page, CODE, totp.at(time.time(), counter_offset=1))
    expect(page).to_have_url(re.compile(r"/factures$"))
