"""Every line of the security requirements names tests that exist."""

import ast
import re
from pathlib import Path

import pytest
import yaml

from selfservice.config import REPOSITORY

LINES = yaml.safe_load((Path(__file__).parent / "lines.yml").read_text("utf-8"))
REQUIREMENTS = REPOSITORY.parent / "shared" / "SECURITY.md"
NAMED = sorted({test for lines in LINES.values() for line in lines for test in line["tests"]})


@pytest.mark.parametrize("node", NAMED)
def test_a_named_test_exists(node: str) -> None:
    path, *names = node.split("::")
    scope: ast.AST = ast.parse((REPOSITORY / path).read_text("utf-8"))
    for name in names:
        found = [
            child for child in ast.iter_child_nodes(scope) if getattr(child, "name", "") == name
        ]
        assert found, f"{path} has no {name}"
        scope = found[0]
    assert isinstance(scope, ast.FunctionDef)
    assert scope.name.startswith("test_")


@pytest.mark.skipif(not REQUIREMENTS.is_file(), reason="the requirements, ../shared, are not here")
@pytest.mark.parametrize("section", LINES)
def test_lines_are_those_of_the_requirements(section: str) -> None:
    text = " ".join(REQUIREMENTS.read_text("utf-8").split())
    found = re.search(rf"\*\*{section}(?: met already)?\.\*\*(.*?)(?=\*\*[A-Z]|$)", text)
    assert found
    rest = found[1]
    for line in LINES[section]:
        assert line["line"] in rest, "in the order of the requirements"
        rest = rest.partition(line["line"])[2]
