"""What `make docs-check` catches: each rule broken once."""

import json
import re
from datetime import date
from pathlib import Path

import pikepdf
import pytest
from mkdocs.utils.yaml import yaml_load

from docs_tools import build, built_site, messages, pages, places, prose, written
from docs_tools.built_site import BuiltSite
from docs_tools.screen_words import NotOnScreenError, screen

pytestmark = pytest.mark.slow  # each builds a site

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
    assert re.match(r".*/page\.md:\d+ : ", found)
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
    for words in (
        "mot de passe ou identifiant oublie",
        "logins",
        "endblock",
        "is-quiet",
        "help_key",
    ):
        with pytest.raises(NotOnScreenError):
            screen(words)


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


@pytest.fixture(scope="module")
def names() -> written.Names:
    return written.Names()


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('« {{ screen("Se relier") }} »', "le portail n'affiche plus « Se relier »"),
        ('{{ question("que-faire") }}', "aucune question n'a l'identifiant « que-faire »"),
        ('{{ capture("absente") }}', "captures.yml n'a pas de capture « absente »"),
        ('{{ setting("ABSENT") }}', "setting refuse ABSENT"),
        ("{{ inconnue }}", "nom inconnu entre accolades, « inconnue »"),
        ("{{ inconnue('x') }}", "nom inconnu entre accolades, « inconnue »"),
        ("{{ brand", "accolades mal écrites"),
        ("![](image.webp)", "image sans texte de remplacement"),
        ('<img src="image.webp">', "image sans texte de remplacement"),
    ],
)
def test_fault_of_a_page_as_written_has_its_line(
    tmp_path: Path, names: written.Names, line: str, fault: str
) -> None:
    page = tmp_path / "page.md"
    page.write_text(
        f"# {{{{ brand }}}}\n\n{{% raw %}}{{{{ libre }}}}{{% endraw %}}\n{line}\n", "utf-8"
    )
    (found,) = written.faults(tmp_path, names)
    assert found.startswith(f"{page}:4 : {fault}")


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("[mot](absente.md)", "lien cassé vers absente.md"),
        ("[mot](#absente)", "ancre absente, #absente"),
        ("[mot](autre.md#absente)", "ancre absente, autre.md#absente"),
        ("![un texte](absente.webp)", "image introuvable, absente.webp"),
        ("[mot](/factures)", "lien à écrire vers le fichier .md de sa page, /factures"),
        ("[mot](autre/)", "lien à écrire vers le fichier .md de sa page, autre/"),
    ],
)
def test_what_mkdocs_refuses_is_told_in_french_with_its_line(
    tmp_path: Path, line: str, fault: str
) -> None:
    docs = _small_site(tmp_path, f"# Essai\n\n{line}\n")
    with pytest.raises(build.BuildError) as refused:
        build.run_mkdocs({tmp_path / "site": tmp_path / "mkdocs.yml"})
    (found,) = written.of_the_build(str(refused.value), docs)
    assert found == f"{docs / 'index.md'}:3 : {fault}"


def test_page_that_no_menu_has_is_named(tmp_path: Path) -> None:
    docs = _small_site(tmp_path, "# Essai\n")
    (docs / "oubliee.md").write_text("# Oubliée\n", "utf-8")
    with pytest.raises(build.BuildError) as refused:
        build.run_mkdocs({tmp_path / "site": tmp_path / "mkdocs.yml"})
    (found,) = written.of_the_build(str(refused.value), docs)
    assert found == f"{docs / 'oubliee.md'}:1 : page absente du menu (nav:)"


def _small_site(folder: Path, text: str) -> Path:
    """Return the pages of a site of two, as strict as ours."""
    ours = yaml_load(written.CONFIGURATION.read_text("utf-8"))["validation"]
    settings = {"site_name": "Essai", "nav": ["index.md", "autre.md"], "validation": ours}
    (folder / "mkdocs.yml").write_text(json.dumps(settings), "utf-8")
    docs = folder / "docs"
    docs.mkdir()
    (docs / "index.md").write_text(text, "utf-8")
    (docs / "autre.md").write_text("# Autre\n", "utf-8")
    return docs


def test_question_missing_in_the_contents_or_in_the_portal_has_its_line(tmp_path: Path) -> None:
    page = tmp_path / pages.FAQ
    page.write_text(
        '<div class="tasks" markdown>\n- {{ topic("une") }}\n</div>\n'
        '## 1. Une ? { #une data-toc-label="Une" }\n\n'
        "## 2. Deux ? { #deux }\n",
        "utf-8",
    )
    assert list(written.contents_faults(tmp_path, ("une", "trois"))) == [
        f"{page}:6 : question absente du sommaire, « deux » (ou deux fois)",
        f"{page}:6 : question inconnue du portail, « deux » (selfservice/help.py)",
        f"{page}:1 : la question « trois » du portail n'a pas de réponse",
    ]


def test_pdf_that_says_something_else_is_named_with_its_page(tmp_path: Path) -> None:
    built = tmp_path / "site/guide"
    built.mkdir(parents=True)
    link = '<a class="pdf" href="../assets/pdf/guide.pdf">PDF</a>'
    (built / "index.html").write_text(f"<article><p>Texte</p>{link}</article>", "utf-8")
    source = tmp_path / "guide.md"
    source.write_text("---\ntitle: Guide\npdf: guide.pdf\n---\n", "utf-8")
    with pikepdf.new() as stale:
        stale.save(tmp_path / "guide.pdf")
    (found,) = written.pdf_faults(tmp_path, tmp_path / "site", kept=tmp_path)
    assert found == f"{source}:3 : PDF périmé (make pdf)"


def test_fault_of_a_built_page_leads_to_the_line_of_its_source(tmp_path: Path) -> None:
    page = tmp_path / "contact.md"
    page.write_text("# Contact\n\nUn mail.\n\nL'un des mails orfelins : lequel ?\n", "utf-8")
    shown = "L’un des mails orfelins\N{NO-BREAK SPACE}: lequel\N{NARROW NO-BREAK SPACE}?"
    found = places.of_built("contact/index.html", "mail", near=shown, docs_dir=tmp_path)
    assert found == f"{page}:5"
    assert places.of_built("404.html", "mail", docs_dir=tmp_path) == "404.html"


def test_message_that_nothing_explains_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(messages, "collect", lambda: {"mail.NEW": messages.Message("Neuf.")})
    found = list(messages.faults())
    assert "docs_tools/messages.yml:1 : message à expliquer, mail.NEW" in found
    assert any(re.search(r"messages\.yml:\d+ : le portail ne dit plus ", each) for each in found)
