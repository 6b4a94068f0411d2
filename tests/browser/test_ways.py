"""One invoice by other ways: keyboard, no script, touch, paper, and browsers of 2023."""

import re
from collections.abc import Iterator
from io import BytesIO
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser, Locator, Page, Route, expect
from pypdf import PdfReader

from tests.axe import SCHEMES
from tests.browser.conftest import SIZES
from tests.browser.test_walk import DOCUMENT, assert_nothing_scrolls_sideways, sign_in

READER = ("marc.vasseur@example.com", "Encre-Bleue-59")
PHONE = dict(zip(("width", "height"), SIZES["phone"], strict=True))
# What Firefox 115 and Safari 16 pass over: popovers, light-dark(), texts for generated content.
UNKNOWN = [
    (r"/\*.*?\*/", ""),
    (r"@supports not selector\(:popover-open\)", "@supports (color: red)"),
    (r":popover-open", ":unknown"),
    (r"\n[^\n]*: \"[^\"]*\" / \"\";", ""),
    (r"[\w-]+: light-dark\([^;]*;", ""),
]
COLOURS = """selectors => selectors.map(each => {
  const style = getComputedStyle(document.querySelector(each))
  return [style.color, style.backgroundColor, style.borderTopColor]
})"""
SEEN = ["body", "h1", ".top", ".band", "tbody .number > a", ".new", ".button", ".menu-button"]


@pytest.fixture
def portal(shared_portal: str) -> str:
    return shared_portal


def without_what_is_new(page: Page) -> None:
    """Take from a page what browsers of 2023 do not know."""

    def old(route: Route) -> None:
        answer = route.fetch()
        text = answer.text()
        for pattern, instead in UNKNOWN if route.request.resource_type == "stylesheet" else []:
            text = re.sub(pattern, instead, text)
        route.fulfill(response=answer, body=text.replace(' popover aria-label="', ' aria-label="'))

    page.route(re.compile(r"portal[^/]*\.css|/factures$"), old)
    page.add_init_script(
        "delete HTMLElement.prototype.popover;"
        "for (const name of ['ariaPressed', 'ariaCurrent']) delete Element.prototype[name]"
    )


def tab_to(page: Page, what: Locator) -> None:
    """Press Tab until something has the focus, as who has no mouse does."""
    for _ in range(80):
        if what.evaluate("each => each === document.activeElement"):
            return
        page.keyboard.press("Tab")
    raise AssertionError(f"no way by Tab to {what}")


@pytest.mark.parametrize("size", ["desk"])
def test_by_the_keyboard_alone(page: Page, size: str) -> None:
    page.goto("/")
    for field, text in zip(("Identifiant", "Mot de passe"), READER, strict=True):
        tab_to(page, page.get_by_label(field, exact=True))
        page.keyboard.type(text)
    page.keyboard.press("Enter")
    page.wait_for_url("**/factures")
    number = page.locator("tbody .number > a").first.inner_text()
    tab_to(page, page.get_by_label("Numéro, montant, date ou mois"))
    page.keyboard.type(number)
    page.keyboard.press("Enter")
    found = page.locator("tbody .number > a")
    expect(found).to_have_count(1)
    tab_to(page, found)
    assert page.request.get(str(found.get_attribute("href"))).body().startswith(b"%PDF")
    tab_to(page, page.get_by_label(f"PDF de {number}"))
    with page.expect_download() as download:
        page.keyboard.press("Enter")
    assert download.value.suggested_filename == f"{number}.pdf"
    page.goto("/factures")
    tab_to(page, page.get_by_text("Mon compte"))
    page.keyboard.press("Enter")
    tab_to(page, page.get_by_role("button", name="Déconnexion"))
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="Connexion")).to_be_visible()


def test_without_any_script(chromium: Browser, portal: str) -> None:
    page = chromium.new_page(base_url=portal, viewport=PHONE, java_script_enabled=False)
    sign_in(page, *READER)
    page.wait_for_url("**/factures")
    page.get_by_role("link", name="Afficher les").click()
    page.wait_for_url("**historique=tout")
    page.get_by_text("Filtres").click()
    page.get_by_label("Type", exact=True).select_option("Factures")
    page.get_by_role("button", name="Rechercher").click()
    expect(page.get_by_role("link", name="Enlever factures")).to_be_visible()
    number = page.locator("tbody .number > a").first.inner_text()
    page.get_by_label("Numéro, montant, date ou mois").fill(number)
    page.get_by_role("button", name="Rechercher").click()
    expect(page.locator("tbody .number > a")).to_have_text([number])
    page.get_by_label(f"Cocher {number}").check()
    with page.expect_download() as download:
        page.get_by_role("button", name="Télécharger la sélection (ZIP)").click()
    with ZipFile(BytesIO(Path(download.value.path()).read_bytes())) as archive:
        (pdf,) = [each for each in archive.namelist() if each.endswith(".pdf")]
    assert number in pdf
    page.get_by_role("button", name="Menu").click()
    page.get_by_text("Mon compte").click()
    page.get_by_role("button", name="Déconnexion").click()
    expect(page.get_by_role("button", name="Connexion")).to_be_visible()
    page.close()


@pytest.fixture
def phone(chromium: Browser, portal: str) -> Iterator[Page]:
    page = chromium.new_page(
        base_url=portal, viewport=PHONE, has_touch=True, is_mobile=True, locale="fr-FR"
    )
    yield page
    page.close()


def test_by_touch_on_a_phone(phone: Page) -> None:
    sign_in(phone, *READER)
    phone.wait_for_url("**/factures")
    card = phone.locator(DOCUMENT).first
    lines = {round(card.locator(each).bounding_box()["y"]) for each in (".number > a", ".gross")}  # type: ignore[index]
    assert max(lines) - min(lines) < 12
    expect(card.locator(".due")).to_be_visible()
    box = card.bounding_box()
    assert box and 44 <= box["height"] <= 80, "a card has two lines"
    with phone.expect_download() as download:  # this browser shows no PDF
        phone.touchscreen.tap(box["x"] + box["width"] - 40, box["y"] + box["height"] - 8)
    assert download.value.url.endswith(f"{card.locator('a').first.get_attribute('href')}")
    for target in phone.locator("button:visible, summary:visible, .number > a:visible").all():
        size = target.bounding_box()
        assert size and size["height"] >= 28, target.inner_text()
    phone.get_by_role("button", name="Menu").tap()
    phone.get_by_text("Mon compte").tap()
    phone.get_by_role("button", name="Déconnexion").tap()
    expect(phone.get_by_role("button", name="Connexion")).to_be_visible()


def test_on_paper(chromium: Browser, portal: str) -> None:
    page = chromium.new_page(base_url=portal, locale="fr-FR")
    sign_in(page, *READER)
    page.wait_for_url("**/factures")
    page.goto("/factures?historique=tout&kind=invoice")
    rows = page.locator("tbody tr").count()
    pages = PdfReader(BytesIO(page.pdf(format="A4"))).pages
    text = " ".join("\n".join(each.extract_text() for each in pages).split())
    assert text.count("Total affiché") == 1
    assert re.search(r"Mes factures au \d+(er)? \w+ \d{4} : factures", text), text[:300]
    for screen_only in ("Télécharger", "Rechercher", "Filtres", "Mon compte", "Nouveau", "Menu"):
        assert screen_only not in text
    assert len(pages) <= 1 + rows // 32, "rows are 6 mm high"
    page.emulate_media(media="print")
    row = page.locator(f"{DOCUMENT} td.issued").first.bounding_box()
    assert row and 22 <= row["height"] <= 24
    page.close()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_browsers_of_2023_show_the_same_page(chromium: Browser, portal: str, scheme: str) -> None:
    shown = []
    for is_old in (False, True):
        page = chromium.new_page(
            base_url=portal,
            viewport=PHONE,
            color_scheme=scheme,  # type: ignore[arg-type]
        )
        if is_old:
            without_what_is_new(page)
        sign_in(page, *READER)
        page.wait_for_url("**/factures")
        seen = [each for each in SEEN if page.locator(each).count()]
        shown.append((page.evaluate(COLOURS, seen), page.locator(DOCUMENT).first.bounding_box()))
        assert_nothing_scrolls_sideways(page)
        menu = page.get_by_role("navigation", name="Menu principal")
        expect(menu).to_be_hidden()
        page.get_by_role("button", name="Menu").click()
        expect(menu.get_by_role("link", name="Mon Profil")).to_be_visible()
        page.keyboard.press("Escape")
        expect(menu).to_be_hidden()
        page.close()
    assert shown[0] == shown[1]


def test_home_stands_on_one_screen_of_a_phone(phone: Page) -> None:
    phone.goto("/")
    expect(phone.get_by_role("button", name="Afficher")).to_be_visible()
    doors = [each.bounding_box() for each in phone.locator(".doors .door").all()]
    first, second = doors
    assert (
        first
        and second
        and (first["width"], first["height"])
        == (
            second["width"],
            second["height"],
        )
    )
    last = phone.get_by_text("téléchargez-le et conservez-le").bounding_box()
    assert last and last["y"] + last["height"] <= PHONE["height"]
    expect(phone.get_by_role("link", name="Téléphones et horaires")).to_be_visible()
