"""Which documents the demonstration has on a given day: the same ones whenever it is asked."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from random import Random

from dateutil.relativedelta import relativedelta

from selfservice import clock
from selfservice.demo.register import Contract, Customer, Seller

DUE_AFTER = timedelta(days=30)
CREDIT_NOTE_AFTER = timedelta(days=6)
VAT_PERCENT = 20


@dataclass(frozen=True)
class Line:
    """An article; amounts in cents, without VAT."""

    item: str
    quantity: int
    unit_cents: int

    @property
    def net_cents(self) -> int:
        return self.quantity * self.unit_cents


@dataclass(frozen=True)
class PlannedDocument:
    """One document to draw; amounts are positive, a credit note's too (type 381)."""

    seller: Seller
    customer: Customer
    contract: Contract
    number: str
    issued_on: date
    lines: tuple[Line, ...]
    credits: str = ""
    credited_on: date | None = None

    @property
    def is_credit_note(self) -> bool:
        return bool(self.credits)

    @property
    def due_on(self) -> date:
        return self.issued_on + DUE_AFTER

    @property
    def net_cents(self) -> int:
        return sum(line.net_cents for line in self.lines)

    @property
    def vat_cents(self) -> int:
        return (self.net_cents * VAT_PERCENT + 50) // 100

    @property
    def gross_cents(self) -> int:
        return self.net_cents + self.vat_cents


def euros(cents: int) -> str:
    """Return « 1234.50 », as programs write amounts."""
    return f"{cents // 100}.{cents % 100:02d}"


def planned(seller: Seller, *, months: int) -> list[PlannedDocument]:
    """Return what a supplier issued in the last months, today included, all still available."""
    today = clock.today()
    first = clock.earliest_lasting(today, months=months)
    documents = (
        document
        for customer in seller.customers
        for order, contract in enumerate(customer.contracts, 1)
        for document in _of_contract(seller, customer, contract, order, months)
    )
    return [document for document in documents if first <= document.issued_on <= today]


def _of_contract(
    seller: Seller, customer: Customer, contract: Contract, order: int, months: int
) -> Iterator[PlannedDocument]:
    this_month = clock.today().replace(day=1)
    for back in range(min(months, contract.months or months) + 1):
        month = this_month - relativedelta(months=back)
        invoice = _invoice(seller, customer, contract, month, order)
        yield invoice
        if customer.is_fleet:
            continue
        # Whatever the day, the last three months hold a credit note of each varying contract.
        every = 3 if contract.spread_percent else 7
        if (12 * month.year + month.month + order) % every == 0:
            yield _credit_note(invoice)


def _invoice(
    seller: Seller, customer: Customer, contract: Contract, month: date, order: int
) -> PlannedDocument:
    number = f"{seller.prefix}{month:%y%m}-{customer.client_number.removeprefix('M-')}-{order}"
    return PlannedDocument(
        seller=seller,
        customer=customer,
        contract=contract,
        number=number,
        issued_on=month.replace(day=contract.day),
        lines=_lines(contract, month, Random(number)),  # noqa: S311 - only amounts to look at
    )


def _lines(contract: Contract, month: date, chance: Random) -> tuple[Line, ...]:
    spread = chance.randint(-contract.spread_percent, contract.spread_percent)
    main = Line(f"{contract.item}, {month:%m/%Y}", 1, contract.net_cents * (100 + spread) // 100)
    if not contract.spread_percent:
        return (main, Line("Assurance et assistance", 1, contract.net_cents // 12))
    return (main, Line("Frais de dossier", 1, 450))


def _credit_note(invoice: PlannedDocument) -> PlannedDocument:
    part = Line(f"Geste commercial sur la facture {invoice.number}", 1, invoice.net_cents // 8)
    return PlannedDocument(
        seller=invoice.seller,
        customer=invoice.customer,
        contract=invoice.contract,
        number=f"AV{invoice.number.removeprefix(invoice.seller.prefix)}",
        issued_on=invoice.issued_on + CREDIT_NOTE_AFTER,
        lines=(part,),
        credits=invoice.number,
        credited_on=invoice.issued_on,
    )
