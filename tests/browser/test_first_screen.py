"""The first invoice is on the first screen, for every account, at every size of DESIGN."""

import re
import sqlite3
from collections.abc import Iterator
from io import BytesIO
from itertools import groupby
from pathlib import Path
from zipfile import ZipFile

import pytest
from playwright.sync_api import Browser, Page, expect

from selfservice.demo.register import BOOKKEEPER_LOGINS, COLLEAGUES, PASSWORDS
from tests.axe import SCHEMES
from tests.browser.conftest import demonstration
from tests.browser.test_accessibility import OWNER
from tests.browser.test_walk import assert_nothing_scrolls_sideways, sign_in

# Width and height of a screen, and how far down the first document may begin.
SCREENS = {
    (390, 844): 320,
    (360, 740): 350,
    (1280, 720): 400,
    (1024, 768): 768,
    (1366, 640): 640,
    (768, 1024): 420,
}
REFLOW = ((320, 640), (320, 256), (360, 640), (640, 480))  # 320 × 256: 1280 × 1024 at 400 %
LOGINS = {**PASSWORDS, **{each.login: each.password for each in COLLEAGUES}}
for each in BOOKKEEPER_LOGINS[1:]:  # the same list under another name
    del LOGINS[each]
# Pierre's have no password yet: they get the owner's.
LOGINS |= dict.fromkeys(("pierre.durand_1", "pierre.durand_2", "pierre.durand_3"), OWNER[1])
ONE_LINE = 40
ROW = "tr:has(a[href$='.pdf'])"


@pytest.fixture(scope="module")
def noticed(
    filled_instance: Path, site_dir: Path, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[str]:
    """The address of a demonstration where each password was chosen by another."""
    folder = tmp_path_factory.mktemp("noticed")
    with demonstration(filled_instance, folder, site_dir) as address:
        with sqlite3.connect(folder / "instance" / "portal.db") as database:
            database.execute(
                "UPDATE users SET password_hash = coalesce(password_hash,"
                " (SELECT password_hash FROM users WHERE login = ?))",
                OWNER[:1],
            )
            database.execute("UPDATE users SET is_password_from_other = 1")
        database.close()
        yield address


@pytest.mark.sqlite
@pytest.mark.parametrize("login", LOGINS)
def test_the_first_invoice_is_on_the_first_screen(
    chromium: Browser, noticed: str, login: str
) -> None:
    page = chromium.new_page(base_url=noticed, locale="fr-FR", reduced_motion="reduce")
    sign_in(page, login, LOGINS[login])
    page.wait_for_url("**/factures")
    for scheme in SCHEMES:
        page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
        for (width, height), lowest in SCREENS.items():
            page.set_viewport_size({"width": width, "height": height})
            where = f"{login}, {width} × {height}, {scheme}"
            row = page.locator(ROW).first.bounding_box()
            assert row, where
            assert row["y"] <= lowest and row["y"] + row["height"] <= height, f"{where}: {row}"
            assert_nothing_scrolls_sideways(page)
            bands = page.locator(".bands > .band").all()
            assert len(bands) == 2, where
            for band in bands:
                box = band.bounding_box()
                assert box and box["height"] <= ONE_LINE, f"{where}: {band.inner_text()}"
    page.close()


@pytest.fixture
def portal(request: pytest.FixtureRequest) -> str:
    """Tests that change something ask for `own_portal`."""
    address: str = request.getfixturevalue(
        "own_portal" if "own_portal" in request.fixturenames else "shared_portal"
    )
    return address


@pytest.fixture
def own_portal(filled_instance: Path, site_dir: Path, tmp_path: Path) -> Iterator[str]:
    with demonstration(filled_instance, tmp_path, site_dir) as address:
        yield address


def test_nothing_scrolls_sideways_on_any_page_of_a_reader(page: Page) -> None:
    sign_in(page, *OWNER)
    page.wait_for_url("**/factures")
    for path in ("/factures", "/factures?q=mars+2025+avoir", "/factures?q=zzz", "/profil/compte"):
        page.goto(path)
        for width, height in REFLOW:
            page.set_viewport_size({"width": width, "height": height})
            assert_nothing_scrolls_sideways(page)


@pytest.mark.parametrize("size", ["phone"])
def test_menus_close_by_escape_and_outside(page: Page, size: str) -> None:
    sign_in(page, *OWNER)
    page.wait_for_url("**/factures")
    menu, entry = page.get_by_role("button", name="Menu"), page.get_by_role("link", name="Accueil")
    inside = page.get_by_role("navigation", name="Menu principal")
    expect(inside).to_be_hidden()
    for close in ("Escape", "outside"):
        menu.click()
        expect(inside.get_by_text("Mon compte")).to_be_visible()
        expect(entry).to_be_visible()
        page.keyboard.press(close) if close == "Escape" else page.mouse.click(200, 800)
        expect(inside).to_be_hidden()


@pytest.mark.parametrize("size", ["desk"])
def test_the_account_closes_by_escape_and_outside(page: Page, size: str) -> None:
    sign_in(page, *OWNER)
    page.wait_for_url("**/factures")
    account, entry = (
        page.get_by_text("Mon compte"),
        page.get_by_role("link", name="Mon profil", exact=True),
    )
    account.click()
    entry.focus()
    page.keyboard.press("Escape")
    expect(entry).to_be_hidden()
    expect(account).to_be_focused()
    account.click()
    page.get_by_role("heading", level=1).click()
    expect(entry).to_be_hidden()
    account.click()
    page.get_by_label("Numéro, montant, date ou mois").focus()
    expect(entry).to_be_hidden()


def test_the_keyboard_reaches_the_documents_and_what_takes_them_away(page: Page) -> None:
    sign_in(page, *OWNER)
    page.wait_for_url("**/factures")
    for name in ("Aller au contenu", "Aller aux documents"):
        page.keyboard.press("Tab")
        expect(page.get_by_role("link", name=name)).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#liste")).to_be_focused()
    order = page.evaluate(
        "[...document.querySelectorAll('.take .all, .register a, #garder button, table')]"
        ".map(each => each.tagName)"
    )
    assert [tag for tag, _ in groupby(order)] == ["A", "BUTTON", "TABLE"]


@pytest.mark.parametrize("size", ["desk"])
def test_ticks_survive_a_page_and_what_was_taken_shows_on_return(
    page: Page, size: str, own_portal: str
) -> None:
    sign_in(page, *OWNER)
    page.get_by_role("link", name="Afficher les").click()
    page.wait_for_url("**historique=tout")
    bar = page.get_by_role("button", name="Télécharger la sélection")
    expect(bar).to_be_hidden()
    page.locator("[name=id]").nth(1).check()
    expect(bar).to_be_visible()
    page.get_by_role("link", name="Page suivante").click()
    expect(page.get_by_text(re.compile(r"^\s*51 à \d+ sur \d+\s*$"))).to_be_visible()
    expect(bar).to_contain_text("1")
    page.locator("[name=id]").first.check()
    page.locator("[name=id]").nth(2).check()
    with page.expect_download() as download:
        bar.click()
    expect(page.get_by_role("status").filter(has_text="Archive demandée")).to_have_text(
        "Archive demandée : 3 documents"
    )
    with ZipFile(BytesIO(Path(download.value.path()).read_bytes())) as archive:
        assert len([name for name in archive.namelist() if name.endswith(".pdf")]) == 3
    expect(page.locator(".taken")).to_have_count(2)
    expect(bar).to_be_hidden()
    page.get_by_role("link", name="Page précédente").click()
    expect(page.locator(".taken")).to_have_count(1)
    expect(page.locator("[name=id]:checked")).to_have_count(0)


@pytest.mark.parametrize("size", ["desk"])
def test_what_was_opened_elsewhere_shows_on_return(page: Page, size: str, own_portal: str) -> None:
    sign_in(page, *OWNER)
    page.wait_for_url("**/factures")
    link = page.locator("tr[id^=document] .number > a").first
    assert page.request.get(str(link.get_attribute("href"))).ok
    expect(page.locator(".taken")).to_have_count(0)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator(".taken")).to_have_count(1)
