"""Opening a deposited PDF: is it one, whole, readable, and within the limits."""

import os
from typing import BinaryIO

from pikepdf import AccessMode, PasswordError, Pdf

from selfservice.deposits import active, facturx
from selfservice.deposits.facturx import Description
from selfservice.deposits.messages import ACTIVE_LABELS
from selfservice.deposits.refusal import RefusalError
from selfservice.invoices import embedded_xml

MAGIC = b"%PDF-"
TAIL_BYTES = 1024


def read_pdf(file: BinaryIO, *, max_pages: int, takes_active: bool = False) -> Description:
    """Check a PDF and read what it says of itself; raises RefusalError.

    Only inside a reader process: a PDF of a kilobyte can ask for gigabytes or never end.
    """
    _check_ends(file)
    try:
        # Mapped: a copy of the reader's own, which nobody cuts short meanwhile.
        with embedded_xml.opened(file, AccessMode.mmap) as pdf:
            pages = len(pdf.pages)
            if pages == 0:
                raise RefusalError("no_page")
            if pages > max_pages:
                raise RefusalError("too_long", limit=max_pages)
            if not takes_active and (what := active.find(pdf)):
                raise RefusalError("active", what=ACTIVE_LABELS[what])
            return _read_embedded(pdf)
    except PasswordError as error:
        raise RefusalError("encrypted") from error
    except embedded_xml.PDF_FAULTS as error:
        raise RefusalError("damaged") from error


def _check_ends(file: BinaryIO) -> None:
    file.seek(0)
    if file.read(len(MAGIC)) != MAGIC:
        raise RefusalError("not_pdf")
    file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL_BYTES))
    if b"%%EOF" not in file.read():
        raise RefusalError("truncated")
    file.seek(0)


def _read_embedded(pdf: Pdf) -> Description:
    try:
        xml = embedded_xml.find(pdf)
        return Description() if xml is None else facturx.describe(xml)
    except facturx.DoctypeError:
        return Description(problem="doctype")
    except embedded_xml.SeveralXmlError:
        return Description(problem="several_xml")
    except embedded_xml.BrokenXmlError:
        return Description(problem="broken_xml")
