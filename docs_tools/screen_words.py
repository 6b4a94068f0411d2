"""What the portal shows, word for word, so that a page quotes only what is really on screen."""

import functools
import html
import re

from selfservice.config import REPOSITORY

SPACES = re.compile(r"\s+")
WORD = re.compile(r"\w")
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
    if not _holds(shown, _plain(words)):
        raise NotOnScreenError(words)
    return words


def _holds(text: str, words: str) -> bool:
    """Tell whether the words are there, whole; each as a regular expression takes far longer."""
    place = text.find(words)
    while place >= 0:
        end = place + len(words)
        if not WORD.match(text[place - 1 : place]) and not WORD.match(text[end : end + 1]):
            return True
        place = text.find(words, place + 1)
    return False


@functools.cache
def _everything_shown() -> str:
    files = (path for folder, kind in FOLDERS for path in sorted((REPOSITORY / folder).rglob(kind)))
    return "\n".join(_plain(path.read_text("utf-8")) for path in files)


def _plain(text: str) -> str:
    straight = html.unescape(text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return SPACES.sub(" ", straight).casefold()
