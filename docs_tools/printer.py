"""`make pdf`: print the pages that offer a PDF, tagged, by Debian's Chromium, without network.

`python -m docs_tools.printer SITE` prints those that a built site lacks, and keeps nothing.
"""

import mimetypes
import shutil
import sys
import tempfile
from collections.abc import Iterable
from functools import partial
from pathlib import Path
from urllib.parse import urlsplit

import pikepdf
from playwright.sync_api import Page, Route, sync_playwright

from docs_tools import build, pdf
from docs_tools.captures import CHROMIUM_FLAGS
from selfservice.help import PREFIX

KEPT = build.ROOT / "site_docs" / pdf.FOLDER
FOOTER = (
    '<p style="width: 100%; margin: 0 16mm; font: 8px sans-serif; text-align: right">'
    '<span class="title"></span> · <span class="pageNumber"></span>/'
    '<span class="totalPages"></span></p>'
)
SHOW_IMAGES = """() => Promise.all([...document.images].map(
  (image) => { image.loading = "eager"; return image.decode() }))"""


def print_all(offers: Iterable[pdf.Offer]) -> None:
    """Write the PDF of each offer into its site."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=list(CHROMIUM_FLAGS)
        )
        for offer in offers:
            page = browser.new_page(locale="fr-FR", color_scheme="light")
            page.route("**/*", partial(_serve, offer.site_dir))
            _print(page, offer)
            page.close()
        browser.close()


def _print(page: Page, offer: pdf.Offer) -> None:
    page.goto(offer.address)
    page.emulate_media(media="print")
    page.evaluate(SHOW_IMAGES)
    offer.pdf.parent.mkdir(parents=True, exist_ok=True)
    page.pdf(
        path=offer.pdf,
        format="A4",
        margin={"top": "14mm", "bottom": "16mm", "left": "16mm", "right": "16mm"},
        tagged=True,
        outline=True,
        display_header_footer=True,
        header_template="<p></p>",
        footer_template=FOOTER,
    )
    _sign(offer)


def _sign(offer: pdf.Offer) -> None:
    """Note what the PDF says; take out what changes from one printing to the next."""
    with pikepdf.open(offer.pdf, allow_overwriting_input=True) as made:
        for name in ("/CreationDate", "/ModDate"):
            del made.docinfo[name]
        made.docinfo[pdf.FINGERPRINT] = offer.fingerprint()
        made.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        made.save(offer.pdf, deterministic_id=True)


def _serve(site_dir: Path, route: Route) -> None:
    """Answer from the built site; nothing leaves the machine."""
    path = urlsplit(route.request.url).path.removeprefix(PREFIX)
    file = site_dir / (f"{path}index.html" if path.endswith("/") or not path else path)
    if not file.is_file():
        route.abort()
        return
    route.fulfill(path=file, content_type=mimetypes.guess_type(file.name)[0] or "text/plain")


def main() -> int:
    if not shutil.which("chromium"):
        print("Il manque Chromium : apt-get install chromium", file=sys.stderr)
        return 1
    if len(sys.argv) > 1:
        print_all(pdf.stale_offers(Path(sys.argv[1])))
        return 0
    with tempfile.TemporaryDirectory() as folder:
        site_dir = Path(folder, "site")
        build.build(site_dir)
        offers = list(pdf.offers(site_dir))
        print_all(offers)  # also what the text left as it was: the style may have changed
        KEPT.mkdir(exist_ok=True)
        for offer in offers:
            shutil.copyfile(offer.pdf, KEPT / offer.pdf.name)
            print(f"{offer.pdf.name} : {offer.pdf.stat().st_size // 1000} ko")
    return 0


if __name__ == "__main__":
    sys.exit(main())
