"""`doctor`, `backup` and `restore`."""

import contextlib
import sys
from pathlib import Path

import click

from selfservice import config
from selfservice.app import create_app
from selfservice.cli.frame import cli, command, explained, finish, one_line_faults, say, visible
from selfservice.operations import backup as backups
from selfservice.operations import doctor as examination
from selfservice.operations import messages
from selfservice.operations import restore as restoring
from selfservice.operations.findings import Level


@cli.command()
@click.argument("file", type=click.Path(dir_okay=False, path_type=Path))
@command
def backup(file: Path) -> None:
    """Copie base, documents, réglages et clé secrète dans un fichier, sans rien arrêter."""
    with explained():
        made = backups.make_backup(file)
    finish(
        f"{file} : {made.documents} fichier(s), {made.size_bytes // 1_000_000} Mo ; "
        "gardez ce fichier secret.",
        [messages.MISSING_DOCUMENT.format(sha256=sha256) for sha256 in made.missing],
    )


@cli.command(with_appcontext=False)
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option("--yes", is_flag=True, help="Accepte des réglages qui mènent hors de l'instance.")
def restore(file: Path, yes: bool) -> None:
    """Remet une sauvegarde dans une instance vide, après avoir tout vérifié."""

    def approve(plan: restoring.Plan) -> None:
        say(messages.PLAN_SUMMARY.format(plan=plan, demo="oui" if plan.is_demo else "non"))
        if not (yes or (plan.outside and sys.stdin.isatty() and _agrees(plan))):
            plan.approve()

    with one_line_faults(), explained():
        restored = restoring.restore(file, config.instance_path(), approve=approve)
    say(
        f"{restored.documents} fichier(s) restauré(s), état du {restored.made_at[:16]} UTC, "
        f"{len(restored.migrations)} migration(s) faite(s)."
    )


def _agrees(plan: restoring.Plan) -> bool:
    question = messages.ASK_OUTSIDE.format(settings=", ".join(plan.outside))
    answer = click.prompt(visible(question), default="non", prompt_suffix=" ")
    return answer.strip().lower() in ("o", "oui", "y", "yes")


@cli.command(with_appcontext=False)
def doctor() -> None:
    """Examine l'instance et dit comment réparer chaque défaut."""
    instance = config.instance_path()
    found = list(examination.examine_folder(instance))
    with contextlib.suppress(config.ConfigurationError), create_app().app_context():
        found += examination.examine_instance()
    for finding in found:
        say(finding.line, err=finding.level is Level.FAULT)
    faults, warnings = (
        sum(finding.level is level for finding in found) for level in (Level.FAULT, Level.WARNING)
    )
    say(f"{faults} défaut(s), {warnings} point(s) d'attention.")
    if faults:
        sys.exit(1)
