"""The guide and the FAQ to take away: tagged PDF that say what the pages say."""

import subprocess
import sys
from pathlib import Path

import pikepdf
import pytest
from lxml import html
from pypdf import PageObject, PdfReader

from docs_tools import offers, pdf
from docs_tools.offers import Offer
from selfservice.config import REPOSITORY

TITLES = {"guide-de-connexion": "Guide de connexion", "foire-aux-questions": "Foire aux questions"}
FOOTER = 50  # points
PAGE = """<!doctype html><html lang="fr"><head><title>Essai</title>
<link rel="canonical" href="https://portail.example/aide/essai/"></head><body><article>
<h1>Essai</h1><p>{text}</p><a class="pdf" href="../assets/pdf/essai.pdf">PDF</a></article></body>"""


@pytest.fixture
def offer(tmp_path: Path) -> Offer:
    page = tmp_path / "essai" / "index.html"
    page.parent.mkdir()
    page.write_text(PAGE.format(text="Un."), "utf-8")
    return Offer(page, tmp_path)


@pytest.mark.parametrize("name", TITLES)
def test_kept_pdf_says_what_its_page_says(site_dir: Path, name: str) -> None:
    kept = offers.KEPT / f"{name}.pdf"
    offer = Offer(site_dir / name / "index.html", site_dir)
    with pikepdf.open(kept) as known:
        assert known.docinfo[offers.FINGERPRINT] == offer.fingerprint(), "make pdf"


@pytest.mark.parametrize("name", TITLES)
def test_pdf_is_tagged_titled_and_in_french(site_dir: Path, name: str) -> None:
    with pikepdf.open(site_dir / offers.FOLDER / f"{name}.pdf") as document:
        root = document.Root
        assert root.MarkInfo.Marked
        assert root.StructTreeRoot.K
        assert root.Lang == "fr"
        assert root.ViewerPreferences.DisplayDocTitle
        assert document.docinfo.Title == f"{TITLES[name]} - E-Facture"
        assert root.Outlines.Count >= 5
        links = {
            str(note.A.URI)
            for page in document.pages
            for note in page.get("/Annots", [])
            if "/A" in note and "/URI" in note.A
        }
    assert "https://factures.example.com/recuperation" in links


@pytest.mark.parametrize("name", TITLES)
def test_no_printed_page_but_the_last_is_half_empty(name: str) -> None:
    pages = PdfReader(offers.KEPT / f"{name}.pdf").pages
    for number, page in enumerate(pages[:-1], 1):
        assert lowest_of(page) < float(page.mediabox.height) / 2, number


def lowest_of(page: PageObject) -> float:
    """Return how high above the page's foot its last words or image stand, footer left out."""
    found: list[float] = []

    def see_text(text: str, matrix: list[float], place: list[float], *_: object) -> None:
        if text.strip():
            found.append(place[5] * matrix[3] + matrix[5])

    def see_image(operator: bytes, _operands: object, matrix: list[float], *_: object) -> None:
        if operator == b"Do":
            found.append(min(matrix[5], matrix[5] + matrix[3]))

    page.extract_text(visitor_text=see_text, visitor_operand_before=see_image)
    return min(height for height in found if height > FOOTER)


@pytest.mark.parametrize("name", TITLES)
def test_page_links_to_its_pdf(site_dir: Path, name: str) -> None:
    tree = html.document_fromstring((site_dir / name / "index.html").read_text("utf-8"))
    assert tree.xpath("//a[@class='pdf']/@href") == [f"../assets/pdf/{name}.pdf"]


def complete(site_dir: Path) -> None:
    """In a process of its own: one process bears one Playwright, and the tests have it."""
    subprocess.run([sys.executable, "-m", "docs_tools.pdf", site_dir], cwd=REPOSITORY, check=True)


@pytest.mark.browser
def test_printing_twice_gives_the_same_file_and_a_changed_text_another(offer: Offer) -> None:
    complete(offer.site_dir)
    first = offer.pdf.read_bytes()
    assert offer.is_kept()
    offer.pdf.unlink()
    complete(offer.site_dir)
    assert offer.pdf.read_bytes() == first
    offer.page.write_text(PAGE.format(text="Deux."), "utf-8")
    assert not offer.is_kept()


def test_without_chromium_a_stale_pdf_and_its_link_go(
    offer: Offer, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(pdf.chromium, "is_there", lambda: False)
    offer.pdf.parent.mkdir(parents=True)
    with pikepdf.new() as stale:
        stale.save(offer.pdf)
    pdf.complete(offer.site_dir)
    assert not offer.pdf.exists()
    assert 'class="pdf"' not in offer.page.read_text("utf-8")
    assert "essai.pdf : pas de PDF" in capsys.readouterr().err
