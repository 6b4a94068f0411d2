"""What the worker does for retention, and when."""

from collections.abc import Iterator
from datetime import time

import pytest
import time_machine
from flask import Flask

from selfservice import worker
from selfservice.invoices.models import Invoice
from tests.invoices.papers import months_ago
from tests.retention.conftest import Consumer, MakeDocument


@pytest.fixture
def clock_at() -> Iterator[time_machine.Traveller]:
    with time_machine.travel("2026-03-28T21:59:00Z", tick=False) as machine:
        yield machine


def test_the_worker_purges(
    app: Flask, make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_document(issued_on=months_ago(25))
    monkeypatch.setattr("huey.consumer.Consumer", Consumer)
    worker.run(app)
    assert Invoice.select().count() == 0


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
