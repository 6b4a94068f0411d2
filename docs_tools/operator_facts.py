"""What the operators' page repeats of the portal: commands, settings, columns, refusals."""

import re
from collections.abc import Iterator, Mapping
from datetime import time
from pathlib import Path

import click

from selfservice import config
from selfservice.cli import cli
from selfservice.deposits.facturx import CREDIT_NOTE_TYPES
from selfservice.deposits.messages import REFUSALS
from selfservice.operations import messages as doctor
from selfservice.suppliers.messages import NOTIFICATION_LABELS

FLASK_COMMANDS = ("run", "routes", "shell")
HELP_WIDTH = 88
EXAMPLE = Path(__file__).with_name("exemple")


def variables() -> dict[str, str]:
    return {
        "flask_commands": ", ".join(f"`selfservice {name}`" for name in FLASK_COMMANDS),
        "credit_note_types": ", ".join(sorted(CREDIT_NOTE_TYPES, key=int)),
        "notification_modes": "\n".join(
            f"| `{mode}` | {label} |" for mode, label in NOTIFICATION_LABELS.items()
        ),
    }


def example(name: str) -> str:
    """Return a file of the example that the tests import and deposit."""
    return (EXAMPLE / name).read_text("utf-8").strip()


def commands() -> list[tuple[str, click.Command]]:
    """Return every command of the portal by its full name, Flask's own left out."""
    return sorted(_walk("", cli.commands), key=lambda each: each[0])


def commands_table() -> str:
    rows = [
        f"| `selfservice {_usage(name, command)}` | {command.get_short_help_str(200)} |"
        for name, command in commands()
    ]
    return "\n".join(["| Commande | Ce qu'elle fait |", "| --- | --- |", *rows])


def commands_reference() -> str:
    """Return all that `--help` says, command by command, Flask's own left out."""
    return "\n\n".join(f"{_heading(name)}\n\n{_help(name, each)}" for name, each in commands())


def _heading(name: str) -> str:
    return f"## `selfservice {name}` {{ #{name.replace(' ', '-')} }}"


def _help(name: str, command: click.Command) -> str:
    context = click.Context(command, info_name=f"selfservice {name}", terminal_width=HELP_WIDTH)
    return f"```text\n{command.get_help(context)}\n```"


def setting(name: str) -> str:
    """Return two cells of a table: a setting and its default. Raises KeyError."""
    key = {key.name: key for key in config.KEYS}[name]
    return f"`{key.name}` | {_shown(key.default)}"


def refusal(name: str) -> str:
    """Return the reason that rejets.csv gives, its facts replaced by dots. Raises KeyError."""
    return _dotted(REFUSALS[name])


def doctor_table() -> str:
    """Return what the doctor can find, each fault and warning with its remedy."""
    rows = [
        f"| {_as_code(_dotted(what))} | {_as_code(_dotted(remedy))} |"
        for labels in (doctor.FAULTS, doctor.WARNINGS)
        for what, remedy in labels.values()
    ]
    return "\n".join(["| Constat | Remède |", "| --- | --- |", *sorted(rows)])


def _as_code(text: str) -> str:
    """Mark commands and settings: they are no French."""
    text = re.sub(r"« ((?:chmod|chown|journalctl|make|selfservice) [^»]*) »", r"`\1`", text)
    return re.sub(r"\b[A-Z]+(?:_[A-Z]+)+\b", r"`\g<0>`", text)


def _dotted(text: str) -> str:
    return re.sub(r"\{\w+\}", "…", text)


def _walk(prefix: str, group: Mapping[str, click.Command]) -> Iterator[tuple[str, click.Command]]:
    for name, command in group.items():
        if isinstance(command, click.Group):
            yield from _walk(f"{prefix}{name} ", command.commands)
        elif name not in FLASK_COMMANDS:
            yield prefix + name, command


def _usage(name: str, command: click.Command) -> str:
    arguments = [
        parameter.make_metavar(click.Context(command)).upper()
        for parameter in command.params
        if isinstance(parameter, click.Argument)
    ]
    return " ".join([name, *arguments])


def _shown(default: object) -> str:
    if default in (None, "", []):
        return "—"
    if isinstance(default, bool):
        return f"`{str(default).lower()}`"
    if isinstance(default, time):
        return f"`{default:%H:%M}`"
    if isinstance(default, Path):
        return f"`{default.relative_to(config.REPOSITORY)}/`"
    return f"`{default}`"
