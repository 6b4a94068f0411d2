"""The PDF that a page of a built site offers, and whether it still says what the page says."""

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pikepdf
from lxml import html

from selfservice.config import REPOSITORY

FOLDER = "assets/pdf"
KEPT = REPOSITORY / "site_docs" / FOLDER
FINGERPRINT = "/SourceSHA256"
LINK = re.compile(r'<a class="pdf"[^>]*>[^<]*</a>')


@dataclass(frozen=True)
class Offer:
    """A built page that links to its PDF."""

    page: Path
    site_dir: Path

    @property
    def tree(self) -> html.HtmlElement:
        return html.document_fromstring(self.page.read_text("utf-8"))

    @property
    def address(self) -> str:
        return str(self.tree.xpath("string(//link[@rel='canonical']/@href)"))

    @property
    def pdf(self) -> Path:
        return self.site_dir / FOLDER / f"{self.page.parent.name}.pdf"

    def fingerprint(self) -> str:
        """Return the SHA-256 of what the page says and shows."""
        (article,) = self.tree.xpath("//article")
        said = hashlib.sha256(" ".join(article.text_content().split()).encode())
        for source in article.xpath(".//img/@src"):
            said.update((self.page.parent / source).read_bytes())
        return said.hexdigest()

    def is_kept(self) -> bool:
        """Tell whether the PDF is there and says what the page says."""
        return self.is_kept_as(self.pdf)

    def is_kept_as(self, pdf: Path) -> bool:
        """Tell whether this file is there and says what the page says."""
        if not pdf.is_file():
            return False
        with pikepdf.open(pdf) as known:
            return str(known.docinfo.get(FINGERPRINT, "")) == self.fingerprint()


def offers(site_dir: Path) -> Iterator[Offer]:
    """Yield the pages that offer a PDF."""
    for page in sorted(site_dir.rglob("index.html")):
        if LINK.search(page.read_text("utf-8")):
            yield Offer(page, site_dir)


def stale(site_dir: Path) -> list[Offer]:
    """Return the offers without a PDF that says what their page says."""
    return [offer for offer in offers(site_dir) if not offer.is_kept()]
