"""The PDF that a page offers, printed from the page itself by Debian's Chromium, without network.

`python -m docs_tools.pdf SITE` completes a built site. site_docs/ keeps each PDF with the
fingerprint of what it says, so that a machine without Chromium has it too. One whose page says
something else is printed anew; without Chromium its link goes rather than tell what is no longer
true. `make pdf` prints all of them again and keeps them.
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

from docs_tools import build, chromium
from docs_tools.offers import FINGERPRINT, KEPT, LINK, Offer, offers, stale

FOOTER = (
    '<p style="width: 100%; margin: 0 16mm; font: 8px sans-serif; text-align: right">'
    '<span class="title"></span> · <span class="pageNumber"></span>/'
    '<span class="totalPages"></span></p>'
)
SHOW_IMAGES = """() => Promise.all([...document.images].map(
  (image) => { image.loading = "eager"; return image.decode() }))"""


def complete(site_dir: Path) -> None:
    """Give each offer of a built site its PDF, or take the link away and say so."""
    wanted = stale(site_dir)
    if chromium.is_there():
        print_all(wanted)
        return
    for offer in wanted:
        offer.pdf.unlink(missing_ok=True)
        offer.page.write_text(LINK.sub("", offer.page.read_text("utf-8")), "utf-8")
        print(f"{offer.pdf.name} : pas de PDF, il manque Chromium (make system).", file=sys.stderr)


def print_all(wanted: Iterable[Offer]) -> None:
    """Write the PDF of each offer into its site."""
    with sync_playwright() as playwright:
        browser = chromium.launch(playwright)
        for offer in wanted:
            page = browser.new_page(locale="fr-FR", color_scheme="light")
            root = urlsplit(offer.address).path.removesuffix(f"{offer.page.parent.name}/")
            page.route("**/*", partial(_serve, offer.site_dir, root))
            _print(page, offer)
            page.close()
        browser.close()


def _print(page: Page, offer: Offer) -> None:
    # The public address, so that the links of the PDF lead there.
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


def _sign(offer: Offer) -> None:
    """Note what the PDF says; take out what changes from one printing to the next."""
    with pikepdf.open(offer.pdf, allow_overwriting_input=True) as made:
        for name in ("/CreationDate", "/ModDate"):
            del made.docinfo[name]
        made.docinfo[FINGERPRINT] = offer.fingerprint()
        made.Root.ViewerPreferences = pikepdf.Dictionary(DisplayDocTitle=True)
        made.save(offer.pdf, deterministic_id=True)


def _serve(site_dir: Path, root: str, route: Route) -> None:
    """Answer from the built site; nothing leaves the machine."""
    path = urlsplit(route.request.url).path.removeprefix(root)
    file = site_dir / (f"{path}index.html" if path.endswith("/") or not path else path)
    if not file.is_file():
        route.abort()
        return
    route.fulfill(path=file, content_type=mimetypes.guess_type(file.name)[0] or "text/plain")


def keep_all() -> None:
    """Print every offer again, also what the text left as it was: the style may have changed."""
    with tempfile.TemporaryDirectory() as folder:
        site_dir = Path(folder, "site")
        build.run_mkdocs({site_dir: build.CONFIGURATIONS[""]})
        wanted = list(offers(site_dir))
        print_all(wanted)
        KEPT.mkdir(exist_ok=True)
        for offer in wanted:
            shutil.copyfile(offer.pdf, KEPT / offer.pdf.name)
            print(f"{offer.pdf.name} : {offer.pdf.stat().st_size // 1000} ko")


def main() -> int:
    if len(sys.argv) > 1:
        complete(Path(sys.argv[1]))
        return 0
    if not chromium.is_there():
        print("Il manque Chromium : apt-get install chromium", file=sys.stderr)
        return 1
    keep_all()
    return 0


if __name__ == "__main__":
    sys.exit(main())
