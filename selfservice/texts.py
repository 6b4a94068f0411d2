"""The one form of a text that comes from elsewhere: what is kept, and what is compared.

XML, CSV, forms, commands and searches all pass here. Normalising takes time quadratic in a text
of combining marks, so a text longer than any field is returned as it is: it is refused for its
length, or equals nothing. What leaves gets its no-break spaces here too.
"""

import re
import unicodedata

MAX_CHARACTERS = 2000

# What Unicode calls ignorable: nobody sees it, a copy from a mail or a table brings it along.
# The two overrides U+202D and U+202E stay, and are refused: they change what is read.
_INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202c"
    "\u2060-\u206f\u3164\ufe00-\ufe0f\ufeff\uffa0\U000e0000-\U000e0fff]"
)
_DASHES = re.compile("[\u058a\u2010-\u2015\u2043\u207b\u208b\u2212\u2e3a\u2e3b\ufe58\ufe63\uff0d]")
# RFC 8265 (OpaqueString) maps each space of Unicode to the one of every keyboard.
_SPACES = re.compile("[\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_LETTERS = str.maketrans({"œ": "oe", "æ": "ae", "’": "'", "‘": "'", "ʼ": "'"})
_PLAIN_ADDRESS = re.compile(r"(?!www\.)[\w.+-]+@[\w.-]+", re.IGNORECASE)
_SEPARATORS = re.compile(r"[\s/.-]+")
# A sign of French never begins a line, « never ends one.
_WHOLE = {" :": "\u00a0:", " ;": "\u202f;", " ?": "\u202f?", " !": "\u202f!", " »": "\u00a0»"}
_LOOSE = re.compile(r"(?<!\s) [:;?!»]|« ")
# A page shows these as they are written, or its reader sends them back.
_KEPT = "style|script|textarea|pre|code"
_AS_WRITTEN = re.compile(rf"(<(?:{_KEPT})\b.*?</(?:{_KEPT})>)".encode(), re.DOTALL)
_IN_PAGES = [
    (loose.encode(), whole.encode()) for loose, whole in (_WHOLE | {"« ": "«\u00a0"}).items()
]
# The sign comes first: a page holds few of them, and thousands of spaces.
_SIGN = re.compile(
    "|".join([*(f"{re.escape(each[1:])}(?<={re.escape(each)})" for each in _WHOLE), "« "]).encode()
)


def composed(text: str) -> str:
    """Return a text in NFC: an accent and its letter are one character, as a PC writes them."""
    return unicodedata.normalize("NFC", text) if len(text) <= MAX_CHARACTERS else text


def one_form(text: str) -> str:
    """Return a text in NFC, without invisible characters, each run of white space as one space."""
    if not text.isascii():
        text = _INVISIBLE.sub("", text)
    return composed(" ".join(text.split()))


def identifier(text: str) -> str:
    """Return a number, client number or contract: in one form, and every dash as « - ».

    Two writings of one number are one number, wherever they come from.
    """
    text = one_form(text)
    return text if text.isascii() else _DASHES.sub("-", text)


def visible(text: str, *, kept: str = "") -> str:
    """Return a text in which nothing commands a terminal: names and answers are others' words.

    What is not printable is written as Python does, « \\x1b », but the characters of `kept`.
    """
    return "".join(
        each if each.isprintable() or each in kept else each.encode("unicode_escape").decode()
        for each in text
    )


def password_form(text: str) -> str:
    """Return a password as it is hashed: NFC, every kind of space as one (RFC 8265).

    A Mac writes « é » in two characters, a PC in one. Nothing else is changed or trimmed.
    """
    return composed(_SPACES.sub(" ", text))


def folded(text: str) -> str:
    """Return an identifier without accents and case: what two people type alike is alike."""
    letters = unicodedata.normalize("NFKD", identifier(text[:MAX_CHARACTERS])).casefold()
    kept = (each for each in letters if not unicodedata.combining(each))
    return " ".join("".join(kept).translate(_LETTERS).split())


def squeezed(text: str) -> str:
    """Return a text folded and without the spaces, dashes, slashes and dots in it."""
    return _SEPARATORS.sub("", folded(text))


def unlinked(text: str) -> str:
    """Return what somebody typed so that no mail reader makes a site of it: its dots are parted.

    Nothing is seen of it, and the portal reads a copy as the text itself. A plain address stays.
    """
    return text if _PLAIN_ADDRESS.fullmatch(text) else text.replace(".", "\u2060.\u2060")


def unbroken(text: str) -> str:
    """Return a text with a no-break space before : ; ? ! », and after «."""
    return _LOOSE.sub(lambda found: _WHOLE.get(found[0], "«\u00a0"), text)


def unbroken_page(page: bytes) -> bytes:
    """Return HTML in UTF-8 with the same spaces in what its reader sees."""
    parts = _AS_WRITTEN.split(page)
    parts[::2] = map(_unbroken_between_tags, parts[::2])
    return b"".join(parts)


def _unbroken_between_tags(part: bytes) -> bytes:
    """Leave attributes as they are; linear, whatever thousands of signs a visitor has written."""
    done, place = [], 0
    while found := _SIGN.search(part, place):
        opened, closed = (part.rfind(mark, place, found.start()) for mark in (b"<", b">"))
        is_tag = opened > closed
        end = part.find(b">" if is_tag else b"<", found.start())
        text = part[place:] if end < 0 else part[place:end]
        place += len(text)
        done.append(text if is_tag else _whole(text))
    return b"".join([*done, part[place:]])


def _whole(text: bytes) -> bytes:
    for loose, whole in _IN_PAGES:
        text = text.replace(loose, whole)
    return text
