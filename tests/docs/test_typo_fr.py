"""French typography: ordinary spaces in, no-break spaces out."""

import markdown
import pytest

from docs_tools.typo_fr import set_spaces

WIDE, THIN = "\N{NO-BREAK SPACE}", "\N{NARROW NO-BREAK SPACE}"


def shown(text: str) -> str:
    """Write no-break spaces visibly: ~ for the wide one, _ for the narrow one."""
    return text.replace(WIDE, "~").replace(THIN, "_")


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("Que faire ?", "Que faire_?"),
        ("Que faire?", "Que faire_?"),
        ("Bravo ! Oui ; non", "Bravo_! Oui_; non"),
        ("Ceci : cela", "Ceci~: cela"),
        ("à 10:30", "à 10:30"),
        ("« mot »", "«~mot~»"),
        ("«mot»", "«~mot~»"),
        ("(oui ?)", "(oui_?)"),
        ("24 mois, 120 minutes, 8 caractères", "24~mois, 120~minutes, 8~caractères"),
        ("3 moisissures", "3 moisissures"),
        ("le 1er septembre 2026, le 2 mars", "le 1er~septembre 2026, le 2~mars"),
        ("1 234,50 €", "1_234,50~€"),
        ("n° 2022-1157, art. 91", "n°~2022-1157, art.~91"),
        ("Diac / Diac Location", "Diac~/ Diac Location"),
        ("l'identifiant d'un client", "l’identifiant d’un client"),
        ("https://exemple.fr/a?b=c", "https://exemple.fr/a?b=c"),
    ],
)
def test_spaces_and_apostrophes_are_set(typed: str, expected: str) -> None:
    assert shown(set_spaces(typed)) == expected


def test_setting_spaces_twice_changes_nothing_more() -> None:
    once = set_spaces("« Que faire ? » : 24 mois ; l'an 2 000 !")
    assert set_spaces(once) == once


def rendered(text: str) -> str:
    extensions = ["attr_list", "toc", "docs_tools.typo_fr"]
    return shown(markdown.markdown(text, extensions=extensions))


def test_marks_after_bold_and_links_get_their_space() -> None:
    assert rendered("**Gras** ? [lien](x) : « *mot* »") == (
        '<p><strong>Gras</strong>_? <a href="x">lien</a>~: «~<em>mot</em>~»</p>'
    )


def test_apostrophe_before_bold_is_curved() -> None:
    assert rendered("l'**original**") == "<p>l’<strong>original</strong></p>"


def test_code_stays_as_typed() -> None:
    assert rendered("`a ? b : c`") == "<p><code>a ? b : c</code></p>"
    assert "l'an ?" in rendered("    l'an ?")


def test_entities_stay_whole() -> None:
    assert rendered("A &amp; B ; C") == "<p>A &amp; B_; C</p>"


def test_headings_keep_their_id() -> None:
    assert rendered("## Que faire ? { #que-faire }") == '<h2 id="que-faire">Que faire_?</h2>'
