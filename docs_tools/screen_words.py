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
    shown = plain((TEMPLATES / template).read_text("utf-8")) if template else _everything_shown()
    if not holds(shown, plain(words)):
        raise NotOnScreenError(words)
    return words


def holds(text: str, words: str) -> bool:
    """Tell whether the words are there, whole, both `plain`; by a pattern it takes far longer."""
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
    return "\n".join(plain(path.read_text("utf-8")) for path in files)


def plain(text: str) -> str:
    """Return a text without what differs from a screen: entities, case, kinds of space."""
    straight = html.unescape(text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return SPACES.sub(" ", straight).casefold()
