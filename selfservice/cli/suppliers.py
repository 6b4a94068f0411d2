"""`suppliers set` and `companies import`."""

from pathlib import Path
from typing import Any

import click

from selfservice.cli.frame import cli, command, finish, say
from selfservice.suppliers import companies_csv, registration


@cli.group()
def suppliers() -> None:
    """Fournisseurs."""


@suppliers.command("set")
@click.argument("slug")
@click.option("--name", help="Nom affiché.")
@click.option("--siren", help="SIREN, 9 chiffres.")
@click.option("--hostname", help="Nom d'hôte de son portail.")
@click.option("--opened-on", help="Premier jour repris, AAAA-MM-JJ ; vide : sans limite.")
@click.option("--platform-since", help="Début des « copies », AAAA-MM-JJ ; vide : jamais.")
@click.option("--colour", help="Couleur, #rrggbb.")
@click.option(
    "--logo",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Image du logo, en PNG, JPEG ou WebP.",
)
@click.option("--contact", help="Qui joindre, en une phrase.")
@command
def suppliers_set(slug: str, **changes: Any) -> None:
    """Crée ou met à jour un fournisseur."""
    supplier, is_new = registration.set_supplier(slug, **changes)
    say(f"Fournisseur {supplier.slug} {'créé' if is_new else 'mis à jour'}.")


@cli.group()
def companies() -> None:
    """Sociétés clientes."""


@companies.command("import")
@click.argument("slug")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@command
def companies_import(slug: str, file: Path) -> None:
    """Importe le registre des conseillers (CSV)."""
    report = companies_csv.import_companies(registration.get_supplier(slug), file)
    finish(report.summary, report.fault_lines)
