"""The demonstration's documents as files: pages drawn by fpdf2, XML embedded by factur-x.

They stay in a folder from one start to the next; only missing ones are made.
"""

import logging
from collections.abc import Callable
from pathlib import Path

from facturx import generate_from_binary

from selfservice import files
from selfservice.demo.cii import build_xml
from selfservice.demo.page import draw_page
from selfservice.demo.plan import PlannedDocument


def write_documents(
    folder: Path,
    documents: list[PlannedDocument],
    *,
    deposited: Callable[[str], bytes | None],
) -> int:
    """Make a folder hold exactly these documents; return how many had to be made.

    A document that `deposited` knows is copied from there: one made anew has other bytes. Files
    of documents past retention are deleted, so that the deposit has nothing to refuse.
    """
    folder.mkdir(parents=True, exist_ok=True)
    wanted = {f"{document.number}.pdf": document for document in documents}
    present = {path.name: path for path in folder.glob("*.pdf")}
    for name in present.keys() - wanted.keys():
        present[name].unlink()
    missing = [document for name, document in wanted.items() if name not in present]
    made = 0
    for document in missing:
        content = deposited(document.number)
        if content is None:
            content = build_document(document)
            made += 1
        path = folder / f"{document.number}.pdf"
        aside = f".{path.name}.csv"  # a deposit takes no *.csv for a document
        with files.written_aside(path, aside=aside, is_synced=False) as file:
            file.write(content)
    return made


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
