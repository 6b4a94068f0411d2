"""kill -9 amid a decision: nothing of it or all, the next run completes it, nothing is doubled."""

import random
import signal
import subprocess
import time
from pathlib import Path

import pytest
from flask import Flask

from selfservice.audit import AuditEntry
from selfservice.mail.outbox import OutboxMail
from selfservice.requests.models import CustomerRequest
from selfservice.suppliers.models import Company, RegisterChange
from tests.factories import make_company, make_supplier, make_user
from tests.processes import command, start
from tests.requests.steps import asking

pytestmark = pytest.mark.slow

KILLS = 8


def asked_modes(count: int) -> list[CustomerRequest]:
    """Open a request of as many companies."""
    supplier = make_supplier()
    found = []
    for number in range(count):
        company = make_company(supplier, email=f"user{number}@example.com")
        owner = make_user(
            company,
            f"user{number}",
            email=company.email,
            is_administrator=True,
            is_from_activation=True,
        )
        found.append(asking.ask(owner, "notification", value="daily", origin=""))
    return found


def traces(request: CustomerRequest) -> tuple[int, ...]:
    """Count what an accepted request leaves: the new mode, who changed it, journal, mail."""
    company = request.company_id
    return (
        Company.select().where(Company.id == company, Company.notification == "daily").count(),
        RegisterChange.select().where(RegisterChange.company == company).count(),
        AuditEntry.select()
        .where(AuditEntry.company_id == company, AuditEntry.event == "request.accepted")
        .count(),
        OutboxMail.select().where(OutboxMail.company_id == company).count() - 1,
        CustomerRequest.select()
        .where(CustomerRequest.id == request.id, CustomerRequest.state == "done")
        .count(),
    )


def test_a_killed_decision_is_none_or_whole_and_the_next_run_completes_it(
    app: Flask, instance: Path
) -> None:
    first, *others = asked_modes(KILLS + 1)
    command(instance, "requests", "list")  # the first process of a run takes longer
    begun = time.monotonic()
    assert command(instance, "requests", "accept", str(first.id)).returncode == 0
    duration = time.monotonic() - begun
    killed_at_work = 0
    for request in others:
        begun = time.monotonic()
        process = start(instance, "requests", "accept", str(request.id))
        try:
            process.wait(timeout=random.uniform(duration / 2, duration))
            duration = time.monotonic() - begun  # a machine is busier at one time than at another
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGKILL)
            process.wait()
            killed_at_work += 1
        left = traces(request)
        assert left in [(0,) * 5, (1,) * 5]
        again = command(instance, "requests", "accept", str(request.id))
        assert (again.returncode == 0) == (left == (0,) * 5), again.stderr
        assert traces(request) == (1,) * 5
    assert killed_at_work, "no decision was killed at work"
