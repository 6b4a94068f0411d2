"""What a reader asks of the list, cleaned, and as it stands in the address."""

from dataclasses import dataclass
from datetime import date

from selfservice.invoices import queries
from selfservice.invoices.models import KINDS

MAX_SEARCH_LENGTH = 100


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader asked for, cleaned.

    `q` is a part of a number (empty: no search). `kind` is « invoice », « credit_note » or empty.
    `is_showing_all` lifts the display history (« historique=tout »). `is_leaving` keeps what
    leaves soon and was never downloaded (« vue=a_archiver »). `after` is the key of a page
    (`Listing.next_key`), empty for the first.
    """

    q: str = ""
    kind: str = ""
    is_showing_all: bool = False
    is_leaving: bool = False
    after: str = ""


def clean_filters(
    *, q: str = "", kind: str = "", history: str = "", view: str = "", after: str = ""
) -> Filters:
    """Make filters of whatever a query string holds; what is not understood is left out."""
    text = q.encode("utf-8", "ignore").decode("utf-8").replace("\0", "").strip()
    return Filters(
        q=text[:MAX_SEARCH_LENGTH].strip(),
        kind=kind if kind in KINDS else "",
        is_showing_all=history == "tout",
        is_leaving=view == "a_archiver",
        after=after if read_key(after) else "",
    )


def read_key(text: str) -> tuple[date, int] | None:
    """Return where a page begins; None for what is no key."""
    day, _, identifier = text.partition(",")
    if not (identifier.isascii() and identifier.isdigit() and len(identifier) <= 19):
        return None
    try:
        key = date.fromisoformat(day), int(identifier)
    except ValueError:
        return None
    return key if key[1] <= queries.MAX_ID else None
