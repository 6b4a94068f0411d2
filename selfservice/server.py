"""The web server for one host: granian, one worker per core, one request computing at a time.

granian's own WSGI waits for bodies in threads, without a deadline: as many slow clients as threads
freeze it. Here the event loop awaits bodies, and a slow one costs nothing; a request then
computes in the loop itself, alone, which also suits the one lasting SQLite connection.
"""

import asyncio
import errno
import gc
import io
import logging
import os
import socket
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterable
from itertools import chain
from typing import Any, Protocol

from granian import Granian
from granian.constants import Interfaces
from granian.log import LogLevels

from selfservice import files, logs, pipes
from selfservice.files import FileBody, LongBody

KILL_TIMEOUT_SECONDS = 4
MAX_BUFFERED_BYTES = 1024 * 1024
MAX_UNSTREAMED_BYTES = 128 * 1024
BODY_SECONDS = 15
BODILESS = ("GET", "HEAD")
# Python's own 700 would search for cycles several times a page, a twelfth of its time.
COLLECT_AFTER = 50_000, 20, 100

# What granian itself says joins the portal's own lines.
GRANIAN_LOG = {"loggers": {"_granian": {"handlers": [], "propagate": True}}}

Environ = dict[str, Any]
Headers = list[tuple[str, str]]
StartResponse = Callable[..., Any]
Application = Callable[[Environ, StartResponse], Iterable[bytes]]

log = logging.getLogger(__name__)


class PortTakenError(Exception):
    """Another program listens there."""


class Exchange(Protocol):
    """What granian (RSGI) gives to read a body and to answer."""

    def __aiter__(self) -> AsyncIterator[bytes]: ...

    def response_bytes(self, status: int, headers: Headers, body: bytes) -> None: ...

    def response_file(self, status: int, headers: Headers, file: str) -> None: ...

    def response_file_range(
        self, status: int, headers: Headers, file: str, start: int, end: int
    ) -> None: ...

    def response_stream(self, status: int, headers: Headers) -> Any: ...


class Gateway:
    """Takes granian's requests to a WSGI application, each with its whole body.

    A long file goes to granian by its path, to be read no faster than its reader takes it (and
    answered with 404 if it is deleted that instant), a body made while it leaves through a pipe.
    Any other long body waits in memory whole: granian's stream tells nothing of the reader.
    """

    def __init__(self, application: Application) -> None:
        self._application = application

    async def __rsgi__(self, scope: Any, exchange: Exchange) -> None:
        environ = _environ(scope)
        body = b""
        if scope.method not in BODILESS:
            try:
                async with asyncio.timeout(BODY_SECONDS):
                    body = await _read(exchange)
            except TimeoutError:
                log.warning("body too slow", extra={"facts": {"origin": environ["REMOTE_ADDR"]}})
                exchange.response_bytes(408, [("connection", "close")], b"")
                return
            if _is_broken_off(environ, body):
                exchange.response_bytes(400, [("connection", "close")], b"")
                return
        environ["wsgi.input"] = io.BytesIO(body)
        await self._respond(environ, exchange)

    async def _respond(self, environ: Environ, exchange: Exchange) -> None:
        status = 0
        headers: Headers = []

        def start(line: str, given: Headers, _error: object = None) -> None:
            nonlocal status, headers
            status, headers = int(line.split(" ", 1)[0]), given

        chunks = self._application(environ, start)
        try:
            await _answer(exchange, status, headers, chunks)
        finally:
            if hasattr(chunks, "close"):
                chunks.close()


async def _read(exchange: Exchange) -> bytes:
    """Return the body, cut where no form of the portal is so long: the app refuses it then."""
    parts: list[bytes] = []
    size = 0
    async for part in exchange:
        parts.append(part)
        size += len(part)
        if size > MAX_BUFFERED_BYTES:
            break
    return b"".join(parts)


def _is_broken_off(environ: Environ, body: bytes) -> bool:
    """Tell whether the visitor left before the end: half a form must not be taken for a whole."""
    announced = environ.get("CONTENT_LENGTH", "")
    return announced.isdigit() and len(body) < min(int(announced), MAX_BUFFERED_BYTES)


async def _answer(
    exchange: Exchange, status: int, headers: Headers, chunks: Iterable[bytes]
) -> None:
    if isinstance(chunks, LongBody):
        await _send_long(exchange, status, headers, chunks)
        return
    if isinstance(chunks, FileBody) and (span := chunks.span):
        size = span.end - span.start
        if size > MAX_UNSTREAMED_BYTES:
            exchange.response_file_range(status, headers, *span)
        else:
            exchange.response_bytes(status, headers, chunks.file.read(size))
        return
    waiting = iter(chunks)
    beginning: list[bytes] = []
    for chunk in waiting:
        beginning.append(chunk)
        if sum(map(len, beginning)) > MAX_UNSTREAMED_BYTES:
            break
    else:
        exchange.response_bytes(status, headers, b"".join(beginning))
        return
    stream = exchange.response_stream(status, headers)
    for chunk in chain(beginning, waiting):
        await stream.send_bytes(chunk)


async def _send_long(exchange: Exchange, status: int, headers: Headers, body: LongBody) -> None:
    try:
        await pipes.send(exchange, status, headers, body)
    except Exception:  # nothing is sent yet: its visitor must not wait for ever
        log.exception("long body not made")
        exchange.response_bytes(500, [("content-type", "text/plain")], b"")


def _environ(scope: Any) -> Environ:
    """Return the request as WSGI wants it; text is UTF-8 in Latin-1 (PEP 3333)."""
    name, _, port = scope.server.rpartition(":")
    environ: Environ = {
        logs.ARRIVED: time.perf_counter(),
        "REQUEST_METHOD": scope.method,
        "SCRIPT_NAME": "",
        "PATH_INFO": scope.path.encode().decode("latin-1"),
        "QUERY_STRING": scope.query_string.encode().decode("latin-1"),
        "SERVER_NAME": name,
        "SERVER_PORT": port,
        "SERVER_PROTOCOL": f"HTTP/{scope.http_version}",
        "REMOTE_ADDR": scope.client.rpartition(":")[0].strip("[]"),
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope.scheme,
        "wsgi.input_terminated": True,
        "wsgi.file_wrapper": FileBody,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": False,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    if scope.authority:  # HTTP/2
        environ["HTTP_HOST"] = scope.authority
    for header, value in scope.headers.items():
        _add_header(environ, header, value)
    return environ


def _add_header(environ: Environ, header: str, value: str) -> None:
    if "_" in header:
        return  # X_Forwarded_For would pass for X-Forwarded-For
    key = header.upper().replace("-", "_")
    if key not in ("CONTENT_TYPE", "CONTENT_LENGTH"):
        key = f"HTTP_{key}"
    value = value.encode().decode("latin-1")
    separator = "; " if key == "HTTP_COOKIE" else ","
    environ[key] = f"{environ[key]}{separator}{value}" if key in environ else value


def application() -> Gateway:
    """Build the app of one worker (granian's factory)."""
    from selfservice.app import create_app

    files.sweep()
    app = create_app()
    logs.configure(app.config["LOG_LEVEL"])
    # What lives as long as the worker: no collection need walk through it again. A page makes
    # thousands of objects that need no collector to die.
    gc.collect()
    gc.freeze()
    gc.set_threshold(*COLLECT_AFTER)
    return Gateway(app)


def serve(*, host: str, port: int, workers: int | None) -> None:
    """Serve until stopped. Raises PortTakenError where the port is in use, OSError for
    an address that is not of this machine.
    """
    _probe(host, port)
    Granian(
        "selfservice.server:application",
        factory=True,
        interface=Interfaces.RSGI,
        address=host,
        port=port,
        workers=workers or os.cpu_count() or 1,
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
