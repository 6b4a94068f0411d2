"""Counting votes on pages of the help, searches that found nothing, and calls to the advisers."""

from selfservice import clock
from selfservice.db import database
from selfservice.feedback.models import Call, HelpVote, MissedSearch
from selfservice.feedback.wording import kept_words


def count_vote(page: str, *, is_useful: bool) -> None:
    """Count one vote today; `page` is an address below the help site, a question of the FAQ too."""
    with database.atomic():
        HelpVote.insert(
            page=page, voted_on=clock.today(), is_useful=is_useful, votes=1
        ).on_conflict(
            conflict_target=[HelpVote.page, HelpVote.voted_on, HelpVote.is_useful],
            update={HelpVote.votes: HelpVote.votes + 1},
        ).execute()


def count_call(question: str) -> None:
    """Count one call today; `question` is the key of one of the FAQ. Call inside a transaction."""
    Call.insert(question=question, called_on=clock.today(), calls=1).on_conflict(
        conflict_target=[Call.question, Call.called_on], update={Call.calls: Call.calls + 1}
    ).execute()


def count_missed_search(typed: str) -> None:
    """Count one search today that found nothing, unless none of its words may be kept."""
    words = kept_words(typed)
    if not words:
        return
    with database.atomic():
        MissedSearch.insert(words=words, searched_on=clock.today(), times=1).on_conflict(
            conflict_target=[MissedSearch.words, MissedSearch.searched_on],
            update={MissedSearch.times: MissedSearch.times + 1},
        ).execute()
