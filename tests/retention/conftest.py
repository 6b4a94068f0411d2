"""Documents with their files, and a worker that works once."""

from collections.abc import Callable
from threading import Event

import pytest
from flask import Flask

from selfservice import clock
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from selfservice.queue import queue
from selfservice.suppliers.models import Company
from tests.factories import make_company, make_invoice, make_supplier

MakeDocument = Callable[..., Invoice]


@pytest.fixture
def company(app: Flask) -> Company:
    return make_company(make_supplier("diac"), client_number="C-1", email="c@example.com")


@pytest.fixture
def make_document(company: Company) -> MakeDocument:
    """Make a row and its file."""

    def make(**fields: object) -> Invoice:
        invoice = make_invoice(company, **fields)
        write_file(invoice.sha256)
        return invoice

    return make


def write_file(sha256: str, content: bytes = b"%PDF-1.7 %%EOF") -> None:
    path = storage.path_of(sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)


class Consumer:
    """The worker's, which runs each task of the minute once instead of for ever."""

    def __init__(self, *_: object, **__: object) -> None:
        self.stop_flag = Event()

    def run(self) -> None:
        for task in queue.huey.read_periodic(clock.now()):
            task.execute()
