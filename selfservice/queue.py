"""The huey instance and its wake-up. It knows no task: the worker says what a wake-up does.

huey is imported where it is first needed: it brings every client it knows along, a fifth of the
start of a command that queues nothing.
"""

import json
import logging
import threading
from collections.abc import Callable
from contextlib import suppress
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from selfservice.db import connection, database, exclusive

if TYPE_CHECKING:
    from huey.api import Huey
    from huey.consumer import Consumer

NAME = "selfservice"
ASKED = "wake-asked"
POLL_SECONDS = 1
SHUTDOWN_SECONDS = 4

log = logging.getLogger(__name__)


class JsonTasks:
    """Writes tasks as JSON: of huey's own pickles, whoever writes into the queue runs any code."""

    def serialize(self, task: object) -> bytes:
        return json.dumps(task).encode()

    def deserialize(self, written: bytes) -> object:
        from huey.registry import Message

        found = json.loads(bytes(written))
        return Message(*found) if isinstance(found, list) else found


class Queue:
    """One queue, bound to QUEUE_URL; nothing is opened before its first use."""

    def __init__(self) -> None:
        self._url = ""
        self._lock = threading.RLock()  # the threads of the web server share the queue
        self._huey: Huey | None = None
        self._consumer: Consumer | None = None
        self._on_wake: Callable[[], None] | None = None

    def configure(self, url: str) -> None:
        self.close()
        self._url, self._on_wake = url, None

    def close(self) -> None:
        """Close what the first use opened; a next use opens it again."""
        if self._huey is not None:
            self._huey.storage.close()
            self._huey = None

    def wake(self) -> None:
        """Ask the worker to look at once, after the current transaction is committed.

        A queue out of reach costs a minute at most, never the caller's work.
        """
        database.after_commit(self._enqueue_wake)

    def on_wake(self, callback: Callable[[], None]) -> None:
        """Have a work done at each wake-up."""
        self._on_wake = callback

    def fault(self) -> Exception | None:
        """Return why the queue is out of reach, None where it is not."""
        try:
            self.huey.pending_count()
        except Exception as error:  # each kind of queue has errors of its own
            return error
        return None

    def is_reachable(self) -> bool:
        return self.fault() is None

    def run(self) -> None:
        """Work until SIGTERM or SIGINT."""
        self._consumer = self.huey.create_consumer(
            workers=1,
            max_delay=POLL_SECONDS,
            graceful_signal="TERM",
            shutdown_timeout=SHUTDOWN_SECONDS,
        )
        with suppress(Exception):  # out of reach: the consumer tells it
            self.huey.delete(ASKED)  # of a wake-up that a killed worker has lost
        try:
            self._consumer.run()
        finally:
            self.close()

    def is_stopping(self) -> bool:
        """Tell a long work that the worker has been asked to end."""
        return self._consumer is not None and bool(self._consumer.stop_flag.is_set())

    @property
    def huey(self) -> "Huey":
        with self._lock:
            if self._huey is None:
                self._huey = _build(self._url)
                self._wake_task = self._huey.task(name="wake")(self._wake)
            return self._huey

    def _enqueue_wake(self) -> None:
        """Ask once for however many mails: one wake-up that has not begun yet serves them all."""
        try:
            if self.huey.put_if_empty(ASKED, True):
                self._wake_task()
        except Exception:
            with suppress(Exception):  # else nobody would ask again
                self.huey.delete(ASKED)
            log.warning("The worker could not be woken; it looks by itself each minute.")

    def _wake(self) -> None:
        self.huey.delete(ASKED)  # before: what is asked for from now on may come too late
        if self._on_wake is not None:
            self._on_wake()


def _build(url: str) -> "Huey":
    from huey.api import PostgresHuey, RedisHuey, SqliteHuey

    scheme = urlsplit(url).scheme
    options: dict[str, Any] = {"results": False, "serializer": JsonTasks()}
    if scheme == "sqlite":
        return SqliteHuey(NAME, filename=url.removeprefix("sqlite:///"), **options)
    if scheme in ("redis", "rediss"):  # the second over TLS
        return RedisHuey(NAME, url=url, **options)
    # Its first start makes tables, and PostgreSQL lets only one process at a time do that.
    with connection(), exclusive("queue"):
        return PostgresHuey(NAME, dsn=url, **options)


queue = Queue()
