"""Opening a deposited PDF: is it one, whole, readable, and within the limits."""

import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from pikepdf import AccessMode, PasswordError, Pdf

from selfservice.invoices import facturx
from selfservice.invoices.refusal import RefusalError

MAGIC = b"%PDF-"
TAIL_BYTES = 1024


@dataclass(frozen=True)
class Embedded:
    """The Factur-X part of a PDF: its description, or why it has none.

    `problem` is empty, or a code of labels.REFUSALS. `xml_size_bytes` goes with a description.
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
        with _opened(file, AccessMode.mmap) as pdf:
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


def extract_xml(path: Path) -> bytes | None:
    """Return the Factur-X XML of a deposited PDF, byte for byte.

    In the portal's own process: at its deposit the same reading kept within a reader's limits.
    """
    with path.open("rb") as file, _opened(file, AccessMode.stream) as pdf:
        return facturx.embedded_xml(pdf)


def _opened(file: BinaryIO, mode: AccessMode) -> Pdf:
    return Pdf.open(file, attempt_recovery=False, suppress_warnings=True, access_mode=mode)


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
        xml = facturx.embedded_xml(pdf)
        if xml is None:
            return Embedded()
        return Embedded(facturx.describe(xml), xml_size_bytes=len(xml))
    except facturx.DoctypeError:
        return Embedded(problem="doctype")
    except facturx.SeveralXmlError:
        return Embedded(problem="several_xml")
    except facturx.BrokenXmlError:
        return Embedded(problem="broken_xml")
