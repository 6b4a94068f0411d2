"""What the portal shows, word for word, so that a page quotes only what is really on screen."""

import functools
import html
import re
from pathlib import Path

from selfservice.config import REPOSITORY

SPACES = re.compile(r"\s+")
WORD = re.compile(r"\w")
TEMPLATES = REPOSITORY / "templates"
FILES = (
    "templates/**/*.html",
    "selfservice/*/messages.py",
    "selfservice/*/forms.py",
    "selfservice/accounts/browsers.py",  # « Réseau local »
)
# Of code, only what stands between quotation marks can come to the screen; of a tag, neither what
# names it nor where it leads.
CODE = re.compile(r"\{\{.*?\}\}|\{%.*?%\}", re.DOTALL)
COMMENT = re.compile(r'""".*?"""|\{#.*?#\}', re.DOTALL)
QUOTED = re.compile(r"\"([^\"\n]*)\"|'([^'\n]*)'")
UNSEEN = re.compile(r'\b(?:action|aria-\w+by|class|for|href|id|method|name|role|src|type)="[^"]*"')


class NotOnScreenError(LookupError):
    """No template, form or message of the portal holds these words."""


def screen(words: str, template: str = "") -> str:
    """Return the words as given. Raises NotOnScreenError where the portal never shows them.

    The case of letters, the kind of space and of apostrophe are free. `template` asks that one
    template shows them.
    """
    shown = _shown_by(TEMPLATES / template) if template else _everything_shown()
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
    return "\n".join(_shown_by(file) for each in FILES for file in sorted(REPOSITORY.glob(each)))


def _shown_by(file: Path) -> str:
    text = COMMENT.sub("", file.read_text("utf-8"))
    if file.suffix == ".py":
        return plain(_quoted(text))
    return plain(UNSEEN.sub("", CODE.sub(lambda code: _quoted(code[0]), text)))


def _quoted(code: str) -> str:
    return "\n".join(map("".join, QUOTED.findall(code)))


def plain(text: str) -> str:
    """Return a text without what differs from a screen: entities, case, kinds of space."""
    straight = html.unescape(text).replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    return SPACES.sub(" ", straight).casefold()
