"""The index of messages: every message of the portal is explained, and nothing else."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

import selfservice
from docs_tools import messages, pages
from docs_tools.built_site import BuiltSite
from docs_tools.screen_words import TEMPLATES, NotOnScreenError
from selfservice.config import REPOSITORY
from selfservice.help import OPERATORS, PREFIX

SECTIONS = yaml.safe_load(messages.SECTIONS.read_text("utf-8"))
WRITTEN = [row for section in SECTIONS for row in section["messages"]]
KNOWN = messages.collect()

# Where a template says something by itself: a band, an empty list, the heading of an error page.
PLACE = re.compile(r'class="(?:band|empty)[ "]')
HEADING = re.compile(r"{% set heading = ")
GENERIC = {"_flash.html": 1, "_forms.html": 1}  # bands that show the messages collected above
OF_THE_DEMONSTRATION = "demo/"


def places() -> dict[str, int]:
    """Return how many things each template says by itself."""
    found = {}
    for path in sorted(TEMPLATES.rglob("*.html")):
        name = path.relative_to(TEMPLATES).as_posix()
        text = path.read_text("utf-8")
        is_page_of_error = name.startswith("errors/") or name == "accounts/dead_link.html"
        count = len(PLACE.findall(text)) - GENERIC.get(name, 0)
        count += len(HEADING.findall(text)) if is_page_of_error else 0
        if count and not name.startswith(OF_THE_DEMONSTRATION):
            found[name] = count
    return found


def literals() -> Iterator[str]:
    """Yield the sentences that code shows without naming them in a module of messages."""
    for path in sorted(Path(selfservice.__path__[0]).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and _is_shown(node, path):
                yield f"{path.relative_to(REPOSITORY)}:{node.lineno}"


def _is_shown(call: ast.Call, path: Path) -> bool:
    shown = {"flash", "ValidationError", "DataRequired", "InputRequired", "EqualTo", "Length"}
    if path.stem != "messages":
        shown.add("HelpfulText")
    values = [*call.args, *(keyword.value for keyword in call.keywords)]
    return getattr(call.func, "id", "") in shown and any(
        isinstance(value, ast.Constant) and isinstance(value.value, str) and " " in value.value
        for value in values
    )


def test_every_message_of_the_code_is_in_the_index_once() -> None:
    explained = Counter(row["of"] for row in WRITTEN if "of" in row)
    missing, gone = KNOWN.keys() - explained.keys(), explained.keys() - KNOWN.keys()
    assert not missing, f"to explain in docs_tools/messages.yml: {sorted(missing)}"
    assert not gone, f"no longer said by the portal: {sorted(gone)}"
    assert max(explained.values()) == 1


@pytest.mark.parametrize(("template", "count"), places().items())
def test_what_a_template_says_by_itself_is_in_the_index(template: str, count: int) -> None:
    explained = [row for row in WRITTEN if row.get("template") == template]
    assert len(explained) >= count, f"{template}: to explain in docs_tools/messages.yml"


def test_no_sentence_is_shown_without_a_name() -> None:
    assert list(literals()) == []


def test_the_collection_finds_each_sort_of_message() -> None:
    assert KNOWN["accounts.BAD_CREDENTIALS"].help_key == "connexion-impossible"
    assert KNOWN["administration.USER_SAVED"].text == "L’utilisateur … est modifié."
    assert KNOWN["notifications.REASONS.mailbox_full"].remedy.startswith("Videz")
    assert KNOWN["deposits.REFUSALS.too_long"].text == "Ce PDF dépasse … pages."
    assert KNOWN["wtforms.Not a valid choice."].text == "N'est pas un choix valide."
    assert places()["errors/404.html"] == 1


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
            target = messages.target_of(entry.help_key)
            assert pages.title_of(pages.DOCS, target), entry


def test_target_that_is_gone_is_refused() -> None:
    with pytest.raises(pages.UnknownTargetError):
        pages.title_of(pages.DOCS, "contact.md#absent")
    assert pages.title_of(pages.DOCS, "contact.md") == "Contact"
    faq = messages.target_of("mot-de-passe-oublie")
    assert pages.title_of(pages.DOCS, faq) == "Question 9"


def test_page_shows_every_message_with_its_remedy_and_link(site: BuiltSite) -> None:
    pages = [site.pages[f"{PREFIX}{place}messages/"].tree for place in ("", OPERATORS)]
    terms = [term for page in pages for term in page.xpath("//article//dt[samp][@id]")]
    assert len(terms) == len(WRITTEN)
    for term in terms:
        explanation = term.getnext()
        assert explanation.tag == "dd"
        assert "Que faire" in explanation.text_content()
        assert explanation.xpath(".//a/@href"), term.text_content()
