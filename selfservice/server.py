"""The web server of one host: waitress. Several on one host are several units behind the proxy."""

import errno
import logging
import resource
import signal
import sys
from socket import getaddrinfo
from types import FrameType
from typing import Any

from waitress.server import create_server

from selfservice import db, logs, turns
from selfservice.app import create_app
from selfservice.connections import CONNECTIONS, SILENCE_SECONDS, StrictChannel, Waiting

FILES = 8 * CONNECTIONS  # of a service, systemd would open 1024: a connection and its file are two
WAITING_CONNECTIONS = 4 * CONNECTIONS  # beyond, a proxy finds nobody here, and answers 502
MAX_BODY_BYTES = 1024 * 1024
MAX_HEADER_BYTES = 40 * 1024  # nginx passes 32 kB on, and adds its own


class PortTakenError(Exception):
    """Another program listens there."""


def serve(*, host: str, port: int, threads: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first.

    waitress reads each request whole before a thread sees it, and sends each answer outside of
    the threads: a slow visitor costs none. Raises PortTakenError, OSError for an address that is
    not of this machine.
    """
    app = create_app()
    db.configure(app.config["DATABASE_URL"], lock_timeout_seconds=db.VISITOR_LOCK_TIMEOUT_SECONDS)
    turns.share(threads)
    _allow_files()
    for library in ("waitress", app.logger.name):  # each names the path at which it stumbles
        logging.getLogger(library).addFilter(logs.WithoutTokens(app))
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a line for each that waits
    sockets: dict[int, Any] = {}
    try:
        getaddrinfo(host, port)  # waitress would say nothing of a name that nobody knows
        server = create_server(
            app,
            map=sockets,
            host=host,
            port=port,
            threads=threads,
            ident=None,
            connection_limit=CONNECTIONS,
            backlog=WAITING_CONNECTIONS,
            asyncore_use_poll=True,
            channel_timeout=SILENCE_SECONDS,
            cleanup_interval=1,
            max_request_body_size=MAX_BODY_BYTES,
            max_request_header_size=MAX_HEADER_BYTES,
            # ProxyFix reads them, and only those of as many proxies as PROXY_COUNT says.
            clear_untrusted_proxy_headers=False,
            # What is made quicker than it is read goes to the disk; no thread waits for a reader.
            outbuf_high_watermark=sys.maxsize,
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(f"{host}:{port}") from error
        error.filename = f"{host}:{port}"
        raise
    for socket in sockets.values():
        socket.channel_class = StrictChannel
    StrictChannel.proxy_count = app.config["PROXY_COUNT"]
    server.task_dispatcher.queue = Waiting(threads)
    signal.signal(signal.SIGTERM, _stop)
    server.run()


def _allow_files() -> None:
    """Let this process hold a file for each answer, as far as the system permits."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = FILES if hard == resource.RLIM_INFINITY else min(FILES, hard)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, wanted), hard))


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit()
