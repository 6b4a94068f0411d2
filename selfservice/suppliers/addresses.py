"""Comparing mail addresses and logins, and checking the shape of an address."""

import re
import unicodedata
from urllib.parse import unquote

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from selfservice.texts import identifier, one_form

MAX_CHARACTERS = 400  # more than a login or an address has: what is longer equals none
MAX_KEY = 320  # as its columns: a letter may be two in lower case
MAX_PASTED = 2000
AROUND_ADDRESS = re.compile(r"[\s<>\"«»“”()\[\],;|]+")


def normalise(text: str) -> str:
    """Return the comparable form of a login: an identifier in NFKC, case folded, no NUL.

    Normalising is quadratic in a text of combining marks, hence the cut.
    """
    text = text[:MAX_CHARACTERS]
    folded = unicodedata.normalize(
        "NFKC", text.replace("\0", "\N{REPLACEMENT CHARACTER}")
    ).casefold()
    return identifier(unicodedata.normalize("NFKC", folded))


def address_key(text: str) -> str:
    """Return the comparable form of a mail address: lower case, its domain in IDNA 2008.

    Nothing is folded further: « ß » and « ss » are two domains, with two owners.
    """
    text = one_form(text[:MAX_CHARACTERS])
    try:
        return _validate(text).ascii_email.lower()  # type: ignore[union-attr]
    except EmailNotValidError:
        return text.replace("\0", "\N{REPLACEMENT CHARACTER}").lower()[:MAX_KEY]


def unmistakable(text: str) -> str:
    """Return an address with its domain in the letters of every keyboard, another text as it is.

    A Cyrillic « а » reads as a Latin one: who decides about an address must see that it is none.
    """
    if text.isascii():
        return text
    try:
        return str(_validate(text[:MAX_CHARACTERS]).ascii_email)
    except EmailNotValidError:
        return text


def is_address(text: str) -> bool:
    """Tell whether a text has the shape of a mail address; no server is asked."""
    try:
        _validate(text[:MAX_CHARACTERS])
    except EmailNotValidError:
        return False
    return len(text) <= MAX_CHARACTERS


def pasted(text: str | None) -> str:
    """Return a login or mail address out of what surrounds it where people copy it.

    « Nom <a@b.fr> », « mailto:a@b.fr?subject=x », invisible characters, a comma or a dot at the
    end. What holds no address is only trimmed.
    """
    seen = one_form((text or "")[:MAX_PASTED])
    words = AROUND_ADDRESS.split(seen)
    named = [(f"<{word}>" in seen, _without_scheme(word)) for word in words]
    found = [each for each in named if "@" in each[1].strip("@")]
    if not found:
        return seen
    in_brackets = [each for each in found if each[0]]  # « a@old.fr <a@new.fr> »
    return (in_brackets or found)[0][1].strip(".:'’‘")


def _without_scheme(word: str) -> str:
    scheme, _, address = word.partition(":")
    return unquote(address.partition("?")[0]) if scheme.lower() == "mailto" else word


def is_like_a_link(login: str) -> bool:
    """Tell whether a login holds « : » or « / », of which a mail reader would make a link."""
    folded = normalise(login)
    return ":" in folded or "/" in folded


def _validate(text: str) -> ValidatedEmail:
    return validate_email(text, check_deliverability=False, allow_smtputf8=False)
