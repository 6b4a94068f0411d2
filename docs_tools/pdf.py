"""The PDF that a page offers, made from the page itself; `make pdf` keeps them in site_docs/.

A kept PDF carries the fingerprint of what it says. A build takes it where the page still says
the same, so that a machine without Chromium has it too; else it prints anew, and where there is
no Chromium leaves the link out rather than offer what is no longer true.
"""

import hashlib
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pikepdf
from lxml import html

FOLDER = "assets/pdf"
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
        """Where the public finds the page, so that the links of the PDF lead there."""
        return str(self.tree.xpath("string(//link[@rel='canonical']/@href)"))

    @property
    def pdf(self) -> Path:
        return self.site_dir / FOLDER / f"{self.page.parent.name}.pdf"

    def fingerprint(self) -> str:
        """Return the SHA-256 of what the page says and shows."""
        (article,) = self.tree.xpath("//article")
        said = hashlib.sha256(html.tostring(article))
        for source in article.xpath(".//img/@src"):
            said.update((self.page.parent / source).read_bytes())
        return said.hexdigest()

    def is_kept(self) -> bool:
        """Tell whether the PDF is there and says what the page says."""
        if not self.pdf.is_file():
            return False
        with pikepdf.open(self.pdf) as known:
            return str(known.docinfo.get(FINGERPRINT, "")) == self.fingerprint()


def offers(site_dir: Path) -> Iterator[Offer]:
    """Yield the pages that offer a PDF."""
    for page in sorted(site_dir.rglob("index.html")):
        if LINK.search(page.read_text("utf-8")):
            yield Offer(page, site_dir)


def stale_offers(site_dir: Path) -> list[Offer]:
    return [offer for offer in offers(site_dir) if not offer.is_kept()]


def complete(site_dir: Path) -> None:
    """Give each offer of a built site its PDF, or take the link away and say so."""
    stale = stale_offers(site_dir)
    if stale and shutil.which("chromium"):
        # A process of its own: one process bears one Playwright, and whoever builds may have it.
        subprocess.run([sys.executable, "-m", "docs_tools.printer", str(site_dir)], check=True)
        return
    for offer in stale:
        offer.pdf.unlink(missing_ok=True)
        offer.page.write_text(LINK.sub("", offer.page.read_text("utf-8")), "utf-8")
        print(f"{offer.pdf.name} : pas de PDF, il manque Chromium (make system).", file=sys.stderr)
