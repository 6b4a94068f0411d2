"""Hostile documents: small files that ask for too much, or lie about themselves."""

import io
import re
import zlib
from collections.abc import Callable

import pikepdf
from pikepdf import Array, Dictionary, Name

from tests.papers import cii, client_number, pdf

HEADER = b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n"


def raw(*objects: bytes, root: int = 1, trailer: bytes = b"") -> bytes:
    """A PDF of these objects, numbered from 1, with an exact cross-reference table."""
    out, offsets = bytearray(HEADER), []
    for number, body in enumerate(objects, 1):
        offsets.append(len(out))
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    start, size = len(out), len(objects) + 1
    out += b"xref\n0 %d\n0000000000 65535 f \n" % size
    out += b"".join(b"%010d 00000 n \n" % offset for offset in offsets)
    out += b"trailer\n<< /Size %d /Root %d 0 R %s >>\n" % (size, root, trailer)
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def mended_elsewhere(content: bytes, stray: bytes) -> bytes:
    """The same, with what no table leads to, and lines of 19 bytes in its table.

    Chrome looks for the objects of such a file by itself.
    """
    place = content.rindex(b"xref\n0 ")
    table = re.sub(rb" ([nf]) \n", rb" \1\n", content[place:])
    start = place + len(stray)
    return content[:place] + stray + re.sub(rb"(?<=startxref\n)\d+", b"%d" % start, table)


def stream(content: bytes, entries: bytes) -> bytes:
    return b"<< /Length %d %s >>\nstream\n%s\nendstream" % (len(content), entries, content)


def unpacking_to(megabytes: int, *, head: bytes = b"", byte: bytes = b"\0") -> bytes:
    """Return what unpacks to a head and so many megabytes of one byte.

    One of them is packed, by itself: all the others are the same.
    """
    block = byte * 1024 * 1024
    packer = zlib.compressobj(9)
    begin = packer.compress(head) + packer.flush(zlib.Z_FULL_FLUSH)
    one = packer.compress(block) + packer.flush(zlib.Z_FULL_FLUSH)
    check = zlib.adler32(head)
    for _ in range(megabytes):
        check = zlib.adler32(block, check)
    return begin + one * megabytes + b"\x03\x00" + check.to_bytes(4, "big")


def twice_packed(megabytes: int) -> bytes:
    return zlib.compress(zlib.compress(unpacking_to(megabytes), 9), 9)


def packed_many_times(xml: bytes, times: int) -> bytes:
    """A PDF whose XML, made 5 MB by its spaces, is written in runs of bytes so many times."""
    content = xml + b" " * (5_000_000 - len(xml))
    for _ in range(times):
        parts = (content[place : place + 128] for place in range(0, len(content), 128))
        content = b"".join(bytes([len(part) - 1]) + part for part in parts) + b"\x80"
    filters = b"/FlateDecode /FlateDecode" + b" /RunLengthDecode" * times
    return attached(zlib.compress(zlib.compress(content)), b"/Filter [%s]" % filters)


def attached(content: bytes, filters: bytes) -> bytes:
    """A PDF whose factur-x.xml is this stream."""
    return raw(
        b"<< /Type /Catalog /Pages 2 0 R /Names << /EmbeddedFiles "
        b"<< /Names [(factur-x.xml) 4 0 R] >> >> >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
        b"<< /Type /Filespec /F (factur-x.xml) /UF (factur-x.xml) /EF << /F 5 0 R >> >>",
        stream(content, b"/Type /EmbeddedFile " + filters),
    )


def object_stream(megabytes: int) -> bytes:
    """A page tree that lies inside an object stream which unpacks to so many megabytes."""
    tree = b"2 0 << /Type /Pages /Kids [] /Count 0 >>"
    packed = unpacking_to(megabytes, head=tree, byte=b" ")
    out = bytearray(HEADER)
    catalog = len(out)
    out += b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R >>\nendobj\n"
    objects = len(out)
    entries = b"/Type /ObjStm /N 1 /First 4 /Filter /FlateDecode"
    out += b"3 0 obj\n" + stream(packed, entries) + b"\nendobj\n"
    table = len(out)
    rows = [(0, 0, 0), (1, catalog, 0), (2, 3, 0), (1, objects, 0), (1, table, 0)]
    xref = b"".join(
        kind.to_bytes(1) + where.to_bytes(4) + more.to_bytes(1) for kind, where, more in rows
    )
    out += b"4 0 obj\n" + stream(xref, b"/Type /XRef /Size 5 /W [1 4 1] /Root 1 0 R")
    return bytes(out + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % table)


def packed_twice(first: bytes, last: bytes, *pages: bytes) -> bytes:
    """A PDF whose opening action is given twice under its number, inside an object stream."""
    catalog = b"<< /Type /Catalog /Pages 2 0 R /OpenAction 5 0 R >>"
    numbered = [*enumerate((catalog, *pages), 1), (5, first), (5, last)]
    heading, bodies = b"", b""
    for number, body in numbered:
        heading += b"%d %d " % (number, len(bodies))
        bodies += body + b" "
    out = bytearray(HEADER)
    objects = len(out)
    entries = b"/Type /ObjStm /N %d /First %d" % (len(numbered), len(heading))
    out += b"4 0 obj\n" + stream(heading + bodies, entries) + b"\nendobj\n"
    table = len(out)
    rows = [(0, 0, 0), *((2, 4, place) for place in range(3)), (1, objects, 0), (2, 4, 3)]
    xref = b"".join(
        kind.to_bytes(1) + where.to_bytes(4) + more.to_bytes(1)
        for kind, where, more in (*rows, (1, table, 0))
    )
    out += b"6 0 obj\n" + stream(xref, b"/Type /XRef /Size 7 /W [1 4 1] /Root 1 0 R")
    return bytes(out + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % table)


def two_tables(*, is_forged: bool) -> bytes:
    """A linearised PDF that was changed since; a forged one says that it was not."""
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf(cii(buyer=client_number("C-1"))))) as document:
        document.save(buffer, linearize=True)
    before = buffer.getvalue()
    root = re.findall(rb"/Root \d+ 0 R", before)[0]
    former = re.findall(rb"startxref\s+(\d+)", before)[-1]
    table = b"xref\n0 1\n0000000000 65535 f \ntrailer\n<< /Size 99 %s /Prev %s >>\n"
    after = before + table % (root, former) + b"startxref\n%d\n%%%%EOF\n" % len(before)
    length = b"/L %d" % (len(after) if is_forged else len(before))
    return after.replace(b"/L %d" % len(before), length, 1)


def two_kinds_of_tables(hidden: bytes, *pages: bytes, is_packed: bool) -> bytes:
    """A PDF of which a second table alone, for newer viewers, gives the fifth object."""
    catalog = b"<< /Type /Catalog /Pages 2 0 R /OpenAction 5 0 R >>"
    packed = zlib.compress(b"5 0 " + hidden)
    bodies = dict(enumerate((catalog, *pages), 1))
    bodies[4] = stream(packed, b"/Filter /FlateDecode /N 1 /First 4")
    bodies |= {} if is_packed else {4: b"null", 5: hidden}
    out, places = bytearray(HEADER), dict[int, int]()
    for number, body in bodies.items():
        places[number] = len(out)
        out += b"%d 0 obj\n%s\nendobj\n" % (number, body)
    rows = [(1, places[4], 0), (2, 4, 0) if is_packed else (1, places[5], 0)]
    xref = b"".join(
        kind.to_bytes(1) + where.to_bytes(4) + more.to_bytes(1) for kind, where, more in rows
    )
    second = places[6] = len(out)
    heading = b"/Type /XRef /Size 7 /W [1 4 1] /Index [4 2] /Root 1 0 R"
    out += b"6 0 obj\n" + stream(xref, heading) + b"\nendobj\n"
    start = len(out)
    out += b"xref\n0 7\n0000000000 65535 f \n"
    for number in range(1, 7):
        is_shown = number not in (4, 5)
        out += b"%010d 00000 n \n" % places[number] if is_shown else b"0000000000 65535 f \n"
    out += b"trailer\n<< /Size 7 /Root 1 0 R /XRefStm %d >>\n" % second
    return bytes(out + b"startxref\n%d\n%%%%EOF\n" % start)


def xref_stream(megabytes: int) -> bytes:
    """A cross-reference stream that unpacks to so many megabytes of entries."""
    out = bytearray(HEADER + b"1 0 obj\n<< /Type /Catalog >>\nendobj\n")
    table, count = len(out), megabytes * 1024 * 1024 // 6
    entries = b"/Type /XRef /Size %d /W [1 4 1] /Root 1 0 R /Filter /FlateDecode" % count
    out += b"2 0 obj\n" + stream(unpacking_to(megabytes), entries)
    return bytes(out + b"\nendobj\nstartxref\n%d\n%%%%EOF\n" % table)


def deep_kids(depth: int) -> bytes:
    """A page tree of so many levels."""
    levels = [
        b"<< /Type /Pages /Count 1 /Kids [%d 0 R] %s >>" % (n + 1, b"/Parent %d 0 R" % (n - 1))
        for n in range(2, depth + 2)
    ]
    page = b"<< /Type /Page /Parent %d 0 R /MediaBox [0 0 9 9] >>" % (depth + 1)
    return raw(b"<< /Type /Catalog /Pages 2 0 R >>", *levels, page)


def tree(kids: bytes, count: bytes = b"1") -> bytes:
    return raw(
        b"<< /Type /Catalog /Pages 2 0 R >>",
        b"<< /Type /Pages /Kids [%s] /Count %s >>" % (kids, count),
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
    )


def doubling_kids(levels: int) -> bytes:
    """A page tree whose every node names the next one twice: 2^levels pages."""
    nodes = [
        b"<< /Type /Pages /Count 2 /Kids [%d 0 R %d 0 R] >>" % (n + 1, n + 1)
        for n in range(2, levels + 2)
    ]
    page = b"<< /Type /Page /MediaBox [0 0 9 9] >>"
    return raw(b"<< /Type /Catalog /Pages 2 0 R >>", *nodes, page)


def changed(change: Callable[[pikepdf.Pdf], None]) -> bytes:
    """A right document of customer C-1, changed before it is saved."""
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf(cii(buyer=client_number("C-1"))))) as document:
        change(document)
        document.save(buffer)
    return buffer.getvalue()


def looping_names(document: pikepdf.Pdf) -> None:
    node = document.make_indirect(Dictionary(Limits=Array(["a", "z"])))
    node.Kids = Array([node, node])
    document.Root.Names.EmbeddedFiles = node  # what it hides stands in /AF too


def scripted(document: pikepdf.Pdf) -> None:
    document.Root.OpenAction = Dictionary(S=Name.JavaScript, JS="app.alert('bonjour')")
    document.Root.AA = Dictionary(WC=Dictionary(S=Name.Launch, F="/bin/sh"))


def crowded(document: pikepdf.Pdf) -> None:
    for each in range(2000):
        document.attachments[f"{each}.bin"] = pikepdf.AttachedFileSpec(document, b"x")


def nested_array(depth: int) -> bytes:
    return raw(
        b"<< /Type /Catalog /Pages 2 0 R /Deep " + b"[" * depth + b"]" * depth + b" >>",
        b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
        b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 9 9] >>",
    )
