"""What the worker does, and when; each task calls use cases of the features."""

import logging
from collections.abc import Callable
from datetime import date, time
from functools import wraps
from time import monotonic

from flask import Flask

from selfservice import clock, db, outbox, ratelimit, tokens
from selfservice.accounts import sessions
from selfservice.notifications import reminders, send
from selfservice.operations import milestones, purging
from selfservice.queue import queue

MIDNIGHT = time(0, 0)
BEAT_SECONDS = 60

log = logging.getLogger(__name__)


def run(app: Flask) -> None:
    """Work until SIGTERM or SIGINT."""
    queue.on_wake(_in_app(app, _notify_and_deliver))
    queue.every_minute(_in_app(app, _forget))
    queue.every_minute(_in_app(app, _once_a_day(_purge, after=MIDNIGHT)))
    queue.every_minute(_in_app(app, _once_a_day(_remind, after=app.config["DIGEST_TIME"])))
    queue.every_minute(_in_app(app, milestones.beat))
    queue.run()


def _notify_and_deliver() -> None:
    try:
        send.send_due()
        send.send_digests_of_the_hour()
    finally:  # what is queued leaves, whatever became of the rest
        if not outbox.is_server_paused():
            # Ten thousand mails take longer than a living worker may stay silent.
            outbox.deliver_due(
                is_stopping=queue.is_stopping, on_progress=_once_a_minute(milestones.beat)
            )


def _forget() -> None:
    tokens.mark_expired()
    sessions.forget_ended()
    ratelimit.forget_expired()


def _purge() -> None:
    purging.purge_of_the_day()


def _remind() -> None:
    reminders.send_reminders()


def _once_a_day(task: Callable[[], None], *, after: time) -> Callable[[], None]:
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


def _once_a_minute(task: Callable[[], None]) -> Callable[[], None]:
    """Run a task a minute after this and then each minute, however often it is called."""
    done_at = monotonic()

    def run() -> None:
        nonlocal done_at
        if monotonic() - done_at >= BEAT_SECONDS:
            task()
            done_at = monotonic()

    return run


def _in_app(app: Flask, task: Callable[[], None]) -> Callable[[], None]:
    def run_task() -> None:
        with app.app_context(), db.connection():
            task()

    run_task.__name__ = task.__name__
    return run_task
