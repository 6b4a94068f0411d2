"""The list in a real browser: at three widths, by the keyboard, in place, beside a document."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.test_accessibility import OWNER, assert_accessible
from tests.browser.test_walk import assert_nothing_scrolls_sideways, sign_in

WIDTHS = {"phone": 390, "tablet": 768, "desk": 1280}
ALL = "/factures?historique=tout"
Opened = Callable[..., Page]


@pytest.fixture(scope="module")
def session(chromium: Browser, shared_portal: str) -> Any:
    """The cookies of a signed-in owner."""
    context = chromium.new_context(base_url=shared_portal)
    page = context.new_page()
    sign_in(page, *OWNER)
    expect(page).to_have_url(re.compile(r"/factures$"))
    state = context.storage_state()
    context.close()
    return state


@contextmanager
def signed_in(browser: Browser, address: str, session: Any) -> Iterator[Opened]:
    """Open a page of the list; an error in a console fails the test."""
    contexts, faults = [], []

    def opener(path: str, width: int = 1280, **options: Any) -> Page:
        context = browser.new_context(
            base_url=address,
            viewport={"width": width, "height": 900},
            storage_state=session,
            locale="fr-FR",
            reduced_motion="reduce",
            **options,
        )
        contexts.append(context)
        context.on("console", lambda said: faults.append(said.text) if said.type == "error" else 0)
        page = context.new_page()
        page.set_default_timeout(10_000)
        page.goto(path)
        return page

    yield opener
    for context in contexts:
        context.close()
    assert faults == []


@pytest.fixture
def opened(chromium: Browser, shared_portal: str, session: Any) -> Iterator[Opened]:
    with signed_in(chromium, shared_portal, session) as opener:
        yield opener


@pytest.fixture
def opened_with_pdf(
    chromium_with_pdf: Browser, shared_portal: str, session: Any
) -> Iterator[Opened]:
    with signed_in(chromium_with_pdf, shared_portal, session) as opener:
        yield opener


def assert_accessible_at_every_width(page: Page) -> None:
    for width in WIDTHS.values():
        page.set_viewport_size({"width": width, "height": 900})
        assert_accessible(page)


def numbers(page: Page) -> list[str]:
    return page.locator("tbody .number > a").all_inner_texts()


def test_the_list_is_accessible_at_every_width(opened: Opened) -> None:
    page = opened("/factures")
    page.get_by_text("Il manque une facture").click()
    page.get_by_text("Filtres").click()
    assert_accessible_at_every_width(page)
    page.goto("/factures?q=2026&du=2026-31-31&au=2025-01-01&tri=-ttc&non_telechargees=1")
    assert_accessible_at_every_width(page)
    page.goto(ALL)
    page.get_by_label("Tout cocher").check()
    assert_accessible_at_every_width(page)


@pytest.mark.parametrize("width", [WIDTHS["phone"], WIDTHS["desk"]])
def test_filters_are_folded_and_those_open_shown_as_words(opened: Opened, width: int) -> None:
    page = opened(ALL, width)
    expect(page.get_by_label("Type", exact=True)).to_be_hidden()
    page.get_by_text("Filtres").click()
    page.get_by_label("Type", exact=True).select_option("Avoirs")
    page.wait_for_url("**kind=credit_note*")
    expect(page.get_by_text("Filtres (1)")).to_be_visible()
    assert {number[:2] for number in numbers(page)} == {"AV"}
    first = page.locator("tr[id^=document]").first
    box, gross = first.locator(".number > a").bounding_box(), first.locator(".gross").bounding_box()
    assert box and gross and abs(box["y"] - gross["y"]) < box["height"]
    page.get_by_role("link", name="Enlever avoirs").click()
    expect(page.get_by_text("Filtres")).to_have_text(re.compile(r"^\s*Filtres\s*$"))
    page.go_back()
    page.reload()
    expect(page.get_by_label("Type", exact=True)).to_be_hidden()
    expect(page.get_by_role("link", name="Enlever avoirs")).to_be_visible()


def test_typing_refreshes_in_place_and_tells_how_many(opened: Opened) -> None:
    page = opened(ALL)
    before = numbers(page)
    page.evaluate("document.body.dataset.same = 'yes'")
    page.get_by_label("Numéro, montant, date ou mois").focus()
    page.keyboard.type(before[3])
    expect(page.get_by_role("status").filter(has_text="document")).to_have_text("1 document")
    assert numbers(page) == [before[3]]
    assert f"q={before[3]}" in page.url and "kind" not in page.url
    expect(page.get_by_label("Numéro, montant, date ou mois")).to_be_focused()
    assert page.evaluate("document.body.dataset.same") == "yes"
    page.reload()
    assert numbers(page) == [before[3]]


def test_a_session_that_has_ended_leads_to_sign_in(opened: Opened) -> None:
    page = opened(ALL)
    page.context.clear_cookies()
    page.get_by_label("Numéro, montant, date ou mois").fill("FL")
    expect(page.get_by_role("button", name="Connexion")).to_be_visible()


def test_a_list_left_open_shows_nothing_more_once_its_session_has_ended(opened: Opened) -> None:
    page = opened(ALL)
    page.context.clear_cookies()
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.get_by_role("button", name="Connexion")).to_be_visible()


def test_a_list_left_open_names_who_has_signed_in_since_from_another_tab(opened: Opened) -> None:
    page = opened(ALL)
    page.context.clear_cookies()
    sign_in(page.context.new_page(), "helene.morvan_2", "Douze-Bilans-29")
    expect(page.context.pages[1]).to_have_url(re.compile(r"/factures$"))
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")
    expect(page.locator("tbody .number a").first).to_contain_text("100602")
    expect(page.get_by_role("banner")).to_contain_text("100602")


def test_a_box_ticks_them_all_and_the_button_counts(opened: Opened) -> None:
    page = opened(ALL)
    boxes, of_all = page.locator("[name=id]"), page.get_by_label("Tout cocher")
    button = page.get_by_role("button", name="Télécharger la sélection")
    expect(button).to_be_hidden()
    boxes.nth(1).focus()
    page.keyboard.press("Space")
    expect(button).to_contain_text("1")
    assert of_all.evaluate("box => box.indeterminate")
    of_all.focus()
    page.keyboard.press("Space")
    expect(button).to_contain_text(str(boxes.count()))
    page.keyboard.press("Space")
    expect(page.locator("[name=id]:checked")).to_have_count(0)


def test_ticks_outlive_a_refresh_in_place(opened: Opened) -> None:
    page = opened(ALL)
    first, second = numbers(page)[:2]
    page.get_by_label(f"Cocher {first}").check()
    page.get_by_label(f"Cocher {second}").check()
    search = page.get_by_label("Numéro, montant, date ou mois")
    button = page.get_by_role("button", name="Télécharger la sélection")
    search.fill(first)
    expect(page.locator("[name=id]")).to_have_count(1)
    expect(button).to_contain_text("2")
    page.get_by_label(f"Cocher {first}").uncheck()
    search.fill("")
    expect(page.get_by_label(f"Cocher {second}")).to_be_checked()
    expect(page.get_by_label(f"Cocher {first}")).not_to_be_checked()
    page.get_by_role("button", name="Tout décocher").click()
    expect(page.get_by_label(f"Cocher {second}")).not_to_be_checked()
    expect(button).to_be_hidden()


def test_headings_sort_by_the_keyboard(opened: Opened) -> None:
    page = opened(ALL)
    heading = page.get_by_role("columnheader", name="TTC")
    heading.get_by_role("link").press("Enter")
    page.wait_for_url("**tri=-ttc*")
    expect(heading).to_have_attribute("aria-sort", "descending")
    heading.get_by_role("link").press("Enter")
    page.wait_for_url("**tri=ttc*")
    expect(heading).to_have_attribute("aria-sort", "ascending")
    expect(page.locator("tr[id^=document] .kind").first).to_contain_text("Avoir")


def test_a_document_opens_beside_the_list_and_closes_by_escape(opened_with_pdf: Opened) -> None:
    page = opened_with_pdf(ALL, 1600)
    row = page.locator("tr[id^=document]").filter(has_text="Nouveau").first
    link = row.locator(".number > a")
    name, identity = link.inner_text(), row.get_attribute("id")
    row = page.locator(f"#{identity}")
    link.press("Enter")
    pane = page.get_by_role("complementary", name=name)
    expect(pane.get_by_role("heading")).to_be_focused()
    expect(pane.locator("iframe")).to_have_attribute("src", re.compile(r"/factures/\d+\.pdf"))
    expect(row).to_have_attribute("aria-current", "true")
    expect(row.get_by_text("Nouveau")).to_have_count(0)
    assert page.url.endswith(f"{ALL}#{identity}")
    assert_nothing_scrolls_sideways(page)
    following = page.locator("tbody .number > a").nth(4)
    following.click()
    expect(pane).to_have_count(0)
    assert page.locator("iframe").count() == 1
    page.keyboard.press("Escape")
    expect(page.locator("iframe")).to_have_count(0)
    expect(following).to_be_focused()
    assert page.url.endswith(ALL)


def test_the_address_keeps_the_document_beside_the_list(opened_with_pdf: Opened) -> None:
    page = opened_with_pdf(ALL, 1600)
    row = page.locator("tr[id^=document]").nth(2)
    row.locator(".number > a").click()
    page.reload()
    expect(row).to_have_attribute("aria-current", "true")
    page.get_by_label("Numéro, montant, date ou mois").fill("26")
    page.wait_for_url("**q=26*")
    expect(page.locator("iframe")).to_have_count(1)
    page.get_by_role("button", name="Fermer").click()
    expect(page.locator("iframe")).to_have_count(0)


def test_an_address_of_another_place_in_the_page_opens_nothing(opened_with_pdf: Opened) -> None:
    page = opened_with_pdf(f"{ALL}#liste", 1600)
    expect(page.locator("tr[id^=document]").first).to_be_visible()
    expect(page.get_by_role("button", name="Fermer")).to_have_count(0)
    assert page.url.endswith(f"{ALL}#liste")


def test_what_a_credit_note_credits_opens_beside_the_list_too(opened_with_pdf: Opened) -> None:
    page = opened_with_pdf(ALL, 1600)
    link = page.locator(".number small a").first
    name = link.inner_text()
    link.click()
    expect(page.get_by_role("complementary", name=name).locator("iframe")).to_have_count(1)
    credited = page.locator("tr[id^=document]").filter(
        has=page.locator(f".number > a:text-is('{name}')")
    )
    expect(credited).to_have_attribute("aria-current", "true")


def test_a_finger_reaches_what_a_credit_note_credits(opened: Opened) -> None:
    page = opened(ALL, WIDTHS["phone"])
    box = page.locator(".number small a").first.bounding_box()
    assert box and box["height"] >= 44


def test_the_document_beside_the_list_is_accessible(opened_with_pdf: Opened) -> None:
    page = opened_with_pdf(ALL)
    page.route("**/*.pdf*", lambda route: route.fulfill(body="<!doctype html><title>x</title>"))
    page.locator("tbody .number > a").first.click()
    expect(page.get_by_role("button", name="Fermer")).to_be_visible()
    assert_accessible(page)


def test_a_phone_opens_the_document_itself(opened: Opened) -> None:
    page = opened(ALL, WIDTHS["phone"])
    assert (
        page.evaluate(
            "() => { const link = document.querySelector('tbody .number > a');"
            " let kept = null; addEventListener('click', (e) => { kept = e.defaultPrevented;"
            " e.preventDefault(); }); link.click(); return kept; }"
        )
        is False
    )


def test_without_script_the_same_links_and_buttons_work(opened: Opened) -> None:
    page = opened(ALL, java_script_enabled=False)
    expect(page.get_by_label("Tout cocher")).to_be_hidden()
    expect(page.get_by_role("button", name="Télécharger la sélection (ZIP)")).to_be_visible()
    page.get_by_text("Filtres").click()
    page.get_by_label("Type", exact=True).select_option("Avoirs")
    page.get_by_role("button", name="Rechercher").click()
    page.wait_for_url("**kind=credit_note*")
    assert {number[:2] for number in numbers(page)} == {"AV"}
    page.get_by_text("Filtres").click()
    page.get_by_role("link", name="L’année dernière").click()
    page.wait_for_url("**du=2*")
    assert "kind=credit_note" in page.url
