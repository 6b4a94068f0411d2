"""Which pages of the help their writers should mend first, and what the calls say of them."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Any

from peewee import Case, fn

from selfservice.feedback.models import Call, HelpVote, MissedSearch


@dataclass(frozen=True)
class Opinion:
    """The votes on one page."""

    page: str
    useless: int
    votes: int

    @property
    def useless_share(self) -> float:
        return self.useless / self.votes


def opinions() -> list[Opinion]:
    """Return the pages with votes: the greatest share of « no » first, then the most of them."""
    useless: Any = Case(None, ((HelpVote.is_useful, 0),), HelpVote.votes)
    query: Any = HelpVote.select(HelpVote.page, fn.SUM(useless), fn.SUM(HelpVote.votes)).group_by(
        HelpVote.page
    )
    found = [Opinion(page, int(no), int(votes)) for page, no, votes in query.tuples()]
    return sorted(found, key=lambda each: (-each.useless_share, -each.useless, each.page))


def missed_searches() -> list[tuple[str, int]]:
    """Return the words searched in vain and how often, the most frequent first."""
    times: Any = fn.SUM(MissedSearch.times)
    query: Any = MissedSearch.select(MissedSearch.words, times).group_by(MissedSearch.words)
    ranked = query.order_by(times.desc(), MissedSearch.words)
    return [(words, int(count)) for words, count in ranked.tuples()]


def calls_by_month() -> list[tuple[str, str, int]]:
    """Return months (« 2026-11 »), questions and calls: the newest month first, then most calls."""
    query: Any = Call.select(Call.called_on, Call.question, Call.calls)
    found = _by_month(query.tuples())
    return sorted(
        ((month, question, calls) for (month, question), calls in found.items()),
        key=lambda each: (_newest_first(each[0]), -each[2], each[1]),
    )


def votes_by_month() -> list[tuple[str, str, int, int]]:
    """Return months, pages, votes « no » and all votes, the newest month first."""
    query: Any = HelpVote.select(
        HelpVote.voted_on, HelpVote.page, HelpVote.is_useful, HelpVote.votes
    )
    rows = list(query.tuples())
    votes = _by_month((day, page, count) for day, page, _, count in rows)
    useless = _by_month((day, page, count) for day, page, is_useful, count in rows if not is_useful)
    return sorted(
        ((month, page, useless[month, page], count) for (month, page), count in votes.items()),
        key=lambda each: (_newest_first(each[0]), -each[2], each[1]),
    )


def missed_by_month() -> list[tuple[str, int]]:
    """Return months and how many searches found nothing, the newest month first."""
    query: Any = MissedSearch.select(MissedSearch.searched_on, MissedSearch.times)
    found = _by_month((day, "", times) for day, times in query.tuples())
    months = ((month, times) for (month, _), times in found.items())
    return sorted(months, key=lambda each: _newest_first(each[0]))


def _by_month(rows: Iterable[tuple[date, str, int]]) -> Counter[tuple[str, str]]:
    """Add up counts of days by month and subject: a few months of days are few rows."""
    found: Counter[tuple[str, str]] = Counter()
    for day, subject, count in rows:
        found[f"{day:%Y-%m}", subject] += count
    return found


def _newest_first(month: str) -> int:
    return -int(month.replace("-", ""))
