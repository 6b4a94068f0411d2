"""One value of the register from three sides: the file now, the file before, the portal.

What a person changed on the portal stays, unless the file itself has changed since it was last
imported. Either way the difference is named, so that nobody's change is lost in silence.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from selfservice.suppliers import register
from selfservice.suppliers.addresses import address_key
from selfservice.suppliers.models import Company, RegisterChange


@dataclass(frozen=True)
class Difference:
    """A value of the portal, changed there by `actor` at `changed_at` (UTC), unlike the file's.

    It is the company's still where `is_kept`, else the file's has replaced it.
    """

    client_number: str
    field: str
    portal: str
    file: str
    actor: str
    changed_at: datetime
    is_kept: bool


def merge(
    company: Company, field: str, value: str, changes: Iterable[RegisterChange]
) -> Difference | None:
    """Take a value of the file into a company, unsaved, and remember it as the file's last.

    `changes` are all those of this field on the portal, oldest first.
    """
    changes = list(changes)
    portal = getattr(company, field) or ""
    before = getattr(company, f"{field}_in_file")
    if before is None:  # the file never said anything of it
        before = changes[0].former if changes else portal
    is_kept = bool(changes) and _same(field, value, before) and not _same(field, value, portal)
    if not is_kept:
        register.put(company, field, value)
    setattr(company, f"{field}_in_file", value)
    if not changes or _same(field, portal, value) or _same(field, portal, before):
        return None
    last = changes[-1]
    return Difference(
        company.client_number, field, portal, value, last.actor, last.changed_at, is_kept
    )


def _same(field: str, one: str, other: str) -> bool:
    return address_key(one) == address_key(other) if field == "email" else one == other
