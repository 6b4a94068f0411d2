"""A supplier with one customer, a folder to deposit, and readers for single documents."""

import resource
from collections.abc import Callable
from multiprocessing import active_children
from pathlib import Path

import pytest
from flask import Flask

from selfservice import db
from selfservice.deposits.deposit import DepositReport, deposit_folder
from selfservice.deposits.document import Document
from selfservice.deposits.readers import Readers
from selfservice.deposits.reading import Limits
from selfservice.deposits.refusal import RefusalError
from selfservice.operations import installation
from selfservice.suppliers.models import Company, Supplier
from tests.factories import make_company, make_supplier
from tests.papers import SELLER_SIREN

Answer = Callable[[bytes], Document | RefusalError]


@pytest.fixture
def supplier(app: Flask) -> Supplier:
    return make_supplier("vendeur", siren=SELLER_SIREN)


@pytest.fixture
def company(supplier: Supplier) -> Company:
    return make_company(supplier, client_number="C-1", name="Cliente", email="cliente@example.com")


@pytest.fixture
def ready(instance: Path) -> Path:
    """An instance with a supplier and its customer, for the command."""
    installation.install(instance)
    with db.connection():
        make_company(make_supplier("vendeur"), client_number="C-1")
    return instance


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "depot"
    path.mkdir()
    return path


@pytest.fixture
def deposit(supplier: Supplier, company: Company, folder: Path) -> Callable[[], DepositReport]:
    """Deposit the folder as it is now."""
    return lambda: deposit_folder(supplier, folder)


@pytest.fixture
def refusal(deposit: Callable[[], DepositReport], folder: Path) -> Callable[[bytes], str]:
    """Deposit one file and return the reason why it is refused, as rejets.csv tells it."""

    def reason_for(content: bytes, name: str = "document.pdf") -> str:
        (folder / name).write_bytes(content)
        report = deposit()
        assert (report.deposited, len(report.refused)) == (0, 1), report
        written = (folder / "rejets.csv").read_text("utf-8").splitlines()
        assert written == ["file;reason", f"{name};{report.refused[0].reason}"]
        return report.refused[0].reason

    return reason_for


@pytest.fixture
def answer(tmp_path: Path) -> Answer:
    """Have one document read by a reader of its own."""

    def read(content: bytes) -> Document | RefusalError:
        document = Document("a.pdf", source=f"{tmp_path}/source", aside=f"{tmp_path}/aside")
        Path(document.source).write_bytes(content)
        limits = Limits(file_megabytes=20, pages=500, megabytes=256, seconds=5)
        others = active_children()
        with Readers(limits, documents=1) as pool:
            (batch,) = pool.ahead([[document]])
            try:
                pool.finish(batch[0])
            except RefusalError as refusal:
                return refusal
            (reader,) = set(active_children()) - set(others)
            assert peak_megabytes(reader.pid) < limits.megabytes
        return document

    return read


def peak_megabytes(pid: int | None) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(status.split("VmHWM:")[1].split()[0]) // 1024


def seconds_of_readers() -> float:
    """Return the processor time of all the readers that have ended."""
    spent = resource.getrusage(resource.RUSAGE_CHILDREN)
    return spent.ru_utime + spent.ru_stime
