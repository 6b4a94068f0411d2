"""The command `selfservice`: each command calls one use case and reports in French."""

import os

from selfservice import config, logs
from selfservice.cli import (
    advisers,
    deposits,
    documentation,
    instance,
    mails,
    operations,
    requests,
    retention,
    suppliers,
    users,
)
from selfservice.cli.frame import cli, say

__all__ = [
    "advisers",
    "cli",
    "deposits",
    "documentation",
    "instance",
    "mails",
    "main",
    "operations",
    "requests",
    "retention",
    "suppliers",
    "users",
]


def main() -> None:
    """Run the command; the entry point of the package."""
    os.umask(0o077)  # what a command writes is its account's own
    logs.configure("warning")
    for name, nearest in config.unknown_variables():
        hint = f" ; vouliez-vous dire {nearest} ?" if nearest else "."
        say(f"Attention : la variable {name} ne règle rien{hint}", err=True)
    cli(prog_name="selfservice")
