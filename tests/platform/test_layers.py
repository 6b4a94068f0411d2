"""Use cases and models know no request: what import-linter cannot see of Flask's names."""

import ast
from pathlib import Path

import pytest

from selfservice.config import REPOSITORY

FORBIDDEN = {"request", "session", "current_user", "g", "flash", "redirect", "render_template"}
PACKAGES = ("accounts", "administration", "invoices", "notifications", "retention", "suppliers")
MODULES = sorted(
    path
    for package in PACKAGES
    for path in (REPOSITORY / "selfservice" / package).glob("*.py")
    if path.stem not in ("views", "forms")
)


@pytest.mark.parametrize("path", MODULES, ids=lambda path: f"{path.parent.name}/{path.stem}")
def test_use_cases_import_nothing_of_the_request(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    imported = {
        name.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and node.module in ("flask", "flask_login")
        for name in node.names
    }
    assert not imported & FORBIDDEN
