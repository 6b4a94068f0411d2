"""kill -9 in a notification run and in a delivery: nothing lost, nothing doubled."""

import random
import signal
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from selfservice.accounts.models import Activation, User
from selfservice.invoices.models import Invoice
from selfservice.outbox import OutboxMail
from tests.factories import make_company, make_invoice, make_supplier
from tests.processes import SELFSERVICE, command, environment, wait_until

COMPANIES = 150


def kill_while_at_work(instance: Path, *words: str, until: object) -> None:
    """Start a command, let it begin, and kill it a moment later."""
    process = subprocess.Popen(
        [*SELFSERVICE, *words],
        env=environment(instance),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    wait_until(lambda: until() or process.poll() is not None)  # type: ignore[operator]
    try:
        process.wait(timeout=random.uniform(0, 0.05))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


@pytest.fixture
def waiting(app: Flask) -> list[str]:
    supplier = make_supplier()
    addresses = [f"user{number}@example.com" for number in range(COMPANIES)]
    for address in addresses:
        make_invoice(make_company(supplier, email=address, notification="link"))
    return addresses


def test_killed_runs_complete_each_other(app: Flask, instance: Path, waiting: list[str]) -> None:
    def announced() -> int:
        return Invoice.select().where(Invoice.announced_at.is_null(False)).count()

    kills = 0
    for _ in range(5):
        before = announced()
        kill_while_at_work(
            instance, "notifications", "send", until=lambda start=before: announced() > start
        )
        kills += announced() < COMPANIES
    assert kills, "no run was killed at work"
    assert command(instance, "notifications", "send").returncode == 0
    assert User.select().count() == Activation.select().count() == COMPANIES
    assert OutboxMail.select().where(OutboxMail.kind == "activation").count() == COMPANIES
    assert OutboxMail.select().where(OutboxMail.kind == "document").count() == COMPANIES

    def files() -> int:
        return len(list((instance / "mail").glob("[!.]*.eml")))

    kills = 0
    for _ in range(5):
        before = files()
        kill_while_at_work(instance, "mail", "deliver", until=lambda start=before: files() > start)
        kills += files() < 2 * COMPANIES
    assert kills, "no delivery was killed at work"
    assert command(instance, "mail", "deliver").returncode == 0
    assert files() == 2 * COMPANIES
    assert OutboxMail.select().where(OutboxMail.state == "sent").count() == 2 * COMPANIES
