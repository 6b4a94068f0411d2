"""Amounts: integer cents in, French text out; text of an invoice in, integer cents out."""

import re
from decimal import Decimal
from functools import lru_cache

NO_BREAK = "\N{NO-BREAK SPACE}"
NARROW = "\N{NARROW NO-BREAK SPACE}"

_SPACES = re.compile(rf"[\s{NO_BREAK}{NARROW}]")
_AMOUNT = re.compile(r"[+-]?\d{1,15}(\.\d{0,12})?|[+-]?\.\d{1,12}")


@lru_cache(maxsize=4096)
def format_amount(cents: int | None, currency: str = "EUR") -> str:
    """Return « 1 234,50 € » with no-break spaces; a dash for an absent amount."""
    if cents is None:
        return "—"
    units, rest = divmod(abs(cents), 100)
    sign = "\N{MINUS SIGN}" if cents < 0 else ""
    whole = f"{units:,}".replace(",", NARROW)
    return f"{sign}{whole},{rest:02d}{NO_BREAK}{'€' if currency == 'EUR' else currency}"


def parse_cents(text: str) -> int:
    """Return integer cents of « 1234.5 », « 1 234,50 » or « -0.00 ».

    Raises ValueError for anything else, more than two decimals that count included.
    """
    compact = _SPACES.sub("", text).replace(",", ".")
    if not _AMOUNT.fullmatch(compact):
        raise ValueError(f"not an amount: {text!r}")
    cents = Decimal(compact) * 100
    if cents != cents.to_integral_value():
        raise ValueError(f"more than two decimals: {text!r}")
    return int(cents)
