"""What stands between two headings: one part, drawn when it is near; links still lead exactly."""

import markdown
import pytest
from playwright.sync_api import Browser, Page, expect

from selfservice.help import FAQ, FAQ_KEYS

SIZES = {"phone": (390, 844), "desk": (1280, 900)}
IS_LEFT_OUT = "block => !block.checkVisibility({ contentVisibilityAuto: true })"
# Near the top, or as far up as the end of the page lets it come.
IS_IN_VIEW = """key => {
  const { top } = document.getElementById(key).getBoundingClientRect()
  const rest = document.documentElement.scrollHeight - innerHeight - scrollY
  return top >= 48 && (top < 100 || (rest < 2 && top < innerHeight))
}"""


def test_blocks_after_a_heading_are_one_part() -> None:
    text = "Un\n\n## Titre\n\nDeux\n\n- trois\n\n## Vide\n\n### Fin\n\nQuatre"
    assert markdown.markdown(text, extensions=["docs_tools.parts"]) == (
        '<div class="part"><p>Un</p>\n</div><h2>Titre</h2>\n'
        '<div class="part"><p>Deux</p>\n<ul>\n<li>trois</li>\n</ul>\n</div><h2>Vide</h2>\n'
        '<h3>Fin</h3>\n<div class="part"><p>Quatre</p>\n</div>'
    )


@pytest.fixture(params=SIZES)
def faq(chromium: Browser, help_address: str, request: pytest.FixtureRequest) -> Page:
    width, height = SIZES[request.param]
    page = chromium.new_page(locale="fr-FR", viewport={"width": width, "height": height})
    page.goto(help_address + FAQ)
    request.addfinalizer(page.close)
    return page


@pytest.mark.browser
def test_parts_far_from_view_are_left_out(faq: Page) -> None:
    last = faq.locator(".part > p").last
    assert last.evaluate(IS_LEFT_OUT)
    last.scroll_into_view_if_needed()
    faq.wait_for_function(f"block => !({IS_LEFT_OUT})(block)", arg=last.element_handle())


@pytest.mark.browser
def test_each_link_of_the_contents_leads_to_its_question(faq: Page) -> None:
    for key in FAQ_KEYS:
        faq.locator(f".tasks a[href='#{key}']").click()
        faq.wait_for_function(IS_IN_VIEW, arg=key)


@pytest.mark.browser
def test_word_that_has_the_focus_tells_its_meaning_until_it_is_left(faq: Page) -> None:
    meaning = faq.locator(".meaning")
    word = faq.locator("article abbr").first
    word.focus()
    expect(meaning).to_have_text(word.get_attribute("title") or "")
    expect(meaning).to_be_in_viewport(ratio=1)
    faq.keyboard.press("Escape")
    expect(meaning).to_have_count(0)
