"""Months that end at the month's end, and amounts exact to the cent."""

from datetime import date, timedelta

import pytest
import time_machine
from hypothesis import given
from hypothesis import strategies as st

from selfservice import clock
from selfservice.money import format_amount, parse_cents

DAYS = st.dates(date(2000, 1, 1), date(2100, 1, 1))
MONTHS = st.integers(1, 600)


@pytest.mark.parametrize(
    ("day", "months", "last"),
    [
        (date(2026, 11, 30), 3, date(2027, 2, 28)),
        (date(2024, 2, 29), 12, date(2025, 2, 28)),
        (date(2024, 8, 31), 24, date(2026, 8, 31)),
    ],
)
def test_months_are_clamped_to_the_months_end(day: date, months: int, last: date) -> None:
    assert clock.add_months(day, months) == last


@given(DAYS, MONTHS)
def test_earliest_lasting_is_the_first_day_that_still_lasts(until: date, months: int) -> None:
    first = clock.earliest_lasting(until, months=months)
    assert clock.add_months(first, months) >= until
    assert clock.add_months(first - timedelta(days=1), months) < until


def test_today_is_that_of_paris() -> None:
    with time_machine.travel("2026-06-30T22:30:00Z", tick=False):
        assert clock.today() == date(2026, 7, 1)
        assert clock.now().isoformat() == "2026-06-30T22:30:00"


@pytest.mark.parametrize(
    ("text", "cents"),
    [
        ("1234.5", 123450),
        ("1 234,50", 123450),
        ("1\u202f234,50", 123450),
        ("-0.00", 0),
        ("-233.47", -23347),
        ("12.3400", 1234),
        ("0", 0),
    ],
)
def test_amounts_are_read_exactly(text: str, cents: int) -> None:
    assert parse_cents(text) == cents


@pytest.mark.parametrize("text", ["", "abc", "1.234", "1,2,3", "NaN", "1e3", "--1", "1" * 30])
def test_what_is_not_an_amount_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"amount|decimals"):
        parse_cents(text)


@pytest.mark.parametrize(
    ("cents", "text"),
    [
        (123450, "1\u202f234,50\u00a0€"),
        (-5, "−0,05\u00a0€"),
        (0, "0,00\u00a0€"),
        (100000000, "1\u202f000\u202f000,00\u00a0€"),
        (None, "—"),
    ],
)
def test_amounts_are_written_in_french(cents: int | None, text: str) -> None:
    assert format_amount(cents) == text


@given(st.integers(-(10**14), 10**14))
def test_written_amounts_read_back(cents: int) -> None:
    assert parse_cents(format_amount(cents).removesuffix("\u00a0€").replace("−", "-")) == cents
