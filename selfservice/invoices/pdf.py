"""Opening a deposited PDF: is it one, whole, readable, and within the limits."""

import io
from dataclasses import dataclass

from pikepdf import PasswordError, Pdf

from selfservice.invoices import facturx
from selfservice.invoices.refusal import RefusalError

TAIL_BYTES = 1024


@dataclass(frozen=True)
class Embedded:
    """The Factur-X part of a PDF: its description, or why it has none.

    `problem` is empty, or a code of labels.REFUSALS.
    """

    description: facturx.Description | None = None
    problem: str = ""


def read_pdf(content: bytes, *, max_pages: int) -> Embedded:
    """Check a PDF and read what it says of itself; raises RefusalError."""
    if not content.startswith(b"%PDF-"):
        raise RefusalError("not_pdf")
    if b"%%EOF" not in content[-TAIL_BYTES:]:
        raise RefusalError("truncated")
    try:
        with Pdf.open(io.BytesIO(content), attempt_recovery=False, suppress_warnings=True) as pdf:
            pages = len(pdf.pages)
            if pages == 0:
                raise RefusalError("no_page")
            if pages > max_pages:
                raise RefusalError("too_long", limit=max_pages)
            return _read_embedded(pdf)
    except PasswordError as error:
        raise RefusalError("encrypted") from error
    except facturx.PDF_FAULTS as error:
        raise RefusalError("damaged") from error


def extract_xml(content: bytes) -> bytes | None:
    """Return the Factur-X XML of a deposited PDF, byte for byte."""
    with Pdf.open(io.BytesIO(content), attempt_recovery=False, suppress_warnings=True) as pdf:
        return facturx.embedded_xml(pdf)


def _read_embedded(pdf: Pdf) -> Embedded:
    try:
        xml = facturx.embedded_xml(pdf)
        return Embedded(description=None if xml is None else facturx.describe(xml))
    except facturx.DoctypeError:
        return Embedded(problem="doctype")
    except facturx.BrokenXmlError:
        return Embedded(problem="broken_xml")
