"""The archive: documents as one ZIP, made while it leaves, with an index and their SHA-256."""

import os
import unicodedata
from collections.abc import Collection, Generator, Iterable, Iterator
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any

from flask import current_app
from zipstream import ZipStream

from selfservice.accounts.models import User
from selfservice.db import Prepared, rows
from selfservice.invoices import embedded_xml, export, queries, sorting, storage
from selfservice.invoices.downloads import UnknownInvoiceError
from selfservice.invoices.export import Entry
from selfservice.invoices.filters import Filters
from selfservice.invoices.finding import shown
from selfservice.invoices.models import Invoice

BLOCK_BYTES = 64 * 1024
NAME_BYTES = 180  # far below the 255 of any file system
FORBIDDEN = str.maketrans('<>:"/\\|?*', "-" * 9)
INDEX = "index.csv"
SUMS = "SHA256SUMS"
Content = Generator[bytes, None, None]
_COLUMNS = (Invoice.id, Invoice.sha256, Invoice.has_xml, Invoice.xml_size_bytes, *export.COLUMNS)


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
    """What an archive needs of a document; `xml_size` is None where only reading it would tell."""

    id: int
    path: str
    sha256: str
    size: int
    has_xml: bool
    xml_size: int | None
    entry: Entry


def choose(user: User, ids: Collection[int]) -> list[Document]:
    """Return documents that the user may see, newest first.

    Raises UnknownInvoiceError when one of them is not visible to them, TooManyDocumentsError.
    """
    wanted, limit = set(ids), current_app.config["ARCHIVE_MAX_DOCUMENTS"]
    if len(wanted) > limit:
        raise TooManyDocumentsError(len(wanted), limit)  # more than a statement might take
    if any(each > queries.MAX_ID for each in wanted):
        raise UnknownInvoiceError
    found = _documents(_CHOSEN.rows(queries.scope_of(user), queries.listed(wanted)))
    if len(found) != len(wanted):
        raise UnknownInvoiceError
    return sorted(found, key=lambda each: (each.entry.issued_on, each.id), reverse=True)


def choose_all(user: User, filters: Filters) -> list[Document]:
    """Return all that the list shows, on all its pages. Raises TooManyDocumentsError."""
    return _read(shown(user, filters), filters.sort)


def _chosen(scope: queries.Scope, ids: Any) -> Any:
    return queries.among(queries.visible_in(scope), ids).select(*_COLUMNS)


_CHOSEN = Prepared(build=_chosen)


def _read(query: Any, sort: str) -> list[Document]:
    limit = current_app.config["ARCHIVE_MAX_DOCUMENTS"]
    ordered = sorting.ordered(query.select(*_COLUMNS), sort)
    found = rows(ordered.limit(limit + 1))
    if len(found) > limit:
        raise TooManyDocumentsError(query.select(Invoice.id).count(), limit)
    return _documents(found)


def _documents(found: Iterable[tuple[Any, ...]]) -> list[Document]:
    """Return documents of the values of _COLUMNS; FileNotFoundError where a file is lost."""
    entry_of, name_of = export.reader_of_entries(), storage.namer()
    return [_document(row, name_of(row[1]), entry_of(row[4:])) for row in found]


def _document(row: tuple[Any, ...], path: str, entry: Entry) -> Document:
    invoice_id, digest, has_xml, xml_size = row[:4]
    size = os.stat(path).st_size  # noqa: PTH116 (by a Path, thousands take a while)
    return Document(invoice_id, path, digest, size, has_xml, xml_size, entry)


class Archive:
    """A ZIP of documents, stored as they are.

    `size` is None where the length of an XML is unknown (deposited before the portal kept it).
    A file that vanishes or changes its length on the way ends `pieces` with an error.
    """

    def __init__(self, documents: list[Document]) -> None:
        self._sums: dict[str, str] = {}
        self._contents: list[Content] = []
        is_sized = all(each.xml_size is not None for each in documents if each.has_xml)
        self._zip = ZipStream(sized=is_sized)
        for name, document in zip(_names(documents), documents, strict=True):
            self._add(name, document)
        index = export.csv_bytes(each.entry for each in documents)
        self._sums[INDEX] = sha256(index).hexdigest()
        self._zip.add(index, INDEX)
        length = sum(64 + 2 + len(name.encode()) + 1 for name in self._sums)
        self._zip.add(self._sum_lines(), SUMS, size=length)
        self.size = len(self._zip) if is_sized else None

    def pieces(self) -> Content:
        """Yield the archive in blocks, without the database: files are opened one by one."""
        waiting = bytearray()
        try:
            for piece in self._zip:
                waiting += piece
                if len(waiting) >= BLOCK_BYTES:
                    yield bytes(waiting)
                    waiting.clear()
            yield bytes(waiting)
        finally:
            for content in self._contents:
                content.close()  # now: the file of a reader who left would stay open for a while

    def _add(self, name: str, document: Document) -> None:
        self._sums[f"{name}.pdf"] = document.sha256
        self._add_content(_blocks(document.path), f"{name}.pdf", document.size)
        if document.has_xml:
            xml = f"{name}.xml"
            self._sums[xml] = ""
            self._add_content(self._xml(xml, document.path), xml, document.xml_size)

    def _add_content(self, content: Content, name: str, size: int | None) -> None:
        self._contents.append(content)
        self._zip.add(content, name, size=size)

    def _xml(self, name: str, path: str) -> Content:
        content = embedded_xml.extract(Path(path))
        if content is None:
            raise LostXmlError(path)
        self._sums[name] = sha256(content).hexdigest()
        yield content

    def _sum_lines(self) -> Iterator[bytes]:
        for name, digest in self._sums.items():
            yield f"{digest}  {name}\n".encode()


def _names(documents: Iterable[Document]) -> Iterator[str]:
    """Yield a name without extension for each, unique on any system: day of issue and number."""
    taken: set[str] = set()
    for document in documents:
        name = base = safe_name(f"{document.entry.issued_on}_{document.entry.number}")
        turn = 1
        while name.casefold() in taken:
            turn += 1
            name = f"{base}-{turn}"
        taken.add(name.casefold())
        yield name


def safe_name(text: str) -> str:
    """Return a file name, without extension, that every system takes as it is."""
    name = unicodedata.normalize("NFC", text).translate(FORBIDDEN)
    if not name.isprintable():
        name = "".join(each if each.isprintable() else "-" for each in name)
    return name.encode()[:NAME_BYTES].decode("utf-8", "ignore").rstrip(". ")


def _blocks(path: str) -> Content:
    with Path(path).open("rb") as file:
        while block := file.read(BLOCK_BYTES):
            yield block
