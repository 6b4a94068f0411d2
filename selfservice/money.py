"""Amounts: integer cents in, French text out; text of an invoice in, integer cents out."""

import re
from decimal import Decimal
from functools import lru_cache

from selfservice.texts import identifier

NO_BREAK = "\N{NO-BREAK SPACE}"
NARROW = "\N{NARROW NO-BREAK SPACE}"

_AMOUNT = re.compile(r"[+-]?([0-9]{1,15}(\.[0-9]{0,30})?|\.[0-9]{1,30})([eE]-[0-9]{1,3})?")
# What a sum of binary fractions adds, as in 118.80000000000001; no price is so precise.
_NOISE_CENTS = Decimal("0.001")
# ISO 4217, list one: the minor unit of these is 0.
WITHOUT_CENTS = {
    *("BIF", "CLP", "DJF", "GNF", "ISK", "JPY", "KMF", "KRW", "PYG"),
    *("RWF", "UGX", "UYI", "VND", "VUV", "XAF", "XOF", "XPF"),
}


@lru_cache(maxsize=4096)
def format_amount(cents: int | None, currency: str = "EUR") -> str:
    """Return « 1 234,50 € » with no-break spaces; a dash for an absent amount."""
    if cents is None:
        return "—"
    units, rest = divmod(abs(cents), 100)
    sign = "\N{MINUS SIGN}" if cents < 0 else ""
    whole = f"{units:,}".replace(",", NARROW)
    cents_shown = "" if is_without_cents(cents, currency) else f",{rest:02d}"
    return f"{sign}{whole}{cents_shown}{NO_BREAK}{'€' if currency == 'EUR' else currency}"


def is_without_cents(cents: int, currency: str) -> bool:
    """Tell whether an amount is written without cents: its currency has none, nor has it any."""
    return currency in WITHOUT_CENTS and cents % 100 == 0


def parse_cents(text: str) -> int:
    """Return integer cents of « 1234.5 », « 1 234,50 », « −0,00 » or « 118.80000000000001 ».

    Raises ValueError for anything else, more than two decimals that count included.
    """
    compact = identifier(text).replace(" ", "").replace(",", ".")
    if not _AMOUNT.fullmatch(compact):
        raise ValueError(f"not an amount: {text!r}")
    exact = Decimal(compact) * 100
    cents = exact.to_integral_value()
    if abs(exact - cents) >= _NOISE_CENTS:
        raise ValueError(f"more than two decimals: {text!r}")
    return int(cents)
