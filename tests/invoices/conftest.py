"""A supplier with one customer, and a folder to deposit."""

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask

from selfservice.invoices.deposit import DepositReport, deposit_folder
from selfservice.suppliers.models import Company, Supplier
from tests.factories import make_company, make_supplier
from tests.invoices.papers import SELLER_SIREN


@pytest.fixture
def supplier(app: Flask) -> Supplier:
    return make_supplier("vendeur", siren=SELLER_SIREN)


@pytest.fixture
def company(supplier: Supplier) -> Company:
    return make_company(supplier, client_number="C-1", name="Cliente", email="cliente@example.com")


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
