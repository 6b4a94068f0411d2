"""PostgreSQL as the portal uses it: one writer at a time, as in SQLite, and text without NUL."""

from collections.abc import Sequence
from contextlib import suppress
from typing import Any

from peewee import PeeweeException, PostgresqlDatabase
from playhouse.db_url import parse

try:
    import psycopg
    from psycopg.conninfo import make_conninfo
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

# Cause and remedy of a refusal, by the driver's words or the server's code for it.
NOBODY = ("personne n'y répond", "lancez PostgreSQL, ou corrigez DATABASE_URL")
UNKNOWN_HOST = ("cet hôte est inconnu", "corrigez DATABASE_URL")
REFUSALS = {
    "connection refused": NOBODY,
    "no such file or directory": NOBODY,
    "resolve host": UNKNOWN_HOST,
    "translate host name": UNKNOWN_HOST,
    "timeout expired": (
        f"pas de réponse en {CONNECT_SECONDS} secondes",
        "vérifiez l'hôte, le réseau et DATABASE_URL",
    ),
    "the database system is": ("PostgreSQL démarre ou s'arrête", "recommencez dans un instant"),
    "server closed the connection": NOBODY,
}
STATES = {
    "25006": ("elle ne se lit qu'en lecture seule", "donnez le serveur principal à DATABASE_URL"),
    "42501": ("ce compte n'y a pas ce droit", "faites-en le propriétaire de la base"),
    "53100": ("le disque de PostgreSQL est plein", "libérez de la place, puis recommencez"),
    "55P03": ("un autre programme l'occupe", "recommencez plus tard"),
}


class Postgresql(PostgresqlDatabase):
    """A database of several hosts.

    What `atomic()` reads stays true until it commits, because writing transactions follow one
    another; statements of their own do not wait.
    """

    def __init__(self, url: str, *, lock_timeout_seconds: int) -> None:
        self._lock_timeout = f"{lock_timeout_seconds}s"
        super().__init__(
            **_parts(url),
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


def place_of(url: str) -> tuple[str, str]:
    """Return an address for PostgreSQL's own programs, its options included, and the password."""
    parts = _parts(url)
    password = str(parts.pop("password", ""))
    return make_conninfo(dbname=parts.pop("database"), **parts), password


def explain(error: BaseException) -> tuple[str, str]:
    """Return cause and remedy of what the server refuses; an unknown refusal in its own words."""
    if known := STATES.get(getattr(error, "sqlstate", None) or ""):
        return known
    words = " ".join(str(error).split())
    for part, known in REFUSALS.items():
        if part in words.lower():
            return known
    _, is_refused, answer = words.partition("FATAL: ")
    if is_refused:  # in the server's language
        return f"PostgreSQL refuse : {answer.strip()}", "corrigez DATABASE_URL, ou ses droits"
    return words, "lisez le journal de PostgreSQL"


def storable(value: Any) -> Any:
    """Return a text without NUL, which PostgreSQL refuses; SQLite keeps it."""
    return value.replace("\0", "\ufffd") if isinstance(value, str) else value


def _parts(url: str) -> dict[str, Any]:
    return dict(parse(url, unquote_password=True, unquote_user=True))
