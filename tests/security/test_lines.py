"""Every line of the security requirements names tests that exist."""

import re
from pathlib import Path

import pytest
import yaml

from selfservice.config import REPOSITORY
from tests import nodes

LINES = yaml.safe_load((Path(__file__).parent / "lines.yml").read_text("utf-8"))
REQUIREMENTS = REPOSITORY.parent / "shared" / "SECURITY.md"
NAMED = sorted({test for lines in LINES.values() for line in lines for test in line["tests"]})


@pytest.mark.parametrize("node", NAMED)
def test_a_named_test_exists(node: str) -> None:
    assert nodes.exists(node)


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
