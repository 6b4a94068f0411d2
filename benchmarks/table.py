"""The table of results, as Markdown, and its place in the help site."""

import os
import platform
import re
from dataclasses import dataclass
from pathlib import Path

from babel.dates import format_date

from selfservice import clock

PAGE = Path(__file__).parent.parent / "site_docs/comprendre/performances.md"
RESULTS = re.compile(r"(?<=<!-- résultats -->\n).*(?=<!-- fin -->)", re.DOTALL)


@dataclass(frozen=True)
class Line:
    """One thing measured, in the words of the table."""

    work: str
    measured: str
    result: str
    goal: str
    is_reached: bool


def times(ratio: float) -> str:
    return f"{ratio:.1f} ×".replace(".", ",")


def percent(ratio: float) -> str:
    return f"{ratio * 100:.{0 if ratio > 0.1 else 1}f} %".replace(".", ",")


def thousands(number: float) -> str:
    return f"{number:,.0f}".replace(",", "\u202f")


def markdown(lines: list[Line]) -> str:
    head = ["| Travail | Mesuré | Résultat | But | Atteint |", "|---|---|---|---|---|"]
    rows = [
        f"| {each.work} | {each.measured} | {each.result} | {each.goal}"
        f" | {'oui' if each.is_reached else '**non**'} |"
        for each in lines
    ]
    return "\n".join([*head, *rows])


def publish(lines: list[Line]) -> None:
    """Put the table, its day and its machine into the page of the help site."""
    day = format_date(clock.today(), "d MMMM y", locale="fr")
    where = f"Le {day}, sur {os.cpu_count()} cœurs, Python {platform.python_version()}, SQLite :"
    text = PAGE.read_text("utf-8")
    PAGE.write_text(RESULTS.sub(lambda _: f"\n{where}\n\n{markdown(lines)}\n\n", text), "utf-8")
