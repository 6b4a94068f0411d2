"""One value of the register from three sides: the file now, the file before, the portal.

What a person changed on the portal stays, unless the file itself has changed since it was last
imported. A file that was written before a person's last change may hold what the portal said until
then, as an export does: that is no change of its own. Either way the difference is named, so that
nobody's change is lost in silence.
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

    `changes` are all those of this field on the portal, oldest first. Call inside a transaction.
    """
    changes = list(changes)
    portal = getattr(company, field) or ""
    before = getattr(company, f"{field}_in_file")
    if before is None:  # the file never said anything of it
        before = changes[0].former if changes else portal
    open_changes = [each for each in changes if not each.is_settled]
    given_up = [before, *(each.former for each in open_changes)]
    is_old = any(_same(field, value, each) for each in given_up)
    is_kept = bool(changes) and is_old and not _same(field, value, portal)
    if not is_kept:
        register.put(company, field, value)
        if not _same(field, value, before):
            _settle(field, value, open_changes)
    setattr(company, f"{field}_in_file", value)
    is_untouched = _same(field, portal, before) and not is_kept
    if not changes or _same(field, portal, value) or is_untouched:
        return None
    last = changes[-1]
    return Difference(
        company.client_number, field, portal, value, last.actor, last.changed_at, is_kept
    )


def _settle(field: str, value: str, changes: list[RegisterChange]) -> None:
    """Note that the file has followed these changes, or has gone its own way.

    Of a value that the portal had twice, it may have followed the first: the others stay open.
    """
    places = (place for place, each in enumerate(changes, 1) if _same(field, each.value, value))
    followed = [each.id for each in changes[: next(places, len(changes))]]
    if followed:
        settled = RegisterChange.update(is_settled=True)
        settled.where(RegisterChange.id.in_(followed)).execute()


def _same(field: str, one: str, other: str) -> bool:
    return address_key(one) == address_key(other) if field == "email" else one == other
