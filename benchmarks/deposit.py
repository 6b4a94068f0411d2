"""Deposit of Factur-X PDFs of 180 kB, beside the limit: copy, grouped fsync and raw insert.

    python -m benchmarks.deposit [--documents 1000] [--rounds 3]

Rounds are interleaved; only the ratio of one run counts. The goal is 40 % of the limit.
"""

import argparse
import os
import secrets
import sqlite3
import statistics
import tempfile
import time
from itertools import islice
from pathlib import Path

from benchmarks.table import Line, markdown, percent, thousands
from selfservice import db
from selfservice.app import create_app
from selfservice.deposits.deposit import BATCH_DOCUMENTS, deposit_folder
from selfservice.operations import installation
from tests import papers
from tests.factories import make_company, make_supplier

GOAL = 0.40
PADDING_BYTES = 175_000
CUSTOMERS = 50


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--documents", type=int, default=1000)
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    print(markdown(compare_deposit(rounds=options.rounds, documents=options.documents)))


def compare_deposit(*, rounds: int, documents: int = 1000) -> list[Line]:
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        source = make_documents(root / "source", documents)
        rates: dict[str, list[float]] = {"limit": [], "deposit": []}
        for number in range(rounds):
            for label, work in (("limit", copy_raw), ("deposit", deposit)):
                target = root / f"{label}-{number}"
                target.mkdir()
                os.sync()
                rates[label].append(documents / work(source, target))
    limit, ours = (statistics.median(rates[label]) for label in ("limit", "deposit"))
    work = "Dépôt de Factur-X de 180 ko, face à leur copie et un INSERT"
    measured = f"{thousands(ours)}/s contre {thousands(limit)}/s"
    is_reached = ours / limit >= GOAL
    return [Line(work, measured, percent(ours / limit), f"≥ {percent(GOAL)}", is_reached)]


def make_documents(folder: Path, count: int) -> Path:
    folder.mkdir()
    for each in range(count):
        client = papers.client_number(f"C-{each % CUSTOMERS}")
        xml = papers.cii(number=f"F-{each}", buyer=client)
        content = papers.pdf(xml, padding=secrets.token_bytes(PADDING_BYTES))
        (folder / f"{each:06}.pdf").write_bytes(content)
    return folder


def copy_raw(source: Path, target: Path) -> float:
    """Return the seconds of the least that is safe: no reading, no checks, no ORM."""
    database = sqlite3.connect(target / "raw.db", isolation_level=None)
    database.execute("PRAGMA journal_mode = WAL")
    database.execute("PRAGMA synchronous = FULL")
    database.execute("CREATE TABLE invoice (id INTEGER PRIMARY KEY, number UNIQUE, size)")
    started = time.perf_counter()
    paths = iter(sorted(source.iterdir()))
    while batch := list(islice(paths, BATCH_DOCUMENTS)):
        copied = [copy_aside(path, target) for path in batch]
        for aside in copied:
            sync(aside)
        for aside in copied:
            aside.rename(aside.with_suffix(".pdf"))
        sync(target)
        rows = [(path.name, path.stat().st_size) for path in batch]
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO invoice (number, size) VALUES (?, ?)", rows)
        database.execute("COMMIT")
    seconds = time.perf_counter() - started
    database.close()
    return seconds


def copy_aside(path: Path, target: Path) -> Path:
    aside = target / f"{path.stem}.part"
    aside.write_bytes(path.read_bytes())
    return aside


def sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def deposit(source: Path, target: Path) -> float:
    os.environ["SELFSERVICE_INSTANCE"] = str(target)
    os.environ["SELFSERVICE_SECRET_KEY"] = secrets.token_hex(32)
    installation.install(target)
    with create_app().app_context(), db.connection():
        supplier = make_supplier("banc")
        for each in range(CUSTOMERS):
            make_company(supplier, client_number=f"C-{each}")
        started = time.perf_counter()
        report = deposit_folder(supplier, source)
        seconds = time.perf_counter() - started
    if report.refused:
        raise SystemExit(report.summary)
    return seconds


if __name__ == "__main__":
    main()
