"""`invoices deposit`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from selfservice.cli.frame import cli, command, finish, say
from selfservice.deposits import deposit
from selfservice.deposits.messages import PASSED_OVER_LINE, refusal_lines
from selfservice.suppliers import registration


@cli.group()
def invoices() -> None:
    """Documents."""


@invoices.command("deposit")
@click.argument("slug")
@click.argument("folder", type=click.Path(exists=True, file_okay=False, path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Un objet JSON par fichier, puis le bilan.")
@command
def invoices_deposit(slug: str, folder: Path, as_json: bool) -> None:
    """Dépose un dossier de PDF ; les refus sont dans rejets.csv."""
    supplier = registration.get_supplier(slug)
    with click.progressbar(
        length=deposit.count_candidates(folder),
        label="Dépôt",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:

        def show(outcomes: list[deposit.Outcome]) -> None:
            bar.update(len(outcomes))
            for outcome in outcomes if as_json else ():
                say(json.dumps(asdict(outcome)))

        report = deposit.deposit_folder(supplier, folder, on_progress=show)
    if report.passed_over:
        say(PASSED_OVER_LINE.format(names=", ".join(report.passed_over)), err=True)
    finish(_json_summary(report) if as_json else report.summary, refusal_lines(report))


def _json_summary(report: deposit.DepositReport) -> str:
    counts = {
        "deposited": report.deposited,
        "already": report.already,
        "refused": len(report.refused),
    }
    return json.dumps(counts | {"passed_over": report.passed_over, "summary": report.summary})
