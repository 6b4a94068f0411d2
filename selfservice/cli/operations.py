"""`doctor`, `backup` and `restore`."""

import contextlib
import sys
from pathlib import Path

import click
from flask import current_app

from selfservice import config, db
from selfservice.app import create_app
from selfservice.cli.frame import agrees, cli, example, finish, one_line_faults, say
from selfservice.demo import instance as demo_instance
from selfservice.operations import backup as backups
from selfservice.operations import doctor as examination
from selfservice.operations import messages, rotation
from selfservice.operations import restore as restoring
from selfservice.operations.findings import Level


@cli.command(
    epilog=example(
        "backup /var/lib/selfservice-backups/avant-mise-a-jour.tar",
        "backup /var/lib/selfservice-backups/nuit-$(date +%F-%H%M).tar --keep 14",
    )
)
@click.argument(
    "file",
    metavar="FICHIER",
    type=click.Path(dir_okay=False, path_type=Path),
    help="La sauvegarde à écrire ; ce nom doit être libre.",
)
@click.option(
    "--keep",
    metavar="NOMBRE",
    type=click.IntRange(1, 10_000),
    help="Ne garde que les plus récentes de ce nom, aux chiffres près.",
)
def backup(file: Path, keep: int | None) -> None:
    """Copie base, documents, réglages et clé secrète dans un fichier, sans rien arrêter.

    Un document perdu est nommé et le reste est sauvegardé : la sauvegarde est alors partielle.
    """
    with one_line_faults(), db.connection():  # of any version: a backup comes before an upgrade
        made = backups.make_backup(file)
        removed = rotation.keep_newest(file, keep) if keep else []
    what = "sauvegarde partielle" if made.missing else "sauvegarde entière"
    finish(
        f"{file} : {what}, {made.documents} fichier(s), {made.size_bytes // 1_000_000} Mo"
        + (f", {len(removed)} ancienne(s) supprimée(s)" if removed else "")
        + " ; gardez ce fichier secret.",
        [messages.MISSING_DOCUMENT.format(name=name) for name in made.missing],
    )


@cli.command(
    with_appcontext=False, epilog=example("restore nuit-2026-11-28-0230.tar", "restore --help")
)
@click.argument(
    "file",
    metavar="FICHIER",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="La sauvegarde.",
)
@click.option("--yes", is_flag=True, help="Accepte des réglages sur lesquels elle interroge.")
def restore(file: Path, yes: bool) -> None:
    """Remet une sauvegarde dans une instance vide, après avoir tout vérifié."""

    def approve(plan: restoring.Plan) -> None:
        say(messages.PLAN_SUMMARY.format(plan=plan, demo="oui" if plan.is_demo else "non"))
        if not (yes or (plan.outside and sys.stdin.isatty() and _agrees(plan))):
            plan.approve()

    with one_line_faults():
        restored = restoring.restore(file, config.instance_path(), approve=approve)
    for name in restored.missing:
        say(messages.MISSING_IN_ARCHIVE.format(name=name), err=True)
    what = "partielle" if restored.missing else "entière"
    say(
        f"{restored.documents} fichier(s) restauré(s) d'une sauvegarde {what}, "
        f"état du {restored.made_at[:16]} UTC, version {restored.version or 'inconnue'}, "
        f"{len(restored.migrations)} migration(s) faite(s)."
    )


def _agrees(plan: restoring.Plan) -> bool:
    return agrees(messages.ASK_OUTSIDE.format(settings=", ".join(plan.outside)))


@cli.command(with_appcontext=False, epilog=example("doctor", "doctor --complet"))
@click.option("--complet", is_flag=True, help="Relit chaque document, ce qui peut durer.")
def doctor(complet: bool) -> None:
    """Examine l'instance et dit comment réparer chaque défaut."""
    instance = config.instance_path()
    found = list(examination.examine_folder(instance))
    with contextlib.suppress(config.ConfigurationError, OSError), create_app().app_context():
        found += examination.examine_instance(is_complete=complet)
        found += demo_instance.examine(current_app.config)
    for finding in found:
        say(finding.line)
    faults, warnings = (
        sum(finding.level is level for finding in found) for level in (Level.FAULT, Level.WARNING)
    )
    say(f"{faults} défaut(s), {warnings} point(s) d'attention.")
    if faults:
        sys.exit(1)
