"""Comparing mail addresses and logins, and checking the shape of an address."""

import unicodedata

from email_validator import EmailNotValidError, ValidatedEmail, validate_email

from selfservice.texts import identifier, one_form

MAX_CHARACTERS = 400  # more than a login or an address has: what is longer equals none


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
        return text.replace("\0", "\N{REPLACEMENT CHARACTER}").lower()


def is_address(text: str) -> bool:
    """Tell whether a text has the shape of a mail address; no server is asked."""
    try:
        _validate(text[:MAX_CHARACTERS])
    except EmailNotValidError:
        return False
    return len(text) <= MAX_CHARACTERS


def is_like_a_link(login: str) -> bool:
    """Tell whether a login holds « : » or « / », of which a mail reader would make a link."""
    folded = normalise(login)
    return ":" in folded or "/" in folded


def _validate(text: str) -> ValidatedEmail:
    return validate_email(text, check_deliverability=False, allow_smtputf8=False)
