"""What captures.yml counts on, held against the portal without a browser: pages and labels.

`make captures` and the tests, which have a browser, also see that each element is on its page.
"""

import re
from collections.abc import Callable, Iterable, Iterator

from docs_tools.figures import Capture
from docs_tools.screen_words import NotOnScreenError, holds, plain, screen

LEAVING = ("click", "follow", "open", "read_mail")  # steps that may end on another page
SPOKEN_BY_MAILS = ("read_mail",)
OF_A_DOCUMENT = re.compile(r"\d{2}")  # a number or a date, which no template holds


def faults(
    captures: Iterable[Capture],
    *,
    is_portal_page: Callable[[str], bool],
    words_behind: Callable[[str], str] = lambda _path: "",
) -> Iterator[str]:
    """Yield the pages and labels that the portal no longer has, one line each.

    `words_behind` gives all that one page may show (empty: unknown): an element that is gone from
    its page may well stand on another.
    """
    for capture in captures:
        for path in _paths(capture):
            if not is_portal_page(path.partition("?")[0]):
                yield f"captures.yml, « {capture.name} » : le portail n'a pas de page {path}"
        for label in _labels(capture):
            try:
                screen(label)
            except NotOnScreenError:
                yield f"captures.yml, « {capture.name} » : le portail n'affiche pas « {label} »"
                continue
            is_there = is_portal_page(capture.path.partition("?")[0]) and not _leaves(capture)
            shown = words_behind(capture.path) if is_there else ""
            if shown and not holds(shown, plain(label)):
                yield f"captures.yml, « {capture.name} » : {capture.path} n'affiche pas « {label} »"


def _leaves(capture: Capture) -> bool:
    return any(action in LEAVING for step in capture.steps for action in step)


def _paths(capture: Capture) -> Iterator[str]:
    yield capture.path
    yield from (step["open"] for step in capture.steps if "open" in step)


def _labels(capture: Capture) -> Iterator[str]:
    named = [mark.name for mark in capture.marks]
    for step in capture.steps:
        ((action, target),) = step.items()
        if action not in SPOKEN_BY_MAILS and isinstance(target, dict):
            named.append(next(iter(target.values())))
    typed = [step["fill"]["with"] for step in capture.steps if "fill" in step]
    for label in named:
        if not OF_A_DOCUMENT.search(label):
            yield _without(typed, label)


def _without(typed: list[str], label: str) -> str:
    """Return a label without what a visitor typed and the portal repeats."""
    for each in typed:
        label = label.replace(each, "")
    return label.strip()
