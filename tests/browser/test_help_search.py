"""From a page of the portal to the answer: « Chercher dans l'aide », with script and without."""

import pytest
from playwright.sync_api import Browser, Page, expect

pytestmark = pytest.mark.browser


@pytest.fixture
def portal(shared_portal: str) -> str:
    return shared_portal


def test_word_typed_on_the_portal_opens_the_search_of_the_help(page: Page) -> None:
    page.goto("/recuperation")
    page.get_by_label("Chercher dans l’aide").fill("nespresso")
    page.keyboard.press("Enter")
    first = page.locator(".md-search-result__item").first
    expect(first).to_contain_text("Nespresso")
    expect(page.get_by_role("textbox", name="Rechercher")).to_have_value("nespresso")


def test_without_script_it_leads_to_the_contents_of_the_help(
    chromium: Browser, portal: str
) -> None:
    page = chromium.new_page(base_url=portal, java_script_enabled=False)
    page.goto("/")
    page.get_by_label("Chercher dans l’aide").fill("nespresso")
    page.get_by_role("button", name="Chercher").click()
    expect(page.get_by_role("link", name="J’ai oublié mon mot de passe")).to_be_visible()
    page.close()
