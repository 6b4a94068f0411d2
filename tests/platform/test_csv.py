"""One reader of CSV: what spreadsheets leave is read, what would have to be guessed is told."""

import os
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from selfservice import files
from selfservice.files import CsvError, CsvRow

KNOWN = ("file", "client_number", "gross", "contract")
Read = Callable[[bytes | str], list[CsvRow]]


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read this content, a text in UTF-8."""

    def read_content(content: bytes | str) -> list[CsvRow]:
        path = tmp_path / "a.csv"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return files.read_csv(path, known=KNOWN, required="file")

    return read_content


@pytest.fixture
def told(read: Read) -> Callable[[bytes | str], tuple[str, str]]:
    """Return the problem and the sentence of a content that cannot be used."""

    def problem_of(content: bytes | str) -> tuple[str, str]:
        with pytest.raises(CsvError) as caught:
            read(content)
        return caught.value.problem, str(caught.value)

    return problem_of


ROWS = [{"file": "a.pdf", "gross": "1,50"}, {"file": "b.pdf", "gross": ""}]


@pytest.mark.parametrize(
    "content",
    [
        "file;gross\na.pdf;1,50\nb.pdf;\n",
        "file;gross\r\na.pdf;1,50\r\nb.pdf\r\n",
        "file;gross\ra.pdf;1,50\rb.pdf;\r",
        "\ufefffile;gross\na.pdf;1,50\nb.pdf;",
        '\ufeff\ufeff"file";"gross"\n"a.pdf";"1,50"\n"b.pdf";""\n',
        "sep=;\r\nfile;gross\r\na.pdf;1,50\r\nb.pdf;\r\n",
        '\ufeff"SEP=;";;\nfile;gross\na.pdf;1,50\nb.pdf;\n',
        "FILE; Gro\u200bss\u202f\na.pdf;1,50\nb.pdf;\n",
        "\n;;\nfile;gross\n\na.pdf;1,50\n;;;;\nb.pdf;\n\n\r\n;\n  \n\x1a",
        "file;gross;;\na.pdf;1,50;;;;\nb.pdf;;;;;;;\n",
        "file;;gross\na.pdf;;1,50\nb.pdf\n",
        '="file"; "gross"\n="a.pdf"; "1,50"\nb.pdf;\xa0\n',
    ],
    ids=[
        *("plain", "crlf", "cr", "bom", "two-boms", "hint", "hint-in-quotes", "case", "blank"),
        *("more-cells", "blank-column", "kept-as-text"),
    ],
)
def test_what_spreadsheets_leave_is_read_the_same(read: Read, content: str) -> None:
    assert [(row.cells, row.fault) for row in read(content)] == [(row, "") for row in ROWS]


def test_a_line_is_counted_as_an_editor_shows_it(read: Read) -> None:
    rows = read('sep=;\n\nfile;contract\n\n"a.pdf";"one\r\ntwo\nthree"\n\nb.pdf\n')
    assert [(row.line, row.cells["contract"]) for row in rows] == [
        (5, "one\r\ntwo\nthree"),
        (9, ""),
    ]


@pytest.mark.parametrize(
    ("content", "problem", "words"),
    [
        ("file;contract\nété.pdf;".encode("cp1252"), "not_utf8", "Ligne 2"),
        ("file;contract\r\na;\r\nb;€".encode("cp1252"), "not_utf8", "Ligne 3"),
        ("file;contract\ra;\rb;é".encode("mac_roman"), "not_utf8", "Ligne 3"),
        ("file;contract\na.pdf;\n".encode("utf-16"), "utf_16", "UTF-16"),
        ("\ufefffile;contract\na.pdf;\n".encode("utf-16-be"), "utf_16", "UTF-16"),
        ("file;contract\na.pdf;\n".encode("utf-16-le"), "utf_16", "UTF-16"),
        ("file;contract\na.pdf;\n".encode("utf-16-be"), "utf_16", "UTF-16"),
        ("file;contract\na.pdf;\n".encode("utf-32"), "utf_16", "UTF-16"),
        (b"file;contract\na.pdf;C\x00\n", "nul", "Ligne 2"),
        (b"PK\x03\x04\x14\x00\x06\x00", "workbook", "classeur"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "workbook", "classeur"),
    ],
)
def test_what_is_no_text_in_utf8_is_told_with_the_remedy(
    told: Callable[..., tuple[str, str]], content: bytes, problem: str, words: str
) -> None:
    found, sentence = told(content)
    assert found == problem and words in sentence
    assert "Enregistrez sous CSV UTF-8" in sentence


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ("file,contract\na.pdf,C\n", "des virgules"),
        ('"file","contract"\n"a.pdf","C"\n', "des virgules"),
        ("contract,gross\nC,1\n", "des virgules"),
        ("\ufeffFILE\tcontract\na.pdf\tC\n", "des tabulations"),
        ("file|contract\na.pdf|C\n", "des barres verticales"),
        ("sep=,\nfile,contract\n", "des virgules"),
        ('"sep=\t"\nfile\tcontract\n', "des tabulations"),
        ("sep=^\nfile^contract\n", "« ^ »"),
        ("\n\nfile,contract;\na.pdf,C;\n", "des virgules"),
    ],
)
def test_another_separator_is_named_with_the_remedy(
    told: Callable[..., tuple[str, str]], content: str, words: str
) -> None:
    problem, sentence = told(content)
    assert problem == "separator" and words in sentence
    assert "points-virgules" in sentence and "Enregistrez sous CSV UTF-8" in sentence


@pytest.mark.parametrize(
    ("content", "problem", "words"),
    [
        ("", "empty", "vide"),
        ("\ufeff\r\n;;;\n", "empty", "vide"),
        ("sep=;\n", "empty", "vide"),
        ("sep=;\nfile;prix\n", "unknown_columns", "Ligne 2 : colonnes inconnues : prix"),
        ("\ncontract\nC\n", "missing_columns", "Ligne 2 : la colonne file manque"),
        ("File;FILE\n", "repeated_columns", "Ligne 1 : colonnes en double : file"),
        ("\nfile" + ";a" * 1000, "too_many_columns", "Ligne 2 : plus de 1000 colonnes"),
        (";" * 100_000 + "file" + "\nx" * 2000, "too_many_columns", "Ligne 1 :"),
        ("file\na" + ";" * 2_000_000, "too_many_columns", "Ligne 2 : plus de 1000 colonnes"),
        ('file\na\n"b\nc\nd\n', "malformed", "Ligne 3 : un guillemet"),
        ('file\na\n"b" c\nd\n', "malformed", "Ligne 3 : un guillemet"),
        ('file\n"' + "x" * 200_000, "malformed", "Ligne 2"),
    ],
)
def test_a_file_that_cannot_be_used_names_its_line(
    told: Callable[..., tuple[str, str]], content: str, problem: str, words: str
) -> None:
    found, sentence = told(content)
    assert found == problem and words in sentence


@pytest.mark.parametrize(
    ("line", "fault", "value"),
    [
        ("a.pdf;C;stray", "row_length", ""),
        ("a.pdf;C;;;stray", "row_length", ""),
        ('"a.pdf;Dupont, fils"', "row_length", ""),
        ("a.pdf;1,23457E+13", "lost_digits", "1,23457E+13"),
        ("1.2E+12;C", "lost_digits", "1.2E+12"),
        ("a.pdf;12E5", "", ""),
        ("a.pdf;1E-5", "", ""),
    ],
)
def test_a_row_that_would_be_misread_is_told(read: Read, line: str, fault: str, value: str) -> None:
    before, row, after = read(f"file;contract\nbefore.pdf\n{line}\nafter.pdf\n")
    assert (row.line, row.fault, row.value) == (3, fault, value)
    assert (before.fault, after.fault) == ("", "")


def test_thousands_of_columns_that_a_spreadsheet_left_empty_cost_nothing(read: Read) -> None:
    begun = time.process_time()
    assert len(read("file" + ";" * 100_000 + "\na.pdf" * 2000)) == 2000
    assert time.process_time() - begun < 1


def test_text_under_a_column_without_a_name_is_told(read: Read) -> None:
    (row,) = read("file;;contract\na.pdf;x;C\n")
    assert row.fault == "row_length"


def test_a_file_without_an_end_is_told_and_not_held_in_memory(
    told: Callable[..., tuple[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(files, "MAX_CSV_BYTES", 1_000_000)
    assert told("file\n" + "a\n" * 500_000) == (
        "too_large",
        "Ce fichier dépasse 1 Mo. Partagez-le en plusieurs.",
    )
    with pytest.raises(CsvError, match="1 Mo"):
        files.read_csv(Path("/dev/zero"), known=KNOWN, required="file")


def test_what_cannot_be_opened_is_told(tmp_path: Path) -> None:
    for path in (tmp_path, tmp_path / "nowhere"):
        with pytest.raises(CsvError) as caught:
            files.read_csv(path, known=KNOWN, required="file")
        assert caught.value.problem == "unreadable"


CELL = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\0\x1a\ufeff'="), max_size=12
).filter(lambda text: text == text.strip() and not files.LOST_DIGITS.fullmatch(text))
SHAPES = st.fixed_dictionaries(
    {
        "mark": st.sampled_from(["", "\ufeff"]),
        "hint": st.sampled_from(["", "sep=;", '"sep=;"', "SEP=;;;"]),
        "end": st.sampled_from(["\n", "\r\n", "\r"]),
        "blank": st.lists(st.sampled_from(["", ";;", " ; "]), max_size=3),
        "more": st.integers(0, 3),
        "is_cut": st.booleans(),
        "is_quoted": st.booleans(),
        "columns": st.permutations(KNOWN).map(lambda each: each[: 1 + each.index("file")]),
        "style": st.sampled_from([str.upper, str.title, str.swapcase, " {} ".format]),
    }
)


@given(st.data(), SHAPES)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_shape_a_spreadsheet_gives_a_table_it_is_the_same_table(
    read: Read, data: st.DataObject, shape: dict[str, object]
) -> None:
    columns: tuple[str, ...] = shape["columns"]  # type: ignore[assignment]
    rows = data.draw(st.lists(st.tuples(*[CELL] * len(columns)).filter(any), max_size=4))
    rows = [row for row in rows if ";" not in row[0] or any(row[1:]) or len(row) == 1]
    lines = [_line([shape["style"](name) for name in columns], shape)]  # type: ignore[operator]
    for row in rows:
        lines += [*shape["blank"], _line(list(row), shape)]  # type: ignore[misc]
    text = shape["end"].join([*([shape["hint"]] if shape["hint"] else []), *lines, ""])  # type: ignore
    found = read(f"{shape['mark']}{text}")
    assert [tuple(row.cells[name] for name in columns) for row in found] == rows
    assert not any(row.fault for row in found)


def _line(cells: list[str], shape: dict[str, object]) -> str:
    while shape["is_cut"] and len(cells) > 1 and not cells[-1]:
        cells.pop()
    quoted = [
        '"' + cell.replace('"', '""') + '"'
        if shape["is_quoted"] or set(cell) & set(';"\r\n') or cell != cell.strip()
        else cell
        for cell in cells
    ]
    return ";".join([*quoted, *[""] * int(str(shape["more"]))])


@given(st.lists(st.tuples(CELL, st.text(max_size=9)).filter(lambda row: bool(row[0])), max_size=4))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_the_portal_writes_it_reads_again(read: Read, rows: list[tuple[str, str]]) -> None:
    """The guard against formulas included."""
    cells = [(name.removeprefix("'"), f"={rest}".strip()) for name, rest in rows]
    cells = [row for row in cells if not set("\0\x1a\ufeff") & set("".join(row)) and row[0]]
    content = files.csv_lines([("file", "contract"), *(map(files.inert, row) for row in cells)])
    found = [(row.cells["file"], row.cells["contract"]) for row in read(content)]
    assert found == [(name, contract) for name, contract in cells]


@given(st.binary(max_size=300))
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_no_bytes_raise_anything_but_a_sentence(read: Read, content: bytes) -> None:
    for each in (content, b"file;contract\n" + content, "file\n".encode("utf-16") + content):
        try:
            read(each)
        except CsvError as error:
            assert str(error) and os.linesep not in str(error)
