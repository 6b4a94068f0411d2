"""Credit notes and what they credit: read, kept at deposit, found again by who may see both."""

from collections.abc import Callable
from pathlib import Path

import pytest

from selfservice.deposits import facturx
from selfservice.deposits.deposit import DepositReport
from selfservice.deposits.description import combine
from selfservice.deposits.document import Document
from selfservice.invoices import credits
from selfservice.invoices.credits import Link
from selfservice.invoices.filters import Filters
from selfservice.invoices.listing import list_invoices
from selfservice.invoices.models import Credited, Invoice
from selfservice.suppliers.models import Company
from tests import papers
from tests.factories import People, make_company, make_invoice, make_profile, make_user
from tests.invoices.test_listing import counted_queries

Deposit = Callable[[], DepositReport]


def note(*credited: str, **fields: object) -> bytes:
    """The XML of a credit note; `credited` are the numbers it names (BT-25)."""
    named = "".join(map(papers.preceding, credited))
    return papers.cii(**({"number": "A-1", "type_code": "381", "preceding": named} | fields))


def kept() -> list[tuple[str, str]]:
    query = Credited.select(Invoice.number, Credited.number).join(Invoice)
    return list(query.order_by(Invoice.number, Credited.number).tuples())


def credited_by(xml: bytes) -> tuple[str, ...]:
    document = Document("a.pdf", "", "", own=facturx.describe(xml))
    combine(document, {})
    return document.credits


def test_a_credit_note_names_what_it_credits() -> None:
    assert credited_by(note("F-1", " F  2 ", "F-1")) == ("F-1", "F 2")
    assert credited_by(note("F-1", type_code="380", gross="-120", net="-100")) == ("F-1",)


def test_an_invoice_that_refers_to_another_credits_nothing() -> None:
    assert credited_by(note("F-1", type_code="384")) == ()


def test_what_cannot_be_a_number_is_left_out_and_refuses_nothing() -> None:
    assert credited_by(note("", "x" * 101, "A-1", "F\u202e1", "F-1")) == ("F-1",)


def test_no_more_than_a_hundred_are_read() -> None:
    assert len(credited_by(note(*(f"F-{each}" for each in range(1000))))) == 100


def test_deposit_keeps_what_is_credited_once(
    deposit: Deposit, folder: Path, company: Company
) -> None:
    buyer = papers.client_number(company.client_number)
    (folder / "f.pdf").write_bytes(papers.facturx(company, number="F-1"))
    (folder / "a.pdf").write_bytes(papers.pdf(note("F-1", "F-9", buyer=buyer)))
    (folder / "b.pdf").write_bytes(papers.pdf(note("F-1", number="A-2", buyer=buyer)))
    assert deposit().deposited == 3
    assert kept() == [("A-1", "F-1"), ("A-1", "F-9"), ("A-2", "F-1")]
    assert deposit().already == 3
    assert len(kept()) == 3


def test_no_more_than_fifty_of_a_supplier_credit_one_document(people: People) -> None:
    """All pages that show the number read them, those of another supplier's customers too."""
    company = people.alice.company
    others = make_company(people.other_supplier)
    for number in range(credits.MAX_NOTES_ON_ONE + 2):
        for each in (company, others):
            make_invoice(each, number=f"A-{number}", kind="credit_note")
    half = credits.MAX_NOTES_ON_ONE // 2
    for numbers in (range(half), range(half, credits.MAX_NOTES_ON_ONE + 2)):
        credits.record(company.supplier_id, {f"A-{each}": ("F-1", "F-2") for each in numbers})
    credits.record(others.supplier_id, {"A-1": ("F-1",)})
    credits.record(company.supplier_id, {"A-1": ("F-3",)})
    found = [credited for _, credited in kept()]
    assert [found.count(each) for each in ("F-1", "F-2", "F-3")] == [
        credits.MAX_NOTES_ON_ONE + 1,
        credits.MAX_NOTES_ON_ONE,
        1,
    ]


def test_what_is_credited_goes_with_its_credit_note(people: People) -> None:
    invoice = make_invoice(people.alice.company, number="A-1", kind="credit_note")
    Credited.create(invoice=invoice, number="F-1")
    Invoice.delete().where(Invoice.id == invoice.id).execute()
    assert kept() == []


def test_both_ends_are_linked_by_two_queries(
    people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    company = people.alice.company
    first, second = (make_invoice(company, number=number) for number in ("F-1", "F-2"))
    credit = make_invoice(company, number="A-1", kind="credit_note")
    for number in ("F-1", "F-0"):
        Credited.create(invoice=credit, number=number)
    with counted_queries(monkeypatch) as seen:
        found = credits.linked(
            people.alice, notes=[credit.id], invoices={"F-1": first.id, "F-2": second.id}
        )
    assert len(seen) == 2
    assert found == {
        credit.id: (Link("F-0", None), Link("F-1", first.id)),
        first.id: (Link("A-1", credit.id),),
    }


def test_nothing_to_link_asks_nothing(people: People, monkeypatch: pytest.MonkeyPatch) -> None:
    with counted_queries(monkeypatch) as seen:
        assert credits.linked(people.alice, notes=[], invoices={}) == {}
    assert seen == []


@pytest.mark.parametrize("whose", ["sister company", "other supplier", "past retention"])
def test_a_document_that_the_reader_may_not_see_is_never_linked(people: People, whose: str) -> None:
    """Its number stands in the credit note that the reader holds; nothing else of it shows."""
    mine = people.alice.company
    theirs = {"sister company": people.bob.company, "other supplier": people.charlie.company}
    issued_on = papers.months_ago(24, days=1) if whose == "past retention" else papers.months_ago(0)
    other = theirs.get(whose, mine)
    make_invoice(other, number="F-1", issued_on=issued_on)
    foreign = make_invoice(other, number="A-9", kind="credit_note", issued_on=issued_on)
    credit = make_invoice(mine, number="A-1", kind="credit_note")
    invoice = make_invoice(mine, number="F-2")
    Credited.create(invoice=credit, number="F-1")
    Credited.create(invoice=foreign, number="F-2")
    found = credits.linked(people.alice, notes=[credit.id], invoices={"F-2": invoice.id})
    assert found == {credit.id: (Link("F-1", None),)}


def test_a_profile_narrows_the_links_too(people: People) -> None:
    company = people.alice.company
    invoice = make_invoice(company, number="F-1", contract="C-1")
    credit = make_invoice(company, number="A-1", kind="credit_note", contract="C-2")
    Credited.create(invoice=credit, number="F-1")
    for contract, links in (
        ("C-1", {credit.id: (Link("F-1", invoice.id),)}),
        ("C-2", {credit.id: (Link("F-1", None),), invoice.id: (Link("A-1", credit.id),)}),
    ):
        reader = make_user(company, contract, profile=make_profile(company, contract, contract))
        found = credits.linked(reader, notes=[credit.id], invoices={"F-1": invoice.id})
        assert found == links


def test_two_suppliers_may_use_the_same_numbers(people: People) -> None:
    sister = make_company(people.other_supplier)
    make_invoice(sister, number="F-1")
    mine = make_invoice(people.alice.company, number="F-1")
    credit = make_invoice(people.alice.company, number="A-1", kind="credit_note")
    Credited.create(invoice=credit, number="F-1")
    found = credits.linked(people.alice, notes=[credit.id], invoices={})
    assert found == {credit.id: (Link("F-1", mine.id),)}


def test_the_list_names_both_ends(people: People) -> None:
    company = people.alice.company
    invoice = make_invoice(company, number="F-1")
    credit = make_invoice(company, number="A-1", kind="credit_note")
    make_invoice(company, number="F-2")
    Credited.create(invoice=credit, number="F-1")
    rows = {row.number: row for row in list_invoices(people.alice, Filters()).rows}
    assert rows["A-1"].links == (Link("F-1", invoice.id),)
    assert rows["F-1"].links == (Link("A-1", credit.id),)
    assert rows["F-2"].links == ()
