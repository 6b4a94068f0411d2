"""The demonstration's documents as files: pages drawn by fpdf2, XML embedded by factur-x."""

import logging
from collections.abc import Iterable
from pathlib import Path

from facturx import generate_from_binary

from selfservice.demo.cii import build_xml
from selfservice.demo.page import draw_page, draw_slip
from selfservice.demo.plan import PlannedDocument, euros
from selfservice.deposits import index_csv
from selfservice.files import csv_lines


def write_documents(folder: Path, documents: Iterable[PlannedDocument]) -> None:
    """Write documents into a folder, and the index that describes the plain ones."""
    rows = []
    for document in documents:
        name = f"{document.number}.pdf"
        is_plain = document.customer.is_fleet
        content = draw_slip(document) if is_plain else build_document(document)
        (folder / name).write_bytes(content)
        if is_plain:
            rows.append(_described(name, document))
    if rows:
        (folder / index_csv.NAME).write_bytes(csv_lines([index_csv.COLUMNS, *rows]))


def _described(name: str, document: PlannedDocument) -> list[str]:
    cents = (document.net_cents, document.vat_cents, document.gross_cents)
    return [
        name,
        document.customer.client_number,
        document.number,
        "invoice",
        document.issued_on.isoformat(),
        document.due_on.isoformat(),
        *map(euros, cents),
        "EUR",
        document.contract.reference,
    ]


def build_document(document: PlannedDocument) -> bytes:
    """Return one Factur-X PDF."""
    kind = "Avoir" if document.is_credit_note else "Facture"
    # factur-x reports each step at level INFO and a missing optional part as a warning.
    logging.getLogger("factur-x").setLevel(logging.ERROR)
    pdf: bytes = generate_from_binary(
        draw_page(document),
        build_xml(document),
        flavor="factur-x",
        level="en16931",
        check_xsd=False,
        lang="fr-FR",
        pdf_metadata={
            "author": document.seller.name,
            "keywords": "Factur-X",
            "title": f"{kind} {document.number}",
            "subject": f"{kind} du {document.issued_on:%d/%m/%Y}",
        },
    )
    return pdf
