"""`selfservice retention purge`, and what `--dry-run` promises."""

import hashlib
import os
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from selfservice import clock
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from tests.factories import make_user
from tests.papers import months_ago
from tests.processes import command
from tests.retention.conftest import MakeDocument, write_file


@pytest.fixture
def _past(make_document: MakeDocument) -> None:
    """Two documents, a file without a row and a closed login that had their time."""
    for number in ("F-1", "F-2"):
        invoice = make_document(number=number, issued_on=months_ago(24, days=1))
    make_document(number="F-3")
    write_file("b" * 64)
    os.utime(storage.path_of("b" * 64), (0, 0))
    make_user(invoice.company, "closed", closed_at=clock.months_ago(25))


def contents(instance: Path) -> tuple[dict[str, list[Any]], dict[str, str]]:
    """Return the rows of each table (of the search index: its parts), and the documents' hashes."""
    with sqlite3.connect(instance / "portal.db") as database:
        tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND sql NOT LIKE ?"
        names = [name for (name,) in database.execute(tables, ("CREATE VIRTUAL%",))]
        rows = {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in names}
    database.close()
    files = {
        str(path.relative_to(instance)): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in (instance / "documents").rglob("*")
        if path.is_file()
    }
    return rows, files


@pytest.mark.usefixtures("_past")
def test_dry_run_tells_what_a_purge_then_does_and_changes_nothing(
    app: Flask, instance: Path
) -> None:
    before = contents(instance)
    done = command(instance, "retention", "purge", "--dry-run")
    assert (done.returncode, done.stderr) == (0, "")
    issued_on = months_ago(24, days=1)
    last_day = clock.add_months(issued_on, 24)
    *lines, summary = done.stdout.splitlines()
    assert lines == [f"diac\t{number}\t{issued_on}\t{last_day}" for number in ("F-1", "F-2")]
    counts = (
        "2 document(s), 1 fichier(s) sans document, 1 identifiant(s) fermé(s), 0 mail(s), "
        "0 texte(s) de mail, 0 lien(s) mort(s), 0 session(s) terminée(s), 0 compteur(s), "
        "0 compte(s) d'avis, 0 compte(s) d'appels, 0 compte(s) de recherches, "
        "0 ligne(s) de journal"
    )
    assert summary == f"À supprimer : {counts}. Rien n'a été changé."
    assert contents(instance) == before
    done = command(instance, "retention", "purge")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == f"Supprimé : {counts}.\n"
    assert [each.number for each in Invoice.select()] == ["F-3"]
    assert len(contents(instance)[1]) == 1


def test_a_file_that_cannot_be_removed_is_told_in_one_line(
    make_document: MakeDocument, instance: Path
) -> None:
    """The next run removes it: its row is gone, which makes it an orphan."""
    path = storage.path_of(make_document(issued_on=months_ago(25)).sha256)
    path.unlink()
    path.mkdir()
    done = command(instance, "retention", "purge")
    assert done.returncode == 1
    assert len(done.stderr.splitlines()) == 1 and str(path) in done.stderr
    path.rmdir()
    assert command(instance, "retention", "purge").returncode == 0
