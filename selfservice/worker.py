"""What the worker does, and when; each task calls use cases of the features."""

import logging
from collections.abc import Callable
from dataclasses import asdict
from datetime import date, time
from functools import wraps
from time import monotonic

from flask import Flask, current_app
from huey.api import crontab

from selfservice import clock, db, mail, ratelimit, submissions, tokens
from selfservice.accounts import ended, sessions
from selfservice.advisers.reminders import remind_advisers
from selfservice.notifications import reminders, send
from selfservice.operations import heartbeats, purging
from selfservice.queue import queue

MIDNIGHT, MORNING = time(0, 0), time(8, 0)
BEAT_SECONDS = 60
DELIVERY_SECONDS = 2
CLOSED_BOX_SECONDS = 900
READING_SECONDS = 10  # of returned mails at a time: those that leave wait meanwhile

log = logging.getLogger(__name__)


def run(app: Flask) -> None:
    """Work until SIGTERM or SIGINT."""
    queue.on_wake(_in_app(app, _notify_and_deliver))
    every_minute = queue.huey.periodic_task(crontab(minute="*"))
    for task in (
        _notify_and_deliver,
        _bounce_reader(),
        _forget,
        _once_a_day(purging.purge_of_the_day, after=MIDNIGHT),
        _once_a_day(_remind_companies, after=app.config["DIGEST_TIME"]),
        _once_a_day(remind_advisers, after=MORNING),
        heartbeats.beat,
    ):
        every_minute(_in_app(app, task))
    queue.run()


def _notify_and_deliver() -> None:
    # Preparing ten thousand mails takes minutes, and who waits for a recovery mail does not.
    meanwhile = _every(DELIVERY_SECONDS, _deliver_unless_paused)
    try:
        report = send.send_due(on_progress=meanwhile)
        report.add(send.send_digests_of_the_hour(on_progress=meanwhile))
        _tell("notifications", report)
    finally:  # what is queued leaves, whatever became of the rest
        _deliver()


def _remind_companies() -> None:
    # As above: ten thousand reminders take minutes.
    reminders.send_reminders(on_progress=_every(DELIVERY_SECONDS, _deliver_unless_paused))


def _deliver_unless_paused() -> None:
    if not mail.is_server_paused():
        _deliver()


def _deliver() -> None:
    heartbeats.beat()
    ended.tell_asked()
    # Ten thousand mails take longer than a living worker may stay silent.
    beat = _every(BEAT_SECONDS, heartbeats.beat)
    # A link may die before a pause ends: what somebody waits for is tried meanwhile.
    report = mail.deliver_due(
        only_awaited=mail.is_server_paused(), is_stopping=queue.is_stopping, on_progress=beat
    )
    _tell("mails", report)


def _bounce_reader() -> Callable[[], None]:
    """Read the box of returned mails; one out of reach is told, and left alone for a while."""
    reads_at = monotonic()

    def _read_bounces() -> None:
        nonlocal reads_at
        if current_app.config["MAIL_BOUNCES"] is None or monotonic() < reads_at:
            return
        try:
            until = monotonic() + READING_SECONDS
            report = mail.read_box(is_stopping=lambda: queue.is_stopping() or monotonic() > until)
        except mail.BoxError as error:
            log.warning("returned mails: %s", error)
            reads_at = monotonic() + CLOSED_BOX_SECONDS
        else:
            _tell("bounces", report)

    return _read_bounces


def _tell(what: str, report: send.SendReport | mail.DeliveryReport | mail.BounceReport) -> None:
    """Log one line for a batch that did something; its mails and documents have none each."""
    counts = {name: count for name, count in asdict(report).items() if name != "faults"}
    if done := {name: count for name, count in counts.items() if count}:
        log.info("%s", what, extra={"facts": done | {"faults": len(report.faults)}})


def _forget() -> None:
    if purging.leapt_since() is None:
        tokens.mark_expired()
        sessions.forget_ended()
    ratelimit.forget_expired()
    submissions.forget_expired()


def _once_a_day(task: Callable[[], object], *, after: time) -> Callable[[], None]:
    """Run a task once a Paris day, from an hour on: a worker that was stopped catches up."""
    done_on: date | None = None

    @wraps(task)
    def run() -> None:
        nonlocal done_on
        now = clock.paris(clock.now())
        if now.time() >= after and now.date() != done_on:
            task()
            done_on = now.date()

    return run


def _every(seconds: float, task: Callable[[], None]) -> Callable[[], None]:
    """Run a task so many seconds after this and then again, however often it is called."""
    done_at = monotonic()

    def run() -> None:
        nonlocal done_at
        if monotonic() - done_at >= seconds:
            task()
            done_at = monotonic()

    return run


def _in_app(app: Flask, task: Callable[[], object]) -> Callable[[], None]:
    @wraps(task)
    def run_task() -> None:
        with app.app_context(), db.connection():
            task()

    return run_task
