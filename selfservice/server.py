"""The web server of one host: waitress. Several on one host are several units behind the proxy."""

import errno
import logging
import signal
import sys
from types import FrameType

from waitress.server import create_server

from selfservice import logs
from selfservice.app import create_app

CONNECTIONS = 1000
SILENCE_SECONDS = 20  # after which a connection that sends or takes nothing is closed
MAX_BODY_BYTES = 1024 * 1024


class PortTakenError(Exception):
    """Another program listens there."""


def serve(*, host: str, port: int, threads: int) -> None:
    """Serve until SIGTERM or SIGINT; requests under way are answered first.

    waitress reads each request whole before a thread sees it, and sends each answer outside of
    the threads: a slow visitor costs none. Raises PortTakenError, OSError for an address that is
    not of this machine.
    """
    app = create_app()
    logs.configure(app.config["LOG_LEVEL"])
    logging.getLogger("waitress.queue").setLevel(logging.ERROR)  # a line for each that waits
    try:
        server = create_server(
            app,
            host=host,
            port=port,
            threads=threads,
            ident=None,
            connection_limit=CONNECTIONS,
            asyncore_use_poll=True,
            channel_timeout=SILENCE_SECONDS,
            cleanup_interval=SILENCE_SECONDS // 4,
            max_request_body_size=MAX_BODY_BYTES,
            # ProxyFix reads them, and only those of as many proxies as PROXY_COUNT says.
            clear_untrusted_proxy_headers=False,
            # What is made quicker than it is read goes to the disk; no thread waits for a reader.
            outbuf_high_watermark=sys.maxsize,
        )
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise PortTakenError(f"{host}:{port}") from error
        raise
    signal.signal(signal.SIGTERM, _stop)
    server.run()


def _stop(_number: int, _frame: FrameType | None) -> None:
    sys.exit()
