"""Tests that a page or a list names: do they exist?"""

import ast

from selfservice.config import REPOSITORY


def exists(node: str) -> bool:
    """Tell whether « path::test_name » is a test function of the project."""
    path, *names = node.split("::")
    scope: ast.AST = ast.parse((REPOSITORY / path).read_text("utf-8"))
    for name in names:
        named = [each for each in ast.iter_child_nodes(scope) if getattr(each, "name", "") == name]
        if not named:
            return False
        scope = named[0]
    return isinstance(scope, ast.FunctionDef) and scope.name.startswith("test_")
