"""PostgreSQL as the portal uses it: one writer at a time, as in SQLite, and text without NUL."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from peewee import PeeweeException, PostgresqlDatabase
from playhouse.db_url import parse

try:
    import psycopg
except ImportError:  # a portal on SQLite does without
    ERRORS: tuple[type[Exception], ...] = ()
    OPERATIONAL_ERRORS: tuple[type[Exception], ...] = ()
else:
    ERRORS = (psycopg.Error,)
    OPERATIONAL_ERRORS = (psycopg.OperationalError,)

FRENCH = "fr-x-icu"
WRITE_LOCK = 0x7E5E_1F5E
CONNECT_SECONDS = 10
# The server forgets a host that vanished, and its locks with it, within a minute.
OPTIONS = "-c tcp_keepalives_idle=30 -c tcp_keepalives_interval=10 -c tcp_keepalives_count=3"


class Postgresql(PostgresqlDatabase):
    """A database of several hosts.

    What `atomic()` reads stays true until it commits, because writing transactions follow one
    another; statements of their own do not wait.
    """

    def __init__(self, url: str, *, lock_timeout_seconds: int) -> None:
        self._lock_timeout = f"{lock_timeout_seconds}s"
        super().__init__(
            **parse(url, unquote_password=True, unquote_user=True),
            autoconnect=False,
            prefer_psycopg3=True,
            client_encoding="UTF8",
            connect_timeout=CONNECT_SECONDS,
            options=OPTIONS,
        )

    def begin(self, isolation_level: str | None = None) -> None:
        super().begin(isolation_level)
        try:
            self.execute_sql(
                "SELECT set_config('lock_timeout', %s, true), pg_advisory_xact_lock(%s)",
                (self._lock_timeout, WRITE_LOCK),
            )
        except PeeweeException:
            with suppress(PeeweeException):  # the connection may be lost
                self.rollback()
            raise

    def execute_sql(self, sql: str, params: Sequence[Any] | None = None) -> Any:
        return super().execute_sql(sql, [storable(each) for each in params or ()])


def storable(value: Any) -> Any:
    """Return a text without NUL, which PostgreSQL refuses; SQLite keeps it."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value
