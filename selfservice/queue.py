"""The huey instance and its wake-up. It knows no task: the worker says what a wake-up does."""

import logging
from collections.abc import Callable
from typing import Any
from urllib.parse import urlsplit

from huey.api import Huey, PostgresHuey, RedisHuey, SqliteHuey, crontab
from huey.consumer import Consumer

from selfservice.db import connection, database, exclusive

NAME = "selfservice"
POLL_SECONDS = 1
SHUTDOWN_SECONDS = 4

log = logging.getLogger(__name__)


class Queue:
    """One queue, bound to QUEUE_URL; nothing is opened before its first use."""

    def __init__(self) -> None:
        self._url = ""
        self._huey: Huey | None = None
        self._callbacks: list[Callable[[], None]] = []

    def configure(self, url: str) -> None:
        self._url, self._huey, self._callbacks = url, None, []

    def wake(self) -> None:
        """Ask the worker to look at once, after the current transaction is committed.

        A queue out of reach costs a minute at most, never the caller's work.
        """
        database.after_commit(self._enqueue_wake)

    def on_wake(self, callback: Callable[[], None]) -> None:
        self._callbacks.append(callback)

    def every_minute(self, task: Callable[[], None]) -> None:
        self.huey.periodic_task(crontab(minute="*"), name=task.__name__)(task)

    def consumer(self) -> Consumer:
        return Consumer(
            self.huey,
            workers=1,
            max_delay=POLL_SECONDS,
            graceful_signal="TERM",
            shutdown_timeout=SHUTDOWN_SECONDS,
        )

    @property
    def huey(self) -> Huey:
        if self._huey is None:
            self._huey = _build(self._url)
            self._wake_task = self._huey.task(name="wake")(self._run_callbacks)
        return self._huey

    def _enqueue_wake(self) -> None:
        try:
            _ = self.huey
            self._wake_task()
        except Exception:
            log.warning("The worker could not be woken; it looks by itself each minute.")

    def _run_callbacks(self) -> None:
        for callback in self._callbacks:
            callback()


def _build(url: str) -> Huey:
    scheme = urlsplit(url).scheme
    if scheme == "sqlite":
        return SqliteHuey(NAME, filename=url.removeprefix("sqlite:///"), results=False)
    options: dict[str, Any] = {"results": False}
    if scheme == "redis":
        return RedisHuey(NAME, url=url, **options)
    # Its first start makes tables, and PostgreSQL lets only one process at a time do that.
    with connection(), exclusive("queue"):
        return PostgresHuey(NAME, dsn=url, **options)


queue = Queue()
