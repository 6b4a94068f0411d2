"""kill -9 in a purge, and a deposit of the same content at the same time."""

import hashlib
import os
import random
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from selfservice.deposits.deposit import deposit_folder
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice, Tombstone
from selfservice.suppliers.models import Company
from tests import papers
from tests.factories import make_company, make_invoice, make_supplier
from tests.papers import months_ago
from tests.processes import SELFSERVICE, command, environment, start, wait_until
from tests.retention.conftest import write_file

pytestmark = pytest.mark.slow

PURGED, KEPT = 1500, 150


@pytest.fixture
def many(app: Flask) -> set[str]:
    """Documents past their time, and others, each third of which shares its file with one."""
    company = make_company(make_supplier())
    names = {f"{each:064x}" for each in range(PURGED + KEPT)}
    row = dict(make_invoice(company).__data__)
    Invoice.delete().execute()
    rows = [
        row
        | {
            "id": each + 1,
            "number": f"F-{each}",
            "sha256": f"{each - PURGED if each >= PURGED and each % 3 == 0 else each:064x}",
            "issued_on": months_ago(25 if each < PURGED else 1),
        }
        for each in range(PURGED + KEPT)
    ]
    for first in range(0, len(rows), 500):
        Invoice.insert_many(rows[first : first + 500]).execute()
    for name in names:
        write_file(name)
        os.utime(storage.path_of(name), (0, 0))
    return {each["sha256"] for each in rows[PURGED:]}


def files() -> set[str]:
    return {name for names in storage.stored() for name in names}


def rows_without_file() -> set[str]:
    recent = Invoice.select().where(Invoice.issued_on > months_ago(24))
    return {each.sha256 for each in recent} - files()


def kill_while_at_work(instance: Path) -> bool:
    """Start a purge, let it begin, kill it a moment later; say whether it was at work."""
    before = Invoice.select().count()
    process = start(instance, "retention", "purge")
    wait_until(lambda: Invoice.select().count() < before or process.poll() is not None)
    try:
        process.wait(timeout=random.uniform(0, 0.03))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


@pytest.mark.parametrize("times", [3, pytest.param(15, marks=pytest.mark.soak)])
def test_killed_at_random_and_run_again_ends_as_one_run(
    instance: Path, many: set[str], times: int
) -> None:
    kills = 0
    for _ in range(times):
        kills += kill_while_at_work(instance)
        assert rows_without_file() == set()
    assert kills, "no purge was killed at work"
    assert command(instance, "retention", "purge").returncode == 0
    assert Invoice.select().count() == KEPT
    assert Tombstone.select().count() == PURGED
    assert files() == many


def test_two_purges_at_once_end_as_one(instance: Path, many: set[str], tmp_path: Path) -> None:
    outputs = [tmp_path / "first", tmp_path / "second"]
    both = [start(instance, "retention", "purge", stdout=output) for output in outputs]
    assert [process.wait() for process in both] == [0, 0]
    assert sum(int(output.read_text().split()[2]) for output in outputs) == PURGED
    assert (Invoice.select().count(), files()) == (KEPT, many)


@pytest.fixture
def endless_purge(app: Flask, instance: Path) -> Iterator[None]:
    """A process that purges without end."""
    loop = (
        "from selfservice.app import create_app\n"
        "from selfservice import db\n"
        "from selfservice.retention import documents\n"
        "with create_app().app_context(), db.connection():\n"
        "    while True: documents.purge()\n"
    )
    process = subprocess.Popen([SELFSERVICE[0], "-c", loop], env=environment(instance))
    yield
    assert process.poll() is None, "the purge has ended by itself"
    process.kill()
    process.wait()


@pytest.mark.usefixtures("endless_purge")
@pytest.mark.parametrize("times", [15, pytest.param(300, marks=pytest.mark.soak)])
def test_a_deposit_of_the_same_content_never_loses_its_file(
    company: Company, tmp_path: Path, times: int
) -> None:
    """The last row that names a file goes while another row that names it comes."""
    content = papers.facturx(company, number="F-new")
    sha256 = hashlib.sha256(content).hexdigest()
    (tmp_path / "a.pdf").write_bytes(content)
    for each in range(times):
        make_invoice(company, number=f"F-{each}", sha256=sha256, issued_on=months_ago(25))
        assert deposit_folder(company.supplier, tmp_path).deposited == 1
        wait_until(lambda: Invoice.select().where(Invoice.number != "F-new").count() == 0)
        with storage.exclusive():  # whatever the purge was doing with the file is done
            assert storage.path_of(sha256).exists()
        Invoice.delete().execute()
