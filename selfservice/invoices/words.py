"""What narrows a list, filters and terms alike, as words that a reader takes away one by one."""

from dataclasses import dataclass, replace
from datetime import date, timedelta

from babel.dates import format_date

from selfservice import clock
from selfservice.accounts.models import User
from selfservice.invoices import messages, search
from selfservice.invoices.filters import Filters
from selfservice.invoices.search import Period, Term
from selfservice.money import format_amount


@dataclass(frozen=True, slots=True)
class Word:
    """What was understood, in French, and the filters that are left without it."""

    label: str
    without: Filters


def words_of(user: User, filters: Filters, terms: list[Term]) -> list[Word]:
    """Return each filter, then each term of the search, as a word."""
    default = Filters()
    return [
        Word(_filter_label(user, filters, name), replace(filters, **{name: getattr(default, name)}))
        for name in filters.narrowing
        if name != "q"
    ] + [Word(term_label(term), replace(filters, q=search.without(terms, term))) for term in terms]


def term_label(term: Term) -> str:
    """Return what a term was read as, where that is beyond doubt; else as it was typed."""
    if term.kind:
        return messages.PLURAL_KIND_LABELS[term.kind]
    if term.period and not term.cents:
        return _period_label(term.period) or term.words
    if term.cents and not term.period and term.cents[0] == term.cents[1]:
        return format_amount(term.cents[0])
    return term.words


def _filter_label(user: User, filters: Filters, name: str) -> str:
    if name == "client":
        labels = {each.client_number: each.label for each in user.spaces}
        return labels.get(filters.client, filters.client)
    if name == "kind":
        return messages.PLURAL_KIND_LABELS[filters.kind]
    if name == "state":
        return messages.PLURAL_STATE_LABELS[filters.state]
    value = getattr(filters, name)
    return messages.FILTER_LABELS[name].format(
        clock.format_day(value) if isinstance(value, date) else value
    )


def _period_label(period: Period) -> str:
    """Return « mars 2026 », « 1er trimestre 2026 », « 2026 », days; nothing for an open end."""
    since, until = period.since, period.until
    if since == date.min or until == date.max:
        return ""
    if since == until:
        return clock.format_long_day(since)
    if since.day == 1 and (until + timedelta(days=1)).day == 1 and since.year == until.year:
        months = until.month - since.month + 1
        if months == 1:
            return format_date(since, "MMMM y", locale="fr")
        if months == 12:
            return str(since.year)
        if months == 3 and since.month % 3 == 1:
            return messages.QUARTER_LABELS[since.month // 3].format(since.year)
    return messages.SPAN_LABELS.format(clock.format_long_day(since), clock.format_long_day(until))
