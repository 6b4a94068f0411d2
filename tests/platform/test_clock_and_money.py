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
        ("118.80000000000001", 11880),
        ("118.79999999999998", 11880),
        ("118,80000305", 11880),
        ("-0.30000000000000004", -30),
        ("5.684341886080802E-14", 0),
        ("\N{MINUS SIGN}89,90", -8990),
        ("1\u2009234\u200b,50", 123450),
    ],
)
def test_amounts_are_read_exactly(text: str, cents: int) -> None:
    assert parse_cents(text) == cents


@pytest.mark.parametrize(
    "text",
    [
        "",
        "abc",
        "1.234",
        "1,2,3",
        "NaN",
        "1e3",
        "--1",
        "1" * 30,
        "12.345",
        "12.3401",
        "12.349",
        "9E-4",
    ],
)
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


@pytest.mark.parametrize(
    ("cents", "currency", "text"),
    [
        (1_250_000, "XPF", "12\u202f500\u00a0XPF"),
        (-500, "JPY", "−5\u00a0JPY"),
        (0, "XOF", "0\u00a0XOF"),
        (1250, "JPY", "12,50\u00a0JPY"),  # what a document says is never rounded away
        (1200, "USD", "12,00\u00a0USD"),
    ],
)
def test_currencies_without_cents_are_written_without(cents: int, currency: str, text: str) -> None:
    assert format_amount(cents, currency) == text


@given(st.integers(-(10**11), 10**11), st.integers(1, 10))
def test_binary_noise_is_rounded_away(cents: int, parts: int) -> None:
    assert parse_cents(repr(cents / 100)) == cents
    assert parse_cents(f"{sum([cents / 100 / parts] * parts):.17f}") == cents


@given(st.integers(-(10**14), 10**14))
def test_written_amounts_read_back(cents: int) -> None:
    assert parse_cents(format_amount(cents).removesuffix("\u00a0€").replace("−", "-")) == cents
