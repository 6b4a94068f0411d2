"""A page while 200 visitors send their form a byte at a time and 12 read a ZIP of 10 MB slowly."""

import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.client import HTTPConnection
from pathlib import Path
from statistics import median
from threading import Event, Thread

from benchmarks import servers
from benchmarks.instances import Instance
from benchmarks.servers import Page
from benchmarks.table import Line, number

BODIES, READERS = 200, 12
BODY = b"POST /connexion HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n\r\n"
OK = b"HTTP/1.1 200"
RECEIVED_BYTES = 4096
WARM_SECONDS = 3
PAGES, PAUSE_SECONDS = 60, 0.1
GOAL_TIMES, GOAL_MEGABYTES = 3, 20


def measure_slow_visitors(instance: Instance) -> Line:
    with servers.portal(instance) as portal:
        page = Page(portal, "/factures", servers.sign_in(portal, instance.login))
        ids = "&".join(f"id={each}" for each in instance.newest)
        archive = page._replace(path=f"/factures/archive.zip?choix=coches&{ids}")
        servers.load(page, WARM_SECONDS)  # what a server takes to work at all is not theirs
        quiet, idle = _visit(page)
        with _slow_visitors(archive):
            busy, most = _visit(page)
    ratio, grown = median(busy) / median(quiet), most - idle
    return Line(
        f"Une page pendant {BODIES} corps lents et {READERS} lecteurs lents d'un ZIP",
        f"{number(median(busy) * 1000, 1)} ms contre {number(median(quiet) * 1000, 1)} au calme ;"
        f" la plus lente {number(max(busy) * 1000)} ms",
        f"{number(ratio, 1)} ×, {number(grown, 1)} Mo de plus",
        f"≤ {GOAL_TIMES} ×, ≤ {GOAL_MEGABYTES} Mo",
        ratio <= GOAL_TIMES and grown <= GOAL_MEGABYTES,
    )


def _visit(page: Page) -> tuple[list[float], float]:
    """Return the seconds of each page, and the most megabytes that the server held meanwhile."""
    connection = HTTPConnection("127.0.0.1", page.server.port, timeout=60)
    seconds, held = [], []
    for _ in range(PAGES):
        started = time.perf_counter()
        page.ask(connection)
        seconds.append(time.perf_counter() - started)
        held.append(_megabytes(page.server.process))
        time.sleep(PAUSE_SECONDS)
    return seconds, max(held)


def _megabytes(process: int) -> float:
    status = Path(f"/proc/{process}/status").read_text()
    return int(status.partition("VmRSS:")[2].split()[0]) / 1024


@contextmanager
def _slow_visitors(archive: Page) -> Iterator[None]:
    """Keep slow visitors waiting, each moving a little once a second."""
    head = f"GET {archive.path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {archive.cookie}\r\n\r\n"
    with ExitStack() as stack:
        bodies = [stack.enter_context(_connected(archive.server.port, BODY)) for _ in range(BODIES)]
        readers = []
        for _ in range(READERS):  # few archives are written at once: each begins after the other
            reader = stack.enter_context(_connected(archive.server.port, head.encode()))
            assert reader.recv(len(OK), socket.MSG_WAITALL) == OK
            readers.append(reader)
        is_over = Event()

        def move() -> None:
            while not is_over.wait(1):
                for body in bodies:
                    body.send(b"x")
                for reader in readers:
                    assert reader.recv(RECEIVED_BYTES), "un lecteur lent a été congédié"

        mover = Thread(target=move)
        mover.start()
        try:
            yield
        finally:
            is_over.set()
            mover.join()


def _connected(port: int, begun: bytes) -> socket.socket:
    visitor = socket.socket()
    visitor.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVED_BYTES)
    visitor.settimeout(30)
    visitor.connect(("127.0.0.1", port))
    visitor.sendall(begun)
    return visitor
