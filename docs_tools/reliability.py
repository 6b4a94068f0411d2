"""What can go wrong or be tried, what then happens, and the test that shows it, as tables."""

from pathlib import Path
from typing import NamedTuple

from docs_tools import yaml_file


class Fault(NamedTuple):
    """A fault in French, what the portal does, and the test as pytest names it."""

    fault: str
    outcome: str
    test: str


def faults(file: str = "faults.yml") -> dict[str, list[Fault]]:
    """Return the faults by part of the portal, in the order of the file."""
    parts = yaml_file.read(Path(__file__).with_name(file))
    return {part: [Fault(**fault) for fault in rows] for part, rows in parts.items()}


def fault_table(part: str) -> str:
    """Return the table of one part of the page on reliability. Raises KeyError."""
    return _table("Panne", faults()[part])


def protection_table(part: str) -> str:
    """Return the table of one part of the page on security. Raises KeyError."""
    return _table("Attaque", faults("protections.yml")[part])


def _table(title: str, faults_of_part: list[Fault]) -> str:
    rows = [
        f"| {fault.fault} | {fault.outcome} | {_as_code(fault.test)} |" for fault in faults_of_part
    ]
    return "\n".join([f"| {title} | Ce qui se passe | Épreuve |", "| --- | --- | --- |", *rows])


def _as_code(test: str) -> str:
    """Name the function only, with places where a narrow screen may cut it."""
    name = test.rpartition("::")[2].removeprefix("test_")
    return f'<code title="{test}">{name.replace("_", "_<wbr>")}</code>'
