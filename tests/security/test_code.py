"""What our code never does with what it is given."""

import ast
import re
from collections.abc import Iterator

import pytest

from selfservice.config import REPOSITORY

RUNS_TEXT = {
    "eval",
    "exec",
    "__import__",
    "render_template_string",
    "from_string",
    "system",
    "popen",
}
MAKES_OBJECTS = {"pickle", "marshal", "shelve", "dill", "yaml", "jsonpickle"}
STORES = re.compile(r"localStorage|sessionStorage|indexedDB|document\.cookie|caches\.")


def faults_of(source: str) -> Iterator[str]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Call):
            name = getattr(node.func, "attr", getattr(node.func, "id", ""))
            is_shell = any(
                each.arg == "shell" and getattr(each.value, "value", True) for each in node.keywords
            )
            if name in RUNS_TEXT or is_shell:
                yield f"{node.lineno}: {name}"
        if isinstance(node, ast.Import | ast.ImportFrom):
            modules = {each.name for each in node.names} | {getattr(node, "module", "") or ""}
            yield from (f"{node.lineno}: {each}" for each in modules & MAKES_OBJECTS)


def test_no_text_is_run_as_code() -> None:
    files = sorted(REPOSITORY.glob("selfservice/**/*.py"))
    assert len(files) > 100
    found = {path.name: list(faults_of(path.read_text("utf-8"))) for path in files}
    assert {name: faults for name, faults in found.items() if faults} == {}


@pytest.mark.parametrize(
    "source",
    ["eval(x)", "os.system(x)", "run(x, shell=True)", "import pickle", "env.from_string(x)"],
)
def test_a_fault_is_seen(source: str) -> None:
    assert list(faults_of(source))


def test_scripts_keep_ticks_alone_in_the_browser() -> None:
    """The ids of ticked documents, by reader, until the tab is closed."""
    scripts = sorted(REPOSITORY.glob("selfservice/static/*.js"))
    stored = {path.name: STORES.findall(path.read_text("utf-8")) for path in scripts}
    assert {name: set(found) for name, found in stored.items() if found} == {
        "portal.js": {"sessionStorage"}
    }
