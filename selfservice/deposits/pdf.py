"""Opening a deposited PDF: is it one, whole, readable, and within the limits."""

import os
from dataclasses import dataclass
from typing import BinaryIO

from pikepdf import AccessMode, PasswordError, Pdf

from selfservice.deposits import facturx
from selfservice.deposits.refusal import RefusalError
from selfservice.invoices import embedded_xml

MAGIC = b"%PDF-"
TAIL_BYTES = 1024


@dataclass(frozen=True)
class Embedded:
    """The Factur-X part of a PDF: its description, or why it has none.

    `problem` is empty, or a code of messages.REFUSALS. `xml_size_bytes` goes with a description.
    """

    description: facturx.Description | None = None
    problem: str = ""
    xml_size_bytes: int | None = None


def read_pdf(file: BinaryIO, *, max_pages: int) -> Embedded:
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


def _read_embedded(pdf: Pdf) -> Embedded:
    try:
        xml = embedded_xml.find(pdf)
        if xml is None:
            return Embedded()
        return Embedded(facturx.describe(xml), xml_size_bytes=len(xml))
    except facturx.DoctypeError:
        return Embedded(problem="doctype")
    except embedded_xml.SeveralXmlError:
        return Embedded(problem="several_xml")
    except embedded_xml.BrokenXmlError:
        return Embedded(problem="broken_xml")
