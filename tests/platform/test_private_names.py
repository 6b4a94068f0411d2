"""No code of ours uses, imports or overrides a name that another package keeps to itself."""

import ast
import importlib
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

from selfservice.config import REPOSITORY

pytestmark = pytest.mark.slow  # all of our source is read

PACKAGES = ("selfservice", "docs_tools", "benchmarks", "tests")
FILES = sorted(
    path.relative_to(REPOSITORY)
    for package in PACKAGES
    for path in (REPOSITORY / package).rglob("*.py")
    if "peers" not in path.parts and ".venv" not in path.parts
)
# Their packages document these, underscore or not: named tuples, os, peewee, Werkzeug.
DOCUMENTED = {"_asdict", "_exit", "_fields", "_get_current_object", "_make", "_meta", "_replace"}
BY_NAME = {"getattr", "setattr", "delattr", "hasattr"}


def is_private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__") and name not in DOCUMENTED | {"_"}


def is_ours(module: str | None) -> bool:
    return (module or "").partition(".")[0] in PACKAGES


@cache
def parsed(path: Path) -> ast.Module:
    return ast.parse((REPOSITORY / path).read_text("utf-8"))


def defined(tree: ast.AST) -> Iterator[str]:
    """Every name that a module gives to something: functions, classes, variables, attributes."""
    for node in ast.walk(tree):
        match node:
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                yield name
            case ast.ClassDef(name=name) | ast.Name(id=name, ctx=ast.Store()):
                yield name
            case ast.Attribute(value=ast.Name(id="self" | "cls"), attr=name, ctx=ast.Store()):
                yield name


@cache
def ours() -> frozenset[str]:
    return frozenset(name for path in FILES for name in defined(parsed(path)))


def imported(tree: ast.AST) -> Iterator[tuple[str, str]]:
    """Each name that a module imports from others, and its whole path."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            module = f"{node.module}." if isinstance(node, ast.ImportFrom) else ""
            for each in node.names:
                if not is_ours(module + each.name):
                    yield each.asname or each.name.partition(".")[0], module + each.name


def used(tree: ast.AST) -> Iterator[str]:
    """The private names of others that a module imports or uses."""
    foreign = dict(imported(tree))
    yield from (name for path in foreign.values() for name in path.split(".") if is_private(name))
    for node in ast.walk(tree):
        match node:
            case ast.Attribute(value=ast.Name(id=owner), attr=name) if owner in foreign:
                found = name
            case ast.Attribute(attr=name) if name not in ours():
                found = name
            case ast.Call(func=ast.Name(id=call) | ast.Attribute(attr=call), args=[_, second, *_]):
                name = getattr(second, "value", None)
                is_use = call in BY_NAME and isinstance(name, str) and name not in ours()
                found = name if is_use else ""
            case _:
                continue
        if is_private(found):
            yield found


def kept(base: type) -> set[str]:
    """The private names of a class: what it defines, and what its methods speak of."""
    codes = (getattr(each, "__code__", None) for each in vars(base).values())
    return set(
        filter(is_private, {*vars(base), *(n for code in codes if code for n in code.co_names)})
    )


def overridden(cls: type, node: ast.ClassDef) -> Iterator[str]:
    """The private names that a class of ours takes from a class of another package."""
    mine = set(filter(is_private, defined(node)))
    for base in cls.__mro__[1:]:
        if not is_ours(base.__module__):
            yield from (f"{cls.__name__}.{name}" for name in mine & kept(base))


def faults(path: Path) -> Iterator[str]:
    yield from used(parsed(path))
    module = ".".join(path.with_suffix("").parts).removesuffix(".__init__")
    for node in parsed(path).body:
        if isinstance(node, ast.ClassDef) and node.bases:
            yield from overridden(getattr(importlib.import_module(module), node.name), node)


def test_no_private_name_of_another_package_is_used_or_overridden() -> None:
    found = {str(path): names for path in FILES if (names := sorted(set(faults(path))))}
    assert found == {}


@pytest.mark.parametrize(
    "source",
    [
        "from flask.app import _make_timedelta",
        "import flask._compat",
        "from werkzeug import routing\nrouting._rules",
        "def f(rule): return rule._compile_builder",
        "def f(patch, rule): patch.setattr(rule, '_compile_builder', None)",
    ],
)
def test_a_use_is_seen(source: str) -> None:
    assert list(used(ast.parse(source)))


def test_an_override_is_seen() -> None:
    from werkzeug.routing import Rule

    source = "class Own(Rule):\n    def _compile_builder(self): ...\n"
    (node,) = ast.parse(source).body
    assert isinstance(node, ast.ClassDef)
    assert list(overridden(type("Own", (Rule,), {}), node)) == ["Own._compile_builder"]
