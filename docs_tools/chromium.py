"""Debian's Chromium, told to draw the same pixels on each machine."""

import os
import shutil

from playwright.sync_api import Browser, Playwright

# Four pixels for each one. Where an image asks for them, the metrics of a font depend on which of
# two settings arrives first without this flag and the next.
SHARP = "--force-device-scale-factor=2"
FLAGS = (
    "--disable-font-subpixel-positioning",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-lcd-text",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--font-render-hinting=none",
    "--force-color-profile=srgb",
    "--hide-scrollbars",
    "--no-first-run",
)


def is_there() -> bool:
    return shutil.which("chromium") is not None


def launch(playwright: Playwright) -> Browser:
    # A page's locale does not reach the fields of dates: they follow the browser's own language.
    return playwright.chromium.launch(
        executable_path=shutil.which("chromium"),
        args=[*FLAGS, SHARP],
        env=os.environ | {"LANGUAGE": "fr"},
    )
