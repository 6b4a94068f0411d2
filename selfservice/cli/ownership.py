"""No command but the doctor's for an account that does not own the instance: nothing half owned."""

import os
import shlex
import sys
from pathlib import Path

import click

from selfservice import config, texts
from selfservice.operations.rights import account, owner_of

FREE = ("doctor", "documentation")
HELP = ("--help", "--version")


@click.pass_context
def require_owner(context: click.Context) -> None:
    """Refuse a command by another account, with the line to type."""
    instance = config.instance_path()
    if context.invoked_subcommand in FREE or set(HELP) & set(sys.argv) or not instance.exists():
        return
    owner = owner_of(instance)
    if owner != os.geteuid():
        raise click.ClickException(
            texts.visible(
                f"{instance} est au compte {account(owner)}, et vous êtes {account(os.geteuid())} "
                f": tapez « {_line(instance, account(owner))} »."
            )
        )


def _line(instance: Path, owner: str) -> str:
    become = ["runuser", "-u", owner, "--"] if os.geteuid() == 0 else ["sudo", "-u", owner]
    place = f"{config.PREFIX}INSTANCE={instance}"
    program = Path(sys.argv[0]).resolve()
    return shlex.join([*become, "env", place, str(program), *sys.argv[1:]])
