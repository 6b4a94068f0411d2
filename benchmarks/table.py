"""The lines of the table, and the table as Markdown."""

from collections.abc import Iterable
from typing import NamedTuple


class Line(NamedTuple):
    """One thing measured, in the words of the table; `is_reached` is None where not measured."""

    work: str
    measured: str
    result: str
    goal: str
    is_reached: bool | None


def of_rates(
    work: str, ours: float, theirs: float, *, goal: float, also: str = "", is_met: bool = True
) -> Line:
    """Return a line of two rates a second, whose ratio is to reach a goal; above 1 as « n × »."""
    ratio = ours / theirs
    share = times if goal > 1 else percent
    measured = f"{number(ours)}/s contre {number(theirs)}/s{also}"
    return Line(work, measured, share(ratio), f"≥ {share(goal)}", ratio >= goal and is_met)


def times(ratio: float) -> str:
    return f"{number(ratio, 1)} ×"


def percent(ratio: float) -> str:
    return f"{number(ratio * 100)} %"


def number(value: float, digits: int = 0) -> str:
    return f"{value:,.{digits}f}".replace(",", "\u202f").replace(".", ",")


def markdown(lines: Iterable[Line]) -> str:
    said = {True: "oui", False: "**non**", None: "à la main"}
    rows = [f"| {' | '.join([*each[:4], said[each.is_reached]])} |" for each in lines]
    head = ["| Travail | Mesuré | Résultat | But | Atteint |", "|---|---|---|---|---|"]
    return "\n".join([*head, *rows])
