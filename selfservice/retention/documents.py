"""Documents past their time: the row, what hangs on it, and its file once no row needs it."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from selfservice import audit, clock, mail
from selfservice.db import database, durable
from selfservice.invoices import queries, storage, tombstones
from selfservice.invoices.models import Invoice
from selfservice.notifications import direct_links

BATCH_DOCUMENTS = 200
# Where the lock on the documents' folder does not hold (some network folders), a younger file
# may be waiting for its row.
ORPHAN_AGE = timedelta(days=1)


def past_retention() -> Any:
    """Return the documents that are no longer available, in the order of their deposit."""
    return queries.past_retention(clock.today()).order_by(Invoice.id)


def purge() -> int:
    """Remove the documents past retention, in short transactions, and return how many (FAQ 14).

    A tombstone keeps the number. A file goes after the last row that names it: killed at any
    moment, a run leaves at worst a file without a row, which the next one removes.
    """
    removed = 0
    with durable():
        while batch := list(past_retention().limit(BATCH_DOCUMENTS)):
            removed += _remove(batch)
    return removed


def orphans() -> Iterator[list[str]]:
    """Yield, folder by folder, the SHA-256 of files that no row names, older than a day.

    A deposit killed between file and row leaves one, and so does a killed purge.
    """
    for names in storage.stored():
        if old := [name for name in _unnamed(names) if _is_old(name)]:
            yield old


def purge_orphans() -> int:
    """Remove the files that no row names and return how many."""
    return sum(_discard(names) for names in orphans())


def remove_rows(batch: Sequence[Invoice]) -> int:
    """Remove rows with what hangs on them, a tombstone in their place; return how many.

    Their files stay. Call inside a transaction.
    """
    tombstones.bury((each.supplier_id, each.number) for each in batch)
    direct_links.forget(batch)
    mail.withdraw([f"document:{each.id}" for each in batch])
    count = Invoice.delete().where(Invoice.id.in_([each.id for each in batch])).execute()
    audit.record("retention.purged", actor="system", kind="documents", removed=count)
    return int(count)


def _remove(batch: list[Invoice]) -> int:
    with storage.exclusive():
        with database.atomic():
            count = remove_rows(batch)
        _discard_unnamed({each.sha256 for each in batch})
    return count


def _discard(names: list[str]) -> int:
    with storage.exclusive():
        return _discard_unnamed(names)


def _discard_unnamed(names: Collection[str]) -> int:
    """Remove files that no row names; call inside `storage.exclusive()`, as a deposit would."""
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
