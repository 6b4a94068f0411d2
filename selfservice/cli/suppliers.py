"""Suppliers and their companies: set, listed, imported."""

import sys
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from flask import current_app

from selfservice.cli.frame import (
    Fault,
    agrees,
    command,
    example,
    finish,
    group,
    say,
    say_cells,
    say_fault,
    slug_argument,
)
from selfservice.demo import instance as demo_instance
from selfservice.files import csv_lines
from selfservice.invoices import states
from selfservice.suppliers import companies_csv, registration
from selfservice.suppliers.models import Supplier

NAMED = 50  # documents on one line


@group("suppliers", "Fournisseurs.")
def suppliers() -> None:
    pass


@suppliers.command(
    "set",
    epilog=example(
        "suppliers set martin --name 'Fournitures Martin' --opened-on 2026-01-01",
        "suppliers set martin --colour '#7a1f3d' --logo martin.png",
    ),
)
@slug_argument
@click.option("--name", metavar="NOM", help="Nom affiché.")
@click.option("--siren", metavar="SIREN", help="Son SIREN, 9 chiffres.")
@click.option("--hostname", metavar="HÔTE", help="Nom d'hôte de son portail.")
@click.option("--opened-on", metavar="AAAA-MM-JJ", help="Premier jour repris ; vide : sans limite.")
@click.option(
    "--platform-since", metavar="AAAA-MM-JJ", help="Début des « copies » ; vide : jamais."
)
@click.option("--colour", metavar="#RRVVBB", help="Sa couleur, en hexadécimal.")
@click.option(
    "--logo",
    metavar="IMAGE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Image du logo, en PNG, JPEG ou WebP.",
)
@click.option("--contact-name", metavar="NOM", help="Qui joindre : « Votre conseiller clientèle ».")
@click.option("--phone", metavar="NUMÉRO", help="Son téléphone.")
@click.option(
    "--mail",
    metavar="ADRESSE",
    help="Son adresse mail, où répondent les clients ; sans conseiller, celle des demandes.",
)
@click.option("--hours", metavar="HORAIRES", help="Quand il répond : « du lundi au vendredi ».")
@click.option(
    "--signature", metavar="TEXTE", help="La fin de ses mails : « L'équipe … » ; vide : son nom."
)
@click.option("--former-portal", metavar="NOM", help="Son portail d'avant ; vide : aucun.")
@click.option(
    "--former-closed", "former_closed_on", metavar="AAAA-MM", help="Depuis quand il est fermé."
)
@click.option(
    "--former-prefixes", metavar="DÉBUTS", help="Le début de ses identifiants : « AB-,CD- »."
)
@command
def suppliers_set(slug: str, **changes: Any) -> None:
    """Crée ou met à jour un fournisseur ; ce qui n'est pas donné ne change pas."""
    demo_instance.require_alone(current_app.config, slug)
    is_asked = changes["name"] and sys.stdin.isatty() and not registration.is_known(slug)
    if is_asked and not agrees(f"Le fournisseur « {slug} » est nouveau. Le créer, oui ou non ?"):
        raise Fault("Rien n'a été fait.")
    supplier, is_new = registration.set_supplier(slug, **changes)
    what = "créé (nouveau fournisseur)" if is_new else "mis à jour"
    say(f"Fournisseur {supplier.slug} {what}.{_restated(supplier, changes)}")


def _restated(supplier: Supplier, changes: dict[str, Any]) -> str:
    """Restate the documents that a date concerns, and name them."""
    changed = states.restate(supplier) if changes["platform_since"] is not None else []
    if not changed:
        return ""
    named = ", ".join(each.number for each in changed[:NAMED])
    more = f" et {len(changed) - NAMED} autres" if len(changed) > NAMED else ""
    return f" {len(changed)} document(s) changé(s) d'état : {named}{more}."


@suppliers.command("list", epilog=example("suppliers list"))
@command
def suppliers_list() -> None:
    """Liste les fournisseurs, un par ligne, avec le nombre de leurs sociétés."""
    for each in registration.all_suppliers():
        say_cells(
            each.slug,
            each.name,
            each.siren or "-",
            each.hostname or "-",
            each.opened_on or "-",
            registration.companies_of(each).count(),
        )


@group("companies", "Sociétés clientes.")
def companies() -> None:
    pass


@companies.command("import", epilog=example("companies import diac clients.csv"))
@slug_argument
@click.argument(
    "file",
    metavar="FICHIER",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Le registre, en CSV.",
)
@command
def companies_import(slug: str, file: Path) -> None:
    """Importe le registre des conseillers (CSV)."""
    demo_instance.require_alone(current_app.config, slug)
    report = companies_csv.import_companies(registration.get_supplier(slug), file)
    for line in report.difference_lines:
        say_fault(line)
    finish(report.summary, report.fault_lines)


@companies.command(
    "export",
    epilog=example(
        "companies export diac > clients.csv", "companies export diac --since 2026-11-01"
    ),
)
@slug_argument
@click.option(
    "--since",
    metavar="AAAA-MM-JJ",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Seulement les sociétés changées sur le portail depuis ce jour.",
)
@command
def companies_export(slug: str, since: datetime | None) -> None:
    """Écrit le registre tel qu'il est maintenant, changements du portail compris (CSV)."""
    rows = companies_csv.export_companies(
        registration.get_supplier(slug), since=since.date() if since else None
    )
    sys.stdout.buffer.write(csv_lines(rows, line_end="\n"))
    say(f"{len(rows) - 1} société(s) exportée(s).", err=True)


@companies.command("list", epilog=example("companies list diac"))
@slug_argument
@command
def companies_list(slug: str) -> None:
    """Liste les sociétés d'un fournisseur, une par ligne."""
    for each in registration.companies_of(registration.get_supplier(slug)).iterator():
        say_cells(
            each.client_number,
            each.name,
            each.siren or "-",
            each.email or "-",
            each.notification,
            each.delivery,
        )
