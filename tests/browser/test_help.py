"""The portal and its help: search from one to the other, votes, with script and without."""

import pytest
from playwright.sync_api import Browser, Page, expect


@pytest.fixture
def portal(shared_portal: str) -> str:
    return shared_portal


def test_word_typed_on_the_portal_opens_the_search_of_the_help(page: Page) -> None:
    page.goto("/recuperation")
    page.get_by_label("Chercher dans l’aide").fill("nespresso")
    page.keyboard.press("Enter")
    first = page.locator(".md-search-result__item").first
    expect(first).to_contain_text("Nespresso", timeout=15_000)
    expect(page.get_by_role("textbox", name="Chercher")).to_have_value("nespresso")


def test_without_script_it_leads_to_the_contents_of_the_help(
    chromium: Browser, portal: str
) -> None:
    page = chromium.new_page(base_url=portal, java_script_enabled=False)
    page.goto("/")
    page.get_by_label("Chercher dans l’aide").fill("nespresso")
    page.get_by_role("button", name="Chercher").click()
    expect(page.get_by_role("link", name="J’ai oublié mon mot de passe")).to_be_visible()
    page.close()


def test_vote_is_thanked_where_it_was_given(page: Page) -> None:
    page.goto("/aide/foire-aux-questions/")
    group = page.get_by_role("group", name="Cette page vous a-t-elle été utile")
    with page.expect_request("**/avis") as sent:
        group.get_by_role("button", name="Non").click()
    assert sent.value.post_data == "page=foire-aux-questions%2F&question=&useful=non"
    expect(page.get_by_text("Merci de votre avis.")).to_be_visible()
    expect(group).to_be_hidden()


def test_who_comes_for_a_question_votes_on_its_answer(page: Page) -> None:
    for place, question in (
        ("demander-le-mail", "mot-de-passe-oublie"),
        ("qui-contacter", "qui-contacter"),
    ):
        page.goto(f"/aide/foire-aux-questions/#{place}")
        group = page.get_by_role("group", name="Cette réponse vous a-t-elle été utile")
        above = group.locator("xpath=(preceding::h2)[last()]")
        expect(above).to_have_id(question)
        with page.expect_request("**/avis") as sent:
            group.get_by_role("button", name="Oui").click()
        assert f"&question={question}&" in str(sent.value.post_data)


def test_vote_without_script_is_thanked_on_a_page_that_leads_back(
    chromium: Browser, portal: str
) -> None:
    page = chromium.new_page(base_url=portal, java_script_enabled=False)
    page.goto("/aide/glossaire/")
    page.get_by_role("button", name="Oui").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("Merci de votre avis")
    page.get_by_role("link", name="Revenir à la page").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Glossaire")
    page.close()


def test_search_in_vain_is_told_to_the_portal_once_it_is_meant(page: Page) -> None:
    with page.expect_response("**/avis/recherche") as told:
        page.goto("/aide/?q=xylophone")
    assert told.value.status == 204
    assert told.value.request.post_data == "q=xylophone"
