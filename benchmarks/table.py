"""The table of results, as Markdown."""

from dataclasses import dataclass


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
