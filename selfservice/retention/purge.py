"""The use cases of `retention purge` and of the worker: remove what is too old, or count it."""

from selfservice.retention import documents, records


def purge() -> dict[str, int]:
    """Remove what is no longer kept and return how many of each kind.

    Opens its own short transactions. If it is killed at any moment and run again, the
    result is the same as one run.
    """
    removed = {rule.kind: rule.apply() for rule in records.RULES}
    return {"documents": documents.purge(), "files": documents.purge_orphans()} | removed


def forecast() -> dict[str, int]:
    """Return how many of each kind a purge would remove now; changes nothing."""
    return {
        "documents": documents.past_retention().count(),
        "files": sum(len(names) for names in documents.orphans()),
    } | {rule.kind: rule.count() for rule in records.RULES}
