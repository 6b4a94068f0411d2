"""The sums of the month and the year: kept exact by the database, seen by their owner only."""

from collections.abc import Iterator
from datetime import date, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfservice import clock
from selfservice.db import database
from selfservice.db.database import _runner
from selfservice.invoices import queries
from selfservice.invoices.models import Invoice, MonthlyTotal
from selfservice.invoices.totals import sum_months
from selfservice.retention import documents
from tests.factories import People, make_invoice, make_profile, make_user

DAYS = [date(2026, 10, 31), date(2026, 11, 1), date(2026, 11, 30)]

cents = st.integers(-(2**50), 2**50)
rows = st.fixed_dictionaries(
    {
        "issued_on": st.sampled_from(DAYS),
        "kind": st.sampled_from(["invoice", "credit_note"]),
        "currency": st.sampled_from(["EUR", "CHF"]),
        "net_cents": st.none() | cents,
        "vat_cents": st.none() | cents,
        "gross_cents": cents,
    }
)
changes = st.lists(
    st.tuples(st.sampled_from(["insert", "update", "delete"]), st.integers(0, 99), rows),
    max_size=12,
)


def kept() -> set[tuple[Any, ...]]:
    return set(MonthlyTotal.select().order_by(MonthlyTotal.month).tuples())


def naive() -> set[tuple[Any, ...]]:
    sums: dict[tuple[Any, ...], list[int]] = {}
    for each in Invoice.select():
        key = (each.company_id, f"{each.issued_on:%Y-%m}", each.kind, each.currency)
        row = sums.setdefault(key, [0, 0, 0, 0])
        parts = (1, each.net_cents or 0, each.vat_cents or 0, each.gross_cents)
        sums[key] = [total + part for total, part in zip(row, parts, strict=True)]
    return {(*key, *row) for key, row in sums.items()}


@settings(
    max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(changes=changes)
def test_the_sums_kept_are_those_of_the_documents(
    people: People, changes: list[tuple[str, int, dict[str, Any]]]
) -> None:
    companies = (people.alice.company, people.bob.company)
    with database.atomic() as transaction:
        for event, number, row in changes:
            invoices = list(Invoice.select().order_by(Invoice.id))
            if event == "insert" or not invoices:
                make_invoice(companies[number % 2], **row)
            elif event == "update":
                chosen = Invoice.id == invoices[number % len(invoices)].id
                Invoice.update(**row, company=companies[number % 2]).where(chosen).execute()
            else:
                invoices[number % len(invoices)].delete_instance()
            assert kept() == naive()
        transaction.rollback()


def test_a_batch_that_is_rolled_back_counts_nothing(people: People) -> None:
    with database.atomic() as transaction:
        make_invoice(people.alice.company)
        transaction.rollback()
    assert kept() == set()


def test_a_purge_takes_its_documents_out_of_the_sums(people: People) -> None:
    with time_machine.travel("2024-11-21T10:00:00Z", tick=False):
        make_invoice(people.alice.company)
    with time_machine.travel("2026-11-22T10:00:00Z", tick=False):
        make_invoice(people.alice.company)
        documents.purge()
    assert len(kept()) == 1
    assert kept() == naive()


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


def test_the_migration_sums_what_is_there_already(people: People) -> None:
    make_invoice(people.alice.company, net_cents=None)
    make_invoice(people.bob.company, kind="credit_note", gross_cents=-5)
    before = kept()
    _runner().down("0011_monthly_totals")
    _runner().up()
    assert kept() == before == naive()


@pytest.mark.sqlite
def test_the_sums_are_read_by_their_key(people: People) -> None:
    scope = queries.scope_of(people.alice, since=clock.today() - timedelta(days=300))
    months = f"{scope.since:%Y-%m}", f"{clock.today():%Y-%m}"
    sql, parameters = queries.totals_in(scope, clock.today(), months).sql()
    plan = database.execute_sql("EXPLAIN QUERY PLAN " + sql, parameters).fetchall()
    assert [row[3].split(" USING ")[0] for row in plan] == ["SEARCH t1"]
