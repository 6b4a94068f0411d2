"""What the help says of ASVS 5.0: each requirement in one place, each one met with its test."""

import ast
import re
from collections import Counter
from pathlib import Path

from selfservice.config import REPOSITORY

PAGES = REPOSITORY / "site_docs/comprendre"
REQUIREMENTS = [
    number
    for line in Path(__file__).with_name("asvs.txt").read_text("utf-8").splitlines()
    if not line.startswith("#")
    for number in line.split()
]
ROW = re.compile(r"\| ([0-9.*, ]+) \| (.*) \|")


def rows_of(page: str) -> list[tuple[list[str], str]]:
    """Return of each row the requirements, « 10.* » being a whole chapter, and the rest."""
    text = (PAGES / page).read_text("utf-8")
    return [(_numbers(numbers), rest) for numbers, rest in ROW.findall(text)]


def _numbers(cell: str) -> list[str]:
    found = []
    for each in cell.split(", "):
        chapter = each.removesuffix("*")
        is_whole = chapter != each
        found += [n for n in REQUIREMENTS if n.startswith(chapter)] if is_whole else [each]
    return found


def test_each_requirement_is_in_one_place() -> None:
    said = [
        number for page in ("securite.md", "asvs.md") for row, _ in rows_of(page) for number in row
    ]
    assert len(REQUIREMENTS) == 253
    assert set(REQUIREMENTS) - set(said) == set()
    assert set(said) - set(REQUIREMENTS) == set()
    assert [number for number, count in Counter(said).items() if count > 1] == []


def test_each_requirement_met_names_tests_that_exist() -> None:
    met = (PAGES / "asvs.md").read_text("utf-8").partition("## Sans objet")[0]
    rows = ROW.findall(met)
    assert len(rows) > 80
    for numbers, rest in rows:
        tests = re.findall(r"`([a-z_/0-9]+\.py)::(test_\w+)`", rest)
        assert tests, numbers
        for file, name in tests:
            source = ast.parse((REPOSITORY / "tests" / file).read_text("utf-8"))
            assert name in {each.name for each in source.body if isinstance(each, ast.FunctionDef)}


def test_each_requirement_not_met_has_its_reason() -> None:
    rows = rows_of("securite.md")
    assert len(rows) > 15
    for numbers, rest in rows:
        asked, _, reason = rest.partition(" | ")
        assert asked and len(reason) > 20, numbers


def test_the_page_says_how_soon_a_component_is_mended() -> None:
    text = (PAGES / "securite.md").read_text("utf-8").partition("{ #composants }")[2]
    makefile = (REPOSITORY / "Makefile").read_text("utf-8")
    assert "sept jours" in text and "trente jours" in text
    assert "`make audit`" in text and re.search("^audit:", makefile, re.MULTILINE)
