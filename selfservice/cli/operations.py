"""Looking after an instance: its health, its copies."""

import contextlib
import sys

import click

from selfservice import config, create_app
from selfservice.cli.frame import cli
from selfservice.operations import doctor as examination
from selfservice.operations.findings import Level


@cli.command(with_appcontext=False)
def doctor() -> None:
    """Examine l'instance et dit comment réparer chaque défaut."""
    instance = config.instance_path()
    found = list(examination.examine_folder(instance))
    with contextlib.suppress(config.ConfigurationError), create_app().app_context():
        found += examination.examine_instance()
    for finding in found:
        click.echo(finding.line, err=finding.level is Level.FAULT)
    faults, warnings = (
        sum(finding.level is level for finding in found) for level in (Level.FAULT, Level.WARNING)
    )
    click.echo(f"{faults} défaut(s), {warnings} point(s) d'attention.")
    if faults:
        sys.exit(1)
