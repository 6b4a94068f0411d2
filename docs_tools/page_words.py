"""The words from which one page of the portal is written: its templates and its feature's code."""

import inspect
import re
from collections.abc import Callable, Iterator
from pathlib import Path

from flask import Flask

from docs_tools.screen_words import TEMPLATES, plain

RENDERED = re.compile(r'render_template\(\s*"([^"]+)"')
TAKEN_IN = re.compile(r'\{%-?\s*(?:extends|include|from|import)\s+"([^"]+)"')


def words_behind(app: Flask, path: str) -> str:
    """Return all that the page at a path may show, as `screen_words.plain` writes it.

    Raises werkzeug's HTTPException for a path that is no page.
    """
    endpoint, _ = app.url_map.bind("localhost").match(path.partition("?")[0])
    view = inspect.unwrap(app.view_functions[endpoint])
    module = Path(inspect.getfile(view))
    written = RENDERED.findall(inspect.getsource(view)) or RENDERED.findall(module.read_text())
    names: set[str] = set()
    for name in written:
        _gather(name, names)
    files = [*(TEMPLATES / name for name in sorted(names)), *_code_of(view)]
    return "\n".join(plain(file.read_text("utf-8")) for file in files)


def _gather(name: str, names: set[str]) -> None:
    """Add a template, and all that it takes in."""
    if name not in names:
        names.add(name)
        for each in TAKEN_IN.findall((TEMPLATES / name).read_text("utf-8")):
            _gather(each, names)


def _code_of(view: Callable[..., object]) -> Iterator[Path]:
    """Yield the files of a view's feature: labels of forms, messages."""
    _, feature, *_ = view.__module__.split(".")
    yield from sorted((TEMPLATES.parent / "selfservice" / feature).rglob("*.py"))
