"""The numbers that name a company, in the form in which register and documents compare them."""

import re

from selfservice.texts import identifier


def compact_vat_number(text: str) -> str:
    """Return a VAT number without the spaces, dots and hyphens that people put in."""
    return re.sub(r"[\s.-]", "", identifier(text)).upper()


def compact_digits(text: str) -> str:
    """Return a SIREN or SIRET without what people put between its digits, or what is none of it."""
    return re.sub(r"[\s.-]", "", identifier(text))
