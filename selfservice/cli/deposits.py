"""Deposits."""

import sys
from pathlib import Path

import click

from selfservice.cli.frame import cli, command, finish
from selfservice.invoices import deposit
from selfservice.invoices import labels as invoice_labels
from selfservice.suppliers import registration


@cli.group()
def invoices() -> None:
    """Documents."""


@invoices.command("deposit")
@click.argument("slug")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@command
def invoices_deposit(slug: str, folder: Path) -> None:
    """Dépose un dossier de PDF ; les refus sont dans rejets.csv."""
    supplier = registration.get_supplier(slug)
    with click.progressbar(
        length=deposit.count_candidates(folder),
        label="Dépôt",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:
        report = deposit.deposit_folder(supplier, folder, on_progress=bar.update)
    finish(report.summary, invoice_labels.refusal_lines(report))
