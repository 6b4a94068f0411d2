"""What people type into the search, read as terms. Pure: no database, no request.

`queries` finds the documents that a term may mean; `messages` says what was understood.
"""

import re
from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta

from selfservice import clock
from selfservice.texts import folded, squeezed

MAX_TERMS = 8  # each costs two readings of a company's documents where nothing is found
DAY = timedelta(days=1)
MAX_WORDS = 4  # of one date or amount: « 1er trimestre année 2026 », « 12 345 678,90 »
MONTHS = (
    *("janvier", "fevrier", "mars", "avril", "mai", "juin"),
    *("juillet", "aout", "septembre", "octobre", "novembre", "decembre"),
)
KINDS = {"avoir": "credit_note", "avoirs": "credit_note"}
# What carries nothing.
NOISE = {
    *("facture", "factures", "fact", "document", "documents", "numero", "num", "n°", "no", "n"),
    *("contrat", "montant", "ttc", "ht", "€", "eur", "euro", "euros", "pdf", "date", "emise"),
    *("du", "de", "des", "le", "la", "les", "un", "une", "d", "l", "mes", "ma", "mon", "entre"),
    *("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"),
}
CONNECTORS = {"au", "a", "et", "-", "jusqu'au", "jusqu'a"}
# What carries nothing alone, but something within a date.
WEAK = CONNECTORS | {"depuis", "avant", "apres", "annee", "an", "mois", "en", "pour"}
ORDINALS = {
    "premier": "1er",
    "deuxieme": "2e",
    "second": "2e",
    "troisieme": "3e",
    "quatrieme": "4e",
}
_AROUND = " ,;:!?()[]{}\"'«»“”"
_ATTACHED = re.compile(r"^(?:n°|[ld]')(?=.)|(?:€|(?<=[0-9])eur)$|\.pdf$|(?<=[0-9])\.$")

_S = r"[ /.-]"
_YEAR = rf"(?:{_S}?(?:annee )?(?P<year>[0-9]{{4}}|[0-9]{{2}}))"
_NAME = r"(?P<month>[a-z]{3,9})\.?"
_DAY = r"(?P<day>[0-9]{1,2})(?:er)?"
_PART = r"(?P<part>t|q|trim|trimestre|s|sem|semestre)\.?"
_NTH = r"(?P<nth>[1-4])"
PERIODS = [
    re.compile(each)
    for each in (
        rf"{_DAY}{_S}(?P<month>[0-9]{{1,2}}){_S}(?P<year>[0-9]{{4}}|[0-9]{{2}})",
        rf"(?P<year>[0-9]{{4}}){_S}(?P<month>[0-9]{{1,2}}){_S}{_DAY}",
        r"(?P<year>20[0-9]{2})(?P<month>[0-9]{2})(?P<day>[0-9]{2})",
        r"(?P<day>[0-9]{2})(?P<month>[0-9]{2})(?P<year>20[0-9]{2})",
        rf"{_DAY}{_S}?{_NAME}{_YEAR}?",
        rf"{_DAY}[/.-](?P<month>[0-9]{{1,2}})",
        rf"{_NAME}{_YEAR}?",
        rf"(?P<month>[0-9]{{1,2}}){_S}(?P<year>[0-9]{{4}})",
        r"(?P<month>[0-9]{1,2})/(?P<year>[0-9]{2})",
        rf"(?P<year>[0-9]{{4}}){_S}(?P<month>[0-9]{{1,2}})",
        rf"(?P<year>[0-9]{{4}}){_S}?{_NAME}",
        rf"{_PART} ?{_NTH}{_YEAR}?",
        rf"{_NTH}(?:er|e|eme|nd)?[ -]?{_PART}{_YEAR}?",
        rf"(?P<year>[0-9]{{4}}){_S}?{_PART} ?{_NTH}",
        r"(?:annee )?(?P<year>20[0-9]{2})",
    )
]
RELATIVE = re.compile(
    r"(?:(?P<this>ce|cet|cette) )?(?P<unit>mois|annee|an|trimestre|semaine)(?P<now>-ci| en cours)?"
    r"(?P<last> (?:dernier|passe|precedent)e?)?"
)
AMOUNT = re.compile(
    r"[+-]?(?P<whole>0|[1-9][0-9]{0,11}|[1-9][0-9]{0,2}(?:[ '][0-9]{3}){1,3})"
    r"(?:[.,€](?P<cents>[0-9]{1,2}))?"
    r"|[+-]?(?P<dotted>[1-9][0-9]{0,2}(?:\.[0-9]{3}){1,3})(?:,(?P<dotted_cents>[0-9]{1,2}))?"
)
_SHORT_END = re.compile(r".*[^0-9][0-9]{1,2}")
_THOUSANDS = re.compile(r"[0-9]{3}(?:[.,][0-9]{1,2})?")


@dataclass(frozen=True, slots=True)
class Period:
    """Days from `since` to `until`, both included."""

    since: date
    until: date


@dataclass(frozen=True, slots=True)
class Term:
    """One or several words and what they may mean: any of its readings finds a document.

    `words` are as typed. `key` is a part of a number or contract (`texts.squeezed`). `cents` are
    the first and last amount in absolute value: « 536 » is 536,00 to 536,99. `kind` excludes all
    other readings.
    """

    words: str
    key: str
    kind: str = ""
    period: Period | None = None
    cents: tuple[int, int] | None = None
    company_ids: tuple[int, ...] = ()

    def beside(self, other: "Term") -> "Term":
        """Return the part of a number that two neighbours make together."""
        return Term(f"{self.words} {other.words}", self.key + other.key)


def read_terms(text: str, today: date) -> list[Term]:
    """Return what a text asks for; all of its terms must be met. `today` is a Paris day."""
    words = [(word, bare) for word in text.split() if not _is_noise(bare := _bare(word))]
    pieces: list[tuple[str, Term]] = []
    while words:
        size = _size(words, today)
        typed, bare = (" ".join(each) for each in zip(*words[:size], strict=True))
        pieces.append((bare, _term(typed, bare, today)))
        words = words[size:]
    terms = [term for bare, term in _spans(pieces, today) if bare not in WEAK and term.key]
    for extra in terms[MAX_TERMS:]:
        terms[MAX_TERMS - 1] = terms[MAX_TERMS - 1].beside(extra)
    return terms[:MAX_TERMS]


def without(terms: list[Term], term: Term) -> str:
    """Return what is left to search where a term is taken away."""
    return " ".join(each.words for each in terms if each is not term)


def read_day(text: str, today: date) -> date | None:
    """Return the day of « 12/03/2026 », « 2026-03-12 » or « 12 mars 2026 »; None for no day."""
    period = read_period(folded(text), today)
    return period.since if period and period.since == period.until else None


def read_period(text: str, today: date) -> Period | None:
    """Return the days that a folded text names; without a year, the latest that have begun."""
    if text in ("aujourd'hui", "hier"):
        day = today - timedelta(days=text == "hier")
        return Period(day, day)
    if found := RELATIVE.fullmatch(text):
        return _relative(found, today)
    for pattern in PERIODS:
        if (found := pattern.fullmatch(text)) and (period := _named(found.groupdict(), today)):
            return period
    return None


def read_amount(text: str) -> tuple[int, int] | None:
    """Return the cents of « 1 234,50 », « 1234.5 », « −89,90 », both ends of « 536 ».

    Amounts are found whatever their sign: nobody types that of a credit note.
    """
    found = AMOUNT.fullmatch(text)
    if not found:
        return None
    whole = int(re.sub("[^0-9]", "", found["whole"] or found["dotted"])) * 100
    cents = found["cents"] or found["dotted_cents"]
    if cents is None:
        return whole, whole + 99
    return (whole + int(f"{cents:0<2}"),) * 2


def _bare(word: str) -> str:
    """Return a word folded, without what is attached to it and carries nothing."""
    bare = _ATTACHED.sub("", folded(word).strip(_AROUND)).strip(_AROUND)
    return ORDINALS.get(bare, bare)


def _is_noise(bare: str) -> bool:
    return bare in NOISE or not (squeezed(bare) or bare == "-")


def _size(words: list[tuple[str, str]], today: date) -> int:
    """Return how many words from the first on are one date or amount; the most, 1 for none."""
    for size in range(min(MAX_WORDS, len(words)), 1, -1):
        bare = " ".join(each for _, each in words[:size])
        following = words[size][1] if len(words) > size else ""
        if read_amount(bare):
            return size
        # « mars 12 345,60 » is no month of 2012.
        is_cut = _SHORT_END.fullmatch(bare) and _THOUSANDS.fullmatch(following)
        if not is_cut and read_period(bare, today):
            return size
    return 1


def _term(typed: str, bare: str, today: date) -> Term:
    kind = KINDS.get(bare, "")
    period = None if kind else read_period(bare, today)
    return Term(typed, squeezed(bare), kind, period, read_amount(bare))


def _spans(pieces: list[tuple[str, Term]], today: date) -> list[tuple[str, Term]]:
    """Make one term of « du 1er au 15 mars », « janvier à mars 2025 », « depuis mars »."""
    made: list[tuple[str, Term]] = []
    for bare, term in pieces:
        before = [each for each, _ in made[-2:]]
        span, taken = None, 0
        if term.period and len(before) == 2 and before[1] in CONNECTORS:
            span, taken = _between(before[0], bare, term.period, today), 2
        if term.period and span is None and before and before[-1] in ("depuis", "avant", "apres"):
            span, taken = _open(before[-1], term.period), 1
        if span:
            typed = " ".join([*(each.words for _, each in made[-taken:]), term.words])
            made[-taken:] = [(f"{bare} ", Term(typed, squeezed(typed), period=span))]
        else:
            made.append((bare, term))
    return made


def _between(first: str, last: str, end: Period, today: date) -> Period | None:
    """Read « 1er » before « 15 mars 2025 » as « 1er mars 2025 », by the end of what follows it."""
    rest = re.split(_S, last)
    writings = [f"{first} {' '.join(rest[each:])}" for each in range(1, len(rest))]
    years = [f"{first} {end.until.year - ago}" for ago in (0, 1)]
    for text in (*writings, *years, first):
        period = read_period(text, today)
        if period and period.since <= end.until:
            return Period(period.since, end.until)
    return None


def _open(word: str, period: Period) -> Period:
    if word == "depuis":
        return Period(period.since, date.max)
    if word == "avant":
        return Period(date.min, max(period.since, date.min + DAY) - DAY)
    return Period(min(period.until, date.max - DAY) + DAY, date.max)


def _relative(found: re.Match[str], today: date) -> Period | None:
    is_last = bool(found["last"])
    if is_last == bool(found["this"] or found["now"]):
        return None  # « mois » alone is no period
    unit = found["unit"]
    if unit == "semaine":
        monday = today - timedelta(days=today.weekday() + 7 * is_last)
        return Period(monday, monday + timedelta(days=6))
    months = {"mois": 1, "trimestre": 3}.get(unit, 12)
    first = today.replace(day=1, month=(today.month - 1) // months * months + 1)
    return _months(clock.add_months(first, -months * is_last), months)


def _named(parts: dict[str, str | None], today: date) -> Period | None:
    """Return the period of a match; None where there is no such day, month or part of a year."""
    year = parts.get("year")
    if year:
        return _of_year(int(year) + 2000 * (len(year) == 2), parts)
    # Eight years hold a 29 February.
    found = (_of_year(today.year - ago, parts) for ago in range(9))
    return next((each for each in found if each and each.since <= today), None)


def _of_year(year: int, parts: dict[str, str | None]) -> Period | None:
    try:
        if nth := parts.get("nth"):
            months = 6 if str(parts["part"]).startswith("s") else 3
            return _months(date(year, (int(nth) - 1) * months + 1, 1), months)
        if name := parts.get("month"):
            first = date(year, _month(name), 1)
            day = parts.get("day")
            return Period(*(first.replace(day=int(day)),) * 2) if day else _months(first, 1)
        return Period(date(year, 1, 1), date(year, 12, 31))
    except ValueError:
        return None


def _months(first: date, count: int) -> Period:
    last = first.replace(month=first.month + count - 1)
    return Period(first, last.replace(day=monthrange(last.year, last.month)[1]))


def _month(text: str) -> int:
    """Return a month's number from its digits or the beginning of its name; ValueError if none."""
    if text.isdigit():
        return int(text)
    (month,) = [number for number, name in enumerate(MONTHS, 1) if name.startswith(text)]
    return month
