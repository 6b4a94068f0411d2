"""What a reader asks of the list, cleaned, and as it stands in the address."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from urllib.parse import urlencode

from selfservice import clock
from selfservice.invoices.models import KINDS, STATES
from selfservice.invoices.search import read_day
from selfservice.texts import identifier

MAX_TEXT_LENGTH = 100
MAX_SEARCH_LENGTH = 200
MAX_KEY_LENGTH = 200
NAMES = {
    "company": "societe",
    "q": "q",
    "client": "client",
    "kind": "kind",
    "since": "du",
    "until": "au",
    "contract": "contrat",
    "state": "etat",
    "is_not_downloaded": "non_telechargees",
    "is_showing_all": "historique",
    "is_leaving": "vue",
    "sort": "tri",
    "after": "apres",
}
FLAGS = {"is_not_downloaded": "1", "is_showing_all": "tout", "is_leaving": "a_archiver"}
NARROWING = (
    *("q", "client", "kind", "since", "until", "contract", "state"),
    *("is_not_downloaded", "is_leaving"),
)
NEWEST_FIRST = ""
# The columns to sort by, and what of a document each holds.
SORTS = {
    "numero": "number",
    "type": "kind",
    "contrat": "contract",
    "emise": "issued_on",
    "echeance": "due_on",
    "ht": "net_cents",
    "tva": "vat_cents",
    "ttc": "gross_cents",
    "etat": "state",
    "disponible": "issued_on",
}


@dataclass(frozen=True, slots=True)
class Problem:
    """A date that cannot be taken as `typed`.

    `name` is its part of the query string (« du », « au »); `kind` is « invalid » or
    « reversed » (the period ends before it begins).
    """

    name: str
    kind: str
    typed: str = ""


@dataclass(frozen=True, slots=True)
class Filters:
    """What the reader asked for, cleaned.

    `company` is whose documents are read: « toutes », a client number, empty for the reader's own.
    `q` is what is searched (empty: no search). `client` is the number of one of several companies
    read, empty for all of them. `kind` is « invoice », « credit_note » or empty.
    `since` and `until` are days of issue, both included. `contract` is exact, `state` one of
    STATES; empty for all. `is_showing_all` lifts the display history (« historique=tout »).
    `is_leaving` keeps what leaves soon and was never downloaded (« vue=a_archiver »). `sort` is
    a name of SORTS, « - » before it for descending, empty for newest first. `after` is the key
    of a page as it was given (`queries.read_key`), empty for the first.
    """

    company: str = ""
    q: str = ""
    client: str = ""
    kind: str = ""
    since: date | None = None
    until: date | None = None
    contract: str = ""
    state: str = ""
    is_not_downloaded: bool = False
    is_showing_all: bool = False
    is_leaving: bool = False
    sort: str = NEWEST_FIRST
    after: str = ""
    problems: tuple[Problem, ...] = ()

    @property
    def narrowing(self) -> list[str]:
        """The names of the fields that narrow the list, as `args` takes them."""
        return [name for name in NARROWING if getattr(self, name)]

    @property
    def is_within_history(self) -> bool:
        """Tell whether the reader's display history hides documents (FAQ 7)."""
        return not (self.q or self.is_showing_all or self.is_leaving)

    def within(self, *, since: date | None = None, until: date | None = None) -> "Filters":
        """Return these filters with a narrower period."""
        return replace(
            self,
            since=max(filter(None, (self.since, since)), default=None),
            until=min(filter(None, (self.until, until)), default=None),
        )

    def args(self, **changes: object) -> dict[str, str]:
        """Return the query string of these filters with some fields changed, on its first page.

        What stands at its default is left out; only `after` given here opens a following page.
        """
        found = {}
        for field, name in NAMES.items():
            value = changes.get(field, getattr(self, field) if field != "after" else "")
            if value:
                found[name] = FLAGS.get(field) or str(value)
        return found

    def query(self, **changes: object) -> str:
        """Return `args` as they stand in an address."""
        return urlencode(self.args(**changes))

    def problem(self, name: str) -> Problem | None:
        """Return what is wrong with a part of the query string, if anything."""
        return next((each for each in self.problems if each.name == name), None)


def clean_filters(args: Mapping[str, str]) -> Filters:
    """Make filters of a query string; what is not understood is left out.

    Only of a date is it said (`problems`): left out in silence, it would show too much.
    """
    today = clock.today()
    since, until = (read_day(_text(args, name), today) for name in ("du", "au"))
    sort = args.get("tri", "")
    is_sort = sort.removeprefix("-") in SORTS and sort != "-emise"
    return Filters(
        company=_text(args, "societe"),
        q=_text(args, "q", MAX_SEARCH_LENGTH).strip(),
        client=_text(args, "client"),
        kind=_choice(args, "kind", KINDS),
        since=since,
        until=until,
        contract=identifier(_text(args, "contrat")),
        state=_choice(args, "etat", STATES),
        is_not_downloaded=args.get("non_telechargees", "") not in ("", "0"),
        is_showing_all=args.get("historique") == "tout",
        is_leaving=args.get("vue") == "a_archiver",
        sort=sort if is_sort else NEWEST_FIRST,
        after=_text(args, "apres", MAX_KEY_LENGTH),
        problems=_problems(args, since, until),
    )


def _problems(
    args: Mapping[str, str], since: date | None, until: date | None
) -> tuple[Problem, ...]:
    if since and until and since > until:
        return (Problem("au", "reversed"),)
    days = (("du", since), ("au", until))
    typed = [(name, _text(args, name).strip()) for name, day in days if day is None]
    return tuple(Problem(name, "invalid", text) for name, text in typed if text)


def _text(args: Mapping[str, str], name: str, length: int = MAX_TEXT_LENGTH) -> str:
    text = args.get(name, "").encode("utf-8", "ignore").decode("utf-8")
    return text.replace("\0", "")[:length]


def _choice(args: Mapping[str, str], name: str, choices: tuple[str, ...]) -> str:
    text = args.get(name, "")
    return text if text in choices else ""
