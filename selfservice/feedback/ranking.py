"""Which pages of the help their writers should mend first."""

from dataclasses import dataclass
from typing import Any

from peewee import Case, fn

from selfservice.feedback.models import HelpVote, MissedSearch


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
