"""`invoices deposit`."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click
from flask import current_app

from selfservice.cli.frame import (
    Fault,
    command,
    example,
    finish,
    group,
    say,
    say_fault,
    slug_argument,
)
from selfservice.demo import instance as demo_instance
from selfservice.deposits import deposit
from selfservice.deposits.messages import INTERRUPTED, PASSED_OVER_LINE, refusal_lines
from selfservice.suppliers import registration


@group("invoices", "Documents.")
def invoices() -> None:
    pass


@invoices.command("deposit", epilog=example("invoices deposit diac /srv/factures/2026-11"))
@slug_argument
@click.argument(
    "folder",
    metavar="DOSSIER",
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="Dossier des PDF, et de index.csv s'il en faut un.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Écrit un objet JSON par fichier, puis un du bilan."
)
@command
def invoices_deposit(slug: str, folder: Path, as_json: bool) -> None:
    """Dépose un dossier de PDF ; les refus sont dans rejets.csv.

    Interrompue ou relancée, la commande ne dépose rien en double.
    """
    demo_instance.require_alone(current_app.config)
    supplier = registration.get_supplier(slug)
    so_far = deposit.DepositReport()
    with click.progressbar(
        length=deposit.count_candidates(folder),
        label="Dépôt",
        file=sys.stderr,
        hidden=not sys.stderr.isatty(),
    ) as bar:

        def show(outcomes: list[deposit.Outcome]) -> None:
            so_far.add(outcomes)
            bar.update(len(outcomes))
            for outcome in outcomes if as_json else ():
                say(json.dumps(asdict(outcome)))

        try:
            report = deposit.deposit_folder(supplier, folder, on_progress=show)
        except KeyboardInterrupt as error:
            raise Fault(INTERRUPTED.format(summary=so_far.summary)) from error
    if report.passed_over:
        say_fault(PASSED_OVER_LINE.format(names=", ".join(report.passed_over)))
    finish(_json_summary(report) if as_json else report.summary, refusal_lines(report))


def _json_summary(report: deposit.DepositReport) -> str:
    counts = {
        "deposited": report.deposited,
        "already": report.already,
        "refused": len(report.refused),
    }
    return json.dumps(counts | {"passed_over": report.passed_over, "summary": report.summary})
