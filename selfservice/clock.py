"""The only reader of the clock, the arithmetic of months, and dates as French text.

Instants are naive UTC datetimes (`_at`), days are Paris dates (`_on`).
"""

import os
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from babel.dates import format_date
from dateutil.relativedelta import relativedelta

PARIS = ZoneInfo("Europe/Paris")

_frozen: datetime | None = None


def now() -> datetime:
    """Return the current instant, UTC, naive."""
    return _frozen or datetime.now(UTC).replace(tzinfo=None)


def today() -> date:
    """Return the current day in Paris."""
    return paris(_frozen).date() if _frozen else datetime.now(PARIS).date()


def paris(instant: datetime) -> datetime:
    """Return a naive UTC instant as an aware Paris time."""
    return instant.replace(tzinfo=UTC).astimezone(PARIS)


def freeze_from_environment() -> None:
    """Stop the clock at SELFSERVICE_CLOCK (ISO, UTC), for screenshots of a demonstration.

    Raises ValueError for another writing.
    """
    global _frozen
    text = os.environ.get("SELFSERVICE_CLOCK")
    _frozen = _read_utc(text) if text else None


def _read_utc(text: str) -> datetime:
    instant = datetime.fromisoformat(text)
    return (instant.astimezone(UTC) if instant.tzinfo else instant).replace(tzinfo=None)


@lru_cache(maxsize=4096)
def start_of(day: date) -> datetime:
    """Return the instant (UTC, naive) at which a Paris day begins."""
    begun = datetime.combine(day, time(), PARIS)
    return begun.astimezone(UTC).replace(tzinfo=None)


def add_months(day: date, months: int) -> date:
    """Return the same day N months later, clamped to the month's end."""
    return day + relativedelta(months=months)


def months_ago(months: int) -> datetime:
    """Return the instant N months before now, UTC."""
    return now() - relativedelta(months=months)


@lru_cache(maxsize=4096)
def earliest_lasting(until: date, *, months: int) -> date:
    """Return the first day D such that D + months, clamped, is not before `until`."""
    day = until - relativedelta(months=months)
    while add_months(day, months) < until:
        day += timedelta(days=1)
    return day


@lru_cache(maxsize=4096)
def format_day(day: date | None) -> str:
    """Return « 21/11/2026 », a dash for none."""
    return f"{day:%d/%m/%Y}" if day else "—"


def format_long_day(day: date) -> str:
    """Return « 21 novembre 2026 », « 1er novembre 2026 »."""
    text = format_date(day, "d MMMM y", locale="fr")
    return f"1er{text[1:]}" if day.day == 1 else text


def format_month(day: date) -> str:
    """Return « novembre 2026 »."""
    return format_date(day, "MMMM y", locale="fr")


def format_instant(instant: datetime | None) -> str:
    """Return a UTC instant as Paris time, « 08/12/2022 15:14 », nothing for none."""
    return f"{paris(instant):%d/%m/%Y %H:%M}" if instant else ""


def format_last_sign_in(instant: datetime | None) -> str:
    """Return a UTC instant as Paris time, as the header shows it: « 08-12-2022 15:14 » (FAQ 13)."""
    return format_instant(instant).replace("/", "-")
