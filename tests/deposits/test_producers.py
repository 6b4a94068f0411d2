"""PDF/A-3 as its many producers make it: where the XML is, how it is packed, what is around it."""

import base64
import codecs
import io
import zlib
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pikepdf import Array, AttachedFileSpec, Dictionary, Name, Stream

from selfservice.deposits.facturx import Description
from selfservice.deposits.pdf import read_pdf
from selfservice.deposits.refusal import RefusalError
from selfservice.invoices import embedded_xml
from tests.papers import cii, pdf

XML = cii(number="F-7")
UBL = b'<Invoice xmlns="urn:oasis:names:specification:ubl:schema:xsd:Invoice-2"/>'
UBL_ORDER = b'<Order xmlns="urn:oasis:names:specification:ubl:schema:xsd:Order-2"/>'
ZUGFERD_1 = b'<rsm:CrossIndustryDocument xmlns:rsm="urn:ferd:CrossIndustryDocument:invoice:1p0"/>'
ORDER_X = (
    b"<rsm:SCRDMCCBDACIOMessageStructure "
    b'xmlns:rsm="urn:un:unece:uncefact:data:SCRDMCCBDACIOMessageStructure:100"/>'
)


@pytest.fixture
def read(tmp_path: Path) -> Callable[[bytes], Description]:
    """Read a document as a reader does, and its XML again as a download does."""

    def read_content(content: bytes) -> Description:
        path = tmp_path / "a.pdf"
        path.write_bytes(content)
        with path.open("rb") as file:
            found = read_pdf(file, max_pages=500)
        assert not found.has_xml or embedded_xml.extract(path)
        return found

    return read_content


Read = Callable[[bytes], Description]


def refusal(content: bytes, tmp_path: Path) -> RefusalError:
    path = tmp_path / "a.pdf"
    path.write_bytes(content)
    with path.open("rb") as file, pytest.raises(RefusalError) as caught:
        read_pdf(file, max_pages=500)
    return caught.value


def made(change: Callable[[pikepdf.Pdf], None]) -> bytes:
    """A PDF of one page that nothing is attached to but by `change`."""
    buffer = io.BytesIO()
    with pikepdf.new() as document:
        document.add_blank_page()
        change(document)
        # As it stands: pikepdf would else undo the filters and pack again by its own.
        document.save(
            buffer, compress_streams=False, stream_decode_level=pikepdf.StreamDecodeLevel.none
        )
    return buffer.getvalue()


def specification(
    document: pikepdf.Pdf, xml: bytes = XML, name: str = "factur-x.xml", **stream: object
) -> Dictionary:
    file = Stream(document, xml, Type=Name.EmbeddedFile, **stream)
    return Dictionary(Type=Name.Filespec, F=name, UF=name, EF=Dictionary(F=file))


def in_tree(document: pikepdf.Pdf, *specifications: Dictionary) -> None:
    names = [each for spec in specifications for each in (spec.F, spec)]
    document.Root.Names = Dictionary(EmbeddedFiles=Dictionary(Names=Array(names)))


def in_annotation(document: pikepdf.Pdf, found: Dictionary) -> None:
    note = Dictionary(
        Type=Name.Annot, Subtype=Name.FileAttachment, Rect=Array([0, 0, 9, 9]), FS=found
    )
    document.pages[0].obj.Annots = Array([document.make_indirect(note)])


PLACES: dict[str, Callable[[pikepdf.Pdf, Dictionary], object]] = {
    "tree": in_tree,
    "AF of the document": lambda pdf, found: setattr(pdf.Root, "AF", Array([found])),
    "AF without an array": lambda pdf, found: setattr(pdf.Root, "AF", found),
    "AF of a page": lambda pdf, found: setattr(pdf.pages[0].obj, "AF", Array([found])),
    "annotation": in_annotation,
}


@pytest.mark.parametrize("place", PLACES)
def test_the_xml_is_found_wherever_producers_name_it(place: str, read: Read) -> None:
    found = read(made(lambda document: PLACES[place](document, specification(document))))
    assert (found.has_xml, found.number) == (True, "F-7")


@pytest.mark.parametrize("key", ["/UF", "/F", "/Unix", "/DOS", "/Mac"])
def test_the_name_and_the_file_may_stand_under_one_key_alone(key: str, read: Read) -> None:
    def change(document: pikepdf.Pdf) -> None:
        file = Stream(document, XML)
        found = Dictionary({"/Type": Name.Filespec, key: "factur-x.xml"})
        found.EF = Dictionary({key: file})
        document.Root.AF = Array([found])

    assert read(made(change)).number == "F-7"


@pytest.mark.parametrize(
    "name", ["./factur-x.xml", "C:\\Temp\\Factur-X.xml", "factur-x.xml\r\n", " FACTUR-X.XML "]
)
def test_a_name_may_bring_folders_and_blanks_along(name: str, read: Read) -> None:
    assert read(made(lambda document: in_tree(document, specification(document, name=name)))).number


def test_of_several_places_the_tree_goes_before_af_and_that_before_an_annotation(
    read: Read,
) -> None:
    def change(*places: str) -> Callable[[pikepdf.Pdf], None]:
        def put(document: pikepdf.Pdf) -> None:
            for place in places:
                PLACES[place](document, specification(document, cii(number=place)))

        return put

    order = ["tree", "AF of the document", "annotation"]
    for first in range(len(order)):
        assert read(made(change(*reversed(order[first:])))).number == order[first]


def test_in_one_place_the_names_go_before_one_another_and_two_of_one_name_are_refused(
    read: Read,
) -> None:
    def change(*named: tuple[str, str]) -> Callable[[pikepdf.Pdf], None]:
        return lambda document: setattr(
            document.Root,
            "AF",
            Array([specification(document, cii(number=n), name) for name, n in named]),
        )

    several = [("xrechnung.xml", "3"), ("ZUGFeRD-invoice.xml", "2"), ("Factur-X.xml", "1")]
    assert [read(made(change(*several[:end]))).number for end in (1, 2, 3)] == ["3", "2", "1"]
    assert read(made(change(("factur-x.xml", "1"), ("factur-x.xml", "1")))).number == "1"
    assert read(made(change(("factur-x.xml", "1"), ("factur-x.xml", "2")))).problem == "several_xml"


def run_length(content: bytes) -> bytes:
    parts = [content[start : start + 128] for start in range(0, len(content), 128)]
    return b"".join(bytes([len(part) - 1]) + part for part in parts) + b"\x80"


def lzw(content: bytes) -> bytes:
    """Codes of nine bits, the table cleared before it grows: right, if not small."""
    codes = [
        each
        for start in range(0, len(content), 200)
        for each in (256, *content[start : start + 200])
    ]
    bits = "".join(f"{code:09b}" for code in (*codes, 257))
    bits += "0" * (-len(bits) % 8)
    return int(bits, 2).to_bytes(len(bits) // 8, "big")


PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "Flate": zlib.compress,
    "LZW": lzw,
    "ASCII85": lambda content: base64.a85encode(content) + b"~>",
    "ASCIIHex": lambda content: content.hex().encode() + b">",
    "RunLength": run_length,
}


def packed(chain: list[str], content: bytes = XML) -> bytes:
    for name in reversed(chain):
        content = PACKERS[name](content)
    filters: object = Array([Name(f"/{name}Decode") for name in chain])
    if len(chain) == 1:
        filters = Name(f"/{chain[0]}Decode")
    return made(
        lambda document: in_tree(document, specification(document, content, Filter=filters))
    )


@pytest.mark.parametrize("name", PACKERS)
def test_each_filter_that_loses_nothing_is_undone(name: str, read: Read) -> None:
    content = packed([name])
    assert f"/Filter /{name}Decode".encode() in content
    assert read(content).number == "F-7"


@given(chain=st.lists(st.sampled_from(list(PACKERS)), min_size=2, max_size=4))
@settings(max_examples=40)
def test_any_chain_of_filters_is_undone(
    chain: list[str], tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.getbasetemp() / "chain.pdf"
    path.write_bytes(packed(chain))
    assert chain[0].encode() in path.read_bytes()
    assert embedded_xml.extract(path) == XML


def png_rows(content: bytes, columns: int, kind: int) -> bytes:
    """Rows predicted by the byte before (1) or the row above (2)."""
    rows, above = [], bytes(columns)
    for start in range(0, len(content), columns):
        row = content[start : start + columns]
        before = b"\0" + row[:-1] if kind == 1 else above
        rows.append(bytes([kind]) + bytes((a - b) % 256 for a, b in zip(row, before, strict=False)))
        above = row
    return b"".join(rows)


@pytest.mark.parametrize("kind", [1, 2])
@pytest.mark.parametrize("chain", [["Flate"], ["LZW"], ["ASCII85", "Flate"]])
def test_predicted_rows_are_right(kind: int, chain: list[str], read: Read) -> None:
    columns = 40
    content = png_rows(XML + b" " * (-len(XML) % columns), columns, kind)
    for name in reversed(chain):
        content = PACKERS[name](content)
    parameters = Dictionary(Predictor=10 + kind, Columns=columns)

    def change(document: pikepdf.Pdf) -> None:
        filters = Array([Name(f"/{name}Decode") for name in chain])
        each: list[object] = [None] * (len(chain) - 1)
        found = specification(
            document, content, Filter=filters, DecodeParms=Array([*each, parameters])
        )
        in_tree(document, found)

    assert read(made(change)).number == "F-7"


@pytest.mark.parametrize("name", ["DCTDecode", "JBIG2Decode", "JPXDecode", "Unknown"])
def test_a_filter_of_images_or_of_nobody_is_no_xml(name: str, read: Read) -> None:
    def change(document: pikepdf.Pdf) -> None:
        in_tree(document, specification(document, XML, Filter=Name(f"/{name}")))

    assert read(made(change)).problem == "broken_xml"


@pytest.mark.slow
def test_what_unpacks_beyond_ten_megabytes_is_broken_through_any_filter(read: Read) -> None:
    big = XML + b" " * (11 * 1024 * 1024)
    assert read(packed(["ASCII85", "Flate"], big[: 9 * 1024 * 1024])).number == "F-7"
    for chain in (["ASCII85", "Flate"], ["RunLength"], []):
        assert read(packed(chain, big)).problem == "broken_xml"
    inside = made(
        lambda document: in_tree(
            document,
            specification(
                document,
                run_length(b" " * len(big) + PACKERS["ASCII85"](XML)),
                Filter=Array([Name.RunLengthDecode, Name.ASCII85Decode]),
            ),
        )
    )
    assert read(inside).problem == "broken_xml"


@pytest.mark.parametrize(
    "around",
    [
        lambda xml: b"\r\n\t " + xml,
        lambda xml: xml + b"\0" * 512,
        lambda xml: b"\0\0" + xml + b"\0\0",
        lambda xml: codecs.BOM_UTF8 + xml,
        lambda xml: codecs.BOM_UTF8 * 2 + xml,
        lambda xml: xml.replace(b'"UTF-8"', b'"utf8"'),
        lambda xml: xml.decode().replace("UTF-8", "windows-1252").encode("windows-1252"),
        lambda xml: codecs.BOM_UTF8 + b"\n" + xml + b"\x1a",
        lambda xml: b" \0" + codecs.BOM_UTF8 + xml,
        lambda xml: xml.decode().replace("UTF-8", "UTF-16").encode("utf-16") + b"\0\0\0\0",
        lambda xml: xml.decode().replace('encoding="UTF-8"', "").encode("utf-16"),
        lambda xml: (
            codecs.BOM_UTF16_BE
            + xml.decode().replace("UTF-8", "UTF-16").encode("utf-16-be")
            + b"\0\n"
        ),
    ],
)
def test_what_stands_around_the_xml_changes_nothing(
    around: Callable[[bytes], bytes], read: Read
) -> None:
    assert read(pdf(around(XML))).number == "F-7"


@pytest.mark.parametrize(
    "after",
    [b"\n", b"\r\n" * 40, b"\0" * 100_000, b" " * 5000, b"\x1a", b"<!-- 0.01 s -->\n", b"x" * 900],
)
def test_what_follows_the_end_is_not_read(after: bytes, read: Read) -> None:
    assert read(pdf(XML) + after).number == "F-7"


@pytest.mark.parametrize(
    "after",
    [
        b"x" * 3000,
        b"\n12 0 obj\n<< /Type /Catalog >>",
        b"\n12 0",
        b"startxref\n9\n",
        b"\nxref\n0 1\n0000000000 65535 f \ntrailer\n<</Root 7 0 R>>\nstartxref\n9\n%%EO",
        b"\0" * 2000 + b"PK\x03\x04" + b"y" * 2000,
    ],
)
def test_an_update_that_was_cut_and_a_second_file_behind_are_refused(
    after: bytes, tmp_path: Path
) -> None:
    assert refusal(pdf(XML) + after, tmp_path).code == "truncated"


def test_an_update_that_is_whole_is_read(tmp_path: Path, read: Read) -> None:
    first = pdf(cii(number="F-6"))
    size = int(first.rsplit(b"/Size ", 1)[1].split()[0])
    root = first.rsplit(b"/Root ", 1)[1].split(b"R")[0]
    previous = int(first.rsplit(b"startxref\n", 1)[1].split()[0])
    place = len(first)
    added = b"%d 0 obj\n(update)\nendobj\n" % size
    table = b"xref\n%d 1\n%010d 00000 n \ntrailer\n<< /Size %d /Root %sR /Prev %d >>\n" % (
        size,
        place,
        size + 1,
        root,
        previous,
    )
    end = b"startxref\n%d\n%%%%EOF\n" % (place + len(added))
    assert read(first + added + table + end).number == "F-6"


@pytest.mark.parametrize(
    ("xml", "name", "said"),
    [
        (ZUGFERD_1, "ZUGFeRD-invoice.xml", "une facture ZUGFeRD 1.0"),
        (UBL, "xrechnung.xml", "un document UBL (Invoice)"),
        (UBL.replace(b"Invoice", b"CreditNote"), "factur-x.xml", "un document UBL (CreditNote)"),
        (ORDER_X, "factur-x.xml", "une commande Order-X"),
        (UBL_ORDER, "factur-x.xml", "une commande UBL (Order)"),
        (
            XML.replace(b"CrossIndustryInvoice:100", b"CrossIndustryInvoice:13"),
            "factur-x.xml",
            "une facture CII d'une autre version",
        ),
    ],
)
def test_another_format_is_refused_by_its_name(
    xml: bytes, name: str, said: str, read: Read
) -> None:
    found = read(pdf(xml, name=name))
    assert (found.has_xml, found.problem, found.problem_name) == (False, "foreign_xml", said)
    assert said in RefusalError(found.problem, name=said).reason


@pytest.mark.parametrize(
    ("xml", "name", "problem", "said"),
    [
        (ORDER_X, "order-x.xml", "foreign_xml", "une commande Order-X"),
        (UBL, "UBL-Invoice.XML", "foreign_xml", "un document UBL (Invoice)"),
        (XML, "facture.xml", "misnamed_xml", "facture.xml"),
        (b"<a/>", "metadata.xml", "", ""),
        (b"not XML", "a.xml", "", ""),
        (XML, "facture.txt", "", ""),
    ],
)
def test_what_is_attached_under_another_name_is_told(
    xml: bytes, name: str, problem: str, said: str, tmp_path: Path
) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(pdf(xml, name=name))
    with path.open("rb") as file:
        found = read_pdf(file, max_pages=500)
    assert (found.has_xml, found.problem, found.problem_name) == (False, problem, said)
    assert embedded_xml.extract(path) is None


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (UBL, "un document UBL (Invoice)"),
        (codecs.BOM_UTF8 + b"\n" + XML, "une facture CII"),
        (ZUGFERD_1, "une facture ZUGFeRD 1.0"),
    ],
)
def test_an_invoice_without_its_pdf_is_refused_by_its_name(
    content: bytes, said: str, tmp_path: Path
) -> None:
    found = refusal(content, tmp_path)
    assert found.code == "bare_xml" and said in found.reason


@pytest.mark.parametrize("content", [b"<html></html>", b"<", b"<a/>", b"GIF89a", b""])
def test_any_other_file_is_no_pdf(content: bytes, tmp_path: Path) -> None:
    assert refusal(content, tmp_path).code == "not_pdf"


def test_lines_ended_otherwise_on_the_way_break_the_table_and_the_refusal_says_what_to_do(
    tmp_path: Path,
) -> None:
    """What a transfer in text mode does."""
    said = refusal(pdf(XML).replace(b"\n", b"\r\n"), tmp_path).reason
    assert "xref" in said and "mode binaire" in said


def test_a_broken_association_hides_no_other(read: Read) -> None:
    def change(document: pikepdf.Pdf) -> None:
        document.Root.AF = Array([1, "a", Dictionary(), Dictionary(EF=3)])
        document.pages[0].obj.Annots = Array([Dictionary(Subtype=Name.FileAttachment, FS="a.xml")])
        in_tree(document, specification(document))
        document.attachments["a.bin"] = AttachedFileSpec(document, b"x")

    assert read(made(change)).number == "F-7"


def test_a_plain_pdf_with_a_broken_association_stays_plain(tmp_path: Path) -> None:
    path = tmp_path / "a.pdf"
    path.write_bytes(made(lambda document: setattr(document.Root, "AF", Array([Dictionary(EF=3)]))))
    with path.open("rb") as file:
        assert read_pdf(file, max_pages=500) == Description()
