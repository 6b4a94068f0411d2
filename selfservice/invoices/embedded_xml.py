"""The Factur-X XML inside a PDF: found at its deposit, given out at each download."""

import os
import threading
import zlib
from collections import OrderedDict
from collections.abc import Iterable, Iterator
from io import BytesIO
from itertools import chain, zip_longest
from pathlib import Path
from time import thread_time
from typing import Any, BinaryIO, NamedTuple

import pikepdf
from pikepdf import AccessMode, Array, Dictionary, Name, Pdf, PikepdfError, Stream
from pikepdf import StreamDecodeLevel as Level

ATTACHMENT_NAMES = ("factur-x.xml", "zugferd-invoice.xml", "xrechnung.xml")
MAX_XML_BYTES = 10 * 1024 * 1024
END = b"%%EOF"
BLOCK_BYTES = 64 * 1024
# ISO 32000-1, 7.4: the filters that lose nothing. Those of images are none.
LOSSLESS = tuple(
    Name(f"/{name}Decode") for name in ("Flate", "LZW", "ASCII85", "ASCIIHex", "RunLength")
)
PREDICTED = LOSSLESS[:2]
FILE_KEYS = ("/UF", "/F", "/Unix", "/DOS", "/Mac")
SLOW_SECONDS = 0.02
MAX_KEPT_BYTES = 2 * MAX_XML_BYTES
_one_at_a_time = threading.Lock()
_slow: OrderedDict[Path, bytes] = OrderedDict()  # a document's file never changes

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


class Attachment(NamedTuple):
    """A file in a PDF: the names under which it may be known, in small letters; its stream."""

    names: set[str]
    stream: Any


class EmbeddedXmlError(Exception):
    """The embedded XML cannot be used."""


class BrokenXmlError(EmbeddedXmlError):
    """Not a well-formed CrossIndustryInvoice, or beyond what one may hold."""


class SeveralXmlError(EmbeddedXmlError):
    """Several attachments claim to be the invoice and differ."""


def extract(path: Path) -> bytes | None:
    """Return the Factur-X XML of a deposited PDF, byte for byte.

    In the portal's own process: at its deposit the same reading kept within a reader's limits. No
    page goes on meanwhile, so that one thread at a time does it, and what was slow is kept.
    """
    with path.open("rb") as file, _one_at_a_time:
        if path in _slow:
            _slow.move_to_end(path)
            return _slow[path]
        begun = thread_time()
        with opened(file, AccessMode.stream) as pdf:
            xml = find(pdf)
        if xml is not None and thread_time() - begun > SLOW_SECONDS:
            _slow[path] = xml
            while sum(map(len, _slow.values())) > MAX_KEPT_BYTES:
                _slow.popitem(last=False)
        return xml


def opened(file: BinaryIO, mode: AccessMode) -> Pdf:
    """Open a PDF as it stands, nothing repaired; what comes after its end is not looked at."""
    end, size = end_of(file), file.seek(0, os.SEEK_END)
    file.seek(0)
    if size - end > len(END):  # qpdf looks for the end in the last kilobyte alone
        file, mode = BytesIO(file.read(end)), AccessMode.stream
    return Pdf.open(file, attempt_recovery=False, suppress_warnings=True, access_mode=mode)


def end_of(file: BinaryIO) -> int:
    """Return where the last end marker of a PDF ends, 0 where it has none."""
    place = file.seek(0, os.SEEK_END)
    after = b""
    while place > 0:
        start = max(0, place - BLOCK_BYTES)
        file.seek(start)
        block = file.read(place - start)
        if (found := (block + after).rfind(END)) >= 0:
            return start + found + len(END)
        place, after = start, block[: len(END) - 1]
    return 0


def find(pdf: Pdf) -> bytes | None:
    """Return the XML attached under one of the standard's names, None where there is none.

    The tree of attachments goes before /AF, and that before the annotations; in each, the names
    go before one another as in ATTACHMENT_NAMES. Raises BrokenXmlError for an attachment that
    does not unpack within MAX_XML_BYTES, SeveralXmlError.
    """
    try:
        for place in (_in_tree, _associated, _annotated):
            if streams := _named(place(pdf)):
                xml, *others = map(_unpack, streams)
                break
        else:
            return None
    except (zlib.error, *PDF_FAULTS) as error:
        raise BrokenXmlError(str(error)) from error
    if any(other != xml for other in others):
        raise SeveralXmlError
    return xml


def others(pdf: Pdf) -> Iterator[tuple[str, bytes]]:
    """Yield the XML attached under names that the standard does not know, those that unpack."""
    try:
        for names, stream in chain(_in_tree(pdf), _associated(pdf), _annotated(pdf)):
            if name := next((each for each in sorted(names) if each.endswith(".xml")), ""):
                yield name, _unpack(stream)
    except (zlib.error, *PDF_FAULTS):
        return


def _named(attachments: Iterable[Attachment]) -> list[Any]:
    """Return the streams under the first of the standard's names that occurs."""
    found: dict[str, list[Any]] = {}
    for names, stream in attachments:
        for name in names:
            found.setdefault(name, []).append(stream)
    return next((found[name] for name in ATTACHMENT_NAMES if name in found), [])


def _in_tree(pdf: Pdf) -> Iterator[Attachment]:
    for key, attached in pdf.attachments.items():
        yield from _attachments([attached.obj], key)


def _associated(pdf: Pdf) -> Iterator[Attachment]:
    for owner in (pdf.Root, *(page.obj for page in pdf.pages)):
        yield from _attachments(_dictionaries(owner, "/AF"))


def _annotated(pdf: Pdf) -> Iterator[Attachment]:
    for page in pdf.pages:
        for note in _dictionaries(page.obj, "/Annots"):
            if note.get("/Subtype") == Name.FileAttachment:
                yield from _attachments(_dictionaries(note, "/FS"))


def _dictionaries(owner: Any, key: str) -> list[Any]:
    """Return the dictionaries of an entry that is one, or several in an array."""
    value = owner.get(key)
    entries = list(value) if isinstance(value, Array) else [value]
    return [each for each in entries if isinstance(each, Dictionary)]


def _attachments(specifications: list[Any], *more_names: str) -> Iterator[Attachment]:
    """Yield the files of some specifications (ISO 32000-1, 7.11.3)."""
    for each in specifications:
        files = next(iter(_dictionaries(each, "/EF")), Dictionary())
        stream = next((files[key] for key in FILE_KEYS if key in files), None)
        if isinstance(stream, Stream):
            own = (str(each[key]) for key in FILE_KEYS if key in each)
            yield Attachment(set(map(_base_name, (*more_names, *own))), stream)


def _base_name(name: str) -> str:
    """Return a name as they are compared, without the folders of the machine that made the PDF."""
    return name.replace("\\", "/").rpartition("/")[2].strip().lower()


def _unpack(stream: Any) -> bytes:
    """Return a stream's bytes through any chain of filters that lose nothing.

    No step may give more than MAX_XML_BYTES. Flate, of which a kilobyte may ask for gigabytes, is
    stopped there; the others by the memory of the reader.
    """
    found: bytes = stream.read_raw_bytes()
    names, parameters = _several(stream, "/Filter"), _several(stream, "/DecodeParms")
    for name, given in zip_longest(names, parameters[: len(names)]):
        found = _undo(name, given, found)
    return _bounded(found)


def _several(stream: Any, key: str) -> list[Any]:
    value = stream.get(key)
    if value is None:
        return []
    return list(value) if isinstance(value, Array) else [value]


def _undo(name: Any, given: Any, packed: bytes) -> bytes:
    if name not in LOSSLESS:
        raise ValueError("unusual filter")
    parameters = {key: int(value) for key, value in given.items()} if given is not None else {}
    if name == Name.FlateDecode:
        unpacker = zlib.decompressobj()
        found = unpacker.decompress(packed, MAX_XML_BYTES)
        if unpacker.unconsumed_tail:
            raise ValueError("too large")
        if parameters.get("/Predictor", 1) == 1:
            return found
    with pikepdf.new() as aside:
        stream = Stream(aside, packed, Filter=name)
        if name in PREDICTED:
            stream.DecodeParms = Dictionary(parameters)
        return _bounded(stream.read_bytes(Level.specialized))


def _bounded(content: bytes) -> bytes:
    if len(content) > MAX_XML_BYTES:
        raise ValueError("too large")
    return content
