"""Mail addresses and logins made comparable, and checked for shape."""

import unicodedata

from email_validator import EmailNotValidError, validate_email


def normalise(text: str) -> str:
    """Return the comparable form of a login: NFKC, trimmed, case folded."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    return unicodedata.normalize("NFKC", folded).strip()


def address_key(text: str) -> str:
    """Return the comparable form of a mail address."""
    return normalise(text)


def is_address(text: str) -> bool:
    """Say whether a text has the shape of a mail address; asks no server."""
    try:
        validate_email(text, check_deliverability=False)
    except EmailNotValidError:
        return False
    return True
