"""The sums of the month and the year, seen by their owner only."""

from collections.abc import Iterator
from datetime import date

import pytest
import time_machine
from flask import Flask

from selfservice.invoices.totals import sum_months
from tests.factories import People, make_invoice, make_profile, make_user


@pytest.fixture
def november() -> Iterator[None]:
    with time_machine.travel("2026-11-21T10:00:00Z", tick=False):
        yield


def test_month_and_year_tell_invoices_credit_notes_and_the_balance(
    november: None, people: People
) -> None:
    company = people.alice.company
    make_invoice(company, issued_on=date(2026, 11, 1), gross_cents=1000)
    make_invoice(company, issued_on=date(2026, 11, 20), gross_cents=-300, kind="credit_note")
    make_invoice(company, issued_on=date(2026, 1, 1), gross_cents=500)
    make_invoice(company, issued_on=date(2025, 12, 31), gross_cents=7000)
    make_invoice(company, issued_on=date(2025, 11, 30), gross_cents=9000)
    totals = sum_months(people.alice)
    assert totals
    month, year = totals.month.totals["EUR"], totals.year.totals["EUR"]
    assert (month.invoices_cents, month.credit_notes_cents, month.balance_cents) == (
        1000,
        -300,
        700,
    )
    assert (year.invoices_cents, year.balance_cents) == (1500, 1200)
    assert [each.name for each in totals.months][::11] == ["décembre 2025", "novembre 2026"]
    assert (totals.months[0].since, totals.months[0].until) == (
        date(2025, 12, 1),
        date(2025, 12, 31),
    )
    assert totals.months[0].totals["EUR"].invoices_cents == 7000


def test_currencies_are_never_added_together(november: None, people: People) -> None:
    make_invoice(people.alice.company, gross_cents=1000)
    make_invoice(people.alice.company, gross_cents=2500, currency="CHF")
    totals = sum_months(people.alice)
    assert totals
    assert {each.currency: each.balance_cents for each in totals.year.totals.values()} == {
        "EUR": 1000,
        "CHF": 2500,
    }
    assert totals.chart.currency == "CHF"


def test_the_bars_stand_on_one_line_and_fit_the_chart(november: None, people: People) -> None:
    make_invoice(people.alice.company, gross_cents=300_000)
    make_invoice(people.alice.company, gross_cents=-100_000, kind="credit_note")
    make_invoice(people.alice.company, issued_on=date(2026, 10, 1), gross_cents=1)
    totals = sum_months(people.alice)
    assert totals
    chart = totals.chart
    assert (chart.width, chart.base_y) == (120, 75)
    # Tenths of a month: october's smallest bar is visible, what is nothing has none.
    assert chart.invoices == "M102 75v-1h6v1zM112 75v-75h6v75z"
    assert chart.credit_notes == "M112 75v25h6v-25z"


def test_nobody_else_sees_a_total(people: People) -> None:
    make_invoice(people.alice.company)
    assert sum_months(people.alice)
    assert sum_months(people.bob) is None
    assert sum_months(people.charlie) is None


def test_a_profile_sums_its_own_contracts_only(november: None, people: People) -> None:
    company = people.alice.company
    profile = make_profile(company, "Flotte", "K-1")
    reader = make_user(company, "reader", profile=profile)
    make_invoice(company, contract="K-1", gross_cents=100)
    make_invoice(company, contract="K-2", gross_cents=1000)
    make_invoice(company, gross_cents=10_000)
    totals = sum_months(reader)
    assert totals
    assert totals.month.totals["EUR"].balance_cents == 100
    assert totals.year.totals["EUR"].balance_cents == 100
    assert sum_months(make_user(company, "nobody", profile=make_profile(company, "Rien"))) is None


def test_a_month_that_retention_cuts_counts_nowhere(
    november: None, people: People, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(app.config, "RETENTION_MONTHS", 2)
    for day in (date(2026, 9, 20), date(2026, 9, 21), date(2026, 10, 1)):
        make_invoice(people.alice.company, issued_on=day, gross_cents=100)
    totals = sum_months(people.alice)
    assert totals
    assert totals.year.totals["EUR"].balance_cents == 100
