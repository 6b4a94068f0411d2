"""What the portal shows, word for word, so that a page quotes only what is really on screen."""

import functools
import html
import re

from selfservice.config import REPOSITORY

SPACES = re.compile(r"\s+")
TEMPLATES = REPOSITORY / "templates"
FOLDERS = (("templates", "*.html"), ("selfservice", "*.py"))


class NotOnScreenError(LookupError):
    """No template, form or message of the portal holds these words."""


def screen(words: str, template: str = "") -> str:
    """Return the words as given. Raises NotOnScreenError where the portal never shows them.

    The case of letters, the kind of space and of apostrophe are free. `template` asks that one
    template shows them.
    """
    shown = _plain((TEMPLATES / template).read_text("utf-8")) if template else _everything_shown()
    if not re.search(rf"(?<!\w){re.escape(_plain(words))}(?!\w)", shown):
        raise NotOnScreenError(words)
    return words


@functools.cache
def _everything_shown() -> str:
    files = (path for folder, kind in FOLDERS for path in sorted((REPOSITORY / folder).rglob(kind)))
    return "\n".join(_plain(path.read_text("utf-8")) for path in files)


def _plain(text: str) -> str:
    straight = html.unescape(text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return SPACES.sub(" ", straight).casefold()
