"""The names under which people know documents that the disk knows by their SHA-256."""

from collections.abc import Iterable

from selfservice.invoices.models import Invoice


def names_of(hashes: Iterable[str]) -> list[str]:
    """Return « F-1042 (0a1b…) » for each; what is no invoice, as a logo, keeps its hash alone."""
    return [_name_of(sha256) for sha256 in hashes]


def _name_of(sha256: str) -> str:
    query = Invoice.select(Invoice.number).where(Invoice.sha256 == sha256)
    numbers = ", ".join(each.number for each in query)
    return f"{numbers} ({sha256})" if numbers else sha256
