"""What captures.yml counts on, held against the portal without a browser: pages and labels.

`make captures` and the tests, which have a browser, see that each element is on its own page.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from docs_tools.figures import DEFINITIONS, Capture
from docs_tools.places import place
from docs_tools.screen_words import NotOnScreenError, screen

OF_A_DOCUMENT = re.compile(r"\d{2}")  # a number or a date, which no template holds


def faults(captures: Iterable[Capture], *, is_portal_page: Callable[[str], bool]) -> Iterator[str]:
    """Yield the pages and labels that the portal no longer has, one line each."""
    for capture in captures:
        opened = [step["open"] for step in capture.steps if "open" in step]
        for path in [capture.path, *opened]:
            if not is_portal_page(path.partition("?")[0]):
                yield f"{_where(capture, path)} : le portail n'a pas de page {path}"
        for label in _labels(capture):
            try:
                screen(label)
            except NotOnScreenError:
                yield f"{_where(capture, label)} : le portail n'affiche pas « {label} »"


def _where(capture: Capture, words: str) -> str:
    """Return the line of captures.yml, and the screenshot that it defines."""
    lines = DEFINITIONS.read_text("utf-8").splitlines()
    begin = lines.index(f"{capture.name}:") if f"{capture.name}:" in lines else 0
    after = (number for number, line in enumerate(lines[begin:], begin + 1) if words in line)
    return f"{place(DEFINITIONS, next(after, begin + 1))}, « {capture.name} »"


def _labels(capture: Capture) -> Iterator[str]:
    """Yield what marks and steps look for, without what a visitor typed and the portal repeats."""
    named = [mark.name for mark in capture.marks]
    for step in capture.steps:
        ((action, target),) = step.items()
        if action != "read_mail" and isinstance(target, dict):
            named.append(next(iter(target.values())))
    typed = [step["fill"]["with"] for step in capture.steps if "fill" in step]
    for label in named:
        for each in typed:
            label = label.replace(each, "")
        if not OF_A_DOCUMENT.search(label):
            yield label.strip()
