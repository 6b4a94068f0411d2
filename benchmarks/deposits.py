"""Deposit of Factur-X PDFs of 180 kB, beside the least that is safe: copy, fsync and INSERT."""

import os
import secrets
import shutil
import sqlite3
import tempfile
import time
from itertools import islice
from pathlib import Path
from statistics import median

from benchmarks.instances import KEPT
from benchmarks.table import Line, of_rates
from selfservice import db
from selfservice.app import create_app
from selfservice.deposits.deposit import deposit_folder
from selfservice.operations import installation
from tests import papers
from tests.factories import make_company, make_supplier

DOCUMENTS = 2400
BATCH_DOCUMENTS = 100
PADDING_BYTES = 175_000
CUSTOMERS = 50


def compare_deposits(*, rounds: int) -> Line:
    KEPT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(dir=KEPT) as name:  # on the disk, where /tmp may be memory
        root = Path(name)
        source = _make_documents(root / "source")
        rates: dict[str, list[float]] = {"copy": [], "deposit": []}
        for number in range(rounds):
            for label, work in (("copy", _copy), ("deposit", _deposit)):
                target = root / f"{label}-{number}"
                target.mkdir()
                os.sync()
                rates[label].append(DOCUMENTS / work(source, target))
                shutil.rmtree(target)
    ours, least = median(rates["deposit"]), median(rates["copy"])
    work = f"Dépôt de {DOCUMENTS} Factur-X de 180 ko, face à copie + `fsync` + INSERT"
    return of_rates(work, ours, least, goal=0.40)


def _make_documents(folder: Path) -> Path:
    folder.mkdir()
    for each in range(DOCUMENTS):
        xml = papers.cii(number=f"F-{each}", buyer=papers.client_number(f"C-{each % CUSTOMERS}"))
        content = papers.pdf(xml, padding=secrets.token_bytes(PADDING_BYTES))
        (folder / f"{each:06}.pdf").write_bytes(content)
    return folder


def _copy(source: Path, target: Path) -> float:
    """Return the seconds of the least that is safe: no reading, no checks, no ORM."""
    database = sqlite3.connect(target / "raw.db", isolation_level=None)
    database.executescript(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
        "CREATE TABLE invoice (id INTEGER PRIMARY KEY, number UNIQUE, size)"
    )
    started = time.perf_counter()
    paths = iter(sorted(source.iterdir()))
    while batch := list(islice(paths, BATCH_DOCUMENTS)):
        asides = [shutil.copyfile(path, target / f"{path.stem}.part") for path in batch]
        for aside in asides:
            _sync(aside)
        for aside in asides:
            aside.rename(aside.with_suffix(".pdf"))
        _sync(target)
        rows = [(path.name, path.stat().st_size) for path in batch]
        database.execute("BEGIN IMMEDIATE")
        database.executemany("INSERT INTO invoice (number, size) VALUES (?, ?)", rows)
        database.execute("COMMIT")
    seconds = time.perf_counter() - started
    database.close()
    return seconds


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    os.fsync(descriptor)
    os.close(descriptor)


def _deposit(source: Path, target: Path) -> float:
    os.environ["SELFSERVICE_INSTANCE"] = str(target)
    installation.install(target)
    with create_app().app_context(), db.connection():
        supplier = make_supplier("banc")
        for each in range(CUSTOMERS):
            make_company(supplier, client_number=f"C-{each}")
        started = time.perf_counter()
        report = deposit_folder(supplier, source)
        seconds = time.perf_counter() - started
    assert report.deposited == DOCUMENTS, report.summary
    return seconds
