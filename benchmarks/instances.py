"""Instances of 10,000 to 1,000,000 documents of one company, made once and kept.

Rows go in by raw inserts through the portal's own migrations.
"""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

from selfservice import clock, db
from selfservice.app import create_app
from selfservice.invoices import storage
from selfservice.operations import installation
from tests.factories import PASSWORD, make_company, make_supplier, make_user
from tests.invoices import papers

KEPT = Path(__file__).parent / "kept"
COUNTS = (10_000, 100_000, 1_000_000)
LOGIN = "lectrice"
HISTORY_MONTHS = 24
PDF_BYTES = 100_000
# That many of the newest documents have a file: what a benchmark downloads.
FILES = 200
BATCH_ROWS = 50_000
STATEMENT_ROWS = 500
CONTRACTS = 40
XML = papers.cii()

__all__ = ["COUNTS", "LOGIN", "PASSWORD", "instance_of", "settings"]


def instance_of(count: int) -> Path:
    """Return the instance that holds so many documents, made if it is not there yet.

    It grows old with the calendar and with the migrations: a new month makes it anew.
    """
    age = f"{clock.today():%Y-%m}-{len(list(db.MIGRATIONS.glob('0*.py'))):04}"
    folder = KEPT / age / str(count)
    if not (folder / "whole").exists():
        for old in KEPT.glob("*"):
            if old.name != age:
                shutil.rmtree(old)
        shutil.rmtree(folder, ignore_errors=True)
        _make(folder, count)
        (folder / "whole").touch()
    return folder


def settings(instance: Path) -> dict[str, str]:
    """Return the variables under which the portal of an instance runs."""
    kept = {name: each for name, each in os.environ.items() if not name.startswith("SELFSERVICE_")}
    return kept | {
        "SELFSERVICE_INSTANCE": str(instance),
        "SELFSERVICE_LIMIT_SIGN_IN_LOGIN": "100000/hour",
        "SELFSERVICE_LIMIT_SIGN_IN_IP": "100000/hour",
    }


def _make(folder: Path, count: int) -> None:
    print(f"{count} documents : préparation…", flush=True)
    os.environ["SELFSERVICE_INSTANCE"] = str(folder)
    installation.install(folder)
    with create_app().app_context(), db.connection():
        supplier = make_supplier("banc", name="Fournitures du Banc", contact="contact@example.com")
        company = make_company(supplier, client_number="C-1", name="Société du Banc")
        user = make_user(company, LOGIN, is_administrator=True, is_from_activation=True)
        _fill(db.database.connection(), (supplier.id, company.id, user.id), count)
        _write_files(count)


def _fill(connection: sqlite3.Connection, owner: tuple[int, int, int], count: int) -> None:
    """Insert documents, oldest first: nine of ten were opened, some never by anybody."""
    supplier_id, company_id, user_id = owner
    connection.execute("PRAGMA synchronous = OFF")
    rows = _rows(supplier_id, company_id, count)
    for begin in range(0, count, BATCH_ROWS):
        batch = [next(rows) for _ in range(min(BATCH_ROWS, count - begin))]
        connection.execute("BEGIN IMMEDIATE")
        for start in range(0, len(batch), STATEMENT_ROWS):
            _insert(connection, batch[start : start + STATEMENT_ROWS])
        connection.execute("COMMIT")
    connection.execute("BEGIN IMMEDIATE")
    connection.execute(
        "INSERT INTO opening (user_id, invoice_id, opened_at)"
        " SELECT ?, id, downloaded_at FROM invoice WHERE downloaded_at IS NOT NULL AND id % 9",
        (user_id,),
    )
    connection.execute("COMMIT")
    connection.execute("ANALYZE")
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")


COLUMNS = (
    "supplier_id, company_id, number, kind, contract, issued_on, due_on, currency, net_cents,"
    " vat_cents, gross_cents, state, notification, sha256, size_bytes, has_xml, xml_size_bytes,"
    " deposited_at, announced_at, is_digest_due, downloaded_at"
)
MARKS = f"({', '.join('?' * (COLUMNS.count(',') + 1))})"


def _insert(connection: sqlite3.Connection, rows: list[tuple[object, ...]]) -> None:
    # One statement for many rows, as a deposit does: the search index then writes them together.
    connection.execute(
        f"INSERT INTO invoice ({COLUMNS}) VALUES {', '.join([MARKS] * len(rows))}",
        [value for row in rows for value in row],
    )


def _rows(supplier_id: int, company_id: int, count: int) -> Iterator[tuple[object, ...]]:
    today = clock.today()
    first = clock.earliest_lasting(today, months=HISTORY_MONTHS)
    days = (today - first).days
    now = clock.now().isoformat(" ")
    for number in range(count):
        has_xml = number % 4 > 0
        issued_on = first + timedelta(days=days * number // count)
        yield (
            supplier_id,
            company_id,
            *_facts(number, issued_on),
            "original",
            "none",
            _sha256(number),
            PDF_BYTES,
            has_xml,
            len(XML) if has_xml else None,
            f"{issued_on} 06:00:00",
            now,
            False,
            f"{issued_on + timedelta(days=1)} 08:00:00" if number % 20 else None,
        )


def _facts(number: int, issued_on: date) -> tuple[object, ...]:
    is_credit = number % 12 == 0
    net = (number * 7919) % 900_000 + 1_000
    amounts = [net, net // 5, net + net // 5]
    return (
        f"{'AV' if is_credit else 'FA'}-{issued_on.year}-{number:07}",
        "credit_note" if is_credit else "invoice",
        f"K-{number % CONTRACTS:03}" if number % 5 else "",
        issued_on.isoformat(),
        None if is_credit else (issued_on + timedelta(days=30)).isoformat(),
        "EUR",
        *(-cents if is_credit else cents for cents in amounts),
    )


def _sha256(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()


def _write_files(count: int) -> None:
    content = papers.pdf(XML, padding=os.urandom(PDF_BYTES))
    for number in range(count - FILES, count):
        path = storage.path_of(_sha256(number))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
