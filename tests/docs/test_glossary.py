"""The glossary: its words explain themselves in the prose of every page, and nowhere else."""

import markdown
import pytest

from docs_tools import glossary
from docs_tools.built_site import BuiltSite
from selfservice.help import FAQ, PREFIX

WORDS = """\
Avoir { #avoir .ordinaire }
:   Document négatif.

Raison sociale { #raison-sociale }
:   Le nom d'une société. [Lien](x.md)

HT, TTC { #ht }
:   Un montant.
"""
NAMED = ("raison sociale", "identifiant", "historique d'affichage", "duplicata", "numéro client")


def marked(text: str, monkeypatch: pytest.MonkeyPatch, source: str = WORDS) -> str:
    monkeypatch.setattr(glossary, "definitions", lambda _text: DEFINITIONS(source))
    extensions = ["toc", "attr_list", "docs_tools.typo_fr", "docs_tools.glossary"]
    return markdown.markdown(text, extensions=extensions)


DEFINITIONS = glossary.definitions
ABBR = '<abbr tabindex="0" title="Le nom d’une société.">{}</abbr>'


def test_definitions_are_the_first_sentences_of_the_page() -> None:
    assert DEFINITIONS(WORDS) == {
        "Raison sociale": "Le nom d’une société.",
        "HT": "Un montant.",
        "TTC": "Un montant.",
    }


@pytest.mark.parametrize("text", ["[Lien](x.md).", "{{ retention }}.", "Sans point"])
def test_first_sentence_that_no_tooltip_can_show_is_refused(text: str) -> None:
    with pytest.raises(glossary.GlossaryError):
        DEFINITIONS(f"Mot {{ #mot }}\n:   {text}")


def test_first_use_in_a_section_is_marked(monkeypatch: pytest.MonkeyPatch) -> None:
    text = "La raison sociale. La raison sociale.\n\n## Titre\n\nLes raisons sociales."
    assert marked(text, monkeypatch) == (
        f"<p>La {ABBR.format('raison sociale')}. La raison sociale.</p>\n"
        '<h2 id="titre">Titre</h2>\n'
        f"<p>Les {ABBR.format('raisons sociales')}.</p>"
    )


@pytest.mark.parametrize(
    "text",
    [
        "# La raison sociale",
        "[raison sociale](x)",
        '<a href="/x">la raison sociale</a>',
        "`raison sociale`",
        "un avoir",
        "oraison sociale, ttc, HT-12",
    ],
)
def test_headings_links_code_and_other_words_stay(
    text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert "<abbr" not in marked(text, monkeypatch)


def test_text_around_links_and_tags_keeps_its_order(monkeypatch: pytest.MonkeyPatch) -> None:
    text = '<a href="/x">HT</a> et **gras** HT, puis *HT* raison sociale [fin](y).'
    shown = marked(text, monkeypatch)
    assert shown.count("<abbr") == 2
    assert shown.index(">HT</a>") < shown.index(">HT</abbr>, puis <em>HT</em> <abbr")


def test_words_of_the_portal_are_all_explained(site: BuiltSite) -> None:
    page = site.pages[f"{PREFIX}glossaire/"].tree
    assert not page.xpath("//article//abbr")
    terms = " ".join(page.xpath("//article//dt//text()")).casefold().replace("’", "'")
    for word in NAMED:
        assert word in terms
    assert page.xpath("//article//dt/@id").count("avoir") == 1


def test_questions_explain_their_words_but_not_in_headings_or_links(site: BuiltSite) -> None:
    page = site.pages[PREFIX + FAQ].tree
    assert len(page.xpath("//article//abbr[@title]")) > 30
    assert not page.xpath("//article//*[self::a or self::h2 or self::h3 or self::code]//abbr")
