"""What `make docs-check` catches: each rule broken once."""

from datetime import date
from pathlib import Path

import pytest

from docs_tools import build, built_site, pages, prose
from docs_tools.built_site import BuiltSite
from docs_tools.screen_words import NotOnScreenError, screen

TODAY = date(2026, 11, 21)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("---\ntitle: A\n---\n", "la date de vérification manque"),
        ("---\nverified: hier\n---\n", "la date de vérification manque"),
        ("---\nverified: 2026-11-01\nexpire: 2026-11-20\n---\n", "périmée depuis le 2026-11-20"),
        ("---\nverified: 2026-11-01\nexpire: demain\n---\n", "n'est pas une date"),
    ],
)
def test_page_with_a_fault_is_named(tmp_path: Path, text: str, fault: str) -> None:
    tmp_path.joinpath("page.md").write_text(text, "utf-8")
    (found,) = pages.faults(tmp_path, today=TODAY)
    assert found.startswith("page.md : ")
    assert fault in found


def test_page_expires_the_day_after(tmp_path: Path) -> None:
    text = "---\nverified: 2026-11-01\nexpire: 2026-11-21\n---\n"
    tmp_path.joinpath("page.md").write_text(text, "utf-8")
    assert not list(pages.faults(tmp_path, today=TODAY))


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ('<a href="absente/">x</a>', "lien cassé vers absente/"),
        ('<a href="#absente">x</a>', "ancre absente, #absente"),
        ('<a href="#">x</a>', "ancre absente, #"),
        ('<a href="/inconnue">x</a>', "le portail n'a pas de page /inconnue"),
        ('<form action="/inconnu" method="post"></form>', "le portail n'a pas de page /inconnu"),
        ('<script src="https://example.com/x.js"></script>', "ressource demandée à un autre site"),
        ('<script src="absent.js"></script>', "lien cassé vers absent.js"),
        ('<img src="data:," width="1" height="1">', "image sans texte de remplacement"),
        ('<img src="data:," alt="x">', "image sans largeur ni hauteur"),
    ],
)
def test_built_page_with_a_fault_is_named(tmp_path: Path, body: str, fault: str) -> None:
    tmp_path.joinpath("page.html").write_text(f"<html><body>{body}</body></html>", "utf-8")
    found = built_site.faults(BuiltSite(tmp_path), is_portal_page=lambda path, **_: path == "/")
    assert any(each.startswith("page.html : ") and fault in each for each in found)


def test_help_key_without_its_anchor_is_named(tmp_path: Path) -> None:
    folder = tmp_path / "foire-aux-questions"
    folder.mkdir()
    folder.joinpath("index.html").write_text("<html><body><p>vide</p></body></html>", "utf-8")
    found = list(built_site.faults(BuiltSite(tmp_path), is_portal_page=lambda _path, **_: True))
    assert any("« qui-contacter » mène à #qui-contacter" in each for each in found)
    assert any("« guide » mène à guide-de-connexion/" in each for each in found)


def test_words_that_the_portal_never_shows_are_refused() -> None:
    assert screen("mot de passe ou identifiant oublié") == "mot de passe ou identifiant oublié"
    with pytest.raises(NotOnScreenError):
        screen("mot de passe ou identifiant oublie")


def test_question_titles_come_from_the_headings(tmp_path: Path) -> None:
    page = tmp_path / "foire-aux-questions.md"
    page.write_text("## 1. Que faire ? { #que-faire }\n\n## Sans numéro { #non }\n", "utf-8")
    assert pages.questions(tmp_path) == {"que-faire": "Que faire ?"}


@pytest.mark.system
@pytest.mark.skipif(bool(prose.missing_tools()), reason="needs hunspell-fr and grammalecte-cli")
def test_mistakes_of_french_are_named() -> None:
    lines = [
        prose.Line("a.html", "Téléchargez vos facture."),
        prose.Line("b.html", "Un mail orfelin."),
    ]
    found = list(prose.faults(lines))
    assert any(each.startswith("a.html : Accord de nombre") for each in found)
    assert any("mot inconnu, « orfelin" in each for each in found)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[mot](absente.md)", "absente.md"),
        ("{{ inconnue }}", "'inconnue' is undefined"),
    ],
    ids=["dead link", "unknown variable"],
)
def test_build_tells_in_the_words_of_mkdocs_what_it_refuses(
    tmp_path: Path, text: str, fault: str
) -> None:
    plugins = "[{macros: {on_undefined: strict, on_error_fail: true}}]"
    (tmp_path / "mkdocs.yml").write_text(f"site_name: Essai\nplugins: {plugins}\n", "utf-8")
    (tmp_path / "docs").mkdir()
    (tmp_path / "docs/index.md").write_text(text, "utf-8")
    with pytest.raises(build.BuildError) as refused:
        build.run_mkdocs(tmp_path / "site", tmp_path / "mkdocs.yml")
    assert fault in str(refused.value)
    assert "Traceback" not in str(refused.value)
