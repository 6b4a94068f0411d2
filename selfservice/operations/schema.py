"""Whether this code and this database belong together; asked before anything else."""

from selfservice import db
from selfservice.operations.errors import OperationError


def mismatch() -> OperationError | None:
    """Return why this code cannot work on the database, None where it can.

    Needs an open connection; raises the database's errors.
    """
    if newer := db.unknown_migrations():
        return OperationError("newer_base", migration=max(newer))
    if pending := db.pending_migrations():
        return OperationError("migrations", count=len(pending))
    if differing := db.differing_columns():
        return OperationError("other_tables", example=differing[0])
    return None


def require() -> None:
    """Raise OperationError for a database that is not of this version."""
    if error := mismatch():
        raise error


def refuse_newer() -> None:
    """Raise OperationError for a database that a newer version has migrated."""
    if newer := db.unknown_migrations():
        raise OperationError("newer_base", migration=max(newer))
