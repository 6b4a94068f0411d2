"""kill -9 in a notification run and in a delivery: nothing lost, nothing doubled."""

import random
import signal
import subprocess
from pathlib import Path

import pytest
from flask import Flask

from selfservice.accounts.models import Activation, User
from selfservice.invoices.models import Invoice
from selfservice.mail.outbox import OutboxMail
from tests.factories import make_company, make_invoice, make_supplier
from tests.processes import command, start, wait_until
from tests.smtp import Postbox, listening, queue_one

pytestmark = pytest.mark.slow


def kill_while_at_work(instance: Path, *words: str, until: object, **keys: str) -> None:
    """Start a command, let it begin, and kill it a moment later."""
    process = start(instance, *words, **keys)
    wait_until(lambda: until() or process.poll() is not None, seconds=60)  # type: ignore[operator]
    try:
        process.wait(timeout=random.uniform(0, 0.05))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


def announce_companies(count: int) -> None:
    supplier = make_supplier()
    for number in range(count):
        address = f"user{number}@example.com"
        make_invoice(make_company(supplier, email=address, notification="link"))


def hold_runs_to_their_promise(instance: Path, kills: int) -> None:
    """Kill notification runs at work; what they leave completes to one run's result."""
    companies = 20 * kills
    announce_companies(companies)

    def announced() -> int:
        return int(Invoice.select().where(Invoice.announced_at.is_null(False)).count())

    killed_at_work = 0
    for _ in range(kills):
        before = announced()
        kill_while_at_work(
            instance, "notifications", "send", until=lambda start=before: announced() > start
        )
        killed_at_work += announced() < companies
    assert killed_at_work, "no run was killed at work"
    assert command(instance, "notifications", "send").returncode == 0
    assert User.select().count() == Activation.select().count() == companies
    for kind in ("activation", "document"):
        assert OutboxMail.select().where(OutboxMail.kind == kind).count() == companies


def hold_deliveries_to_their_promise(instance: Path, kills: int) -> None:
    """Kill deliveries to a real SMTP server: none lost, one doubled a kill at most, by its id."""
    box = Postbox()
    box.seconds = 0.005
    count = 30 * kills
    for number in range(count):
        queue_one(f"user{number}@example.com")
    with listening(box) as port:
        keys = {"MAIL_TRANSPORT": "smtp", "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(port)}
        killed_at_work = 0
        for _ in range(kills):
            before = len(box.mails)
            kill_while_at_work(
                instance,
                "mail",
                "deliver",
                until=lambda start=before: len(box.mails) > start,
                **keys,
            )
            killed_at_work += len(set(box.ids())) < count
        assert killed_at_work, "no delivery was killed at work"
        assert command(instance, "mail", "deliver", **keys).returncode == 0
    wanted = {f"<{mail.message_id}>" for mail in OutboxMail.select()}
    assert set(box.ids()) == wanted, "nothing is lost, and nothing has a second id"
    assert len(box.ids()) <= count + killed_at_work
    assert OutboxMail.select().where(OutboxMail.state == "sent").count() == count


def test_killed_runs_complete_each_other(app: Flask, instance: Path) -> None:
    hold_runs_to_their_promise(instance, 7)


def test_killed_deliveries_lose_nothing(app: Flask, instance: Path) -> None:
    hold_deliveries_to_their_promise(instance, 7)


@pytest.mark.soak
def test_seventy_killed_runs_complete_each_other(app: Flask, instance: Path) -> None:
    hold_runs_to_their_promise(instance, 70)


@pytest.mark.soak
def test_seventy_killed_deliveries_lose_nothing(app: Flask, instance: Path) -> None:
    hold_deliveries_to_their_promise(instance, 70)
