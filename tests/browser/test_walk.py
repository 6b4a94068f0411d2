"""The whole way of a newcomer, in a real browser, at the size of a phone and of a desk."""

import hashlib
import re
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import SIZES

PASSWORD = "Cabrette-verte9"
COLLEAGUE_PASSWORD = "Vielle-roue7"

DOCUMENT = "tr[id^=document]"
ADVISER = ("nadia.conseil", "Casque-Audio-7")
CODE = "Code à 6 chiffres"


def open_newest_mail(page: Page, subject: str) -> None:
    """Open the newest mail of the demonstration mailbox with this subject."""
    page.goto("/demo/mails")
    page.get_by_role("link", name=subject).first.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text(subject)


def read_logins(page: Page, address: str) -> set[str]:
    """Open every activation mail of an address and return the logins they give."""
    rows = page.get_by_role("row", name=address)
    mails = [str(link.get_attribute("href")) for link in rows.get_by_role("link").all()]
    logins = set()
    for mail in mails:
        page.goto(mail)
        text = page.frame_locator("iframe").locator("body").inner_text()
        logins |= set(re.findall(r"pierre\.durand_\d", text))
    return logins


def sign_in(page: Page, login: str, password: str) -> None:
    page.goto("/")
    page.get_by_label("Identifiant", exact=True).fill(login)
    page.get_by_label("Mot de passe", exact=True).fill(password)
    page.get_by_role("button", name="Connexion").click()


def enter_desk(page: Page) -> None:
    """Sign in as an adviser, with the code of the demonstration's telephone."""
    sign_in(page, *ADVISER)
    expect(page).to_have_url(re.compile(r"/connexion/code$"))
    asked = page.url
    page.goto("/demo/telephone")
    code = page.get_by_role("row", name=ADVISER[0]).locator("b").inner_text()
    page.goto(asked)
    page.get_by_label(CODE).fill(code)
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"/conseil$"))


def open_menu(page: Page, size: str) -> None:
    if size == "phone":
        page.get_by_role("button", name="Menu").click()


def assert_nothing_scrolls_sideways(page: Page) -> None:
    page.wait_for_load_state()  # a page asked for its width sooner has no style yet
    widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
    assert widths[0] <= widths[1], page.url


@pytest.mark.parametrize("size", SIZES)
def test_newcomer_goes_the_whole_way(page: Page, size: str, filled_instance: Path) -> None:
    # The activation mail gives the login.
    page.goto("/demo/mails")
    assert_nothing_scrolls_sideways(page)
    assert read_logins(page, "pierre.durand@example.com") == {
        "pierre.durand_1",
        "pierre.durand_2",
        "pierre.durand_3",
    }

    # Recovery: the mail, its button, the choice of a login, the password.
    page.goto("/")
    assert_nothing_scrolls_sideways(page)
    page.get_by_role("link", name="Mot de passe ou identifiant oublié").click()
    page.get_by_label("Adresse mail").fill("pierre.durand@example.com")
    page.get_by_role("button", name="Envoyer").click()
    expect(page.get_by_text("vous a été adressé")).to_be_visible()
    for _ in range(50):
        page.goto("/demo/mails")
        found = page.get_by_role("link", name=re.compile("mot de passe", re.IGNORECASE))
        if found.count():
            break
        page.wait_for_timeout(100)
    found.first.click()
    page.frame_locator("iframe").get_by_role("link", name="Retrouver mon identifiant").click()
    expect(page).to_have_url(re.compile(r"/reinitialisation$"))
    expect(page.get_by_text("Durand Location")).to_be_visible()
    page.get_by_role("radio", name="pierre.durand_1").check()
    page.get_by_label("Votre mot de passe", exact=True).fill(PASSWORD)
    page.get_by_label("Confirmation").fill(PASSWORD)
    assert_nothing_scrolls_sideways(page)
    page.get_by_role("button", name="Envoyer").click()
    expect(page).to_have_url(re.compile(r"/connexion$"))

    # Sign-in: the last three months, and how many are hidden.
    sign_in(page, "pierre.durand_1", PASSWORD)
    page.wait_for_url("**/factures")
    expect(page.get_by_text("Durand Transports").first).to_be_visible()
    few = page.locator(DOCUMENT).count()
    assert 2 <= few <= 12
    expect(page.get_by_text(re.compile("sont masqués"))).to_be_visible()
    assert_nothing_scrolls_sideways(page)

    # « Historique d'affichage » to 2 ans shows them all.
    open_menu(page, size)
    page.get_by_role("link", name="Mon Profil").click()
    page.get_by_role("link", name="Préférences").click()
    page.get_by_label(re.compile("Historique d.affichage")).select_option("2 ans")
    page.get_by_role("button", name="Valider").click()
    expect(page.get_by_text("enregistrées")).to_be_visible()
    page.goto("/factures")
    assert page.locator(DOCUMENT).count() > few
    expect(page.get_by_text("masqués")).to_have_count(0)

    # A PDF, byte for byte, and its Factur-X XML.
    link = page.locator("tbody tr th a").first
    pdf = page.request.get(str(link.get_attribute("href")))
    assert pdf.headers["content-type"] == "application/pdf"
    digest = hashlib.sha256(pdf.body()).hexdigest()
    stored = filled_instance / "documents" / digest[:2] / f"{digest}.pdf"
    assert stored.read_bytes() == pdf.body()
    xml = page.request.get(str(link.get_attribute("href")).replace(".pdf", ".xml"))
    assert b"CrossIndustryInvoice" in xml.body()

    # The FAQ is one click away.
    page.get_by_role("contentinfo").get_by_role("link", name="Foire aux questions").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Foire aux questions")
    page.goto("/factures")

    # The administrator adds a colleague, who signs in.
    open_menu(page, size)
    page.get_by_role("link", name="Administration").click()
    page.get_by_role("main").get_by_role("link", name=re.compile("Ajout d.un utilisateur")).click()
    page.get_by_label("Login", exact=True).fill("sophie.durand")
    page.get_by_label("Mot de passe", exact=True).fill(COLLEAGUE_PASSWORD)
    page.get_by_label("Mot de passe (bis)").fill(COLLEAGUE_PASSWORD)
    page.get_by_label("Société").select_option("Durand Transports (100245)")
    page.get_by_label("Prénom").fill("Sophie")
    assert_nothing_scrolls_sideways(page)
    page.get_by_role("button", name="Valider").click()
    expect(page.get_by_role("rowheader", name="sophie.durand")).to_be_visible()
    open_menu(page, size)
    page.get_by_text("Mon compte").click()
    page.get_by_role("button", name="Déconnexion").click()
    sign_in(page, "sophie.durand", COLLEAGUE_PASSWORD)
    page.wait_for_url("**/factures")
    assert page.locator(DOCUMENT).count() == few, "her own display history begins at 3 mois"
