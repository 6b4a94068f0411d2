"""The rows of the list: filled in forms say what their template would have said."""

from datetime import date, timedelta
from types import SimpleNamespace

from flask import Flask, get_template_attribute
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfservice.invoices.credits import Link
from selfservice.invoices.listing import Row, Shape
from selfservice.invoices.messages import KIND_LABELS, STATE_LABELS
from selfservice.invoices.views.rows import BEGIN, END, write_rows
from selfservice.money import format_amount
from selfservice.templating import format_day

words = st.text(st.characters(codec="utf-8"), min_size=1, max_size=20)
hostile = st.sampled_from([f"{BEGIN}id{END}", "%(id)s", "100 %", "<b>&'\"", "{{ 7*7 }}"])
numbers = words | hostile
days = st.dates(date(2000, 1, 1), date(2100, 1, 1))
cents = st.integers(-(10**12), 10**12)
links = st.tuples() | st.tuples(st.builds(Link, numbers, st.none() | st.integers(1, 9)))
rows = st.builds(
    lambda kind, state, **values: Row(
        kind=kind,
        is_credit_note=kind == "credit_note",
        kind_label=KIND_LABELS[kind],
        state=state,
        state_label=STATE_LABELS[state],
        **values,
    ),
    kind=st.sampled_from(list(KIND_LABELS)),
    state=st.sampled_from(list(STATE_LABELS)),
    id=st.integers(1, 2**63 - 1),
    number=numbers,
    contract=st.just("") | numbers,
    issued_on=days,
    due_on=st.none() | days,
    currency=st.sampled_from(["EUR", "CHF"]),
    net_cents=st.none() | cents,
    vat_cents=st.none() | cents,
    gross_cents=cents,
    is_new=st.booleans(),
    is_downloaded=st.booleans(),
    has_xml=st.booleans(),
    available_until=days,
    days_left=st.none() | st.integers(0, 60),
    credits=links,
    credited_by=links,
)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(rows, max_size=3))
def test_rows_are_those_of_their_template(app: Flask, found: list[Row]) -> None:
    with app.app_context():
        expected = "".join(_plainly_written(row) for row in found)
        assert write_rows(found, "/factures") == expected


def _plainly_written(row: Row) -> str:
    """Return a row written by its template alone."""
    texts = SimpleNamespace(
        id=row.id,
        number=row.number,
        links=get_template_attribute("invoices/_row.html", "document_links")(row, "/factures"),
        contract=row.contract or "—",
        issued=format_day(row.issued_on),
        due=format_day(row.due_on),
        net=format_amount(row.net_cents, row.currency),
        vat=format_amount(row.vat_cents, row.currency),
        gross=format_amount(row.gross_cents, row.currency),
        until=format_day(row.available_until),
    )
    shape = Shape(*[getattr(row, name) for name in Shape._fields])
    write = get_template_attribute("invoices/_row.html", "document_row")
    return str(write(shape, texts, "/factures"))


def test_a_form_keeps_no_text_of_a_document(app: Flask) -> None:
    leap = date(2024, 2, 29)
    row = Row(
        *(1, "F-2026-secret", "invoice", "VEH-secret", leap, leap, "EUR", 12, 34, 46, "original"),
        *(False, leap + timedelta(days=9), False, "Facture", "Original", True, True),
    )
    with app.app_context():
        write_rows([row], "/factures")
        other = row._replace(number="F-2", contract="", gross_cents=0, id=2)
        assert "secret" not in write_rows([other], "/factures")
