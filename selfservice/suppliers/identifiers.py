"""The numbers that name a company, in the form in which register and documents compare them."""

import re


def compact_vat_number(text: str) -> str:
    """Return a VAT number without the spaces, dots and hyphens that people put in."""
    return re.sub(r"[\s.-]", "", text).upper()


def compact_client_number(text: str) -> str:
    """Return a client number with single spaces."""
    return " ".join(text.split())
