"""Numbers that name a company, in one form for the register and for the documents."""

import re


def compact_vat_number(text: str) -> str:
    """Return a VAT number without the spaces, dots and hyphens that people put in."""
    return re.sub(r"[\s.-]", "", text).upper()


def compact_client_number(text: str) -> str:
    """Return a client number with single spaces."""
    return " ".join(text.split())
