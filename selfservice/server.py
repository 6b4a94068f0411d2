"""The web server for one host: granian, one worker per core, bodies read before computing.

granian does not buffer bodies: slow clients would hold every thread that computes. So many
threads wait for bodies, and one request per process computes at a time, which also suits the
one lasting SQLite connection of the process.
"""

import errno
import io
import os
import socket
import threading
import time
from collections.abc import Callable, Iterable
from typing import Any

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from selfservice import logs

BLOCKING_THREADS = 32
KILL_TIMEOUT_SECONDS = 4
MAX_BUFFERED_BYTES = 1024 * 1024

# What granian itself says joins the portal's own lines.
GRANIAN_LOG = {"loggers": {"_granian": {"handlers": [], "propagate": True}}}

Environ = dict[str, Any]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]


class PortTakenError(Exception):
    """Another program listens there."""


class OneAtATime:
    """Read the body, then let one request of the process compute at a time.

    A body streamed back (a PDF, an archive) leaves outside the lock: it never touches the
    database.
    """

    def __init__(self, application: Application) -> None:
        self._application = application
        self._turn = threading.Lock()

    def __call__(self, environ: Environ, start_response: StartResponse) -> Iterable[bytes]:
        environ[logs.ARRIVED] = time.perf_counter()
        body = environ["wsgi.input"].read(MAX_BUFFERED_BYTES)
        environ["wsgi.input"] = io.BytesIO(body)
        environ["wsgi.input_terminated"] = True
        with self._turn:
            return self._application(environ, start_response)


def application() -> Application:
    """Build the app of one worker (granian's factory)."""
    from selfservice import create_app

    app = create_app()
    logs.configure(app.config["LOG_LEVEL"])
    return OneAtATime(app)


def serve(*, host: str, port: int, workers: int | None) -> None:
    """Serve until stopped. Raises PortTakenError where the port is in use, OSError for
    an address that is not of this machine.
    """
    _probe(host, port)
    Granian(
        "selfservice.server:application",
        factory=True,
        interface=Interfaces.WSGI,
        address=host,
        port=port,
        workers=workers or os.cpu_count() or 1,
        blocking_threads=BLOCKING_THREADS,
        respawn_failed_workers=True,
        workers_kill_timeout=KILL_TIMEOUT_SECONDS,
        websockets=False,
        log_level=LogLevels.error,
        log_dictconfig=GRANIAN_LOG,
    ).serve()


def _probe(host: str, port: int) -> None:
    """Bind once without sharing: granian's SO_REUSEPORT would join another server silently."""
    family, _, _, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
    try:
        with socket.create_server(address[:2], family=family):
            pass
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(f"{host}:{port}") from error
        raise
