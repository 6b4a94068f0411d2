"""Removing documents past retention: the row, what belongs to it, then its file."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from selfservice import audit, clock, mail
from selfservice.db import database, durable
from selfservice.invoices import queries, storage, tombstones
from selfservice.invoices.models import Invoice
from selfservice.notifications import direct_links

BATCH_DOCUMENTS = 200
# Some network folders know no locks: there, a younger file may still be waiting for its row.
ORPHAN_AGE = timedelta(days=1)


def past_retention() -> Any:
    """Return the documents that are no longer available, in the order of their deposit."""
    return queries.past_retention(clock.today()).order_by(Invoice.id)


def purge() -> int:
    """Remove the documents past retention, in short transactions, and return how many (FAQ 14).

    A tombstone keeps the number. A file goes after the last row that names it. A run that
    is killed leaves at worst a file without a row, and the next run removes it.
    """
    removed = 0
    with durable():
        while batch := list(past_retention().limit(BATCH_DOCUMENTS)):
            with storage.exclusive():
                with database.atomic():
                    removed += remove_rows(batch)
                _discard_unnamed({each.sha256 for each in batch})
    return removed


def orphans() -> Iterator[list[str]]:
    """Yield, folder by folder, the SHA-256 of files older than a day that no row names.

    A deposit or a purge that is killed between file and row leaves one.
    """
    for names in storage.stored():
        if old := [name for name in _unnamed(names) if _is_old(name)]:
            yield old


def purge_orphans() -> int:
    """Remove the files that no row names and return how many."""
    count = 0
    for names in orphans():
        with storage.exclusive():
            count += _discard_unnamed(names)
    return count


def remove_rows(batch: Sequence[Invoice]) -> int:
    """Remove rows and what belongs to them, leave tombstones in their place, return how many.

    Their files stay. Call inside a transaction.
    """
    tombstones.bury((each.supplier_id, each.number) for each in batch)
    direct_links.forget(batch)
    mail.withdraw([f"document:{each.id}" for each in batch])
    count = Invoice.delete().where(Invoice.id.in_([each.id for each in batch])).execute()
    audit.record("retention.purged", actor="system", kind="documents", removed=count)
    return int(count)


def _discard_unnamed(names: Collection[str]) -> int:
    """Remove those of the files that no row names. Call inside `storage.exclusive()`."""
    unnamed = _unnamed(names)
    for name in unnamed:
        storage.discard(name)
    return len(unnamed)


def _unnamed(names: Collection[str]) -> set[str]:
    query: Any = Invoice.select(Invoice.sha256).where(Invoice.sha256.in_(names)).distinct()
    return set(names) - {sha256 for (sha256,) in query.tuples()}


def _is_old(name: str) -> bool:
    try:
        written_at = storage.path_of(name).stat().st_mtime
    except FileNotFoundError:
        return False  # another purge was faster
    return datetime.fromtimestamp(written_at, UTC).replace(tzinfo=None) < clock.now() - ORPHAN_AGE
