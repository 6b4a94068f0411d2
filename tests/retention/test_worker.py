"""What the worker does for retention, and when."""

from collections.abc import Iterator
from datetime import date, time, timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from selfservice import audit, clock, tokens, worker
from selfservice.accounts import sessions
from selfservice.accounts.models import UserSession
from selfservice.audit import AuditEntry
from selfservice.invoices.models import Invoice
from selfservice.operations import doctor, heartbeats, purging
from tests.factories import People
from tests.papers import months_ago
from tests.processes import command
from tests.retention.conftest import Consumer, MakeDocument


@pytest.fixture
def clock_at() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-03-28T21:59:00Z", tick=False) as machine:
        yield machine


def test_the_worker_purges(
    app: Flask, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_document(issued_on=months_ago(25))
    monkeypatch.setattr("huey.api.Consumer", Consumer)
    worker.run(app)
    assert Invoice.select().count() == 0


def test_a_clock_years_ahead_purges_nothing_until_somebody_asks(
    app: Flask, instance: Path, make_document: MakeDocument, clock_at: time_machine.Traveller
) -> None:
    make_document(issued_on=date(2026, 3, 1), deposited_at=clock.now())
    audit.record("test")
    purging.purge_of_the_day()
    clock_at.shift(timedelta(days=3650))
    for _ in range(2):
        purging.purge_of_the_day()
        heartbeats.beat()  # and whatever else a wrong clock dates
        audit.record("test")
        make_document(deposited_at=clock.now())
    assert Invoice.select().count() == 3
    assert AuditEntry.select().where(AuditEntry.event == "test").count() == 3
    (finding,) = [each for each in doctor.examine_instance() if each.name == "clock_leapt"]
    assert "retention purge" in finding.line
    purging.purge_as_asked()
    assert Invoice.select().where(Invoice.issued_on == date(2026, 3, 1)).count() == 0
    assert purging.leapt_since() is None


def test_a_clock_years_ahead_ends_no_session_and_no_link(
    people: People, clock_at: time_machine.Traveller
) -> None:
    purging.purge_as_asked()
    secret = sessions.open_session(people.alice, origin="127.0.0.1", browser="")
    link = tokens.issue("test", "alice", lifetime=timedelta(days=90))
    clock_at.shift(timedelta(days=3650))
    worker._forget()
    clock_at.shift(timedelta(days=-3650))
    assert sessions.load(secret) == people.alice
    assert tokens.read("test", link).subject == "alice"
    clock_at.shift(timedelta(hours=20))
    worker._forget()
    assert UserSession.select().count() == 0


def test_an_instance_that_was_never_purged_believes_its_last_sign_of_life(
    app: Flask, make_document: MakeDocument, clock_at: time_machine.Traveller
) -> None:
    assert purging.leapt_since() is None, "a new one has nothing to lose"
    make_document(issued_on=date(2020, 3, 1), deposited_at=clock.now())
    clock_at.shift(purging.LONGEST_LEAP + timedelta(seconds=1))
    purging.purge_of_the_day()
    audit.record("test")
    purging.purge_of_the_day()
    assert Invoice.select().count() == 1
    clock_at.shift(timedelta(seconds=-1))
    purging.purge_of_the_day()
    assert Invoice.select().count() == 0


def test_the_command_says_that_the_purge_of_the_day_is_suspended(
    app: Flask, instance: Path
) -> None:
    heartbeats.note(heartbeats.PURGE, clock.now() - timedelta(days=100))
    for option in (("--dry-run",), ()):
        done = command(instance, "retention", "purge", *option)
        assert done.returncode == 0, done.stderr
        assert "La purge quotidienne est suspendue" in done.stdout
    assert "suspendue" not in command(instance, "retention", "purge").stdout


def test_a_daily_task_runs_once_a_paris_day_and_catches_up(
    clock_at: time_machine.Traveller,
) -> None:
    runs = list[str]()
    look = worker._once_a_day(lambda: runs.append("run"), after=time(23, 0))
    look()  # 22:59 in Paris
    assert runs == []
    for instant, count in (
        ("2026-03-28T22:00:00Z", 1),  # 23:00
        ("2026-03-28T22:59:00Z", 1),
        ("2026-03-29T20:59:00Z", 1),  # 22:59, one hour lost in the night
        ("2026-03-29T21:00:00Z", 2),
        ("2026-04-02T21:30:00Z", 3),  # after days of stop, once
        ("2026-04-02T21:31:00Z", 3),
    ):
        clock_at.move_to(instant)
        look()
        assert len(runs) == count, instant


def test_a_daily_task_that_fails_is_tried_again(clock_at: time_machine.Traveller) -> None:
    runs = list[str]()

    def fail_once() -> None:
        runs.append("run")
        if len(runs) == 1:
            raise OSError

    look = worker._once_a_day(fail_once, after=worker.MIDNIGHT)
    with pytest.raises(OSError):
        look()
    look()
    look()
    assert len(runs) == 2
