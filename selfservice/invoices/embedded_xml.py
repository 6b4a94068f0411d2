"""The Factur-X XML inside a PDF: found at its deposit, given out at each download."""

import zlib
from pathlib import Path
from typing import Any, BinaryIO

from pikepdf import AccessMode, Name, Pdf, PikepdfError

ATTACHMENT_NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml")
MAX_XML_BYTES = 10 * 1024 * 1024

# What reading a PDF made by nobody knows whom may raise, whatever its structure.
PDF_FAULTS = (
    PikepdfError,
    ValueError,
    TypeError,
    AttributeError,
    LookupError,
    OverflowError,
    RuntimeError,
)


class EmbeddedXmlError(Exception):
    """The embedded XML cannot be used."""


class BrokenXmlError(EmbeddedXmlError):
    """Not a well-formed CrossIndustryInvoice, or beyond what one may hold."""


class SeveralXmlError(EmbeddedXmlError):
    """Several attachments claim to be the invoice and differ."""


def extract(path: Path) -> bytes | None:
    """Return the Factur-X XML of a deposited PDF, byte for byte.

    In the portal's own process: at its deposit the same reading kept within a reader's limits.
    """
    with path.open("rb") as file, opened(file, AccessMode.stream) as pdf:
        return find(pdf)


def opened(file: BinaryIO, mode: AccessMode) -> Pdf:
    return Pdf.open(file, attempt_recovery=False, suppress_warnings=True, access_mode=mode)


def find(pdf: Pdf) -> bytes | None:
    """Return the XML attached under one of the standard's names, None where there is none.

    The names go before one another as in ATTACHMENT_NAMES. Raises BrokenXmlError for an attachment
    that does not unpack within MAX_XML_BYTES, SeveralXmlError.
    """
    try:
        found = _named(pdf)
        if not found:
            return None
        xml, *others = (_unpack(attached.get_file().obj) for attached in found)
    except (zlib.error, *PDF_FAULTS) as error:
        raise BrokenXmlError(str(error)) from error
    if any(other != xml for other in others):
        raise SeveralXmlError
    return xml


def _named(pdf: Pdf) -> list[Any]:
    """Return the attachments under the first of the standard's names that occurs."""
    found: dict[str, list[Any]] = {}
    for key, attached in pdf.attachments.items():
        for name in {key.strip().lower(), attached.filename.strip().lower()}:
            found.setdefault(name, []).append(attached)
    return next((found[name] for name in ATTACHMENT_NAMES if name in found), [])


def _unpack(stream: Any) -> bytes:
    """Return a stream's bytes without ever unpacking more than MAX_XML_BYTES."""
    filters = stream.get("/Filter")
    raw: bytes = stream.read_raw_bytes()
    if filters is None:
        xml, rest = raw[:MAX_XML_BYTES], raw[MAX_XML_BYTES:]
    elif filters == Name.FlateDecode or list(filters) == [Name.FlateDecode]:
        unpacker = zlib.decompressobj()
        xml = unpacker.decompress(raw, MAX_XML_BYTES)
        rest = unpacker.unconsumed_tail
    else:
        raise ValueError("unusual filter")
    if rest:
        raise ValueError("too large")
    return xml
