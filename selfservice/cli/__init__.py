"""The command `selfservice`: each command calls one use case and reports in French."""

import os

from selfservice import logs
from selfservice.cli import (
    deposits,
    documentation,
    instance,
    mails,
    operations,
    retention,
    suppliers,
    users,
)
from selfservice.cli.frame import cli

__all__ = [
    "cli",
    "deposits",
    "documentation",
    "instance",
    "mails",
    "main",
    "operations",
    "retention",
    "suppliers",
    "users",
]


def main() -> None:
    """Run the command; the entry point of the package."""
    os.umask(0o077)  # what a command writes is its account's own
    logs.configure("warning")
    cli(prog_name="selfservice")
