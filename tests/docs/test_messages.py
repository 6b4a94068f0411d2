"""The index of messages: every message of the portal is explained, and nothing else."""

from collections import Counter
from pathlib import Path

import pytest

from docs_tools import message_index, messages, pages
from docs_tools.built_site import BuiltSite
from docs_tools.screen_words import NotOnScreenError
from selfservice.help import PREFIX

WRITTEN = [row for section in messages.written() for row in section["messages"]]
KNOWN = messages.collect()


def test_every_message_of_the_code_is_in_the_index_once() -> None:
    explained = Counter(row["of"] for row in WRITTEN if "of" in row)
    missing, gone = KNOWN.keys() - explained.keys(), explained.keys() - KNOWN.keys()
    assert not missing, f"to explain in docs_tools/messages.yml: {sorted(missing)}"
    assert not gone, f"no longer said by the portal: {sorted(gone)}"
    assert max(explained.values()) == 1


@pytest.mark.parametrize(("template", "count"), messages.places().items())
def test_what_a_template_says_by_itself_is_in_the_index(template: str, count: int) -> None:
    explained = [row for row in WRITTEN if row.get("template") == template]
    assert len(explained) >= count, f"{template}: to explain in docs_tools/messages.yml"


def test_no_sentence_is_shown_without_a_name() -> None:
    assert list(messages.literals()) == []


def test_the_collection_finds_each_sort_of_message() -> None:
    assert KNOWN["accounts.BAD_CREDENTIALS"].help_key == "connexion-impossible"
    assert KNOWN["administration.USER_SAVED"].text == "L’utilisateur … est modifié."
    assert KNOWN["notifications.REASONS.mailbox_full"].remedy.startswith("Videz")
    assert KNOWN["deposits.REFUSALS.too_long"].text == "Ce PDF dépasse … pages."
    assert KNOWN["wtforms.Not a valid choice."].text == "N'est pas un choix valide."
    assert messages.places()["errors/404.html"] == 1


def test_new_message_and_words_that_are_gone_are_seen(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "messages.yml"
    row = "screen: Page introuvable, template: errors/410.html, cause: c, remedy: r"
    file.write_text(f"- {{id: a, title: A, messages: [{{{row}}}]}}", "utf-8")
    monkeypatch.setattr(messages, "SECTIONS", file)
    with pytest.raises(NotOnScreenError):
        messages.sections()
    file.write_text("- {id: a, title: A, messages: [{of: accounts.GONE, cause: c}]}", "utf-8")
    with pytest.raises(KeyError, match=r"accounts\.GONE"):
        messages.sections()


def test_every_entry_says_why_what_to_do_and_where_more_is_said() -> None:
    for section in messages.sections():
        for entry in section.entries:
            assert entry.cause.endswith((".", "?")), entry
            assert entry.remedy.endswith((".", "?", "compris")), entry
            target = message_index.target_of(entry.help_key)
            assert pages.title_of(pages.DOCS, target), entry


def test_target_that_is_gone_is_refused() -> None:
    with pytest.raises(pages.UnknownTargetError):
        pages.title_of(pages.DOCS, "contact.md#absent")
    assert pages.title_of(pages.DOCS, "contact.md") == "Contact"
    faq = message_index.target_of("mot-de-passe-oublie")
    assert pages.title_of(pages.DOCS, faq) == "Question 9"


def test_page_shows_every_message_with_its_remedy_and_link(site: BuiltSite) -> None:
    page = site.pages[f"{PREFIX}messages/"].tree
    terms = page.xpath("//article//dt[samp][@id]")
    assert len(terms) == len(WRITTEN)
    for term in terms:
        explanation = term.getnext()
        assert explanation.tag == "dd"
        assert "Que faire" in explanation.text_content()
        assert explanation.xpath(".//a/@href"), term.text_content()
