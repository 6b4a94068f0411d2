"""The screenshots: each defined, taken, and refused by name when the portal has changed."""

from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar

import pytest
from PIL import Image
from playwright.sync_api import Browser

from docs_tools import capture_words, captures, check, figures
from docs_tools.demonstration import Demonstration
from docs_tools.pages import DOCS

CAPTURES = figures.load()
TOY = """<!doctype html><html lang="fr"><body style="margin: 20px">
  <label for="login">Identifiant</label> <input id="login">
  <button>Connexion</button> <a href="#x">Mot de passe ou identifiant oublié</a>
</body></html>"""


class Toy:
    """A stand-in for the demonstration: one page, nobody to sign in."""

    address = "http://toy.example"
    advisers: ClassVar[dict[str, str]] = {}


@pytest.fixture
def photographer(sharp_chromium: Browser) -> Iterator[captures.Photographer]:
    taken = captures.Photographer(sharp_chromium, Toy())  # type: ignore[arg-type]
    taken._open = lambda page, _path: page.set_content(TOY)  # type: ignore[method-assign]
    return taken


def capture(**changes: object) -> figures.Capture:
    marks = [figures.Mark("field", "Identifiant"), figures.Mark("button", "Connexion")]
    return figures.Capture(**{"name": "essai", "path": "/", "alt": "x", "marks": marks} | changes)


def test_every_definition_has_its_image_and_every_image_its_definition() -> None:
    assert check.capture_faults(DOCS) == []


@pytest.mark.parametrize("name", CAPTURES)
def test_image_is_lossless_and_of_the_agreed_size(name: str) -> None:
    for file in CAPTURES[name].files:
        path = DOCS / file
        assert path.read_bytes()[12:16] == b"VP8L"
        with Image.open(path) as image:
            assert image.size == size_of(CAPTURES[name], file)


def size_of(capture: figures.Capture, file: str) -> tuple[int, int]:
    if file == capture.phone_file:
        return 2 * figures.PHONE_WIDTH, 2 * capture.phone
    return 2 * figures.WIDTH, 2 * capture.height


def test_a_phone_has_its_own_screenshot_where_there_is_one() -> None:
    shown = figures.markup(capture(phone=700), "assets/essai.webp", "../assets/t.webp")
    assert '<source media="(max-width: 30em)" srcset="../assets/t.webp" width="390"' in shown
    assert "<picture" not in figures.markup(capture(), "assets/essai.webp", "")


@pytest.mark.parametrize("name", CAPTURES)
def test_alternative_text_tells_every_mark(name: str) -> None:
    for number, mark in enumerate(CAPTURES[name].marks, 1):
        assert f"« {mark.name} » ({number})" in CAPTURES[name].alt


def known(path: str) -> bool:
    return path in ("/", "/recuperation")


@pytest.mark.parametrize(
    ("changes", "fault"),
    [
        ({"marks": [figures.Mark("button", "Se relier")]}, "n'affiche pas « Se relier »"),
        (
            {"marks": [figures.Mark("link", "Mot de passe ou identifiant oublie")]},
            "n'affiche pas « Mot de passe ou identifiant oublie »",
        ),
        ({"steps": [{"click": {"button": "Expédier"}}]}, "n'affiche pas « Expédier »"),
        ({"path": "/bienvenue"}, "n'a pas de page /bienvenue"),
        ({"steps": [{"open": "/adieu"}]}, "n'a pas de page /adieu"),
    ],
    ids=["renamed", "lost accent", "in a step", "page gone", "page of a step gone"],
)
def test_check_without_a_browser_names_what_the_portal_no_longer_has(
    changes: dict[str, object], fault: str
) -> None:
    (found,) = capture_words.faults([capture(**changes)], is_portal_page=known)
    assert found == f"docs_tools/captures.yml:1, « essai » : le portail {fault}"


def test_labels_and_pages_of_the_definitions_are_those_of_the_portal(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SELFSERVICE_INSTANCE", "")
    monkeypatch.setenv("SELFSERVICE_SECRET_KEY", "")
    pages = check.portal_pages(check.make_portal(tmp_path / "instance"))
    assert list(capture_words.faults(CAPTURES.values(), is_portal_page=pages)) == []


@pytest.mark.parametrize("step", [4, pytest.param(1, marks=pytest.mark.soak)])
def test_every_screenshot_can_be_taken_from_the_demonstration(
    step: int, sharp_chromium: Browser, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One shot of each: how still it stands matters to the pictures that are kept."""
    shoot = staticmethod(lambda page: page.screenshot(scale="device"))
    monkeypatch.setattr(captures.Photographer, "_still", shoot)
    with Demonstration(tmp_path) as demonstration:
        taken = captures.Photographer(sharp_chromium, demonstration)
        for each in list(CAPTURES.values())[::step]:
            for file in each.files:
                image = taken.take(each, is_phone=file == each.phone_file)
                assert image.size == size_of(each, file), file


def test_two_shots_of_one_page_have_the_same_pixels(photographer: captures.Photographer) -> None:
    first, second = photographer.take(capture()), photographer.take(capture())
    assert first.tobytes() == second.tobytes()
    assert first.size == (2 * figures.WIDTH, 2 * figures.HEIGHT)


def test_no_kept_screenshot_is_void() -> None:
    for each in CAPTURES.values():
        for file in each.files:
            assert not captures.is_void(Image.open(DOCS / file)), file


def test_a_page_that_stays_void_is_no_screenshot(
    photographer: captures.Photographer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(captures, "STILL_MS", 1)
    monkeypatch.setattr(photographer, "_open", lambda *_: None)
    with pytest.raises(captures.CaptureError, match="capture « essai » : l'image reste vide"):
        photographer.take(capture(marks=[]))


def test_unchanged_screenshot_is_not_written_again(tmp_path) -> None:
    image = Image.new("RGB", (4, 4), "red")
    assert captures.keep(image, tmp_path / "a.webp")
    assert not captures.keep(image, tmp_path / "a.webp")
    assert captures.keep(Image.new("RGB", (4, 4), "blue"), tmp_path / "a.webp")


@pytest.mark.parametrize(
    "mark",
    [
        figures.Mark("link", "Mot de passe ou identifiant oublie"),
        figures.Mark("field", "Login"),
        figures.Mark("button", "connexion"),
    ],
    ids=["lost accent", "renamed", "other case"],
)
def test_changed_label_fails_by_name(
    photographer: captures.Photographer, monkeypatch: pytest.MonkeyPatch, mark: figures.Mark
) -> None:
    monkeypatch.setattr(captures, "PATIENCE_MS", 50)
    with pytest.raises(captures.CaptureError, match=f"capture « essai » : .*« {mark.name} »"):
        photographer.take(capture(marks=[mark]))
