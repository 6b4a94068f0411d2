"""`make captures`: take the screenshots of captures.yml again from a demonstration of its own.

The clock is stopped, the browser's size and fonts are set, so that only a change of the portal
changes an image. An element that is missing or renamed fails the run by name.
"""

import io
import re
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from PIL import Image
from playwright.sync_api import (
    Browser,
    FrameLocator,
    Locator,
    Page,
    expect,
    sync_playwright,
)

from docs_tools import chromium, figures
from docs_tools.demonstration import Demonstration
from docs_tools.pages import DOCS
from selfservice.accounts.messages import PASSWORD_CHANGED

# A real portal has none.
WITHOUT_BANNER = "document.querySelector('aside.demo')?.remove()"
MARKS_SCRIPT = Path(__file__).with_name("marks.js").read_text("utf-8")
T = TypeVar("T")
PATIENCE_MS = 3_000  # with an element that should be there
PAGE_PATIENCE_MS = 15_000
STILL_ATTEMPTS = 20
STILL_MS = 400


class CaptureError(Exception):
    """A screenshot cannot be taken; the message names it and what is missing."""


class Photographer:
    """A browser in front of the demonstration."""

    def __init__(self, browser: Browser, demonstration: Demonstration) -> None:
        self._browser = browser
        self._demonstration = demonstration
        self._prepared: set[str] = set()
        # An adviser signs in once: with a stopped clock there is one code.
        self._sessions: dict[str, Any] = {}

    def take(self, capture: figures.Capture, *, is_phone: bool = False) -> Image.Image:
        """Return the screenshot, marks included. Raises CaptureError."""
        account = capture.account or ""
        size = (figures.WIDTH, capture.height)
        if is_phone:
            size = (figures.PHONE_WIDTH, capture.phone)
        try:
            if account in self._demonstration.advisers:
                if account not in self._sessions:
                    self._in_new_page(lambda page: self._open_desk(page, account))
            elif account and account not in self._prepared:
                self._in_new_page(lambda page: self._prepare(page, account))
            return self._in_new_page(lambda page: self._photograph(page, capture), size, account)
        except AssertionError as error:
            raise CaptureError(f"capture « {capture.name} » : {_first_line(error)}") from error

    def _in_new_page(
        self,
        work: Callable[[Page], T],
        size: tuple[int, int] = (figures.WIDTH, figures.HEIGHT),
        account: str = "",
    ) -> T:
        context = self._browser.new_context(
            base_url=self._demonstration.address,
            viewport={"width": size[0], "height": size[1]},
            device_scale_factor=2,
            storage_state=self._sessions.get(account),
            locale="fr-FR",
            timezone_id="Europe/Paris",
            color_scheme="light",
            reduced_motion="reduce",
        )
        context.set_default_timeout(PAGE_PATIENCE_MS)
        try:
            return work(context.new_page())
        finally:
            context.close()

    def _photograph(self, page: Page, capture: figures.Capture) -> Image.Image:
        if capture.account and capture.account not in self._sessions:
            self._sign_in(page, capture.account)
        self._open(page, capture.path)
        for step in capture.steps:
            name, target = _only(step)
            getattr(self, f"_{name}")(page, target)
        page.wait_for_load_state()  # the last step may have led to another page
        page.evaluate("document.fonts.ready")
        page.evaluate(WITHOUT_BANNER)
        boxes = [_box(_find(page, mark.kind, mark.name)) for mark in capture.marks]
        page.evaluate(MARKS_SCRIPT, boxes)
        return Image.open(io.BytesIO(self._still(page))).convert("RGB")

    def _still(self, page: Page) -> bytes:
        """Return the page once two shots in a row are alike: a PDF comes late, bit by bit."""
        before = b""
        for _ in range(STILL_ATTEMPTS):
            png = page.screenshot(animations="disabled", caret="hide", scale="device")
            if png == before and not is_void(Image.open(io.BytesIO(png))):
                return png
            before = png
            page.wait_for_timeout(STILL_MS)
        raise AssertionError("l'image reste vide ou change sans cesse")

    def _prepare(self, page: Page, account: str) -> None:
        """Sign in a first time, so that the order of the screenshots changes none of them.

        The portal tells of the previous sign-in, and invites to change a preset password.
        """
        password = self._demonstration.password(account)
        self._sign_in(page, account)
        self._open(page, "/profil/mot-de-passe")
        for field in ("Mot de passe actuel", "Votre mot de passe", "Confirmation"):
            self._fill(page, {"field": field, "with": password})
        self._click(page, {"button": "Envoyer"})
        expect(page.get_by_text(PASSWORD_CHANGED)).to_be_visible()
        self._prepared.add(account)

    def _sign_in(self, page: Page, account: str) -> None:
        password = self._demonstration.password(account)
        self._open(page, "/")
        self._fill(page, {"field": "Identifiant", "with": account})
        self._fill(page, {"field": "Mot de passe", "with": password})
        self._click(page, {"button": "Connexion"})
        expect(page, f"{account} devrait être connecté").to_have_url(re.compile(r"/factures$"))

    def _open_desk(self, page: Page, account: str) -> None:
        """Sign an adviser in, with the code of the demonstration's telephone."""
        self._open(page, "/demo/telephone")
        code = page.get_by_role("row").filter(has_text=account).get_by_role("cell").inner_text()
        self._open(page, "/")
        self._fill(page, {"field": "Identifiant", "with": account})
        self._fill(page, {"field": "Mot de passe", "with": self._demonstration.password(account)})
        self._click(page, {"button": "Connexion"})
        page.get_by_role("textbox").fill(code)
        self._click(page, {"button": "Connexion"})
        expect(page, f"{account} devrait être connecté").to_have_url(re.compile(r"/conseil$"))
        self._sessions[account] = page.context.storage_state()

    def _open(self, page: Page, path: str) -> None:
        answer = page.goto(path)
        if answer is None or not answer.ok:
            raise AssertionError(f"la page {path} ne répond pas")

    def _fill(self, page: Page, target: dict[str, str]) -> None:
        _find(page, "field", target["field"]).fill(target["with"])

    def _click(self, page: Page, target: dict[str, str]) -> None:
        _find(page, *_only(target)).click()

    def _show(self, page: Page, target: dict[str, str]) -> None:
        """Bring an element to the top of the image."""
        _find(page, *_only(target)).evaluate("element => element.scrollIntoView()")

    def _read_mail(self, page: Page, target: dict[str, str]) -> None:
        """Deliver what waits, and open a mail by its recipient and subject."""
        self._demonstration.deliver_mail()
        self._open(page, "/demo/mails")
        row = page.get_by_role("row").filter(has_text=target["to"])
        _find(row, "link", target["subject"]).click()

    def _follow(self, page: Page, target: dict[str, str]) -> None:
        """Click in the mail that is open."""
        _find(page.frame_locator("iframe"), *_only(target)).click()


def is_void(image: Image.Image) -> bool:
    """Tell a picture of one colour."""
    return all(low == high for low, high in image.convert("RGB").getextrema())


def _only(target: dict[str, Any]) -> tuple[str, Any]:
    return next(iter(target.items()))


def _find(page: Page | Locator | FrameLocator, kind: str, name: str) -> Locator:
    """Return the one element of this role (or form field, or text) and exact label."""
    role: Any = kind
    if kind == "field":
        found = page.get_by_label(name, exact=True)
    elif kind == "text":
        found = page.get_by_text(name, exact=True)
    else:
        found = page.get_by_role(role, name=name, exact=True)
    expect(found, f"{kind} « {name} » introuvable, ou en plusieurs exemplaires").to_have_count(
        1, timeout=PATIENCE_MS
    )
    return found


def _box(element: Locator) -> dict[str, float]:
    box = element.bounding_box()
    size = element.page.viewport_size
    if not box or not size or box["y"] < 0 or box["y"] + box["height"] > size["height"]:
        raise AssertionError(f"{element} est hors de l'image")
    return {"x": box["x"], "y": box["y"], "width": box["width"], "height": box["height"]}


def _first_line(error: AssertionError) -> str:
    return str(error).strip().split("\n")[0]


def keep(image: Image.Image, path: Path) -> bool:
    """Write the screenshot unless the one there has the same pixels; tell whether it changed."""
    if path.exists():
        with Image.open(path) as earlier:
            if earlier.convert("RGB").tobytes() == image.tobytes():
                return False
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(".tmp")
    image.save(aside, "WEBP", lossless=True, quality=100, method=4)
    aside.replace(path)
    return True


def take_all(names: list[str]) -> list[str]:
    """Take the named screenshots, or all; return what went wrong."""
    wanted = [capture for name, capture in figures.load().items() if name in names or not names]
    faults = []
    with (
        tempfile.TemporaryDirectory() as folder,
        Demonstration(Path(folder)) as demonstration,
        sync_playwright() as playwright,
    ):
        photographer = Photographer(chromium.launch(playwright), demonstration)
        for capture in wanted:
            for file in capture.files:
                try:
                    image = photographer.take(capture, is_phone=file == capture.phone_file)
                except CaptureError as error:
                    faults.append(f"{file} : {error}")
                else:
                    has_changed = keep(image, DOCS / file)
                    print(f"{file} : {'changée' if has_changed else 'identique'}")
    return faults


def main() -> int:
    if not chromium.is_there():
        print("Il manque Chromium : apt-get install chromium", file=sys.stderr)
        return 1
    try:
        faults = take_all(sys.argv[1:])
    except subprocess.CalledProcessError as error:
        print(f"La démonstration n'a pas pu être préparée : {error}", file=sys.stderr)
        return 1
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
