"""Opening a deposited PDF: is it one, whole, readable, and within the limits."""

import os
import re
from itertools import islice
from time import process_time
from typing import BinaryIO

from pikepdf import AccessMode, PasswordError, Pdf

from selfservice.deposits import active, facturx
from selfservice.deposits.facturx import Description
from selfservice.deposits.messages import ACTIVE_LABELS
from selfservice.deposits.refusal import MAX_FACT, RefusalError
from selfservice.invoices import embedded_xml

MAGIC = b"%PDF-"
HEAD_BYTES = 1024
# What a mail server or a mainframe adds may follow the end; what an update that was cut may not.
TAIL_BYTES = 1024
PADDING = b"\0\t\n\f\r \x1a"
# By a second « startxref », some viewers would show another document than the one that is read.
CUT_UPDATE = re.compile(rb"\d+\s+\d+\s+obj\b|startxref|^\d[\d\s]*(o|ob)?$")
# The first object of a linearised PDF gives the length of its file: of another, it counts no more.
COMMENT = re.compile(rb"%[^\r\n]*")
LINEARISED = re.compile(rb"/L\s*\+?(\d+)")
LAST_TABLE = re.compile(rb"startxref\s+(\d{1,12})\s*%%EOF$")
MAX_OTHERS = 20
# Of processor time. The portal does this again at each download, while its pages wait; a usual
# document takes a hundredth of it, five hundred pages for a screen reader half of it.
MAX_FINDING_SECONDS = 0.3


def read_pdf(file: BinaryIO, *, max_pages: int, takes_active: bool = False) -> Description:
    """Check a PDF and read what it says of itself; raises RefusalError.

    Only inside a reader process: a PDF of a kilobyte can ask for gigabytes or never end.
    """
    _check_beginning(file)
    _check_end(file)
    _check_first_table(file)
    begun = process_time()
    with _opened(file) as pdf:
        try:
            own = _read_embedded(file, pdf, begun)
            pages = len(pdf.pages)
            if pages == 0:
                raise RefusalError("no_page")
            if pages > max_pages:
                raise RefusalError("too_long", limit=max_pages)
            if not takes_active and (what := active.find(pdf, file)):
                raise RefusalError("active", what=ACTIVE_LABELS[what])
            return own
        except embedded_xml.PDF_FAULTS as error:
            raise RefusalError("damaged") from error


def _opened(file: BinaryIO) -> Pdf:
    try:
        # Mapped: a copy of the reader's own, which nobody cuts short meanwhile.
        return embedded_xml.opened(file, AccessMode.mmap)
    except PasswordError as error:
        raise RefusalError("encrypted") from error
    except embedded_xml.PDF_FAULTS as error:
        raise RefusalError("broken_table") from error


def _check_beginning(file: BinaryIO) -> None:
    file.seek(0)
    head = file.read(HEAD_BYTES)
    if head.startswith(MAGIC):
        return
    if (found := head.find(MAGIC)) > 0:
        raise RefusalError("preceded", count=found)
    if head.lstrip(b"\xef\xbb\xbf\xff\xfe" + PADDING).startswith(b"<"):
        _name_bare_xml(head + file.read(embedded_xml.MAX_XML_BYTES))
    raise RefusalError("not_pdf")


def _name_bare_xml(xml: bytes) -> None:
    """Refuse an invoice without its PDF by its name; leave other texts that begin with « < »."""
    try:
        facturx.describe(xml)
    except facturx.ForeignXmlError as error:
        raise RefusalError("bare_xml", name=str(error)) from error
    except embedded_xml.EmbeddedXmlError:
        return
    raise RefusalError("bare_xml", name="une facture CII")


def _check_end(file: BinaryIO) -> None:
    """Refuse a PDF that is cut, an update of it included, whatever small thing follows its end."""
    end = embedded_xml.end_of(file)
    file.seek(end)
    after = file.read().strip(PADDING)
    file.seek(0)
    if not end or len(after) > TAIL_BYTES or CUT_UPDATE.search(after):
        raise RefusalError("truncated")


def _check_first_table(file: BinaryIO) -> None:
    """Refuse a linearised PDF whose two ends name two tables: viewers read either of them."""
    size = file.seek(0, os.SEEK_END)
    file.seek(0)
    first, ended, _ = file.read(HEAD_BYTES).partition(b"endobj")
    lengths = LINEARISED.findall(active.unescaped(COMMENT.sub(b" ", first)))
    if b"/Linearized" not in active.unescaped(first) or size not in map(int, lengths):
        return
    end = embedded_xml.end_of(file)
    file.seek(max(0, end - HEAD_BYTES))
    named = LAST_TABLE.search(file.read(min(end, HEAD_BYTES)))
    start = len(first) + len(ended)
    file.seek(start)
    between = file.read(max(0, int(named[1]) - start)) if named else b""
    if not named or int(named[1]) < start or COMMENT.sub(b"", between).strip(PADDING):
        raise RefusalError("broken_table")


def _read_embedded(file: BinaryIO, pdf: Pdf, begun: float) -> Description:
    try:
        xml = embedded_xml.find(pdf)
        is_slow = xml is not None and process_time() - begun > MAX_FINDING_SECONDS
        if is_slow and _seconds_to_find(file) > MAX_FINDING_SECONDS:
            raise RefusalError("slow_xml")
        return _name_others(pdf) if xml is None else facturx.describe(xml)
    except facturx.DoctypeError:
        return Description(problem="doctype")
    except embedded_xml.SeveralXmlError:
        return Description(problem="several_xml")
    except facturx.ForeignXmlError as error:
        return Description(problem="foreign_xml", problem_name=str(error))
    except embedded_xml.BrokenXmlError:
        return Description(problem="broken_xml")


def _seconds_to_find(file: BinaryIO) -> float:
    """Find the data once more: on a busy machine, the first time counts what others cost."""
    begun = process_time()
    with _opened(file) as pdf:
        embedded_xml.find(pdf)
    return process_time() - begun


def _name_others(pdf: Pdf) -> Description:
    """Say of a PDF without Factur-X what an attachment of another name is, if it is an invoice."""
    for name, xml in islice(embedded_xml.others(pdf), MAX_OTHERS):
        try:
            facturx.describe(xml)
        except facturx.ForeignXmlError as error:
            return Description(problem="foreign_xml", problem_name=str(error))
        except embedded_xml.EmbeddedXmlError:
            continue
        return Description(problem="misnamed_xml", problem_name=name[:MAX_FACT])
    return Description()
