"""Documents as one ZIP, with an index and their SHA-256."""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, replace
from hashlib import sha256
from itertools import chain
from pathlib import Path
from shutil import copyfileobj
from typing import IO, Any
from zipfile import ZipFile, ZipInfo

from flask import current_app
from peewee import ModelSelect, chunked

from selfservice import clock
from selfservice.accounts.models import Space, User
from selfservice.db import rows
from selfservice.invoices import downloads, embedded_xml, export, queries, storage
from selfservice.invoices.downloads import UnknownInvoiceError
from selfservice.invoices.export import Entry
from selfservice.invoices.filters import Filters
from selfservice.invoices.models import Invoice
from selfservice.texts import composed

NAME_BYTES = 180  # far below the 255 of any file system
FORBIDDEN = str.maketrans('<>:"/\\|?*', "-" * 9)
INDEX = "index.csv"
SUMS = "SHA256SUMS"
BLOCK_BYTES = 256 * 1024
_COLUMNS = (Invoice.id, Invoice.sha256, Invoice.has_xml, *export.COLUMNS)


class NoDocumentError(Exception):
    """There is nothing to put into an archive."""


class TooManyDocumentsError(Exception):
    """More documents than ARCHIVE_MAX_DOCUMENTS; `count` is how many, `limit` what it allows."""

    def __init__(self, count: int, limit: int) -> None:
        super().__init__(count, limit)
        self.count = count
        self.limit = limit


class LostXmlError(Exception):
    """The XML of a document is no longer in its file."""


@dataclass(frozen=True, slots=True)
class Document:
    """What an archive needs of a document."""

    id: int
    company_id: int
    path: Path
    sha256: str
    has_xml: bool
    entry: Entry
    folder: str = ""


def choose(user: User, ids: Collection[int]) -> list[Document]:
    """Return documents that the user may see, newest first.

    Raises UnknownInvoiceError or ForeignInvoiceError when one of them is not visible to them,
    TooManyDocumentsError.
    """
    wanted, limit = set(ids), current_app.config["ARCHIVE_MAX_DOCUMENTS"]
    if len(wanted) > limit:
        raise TooManyDocumentsError(len(wanted), limit)  # more than a statement might take
    if any(each > queries.MAX_ID for each in wanted):
        raise UnknownInvoiceError
    visible = queries.visible_to(user).select(*_COLUMNS)
    batches = (rows(visible.where(Invoice.id.in_(ids))) for ids in chunked(wanted, queries.BATCH))
    found = _documents(chain.from_iterable(batches), user.spaces)
    if len(found) != len(wanted):
        raise downloads.not_found(wanted, seen=len(found))
    if len({each.company_id for each in found}) > 1:
        found = _in_folders(found)
    return sorted(found, key=lambda each: (each.entry.issued_on, each.id), reverse=True)


def choose_all(user: User, filters: Filters) -> list[Document]:
    """Return all that the list shows, on all its pages. Raises TooManyDocumentsError."""
    found = _read(queries.shown(user, filters), filters.sort, user.spaces)
    return _in_folders(found) if len(user.spaces) > 1 else found


def _in_folders(documents: list[Document]) -> list[Document]:
    return [replace(each, folder=safe_name(each.entry.company)) for each in documents]


def _read(query: "ModelSelect[Invoice]", sort: str, spaces: Collection[Space]) -> list[Document]:
    limit = current_app.config["ARCHIVE_MAX_DOCUMENTS"]
    ordered = queries.ordered(query.select(*_COLUMNS), sort)
    found = rows(ordered.limit(limit + 1))
    if len(found) > limit:
        raise TooManyDocumentsError(query.select(Invoice.id).count(), limit)
    return _documents(found, spaces)


def _documents(found: Iterable[tuple[Any, ...]], spaces: Collection[Space]) -> list[Document]:
    """Return documents of the values of _COLUMNS, whose last is the company."""
    entry_of = export.reader_of_entries(spaces)
    return [
        Document(row[0], row[-1], storage.path_of(row[1]), row[1], bool(row[2]), entry_of(row[3:]))
        for row in found
    ]


def write_zip(documents: list[Document], file: IO[bytes]) -> None:
    """Write a ZIP of documents, their XML, an index and the SHA-256 of each into an open file.

    Entries are stored, their size and sum before them: a reader of streams, as phones and Java
    have, cannot tell where a stored entry ends whose size comes after. So `file` is one that goes
    back to an earlier place. Raises NoDocumentError, and FileNotFoundError or LostXmlError for a
    document whose file is not what it was.
    """
    if not documents:
        raise NoDocumentError
    sums: dict[str, str] = {}
    with ZipFile(file, "w") as archive:

        def add(name: str, content: bytes) -> None:
            archive.writestr(_entry(name), content)
            sums[name] = sha256(content).hexdigest()

        for name, document in zip(_names(documents), documents, strict=True):
            with document.path.open("rb") as pdf:
                pdf_entry = _entry(f"{name}.pdf", size_bytes=os.fstat(pdf.fileno()).st_size)
                with archive.open(pdf_entry, "w") as stored:
                    copyfileobj(pdf, stored, BLOCK_BYTES)
            sums[f"{name}.pdf"] = document.sha256
            if document.has_xml:
                add(f"{name}.xml", _xml_of(document))
        columns = export.HEADINGS | export.COMPANY if documents[0].folder else export.HEADINGS
        add(INDEX, export.csv_bytes((each.entry for each in documents), columns))
        lines = [f"{digest}  {name}\n" for name, digest in sums.items()]
        archive.writestr(_entry(SUMS), "".join(lines))


def _entry(name: str, *, size_bytes: int = 0) -> ZipInfo:
    """Return a stored entry of now, for everyone to read.

    The date and rights of our own file would tell of this host, and a ZIP knows no day before
    1980. The size decides whether the entry needs the long form (ZIP64), which few streams read.
    """
    entry = ZipInfo(name, clock.paris(clock.now()).timetuple()[:6])
    entry.external_attr = 0o644 << 16
    entry.file_size = size_bytes
    return entry


def _xml_of(document: Document) -> bytes:
    xml = embedded_xml.extract(document.path)
    if xml is None:
        raise LostXmlError(document.path)
    return xml


def _names(documents: Iterable[Document]) -> Iterator[str]:
    """Yield a name without extension for each, unique on any system: day of issue and number."""
    taken: set[str] = set()
    for document in documents:
        base = safe_name(f"{document.entry.issued_on}_{document.entry.number}")
        name = base = f"{document.folder}/{base}" if document.folder else base
        turn = 1
        while name.casefold() in taken:
            turn += 1
            name = f"{base}-{turn}"
        taken.add(name.casefold())
        yield name


def safe_name(text: str) -> str:
    """Return a file name, without extension, that every system takes as it is."""
    name = composed(text).translate(FORBIDDEN)
    if not name.isprintable():
        name = "".join(each if each.isprintable() else "-" for each in name)
    return name.encode()[:NAME_BYTES].decode("utf-8", "ignore").rstrip(". ")
