"""The measured instance, made once a month and kept: 50,000 companies, 1,000,000 documents.

Rows go in by raw inserts, day after day, as deposits would leave them.
"""

import hashlib
import os
import shutil
import sqlite3
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import NamedTuple

from peewee import chunked

from selfservice import clock, db
from selfservice.app import create_app
from selfservice.invoices import storage
from selfservice.invoices.models import search_key
from selfservice.operations import installation
from selfservice.suppliers.models import Company
from tests import papers
from tests.factories import make_supplier, make_user

KEPT = Path(__file__).parent / "kept"
LARGEST, LARGE, USUAL = 20_000, 500, 20
# Documents of each company; the last ones are registered and have none yet.
EVERYBODY = [LARGEST] + [LARGE] * 100 + [USUAL] * 46_500 + [0] * 3_399
ALONE = [LARGE]
HISTORY_MONTHS = 24
PDF_BYTES = 100_000
FILES = 100  # that many of the newest documents of a large company have a file
XML = papers.cii()


class Instance(NamedTuple):
    """An instance's folder, and its first company of LARGE documents."""

    folder: Path
    client_number: str
    user_id: int
    newest: list[int]

    @property
    def login(self) -> str:
        return login(LARGE)


def login(documents: int) -> str:
    """Return the login of the first company that has so many documents."""
    return f"societe-{documents}@example.com"


def made(sizes: list[int]) -> Instance:
    """Return the instance of companies of these sizes, made if it is not there yet.

    It grows old with the calendar, with the migrations and with this file.
    """
    sources = [Path(__file__), *sorted(db.MIGRATIONS.glob("0*.py"))]
    content = hashlib.sha256(b"".join(each.read_bytes() for each in sources)).hexdigest()
    age = f"{clock.today():%Y-%m}-{content[:8]}"
    folder = KEPT / age / str(sum(sizes))
    if not (folder / "whole").exists():
        for old in KEPT.glob("*"):
            if old.name != age:
                shutil.rmtree(old)
        shutil.rmtree(folder, ignore_errors=True)
        _make(folder, sizes)
        (folder / "whole").touch()
    return _found(folder)


def _found(folder: Path) -> Instance:
    with sqlite3.connect(folder / "portal.db") as database:
        user_id, company_id, client_number = database.execute(
            "SELECT users.id, company.id, client_number FROM users"
            " JOIN company ON company.id = company_id WHERE login = ?",
            (login(LARGE),),
        ).fetchone()
        newest = database.execute(
            "SELECT id FROM invoice WHERE company_id = ? ORDER BY id DESC LIMIT ?",
            (company_id, FILES),
        ).fetchall()
    return Instance(folder, client_number, user_id, [each for (each,) in newest])


def _make(folder: Path, sizes: list[int]) -> None:
    print(f"{sum(sizes)} documents : préparation…", flush=True)
    os.environ["SELFSERVICE_INSTANCE"] = str(folder)
    installation.install(folder)
    with create_app().app_context(), db.connection():
        supplier = make_supplier("banc", name="Fournitures du Banc", mail="contact@example.com")
        companies = [
            {"supplier": supplier, "client_number": f"C-{number:05}", "name": f"Société {number}"}
            for number in range(1, len(sizes) + 1)
        ]
        with db.database.atomic():
            for batch in chunked(companies, 1000):
                Company.insert_many(batch).execute()
        for size in {LARGEST, LARGE} & set(sizes):
            make_user(Company.get_by_id(sizes.index(size) + 1), login(size), is_administrator=True)
        _fill(folder / "portal.db", sizes)
        _write_files(_found(folder))


def _fill(path: Path, sizes: list[int]) -> None:
    """Insert documents, oldest first; those who sign in opened most of theirs."""
    with sqlite3.connect(path) as database:
        database.execute("PRAGMA synchronous = OFF")
        database.execute("PRAGMA cache_size = -400000")
        indexes = database.execute(
            "SELECT name, sql FROM sqlite_master"
            " WHERE type = 'index' AND tbl_name = 'invoice' AND sql IS NOT NULL"
        ).fetchall()
        for name, _ in indexes:
            database.execute(f"DROP INDEX {name}")
        rows = _rows(sizes)
        columns = list(next(_rows([1])))
        database.executemany(
            f"INSERT INTO invoice ({', '.join(columns)}) VALUES ({', '.join('?' * len(columns))})",
            (tuple(row.values()) for row in rows),
        )
        for _, sql in indexes:
            database.execute(sql)
        database.execute(
            "INSERT INTO opening (user_id, invoice_id, opened_at)"
            " SELECT users.id, invoice.id, downloaded_at FROM users JOIN invoice"
            " ON invoice.company_id = users.company_id"
            " WHERE downloaded_at IS NOT NULL AND invoice.id % 9"
        )
    database.close()


def _rows(sizes: list[int]) -> Iterator[dict[str, object]]:
    """Yield the documents of companies 1, 2…, each company's spread over the whole history."""
    today = clock.today()
    first = clock.earliest_lasting(today, months=HISTORY_MONTHS)
    days = (today - first).days
    order = sorted(
        (place * days // size, company_id)
        for company_id, size in enumerate(sizes, 1)
        for place in range(size)
    )
    for number, (day, company_id) in enumerate(order):
        yield _row(number, company_id, first + timedelta(days=day + 1))


def _row(number: int, company_id: int, issued_on: date) -> dict[str, object]:
    is_credit_note = number % 12 == 0
    net_cents = ((number * 7919) % 900_000 + 1_000) * (-1 if is_credit_note else 1)
    has_xml = number % 4 > 0
    name = f"{'AV' if is_credit_note else 'FA'}-{issued_on.year}-{number:07}"
    contract = f"K-{company_id:05}-{number % 10}" if number % 5 else ""
    return {
        "supplier_id": 1,
        "company_id": company_id,
        "number": name,
        "kind": "credit_note" if is_credit_note else "invoice",
        "contract": contract,
        "search_key": search_key(name, contract),
        "issued_on": issued_on.isoformat(),
        "due_on": None if is_credit_note else (issued_on + timedelta(days=30)).isoformat(),
        "currency": "EUR",
        "net_cents": net_cents,
        "vat_cents": net_cents // 5,
        "gross_cents": net_cents + net_cents // 5,
        "state": "original",
        "notification": "none",
        "sha256": _sha256(number),
        "size_bytes": PDF_BYTES,
        "has_xml": has_xml,
        "deposited_at": f"{issued_on} 06:00:00",
        "announced_at": f"{issued_on} 06:30:00",
        "is_digest_due": False,
        "downloaded_at": f"{issued_on} 18:00:00" if number % 20 else None,
    }


def _sha256(number: int) -> str:
    return hashlib.sha256(b"%d" % number).hexdigest()


def _write_files(instance: Instance) -> None:
    content = papers.pdf(XML, padding=os.urandom(PDF_BYTES))
    for invoice_id in instance.newest:
        path = storage.path_of(_sha256(invoice_id - 1))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
