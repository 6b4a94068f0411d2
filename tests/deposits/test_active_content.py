"""A PDF that does more than being read is refused by name, wherever its action hides."""

import zlib
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from pikepdf import Array, Dictionary, Name, Pdf, String

from selfservice.deposits.deposit import DepositReport
from selfservice.deposits.document import Document
from selfservice.suppliers.models import Company
from tests.deposits import bombs
from tests.deposits.fixtures import Answer

pytestmark = pytest.mark.slow  # each reader process is real

Change = Callable[[Pdf], None]
SCRIPT = Dictionary(S=Name.JavaScript, JS=String("app.alert('bonjour')"))
ADDRESS = Dictionary(S=Name.URI, URI=String("https://example.com/"))


def at_opening(action: Dictionary) -> Change:
    return lambda pdf: setattr(pdf.Root, "OpenAction", action)


def on_page(**annotation: object) -> Change:
    def change(pdf: Pdf) -> None:
        found = Dictionary(Type=Name.Annot, Rect=Array([0, 0, 9, 9]), **annotation)
        pdf.pages[0].obj.Annots = Array([found])

    return change


def on_closing(pdf: Pdf) -> None:
    pdf.pages[0].obj.AA = Dictionary(C=SCRIPT)


def in_the_names(pdf: Pdf) -> None:
    pdf.Root.Names.JavaScript = Dictionary(Names=Array([String("a"), SCRIPT]))


def in_a_bookmark(pdf: Pdf) -> None:
    pdf.Root.Outlines = Dictionary(First=Dictionary(Title=String("a"), A=SCRIPT))


def in_a_field(pdf: Pdf) -> None:
    field = Dictionary(T=String("total"), AA=Dictionary(K=SCRIPT))
    pdf.Root.AcroForm = Dictionary(Fields=Array([field]))


def after_another(pdf: Pdf) -> None:
    going = Dictionary(S=Name.GoTo, D=Array([pdf.pages[0].obj, Name.Fit]), Next=Array([SCRIPT]))
    pdf.Root.OpenAction = going


def nobody_leads_to_it(pdf: Pdf) -> None:
    pdf.Root.Unknown = pdf.make_indirect(Array([Array([SCRIPT])]))


def of_xfa(pdf: Pdf) -> None:
    pdf.Root.AcroForm = Dictionary(Fields=Array([]), XFA=pdf.make_stream(b"<xdp/>"))


def of_a_stream(pdf: Pdf) -> None:
    pdf.Root.Unknown = pdf.make_stream(b"", {"/Hidden": SCRIPT})


ACTION = {
    "JavaScript": (SCRIPT, "un programme (JavaScript)"),
    "Launch": (Dictionary(S=Name.Launch, F=String("/bin/sh")), "le lancement d'un programme"),
    "SubmitForm": (Dictionary(S=Name.SubmitForm, F=String("x")), "l'envoi d'un formulaire"),
    "ImportData": (Dictionary(S=Name.ImportData, F=String("x")), "une importation de données"),
    "GoToR": (Dictionary(S=Name.GoToR, F=String("x")), "un renvoi vers un autre fichier"),
    "GoToE": (Dictionary(S=Name.GoToE, F=String("x")), "un renvoi vers un autre fichier"),
    "Rendition": (Dictionary(S=Name.Rendition, OP=0), "un contenu multimédia"),
    "URI": (ADDRESS, "une adresse qui s'ouvre sans qu'on clique"),
}


def reason(what: str) -> str:
    return f"Ce PDF contient {what}, ce qui est interdit."


@pytest.mark.parametrize("name", ACTION)
def test_an_action_at_the_opening_is_refused_by_name(
    name: str, refusal: Callable[[bytes], str]
) -> None:
    action, what = ACTION[name]
    assert refusal(bombs.changed(at_opening(action))) == reason(what)


@pytest.mark.parametrize(
    "change",
    [
        on_closing,
        in_the_names,
        in_a_bookmark,
        in_a_field,
        after_another,
        nobody_leads_to_it,
        of_a_stream,
        on_page(Subtype=Name.Link, A=SCRIPT),
    ],
)
def test_a_script_is_found_wherever_it_is(change: Change, refusal: Callable[[bytes], str]) -> None:
    assert refusal(bombs.changed(change)) == reason("un programme (JavaScript)")


def beside_its_own_occasions(pdf: Pdf) -> None:
    pdf.Root.AA = Dictionary(S=Name.Unknown, WC=ADDRESS)


def of_its_contents_elsewhere(pdf: Pdf) -> None:
    pdf.pages[0].obj.Contents = pdf.make_stream(b"", {"/F": String("//example.com/a")})


def of_a_picture_elsewhere(key: str) -> Change:
    def change(pdf: Pdf) -> None:
        form = {"/Subtype": Name.Form, "/BBox": Array([0, 0, 9, 9])}
        place = Dictionary(F=String("//example.com/a.pdf"), Page=0)
        pdf.Root.Unknown = pdf.make_stream(b"", form | {key: place})

    return change


def test_an_address_is_found_beside_what_makes_its_place_look_like_an_action(
    refusal: Callable[[bytes], str],
) -> None:
    assert refusal(bombs.changed(beside_its_own_occasions)) == reason(ACTION["URI"][1])


@pytest.mark.parametrize(
    "change",
    [
        at_opening(Dictionary(S=Name.Thread, F=String("//example.com/a.pdf"), D=0)),
        of_its_contents_elsewhere,
        of_a_picture_elsewhere("/Ref"),
        of_a_picture_elsewhere("/OPI"),
    ],
)
def test_what_is_read_from_another_file_is_refused(
    change: Change, refusal: Callable[[bytes], str]
) -> None:
    assert refusal(bombs.changed(change)) == reason("un renvoi vers un autre fichier")


PAGES = (
    b"<< /Type /Pages /Kids [3 0 R] /Count 1 >>",
    b"<< /Type /Page /Parent 2 0 R /Resources << >> /MediaBox [0 0 9 9] >>",
)
CATALOG = b"<< /Type /Catalog /Pages 2 0 R >>"
ANNOTATED = b"<< /AA << /O << /S /URI /URI (x) >> >> >>"
RUNNING = b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /JavaScript /JS (app.alert(1)) >> >>"
RUNS, GOES = b"<< /S /JavaScript /JS (app.alert(1)) >>", b"<< /S /GoTo /D (x) >>"


@pytest.mark.parametrize(
    "content",
    [
        bombs.raw(
            b"<< /Type /Catalog /Pages 2 0 R /OpenAction %s /Open#41ction %s >>" % (RUNS, GOES),
            *PAGES,
        ),
        bombs.raw(
            b"<< /Type /Catalog /Pages 2 0 R /OpenAction << /S /URI /URI (x) /S /GoTo >> >>",
            *PAGES,
        ),
        bombs.raw(b"<< /Type /Catalog /Pages 2 0 R /X [%s] /X [] >>" % ANNOTATED, *PAGES),
        bombs.raw(b"<< /Type /Catalog /Pages 2 0 R /X << /Y %s >> /X 1 >>" % RUNS, *PAGES),
        bombs.raw(CATALOG, *PAGES, bombs.stream(b"", b"/F (//example.com/a) /F null")),
        bombs.raw(CATALOG, *PAGES, trailer=b"/Prev 0 /Prev null"),
        bombs.packed_twice(RUNS, GOES, *PAGES),
        bombs.two_kinds_of_tables(RUNS, *PAGES, is_packed=False),
        bombs.two_kinds_of_tables(b"<< /S /URI /URI (x) >>", *PAGES, is_packed=False),
        bombs.two_kinds_of_tables(RUNS, *PAGES, is_packed=True),
        bombs.packed_twice(RUNS, GOES[:-2] + b"/Next null >>", *PAGES),
        bombs.packed_twice(b"<< /S /URI /URI (x) >>", GOES, *PAGES),
        bombs.packed_twice(RUNS.replace(b"/Java", b"/J#61va"), GOES, *PAGES),
    ],
)
def test_what_another_viewer_would_run_is_refused(
    content: bytes, refusal: Callable[[bytes], str]
) -> None:
    twice = "une même chose écrite deux fois, que chaque logiciel lit à sa façon"
    assert refusal(content) == reason(twice)


@pytest.mark.parametrize(
    "stray",
    [
        b"1 0 obj\n%s\nendobj\n" % RUNNING,
        b"1%%a\n0%%b\nobj%s\nendobj\n" % RUNNING.replace(b"/JavaScript", b"/J#61vaScript"),
        b"9 0 obj\n%s\nendobj\n"
        % bombs.stream(zlib.compress(b"1 0 " + RUNNING), b"/Type /ObjStm /N 1 /First 4"),
        b"trailer\n<< /Size 4 /Root %s >>\n" % RUNNING,
        b"1 0 obj\n%s\nendobj\n" % RUNNING.replace(b"Script /JS", b"Script\x80/JS\xff"),
    ],
)
def test_what_a_viewer_finds_that_mends_a_file_is_refused(
    stray: bytes, refusal: Callable[[bytes], str]
) -> None:
    twice = "une même chose écrite deux fois, que chaque logiciel lit à sa façon"
    assert refusal(bombs.mended_elsewhere(bombs.raw(CATALOG, *PAGES), stray)) == reason(twice)


def test_a_table_whose_lines_are_short_may_stay(answer: Answer) -> None:
    former = b"1 0 obj\n<< /Type /Catalog /Pages 2 0 R /Lang (fr) >>\nendobj\n"
    content = bombs.mended_elsewhere(bombs.raw(CATALOG, *PAGES), former)
    assert isinstance(answer(content), Document)


def with_annex(annex: bytes) -> bytes:
    """A PDF in which another is attached as it is."""
    return bombs.raw(CATALOG, *PAGES, bombs.stream(annex, b"/Type /EmbeddedFile"))


def test_a_pdf_attached_as_it_is_may_have_objects_of_its_own(answer: Answer) -> None:
    annex = bombs.object_stream(1)
    assert b"/ObjStm" in annex
    assert isinstance(answer(with_annex(annex)), Document)


def test_a_name_that_ends_earlier_for_another_viewer_is_read_as_both_read_it(
    refusal: Callable[[bytes], str],
) -> None:
    running = b"/OpenAction << /S\x80/JavaScript /JS\xff(app.alert(1)) >>"
    content = bombs.raw(CATALOG[:-2] + running + b" >>", *PAGES)
    assert refusal(content) == reason("un programme (JavaScript)")


def test_a_name_may_have_letters_of_an_old_coding(answer: Answer) -> None:
    styled = b"/OpenAction [3 0 R /Fit] /X << /S /Num#e9ro /Subtype /Num#e9ro >> >>"
    assert isinstance(answer(bombs.raw(CATALOG[:-2] + styled, *PAGES)), Document)


@pytest.mark.parametrize("kind", [b"/Type /ObjStm\x80", b"/Type\xff/ObjStm"])
def test_a_stream_that_is_one_of_objects_for_another_viewer_is_refused(
    kind: bytes, refusal: Callable[[bytes], str]
) -> None:
    packed = bombs.stream(zlib.compress(b"1 0 " + RUNNING), b"/N 1 /First 4 " + kind)
    twice = "une même chose écrite deux fois, que chaque logiciel lit à sa façon"
    assert refusal(bombs.raw(CATALOG, *PAGES, packed) + b"\n" * 5000) == reason(twice)


def test_a_trailer_by_which_a_viewer_would_decrypt_a_stream_of_objects_is_refused(
    refusal: Callable[[bytes], str],
) -> None:
    packed = bombs.stream(b"8 0 (x)", b"/Type /ObjStm /N 1 /First 4")
    stray = b"trailer\n<< /Size 5 /Root 1 0 R /Encrypt << /Filter /Standard >> >>\n"
    twice = "une même chose écrite deux fois, que chaque logiciel lit à sa façon"
    assert refusal(bombs.mended_elsewhere(bombs.raw(CATALOG, *PAGES, packed), stray)) == reason(
        twice
    )


@pytest.mark.parametrize("heading", [b"5 0 obj", b"0" * 30 + b"5\x80%a\n+0obj"])
def test_a_stream_of_objects_that_another_length_would_make_longer_is_refused(
    heading: bytes, refusal: Callable[[bytes], str]
) -> None:
    kept = b"8 0 9 60 (x)"
    whole = (kept + b"\nendstream\nendobj\n").ljust(69) + RUNS
    packed = b"<< /Type /ObjStm /N 2 /First 9 /Length 5 0 R >>\nstream\n%s\nendstream" % whole
    content = bombs.raw(CATALOG[:-2] + b"/OpenAction 9 0 R >>", *PAGES, packed, b"%d" % len(kept))
    end = content.index(b"xref\n")
    stray = b"%s\n%d\nendobj\n" % (heading, len(whole))
    moved = content[end:].replace(b"startxref\n%d" % end, b"startxref\n%d" % (end + len(stray)))
    twice = "une même chose écrite deux fois, que chaque logiciel lit à sa façon"
    assert refusal(content[:end] + stray + moved + b"\n" * 5000) == reason(twice)


ACTIVE_ANNEX = b"%%PDF-1.7\n1 0 obj\n%s\nendobj\n" % RUNNING


@pytest.mark.parametrize(
    "content",
    [
        bombs.mended_elsewhere(with_annex(ACTIVE_ANNEX), b""),
        with_annex(ACTIVE_ANNEX) + b"\n" * 5000,
        with_annex(bombs.raw(RUNNING, *PAGES)),
        with_annex(with_annex(bombs.raw(RUNNING, *PAGES))),
    ],
)
def test_a_viewer_that_mends_a_file_may_take_the_objects_of_an_attached_one(
    content: bytes, refusal: Callable[[bytes], str]
) -> None:
    twice = "une même chose écrite deux fois, que chaque logiciel lit à sa façon"
    assert refusal(content) == reason(twice)


@pytest.mark.parametrize(
    "heading",
    [b"4" + b" " * 250 + b"0 obj", b"4 %" + b"a" * 250 + b"\n0 obj", b"4 +0 obj", b"%4 0 obj"],
)
def test_an_object_that_only_its_table_finds_lets_no_other_of_its_number_pass(
    heading: bytes, refusal: Callable[[bytes], str]
) -> None:
    """By the blanks behind its end, Chrome takes the last object of each number."""
    opening = CATALOG[:-2] + b"/OpenAction 4 0 R >>"
    content = bombs.raw(opening, *PAGES, b"[3 0 R /Fit]")
    written = content.index(b"4 0 obj")
    stray = b"%s\n[3 0 R /Fit]\nendobj\n4 0 obj\n%s\nendobj\n" % (heading, RUNS)
    end = content.index(b"xref\n")
    places = content[end:].replace(b"%010d" % written, b"%010d" % (written + heading.find(b"4")))
    moved = places.replace(b"startxref\n%d" % end, b"startxref\n%d" % (written + len(stray)))
    twice = "une même chose écrite deux fois, que chaque logiciel lit à sa façon"
    assert refusal(content[:written] + stray + moved + b"\n" * 5000) == reason(twice)


@pytest.mark.parametrize("written", [b"3", b"1.5", b"true", b"null"])
def test_a_number_may_be_an_object_as_many_programs_write_a_length(
    written: bytes, answer: Answer
) -> None:
    page = PAGES[1][:-2] + b"/Contents 4 0 R >>"
    drawn = b"<< /Length 5 0 R /Unknown 6 0 R >>\nstream\nq Q\nendstream"
    packed = b"<< /Type /ObjStm /N 0 /First 0 /Length 5 0 R >>\nstream\n   \nendstream"
    content = bombs.raw(CATALOG, PAGES[0], page, drawn, b"3", written, packed)
    assert isinstance(answer(content), Document)


@pytest.mark.parametrize(
    ("before", "is_taken"), [(b"\xa7", True), *((each, False) for each in (b"0", b" ", b"\xff"))]
)
def test_letters_of_a_picture_are_no_object_where_no_number_is_before_them(
    before: bytes, is_taken: bool, answer: Answer
) -> None:
    picture = bombs.stream(before + b"obj\xa7/JS \xa7", b"/Unknown true")
    found = answer(bombs.raw(CATALOG, *PAGES, picture))
    assert isinstance(found, Document) == is_taken


def test_a_catalogue_in_the_trailer_is_looked_at(refusal: Callable[[bytes], str]) -> None:
    content = bombs.raw(CATALOG, *PAGES).replace(b"/Root 1 0 R", b"/Root " + RUNNING)
    assert refusal(content) == reason("un programme (JavaScript)")


@pytest.mark.parametrize(
    "content",
    [
        bombs.raw(
            CATALOG[:-2] + b"/OpenAction [3 0 R /Fit] /Lang (fr) /Lang (fr) >>",
            *PAGES,
            b"<< /Producer (a) /Title (b) /Producer (c) >>",
            trailer=b"/Info 4 0 R",
        ),
        bombs.raw(
            CATALOG,
            PAGES[0],
            PAGES[1][:-2] + b"/Rotate 0 /Rotate 0 /Annots [<< /Subtype /Link /A 4 0 R >>] >>",
            b"<< /S /URI /URI (x) >>",
            bombs.stream(b"", b"/Subtype /Form /Subtype /Form"),
        ),
    ],
)
def test_what_a_careless_program_writes_twice_may_stay(content: bytes, answer: Answer) -> None:
    assert isinstance(answer(content), Document)


@pytest.mark.parametrize("kind", ["RichMedia", "Movie", "Sound", "Screen", "3D"])
def test_media_are_refused(kind: str, refusal: Callable[[bytes], str]) -> None:
    content = bombs.changed(on_page(Subtype=Name(f"/{kind}")))
    assert refusal(content) == reason("un contenu multimédia")


def test_an_xfa_form_is_refused(refusal: Callable[[bytes], str]) -> None:
    assert refusal(bombs.changed(of_xfa)) == reason("un formulaire XFA")


def test_a_name_written_otherwise_is_the_same_name(refusal: Callable[[bytes], str]) -> None:
    content = bombs.changed(at_opening(Dictionary(S=Name.Launch, F=String("/bin/sh"))))
    assert content.count(b"/Launch") == 1
    disguised = content.replace(b"/Launch", b"/L#61unch")
    # The table of objects gives places: what is two bytes longer is taken from a comment.
    moved = rebuilt(disguised)
    assert b"#61" in moved
    assert refusal(moved) == reason("le lancement d'un programme")


def rebuilt(content: bytes) -> bytes:
    """Right the places of objects in a table that comes after the longer name."""
    start = content.rindex(b"startxref")
    head, table = (
        content[: content.rindex(b"xref\n", 0, start)],
        content[content.rindex(b"xref\n", 0, start) : start],
    )
    at = head.index(b"/L#61unch")
    lines = []
    for line in table.splitlines(keepends=True):
        offset = line[:10]
        if len(line) == 20 and offset.isdigit() and int(offset) > at:
            line = f"{int(offset) + 2:010}".encode() + line[10:]
        lines.append(line)
    return head + b"".join(lines) + f"startxref\n{len(head)}\n%%EOF\n".encode()


@pytest.mark.parametrize(
    "change",
    [
        on_page(Subtype=Name.Link, A=ADDRESS),
        at_opening(Dictionary(S=Name.GoTo, D=String("start"))),
        at_opening(Dictionary(S=Name.Thread, D=0)),
        lambda pdf: setattr(pdf.Root, "OpenAction", Array([pdf.pages[0].obj, Name.Fit])),
    ],
)
def test_a_link_to_click_and_a_place_to_open_at_may_stay(
    change: Change, folder: Path, deposit: Callable[[], DepositReport], company: Company
) -> None:
    (folder / "a.pdf").write_bytes(bombs.changed(change))
    assert deposit().deposited == 1


def test_a_supplier_who_answers_for_them_has_them_taken(
    app: Flask, folder: Path, deposit: Callable[[], DepositReport]
) -> None:
    app.config["DOCUMENT_ALLOW_ACTIVE"] = True
    (folder / "a.pdf").write_bytes(bombs.changed(bombs.scripted))
    assert deposit().deposited == 1
