"""The supplier's colour made readable: one accent for light pages, one for dark pages.

Contrast is that of WCAG 2: at least 4.5:1 against the least favourable paper of the stylesheet.
"""

from dataclasses import dataclass

MINIMUM_CONTRAST = 4.5
LIGHT_PAPER = "#f1f0ec"
DARK_PAPER = "#2a2f36"
WHITE = "#ffffff"
BLACK = "#101418"
STEPS = 100


@dataclass(frozen=True)
class Accent:
    """An accent, and the colour of text on it, both as #rrggbb."""

    colour: str
    on_colour: str


def light_accent(colour: str) -> Accent:
    """Darken a colour until it reads on light paper."""
    return _accent(colour, towards="#000000", paper=LIGHT_PAPER)


def dark_accent(colour: str) -> Accent:
    """Lighten a colour until it reads on dark paper."""
    return _accent(colour, towards=WHITE, paper=DARK_PAPER)


def contrast(first: str, second: str) -> float:
    """Return WCAG's contrast ratio of two colours, 1 to 21."""
    lighter, darker = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (lighter + 0.05) / (darker + 0.05)


def _accent(colour: str, *, towards: str, paper: str) -> Accent:
    readable = next(
        mixed
        for mixed in (_mix(colour, towards, step / STEPS) for step in range(STEPS + 1))
        if contrast(mixed, paper) >= MINIMUM_CONTRAST
    )
    return Accent(readable, max((WHITE, BLACK), key=lambda ink: contrast(ink, readable)))


def _mix(first: str, second: str, share: float) -> str:
    pairs = zip(_channels(first), _channels(second), strict=True)
    return "#" + "".join(f"{round(a + (b - a) * share):02x}" for a, b in pairs)


def _luminance(colour: str) -> float:
    red, green, blue = (_linear(channel / 255) for channel in _channels(colour))
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def _linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _channels(colour: str) -> tuple[int, int, int]:
    return int(colour[1:3], 16), int(colour[3:5], 16), int(colour[5:7], 16)
