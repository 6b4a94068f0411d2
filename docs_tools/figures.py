"""The screenshots as the pages show them: what captures.yml says, as a figure."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

DEFINITIONS = Path(__file__).with_name("captures.yml")
FOLDER = "assets/captures"
WIDTH, HEIGHT = 960, 600
PHONE_WIDTH = 390
PHONE = "(max-width: 30em)"  # the pages that a phone shows with its own screenshot


class UnknownCaptureError(KeyError):
    """captures.yml defines no screenshot of this name."""


@dataclass(frozen=True)
class Mark:
    """A numbered frame around one element: its role (or `field`) and its exact label."""

    kind: str
    name: str


@dataclass(frozen=True)
class Capture:
    """One screenshot: who opens which page, does what, and what is marked on it.

    `height` and `phone` are what its screen shows, in pixels; without `phone` there is none of one.
    """

    name: str
    path: str
    alt: str
    account: str | None = None
    height: int = HEIGHT
    phone: int = 0
    steps: list[dict[str, Any]] = field(default_factory=list)
    marks: list[Mark] = field(default_factory=list)

    @property
    def file(self) -> str:
        return f"{FOLDER}/{self.name}.webp"

    @property
    def phone_file(self) -> str:
        return f"{FOLDER}/{self.name}-telephone.webp"

    @property
    def files(self) -> list[str]:
        return [self.file, self.phone_file] if self.phone else [self.file]


def load(path: Path = DEFINITIONS) -> dict[str, Capture]:
    """Return the screenshots by name, in the order of the file."""
    return {
        name: Capture(
            name=name,
            **{key: value for key, value in entry.items() if key != "marks"},
            marks=[Mark(*next(iter(mark.items()))) for mark in entry.get("marks", [])],
        )
        for name, entry in yaml.load(path.read_text("utf-8"), yaml.CSafeLoader).items()
    }


def markup(capture: Capture, link: str, phone_link: str, *, is_first: bool = False) -> str:
    """Return the figure, with the legend of its numbered marks.

    `link` leads to the image from the source of the page, `phone_link` from its address. What
    stands on the first screen (`is_first`) is loaded at once.
    """
    legend = " · ".join(
        f"**({number})** {mark.name}" for number, mark in enumerate(capture.marks, 1)
    )
    caption = f"{legend} " if legend else ""
    loading = "eager" if is_first else "lazy"
    size = f"width={WIDTH} height={capture.height}"
    image = f"![{capture.alt}]({link}){{ {size} loading={loading} }}"
    if capture.phone:
        image = (
            f'<picture markdown="span"><source media="{PHONE}" srcset="{phone_link}" '
            f'width="{PHONE_WIDTH}" height="{capture.phone}">{image}</picture>'
        )
    return (
        f'<figure class="capture" markdown data-search-exclude>\n\n{image}\n\n'
        f'<figcaption markdown="span">{caption}[Voir en grand]({link}){{ .enlarge }}</figcaption>'
        "\n\n</figure>"
    )
