"""One page that looks like the invoice of a French company."""

from datetime import UTC, datetime, time

from fpdf import FPDF
from fpdf.enums import XPos, YPos

from selfservice.demo.plan import VAT_PERCENT, PlannedDocument
from selfservice.money import NARROW, NO_BREAK, format_amount

MARGIN = 18
WIDTH = 210 - 2 * MARGIN
COLUMNS = (94, 18, 31, 31)
INK = (28, 34, 39)
MUTED = (96, 104, 112)


class _Page(FPDF):
    """A4 in the colour of the seller; core fonts, so that a document stays a few kilobytes."""

    def __init__(self, document: PlannedDocument) -> None:
        super().__init__(format="A4")
        self.core_fonts_encoding = "cp1252"  # the euro sign
        self.document = document
        self.set_creation_date(datetime.combine(document.issued_on, time(8), UTC))
        self.set_margin(MARGIN)
        self.set_auto_page_break(auto=False)
        self.add_page()

    @property
    def colour(self) -> tuple[int, int, int]:
        text = self.document.seller.colour
        return int(text[1:3], 16), int(text[3:5], 16), int(text[5:7], 16)

    def write_line(
        self, text: str, *, size: float = 10, bold: bool = False, ink: tuple[int, int, int] = INK
    ) -> None:
        self.set_font("Helvetica", "B" if bold else "", size)
        self.set_text_color(*ink)
        self.cell(0, size * 0.48, text, new_x=XPos.LEFT, new_y=YPos.NEXT)

    def rule(self) -> None:
        self.set_draw_color(*self.colour)
        self.line(MARGIN, self.get_y(), MARGIN + WIDTH, self.get_y())

    def write_cells(self, texts: tuple[str, ...], *, bold: bool = False) -> None:
        self.set_font("Helvetica", "B" if bold else "", 9.5)
        self.set_text_color(*INK)
        for width, text, align in zip(COLUMNS, texts, "LRRR", strict=True):
            self.cell(width, 7, text, align=align)
        self.ln(7)


def draw_page(document: PlannedDocument) -> bytes:
    """Return the PDF of a document's page, without its XML."""
    page = _Page(document)
    _draw_head(page)
    _draw_parties(page)
    _draw_lines(page)
    _draw_totals(page)
    _draw_foot(page)
    return bytes(page.output())


def draw_slip(document: PlannedDocument) -> bytes:
    """Return a page of a few words as PDF, six times as fast: a fleet has thousands."""
    page, customer = _Page(document), document.customer
    page.set_font("Helvetica", size=11)
    for number, text in enumerate(
        (
            document.seller.name,
            f"FACTURE N° {document.number} du {document.issued_on:%d/%m/%Y}",
            f"{customer.name}, {customer.town}, client {customer.client_number}",
            f"Contrat {document.contract.reference} : {document.contract.item}",
            f"Total HT {_amount(page, document.net_cents)}, TVA {VAT_PERCENT} %",
            f"Total TTC {_amount(page, document.gross_cents)}, échéance {document.due_on:%d/%m/%Y}",
            "Document de démonstration : vendeur, client et montants sont inventés.",
        )
    ):
        page.text(MARGIN, 2 * MARGIN + 8 * number, text)
    return bytes(page.output())


def _draw_head(page: _Page) -> None:
    document = page.document
    page.set_fill_color(*page.colour)
    page.rect(MARGIN, MARGIN, 3, 12, style="F")
    page.set_xy(MARGIN + 6, MARGIN)
    page.write_line(document.seller.name, size=16, bold=True, ink=page.colour)
    page.write_line(f"{document.seller.street}, {document.seller.town}", size=9, ink=MUTED)
    page.set_xy(MARGIN, 44)
    page.write_line("AVOIR" if document.is_credit_note else "FACTURE", size=20, bold=True)
    page.write_line(f"N° {document.number}", size=12)


def _draw_parties(page: _Page) -> None:
    document, customer = page.document, page.document.customer
    facts = [
        f"Date d'émission : {document.issued_on:%d/%m/%Y}",
        f"Échéance : {document.due_on:%d/%m/%Y}",
        f"Numéro client : {customer.client_number}",
        f"Contrat : {document.contract.reference}",
    ]
    if document.credited_on:
        facts.append(f"Facture d'origine : {document.credits} du {document.credited_on:%d/%m/%Y}")
    page.set_xy(MARGIN, 66)
    for fact in facts:
        page.write_line(fact)
    page.set_xy(115, 44)
    page.write_line(customer.name, size=12, bold=True)
    page.write_line(customer.street)
    page.write_line(customer.town)
    page.write_line(f"SIREN {_grouped(customer.siren)}", size=9, ink=MUTED)
    page.write_line(f"TVA {customer.vat_number}", size=9, ink=MUTED)


def _draw_lines(page: _Page) -> None:
    page.set_xy(MARGIN, 104)
    page.write_cells(("Désignation", "Quantité", "Prix HT", "Total HT"), bold=True)
    page.rule()
    for line in page.document.lines:
        amounts = (_amount(page, line.unit_cents), _amount(page, line.net_cents))
        page.write_cells((line.item, str(line.quantity), *amounts))
    page.rule()


def _draw_totals(page: _Page) -> None:
    document = page.document
    page.ln(4)
    totals = (
        ("Total HT", document.net_cents, False),
        (f"TVA {VAT_PERCENT} %", document.vat_cents, False),
        ("Total TTC", document.gross_cents, True),
    )
    for label, cents, bold in totals:
        page.write_cells(("", "", label, _amount(page, cents)), bold=bold)


def _draw_foot(page: _Page) -> None:
    seller, document = page.document.seller, page.document
    page.set_xy(MARGIN, 236)
    if document.is_credit_note:
        page.write_line("Ce montant sera déduit de votre prochain prélèvement.", bold=True)
    else:
        page.write_line(
            f"Prélèvement automatique le {document.due_on:%d/%m/%Y} : rien à faire de votre part.",
            bold=True,
        )
    page.ln(3)
    page.rule()
    page.ln(2)
    for text in (
        "TVA acquittée sur les débits. Pas d'escompte pour paiement anticipé.",
        "En cas de retard : pénalités de trois fois le taux d'intérêt légal et indemnité de 40 €.",
        f"{seller.name}, SIREN {_grouped(seller.siren)}, TVA {seller.vat_number}, {seller.town}",
        f"{seller.contact.contact_name} : {seller.contact.phone}, {seller.contact.hours}",
        "Document de démonstration : vendeur, client et montants sont inventés.",
    ):
        page.write_line(text, size=8, ink=MUTED)


def _amount(page: _Page, cents: int) -> str:
    sign = "-" if page.document.is_credit_note else ""
    return sign + format_amount(cents).replace(NARROW, NO_BREAK)


def _grouped(siren: str) -> str:
    return f"{siren[:3]} {siren[3:6]} {siren[6:]}"
