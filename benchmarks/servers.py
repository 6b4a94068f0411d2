"""The portal and its peers, each by waitress in one process of four threads, and who loads them."""

import os
import re
import socket
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from http.client import HTTPConnection
from http.cookiejar import CookieJar
from pathlib import Path
from statistics import median
from typing import NamedTuple

import tests.nginx
from benchmarks.instances import Instance
from tests.factories import PASSWORD

PEERS = Path(__file__).parent / "peers"
PEERS_PYTHON = Path(__file__).parent / ".venv/bin/python"
THREADS = 4
# As the portal sets them for itself.
WAITRESS = [f"--threads={THREADS}", "--connection-limit=1000", "--asyncore-use-poll"]
MOST_REQUESTS = 5_000  # of one connection in one round
TOKEN = re.compile(r'name="(csrf\w+)"[^>]*value="([^"]+)"')


class Server(NamedTuple):
    """A server of one process, on a port of 127.0.0.1."""

    port: int
    process: int

    def computed_seconds(self) -> float:
        """Return what its process has computed so far, user and system time."""
        fields = Path(f"/proc/{self.process}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Page(NamedTuple):
    """What a visitor asks of a server."""

    server: Server
    path: str
    cookie: str = ""

    def ask(self, connection: HTTPConnection) -> bytes:
        connection.request("GET", self.path, headers={"Cookie": self.cookie})
        answer = connection.getresponse()
        body = answer.read()
        if answer.status != 200:
            raise SystemExit(f"{self.path} : {answer.status}")
        return body

    def get(self) -> bytes:
        return self.ask(HTTPConnection("127.0.0.1", self.server.port, timeout=60))


def compare(pages: Mapping[str, Page], *, rounds: int, seconds: float) -> dict[str, float]:
    """Return the median rate of each page, as `load` gives it, from interleaved rounds."""
    rates: dict[str, list[float]] = {name: [] for name in pages}
    for page in pages.values():
        load(page, seconds / 4)
    for _ in range(rounds):
        for name, page in pages.items():
            rates[name].append(load(page, seconds))
    return {name: median(found) for name, found in rates.items()}


def load(page: Page, seconds: float) -> float:
    """Ask for a page over as many connections as the server has threads.

    Return how many it gives in a second of its own computing: what other programs take of a
    shared machine does not count.
    """
    started, before = time.perf_counter(), page.server.computed_seconds()

    def visit(_: int) -> int:
        connection = HTTPConnection("127.0.0.1", page.server.port, timeout=60)
        for asked in range(MOST_REQUESTS):
            if time.perf_counter() - started > seconds:
                return asked
            page.ask(connection)
        return MOST_REQUESTS

    with ThreadPoolExecutor(THREADS) as visitors:
        asked = sum(visitors.map(visit, range(THREADS)))
    return asked / (page.server.computed_seconds() - before)


@contextmanager
def portal(instance: Instance, **keys: str) -> Iterator[Server]:
    """Serve the portal of an instance."""
    port = free_port()
    keys = {"INSTANCE": str(instance.folder), "PUBLIC_URL": f"http://127.0.0.1:{port}"} | keys
    command = ["-m", "selfservice", "serve", "--port", str(port), "--threads", str(THREADS)]
    settings = {f"SELFSERVICE_{name}": value for name, value in keys.items()}
    with _running([sys.executable, *command], settings, port) as process:
        yield Server(port, process)


@contextmanager
def peer(module: str, instance: Instance) -> Iterator[Server]:
    """Serve a peer on a copy of an instance's database, made once."""
    database = instance.folder / f"{module}.db"
    settings = {"PEERS_DATABASE": str(database)}
    if not database.exists():
        with sqlite3.connect(instance.folder / "portal.db") as source:
            source.backup(sqlite3.connect(database))
    visitor = [instance.login, PASSWORD, instance.client_number, str(instance.user_id)]
    command = [str(PEERS_PYTHON), f"{module}.py", *visitor]
    subprocess.run(command, cwd=PEERS, env=os.environ | settings, check=True)
    port = free_port()
    served = ["-m", "waitress", f"--listen=127.0.0.1:{port}", *WAITRESS, f"{module}:app"]
    with _running([str(PEERS_PYTHON), *served], settings, port) as process:
        yield Server(port, process)


@contextmanager
def nginx(server: Server) -> Iterator[str]:
    """Put nginx in front of a portal, by the example of deploy/; yields its address."""
    tls = free_port()
    with tempfile.TemporaryDirectory() as name:
        main = tests.nginx.configure(
            Path(name), Path(name), tls=tls, plain=free_port(), portal=server.port
        )
        with tests.nginx.proxied(main):
            _wait(f"https://127.0.0.1:{tls}")
            yield f"https://127.0.0.1:{tls}"


def sign_in(server: Server, login: str, *, field: str = "login") -> str:
    """Sign in by the form, as anybody would, and return the cookie."""
    address, cookies = f"http://127.0.0.1:{server.port}/connexion", CookieJar()
    visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    token = TOKEN.search(visitor.open(address, timeout=20).read().decode())
    assert token, f"{address} : pas de formulaire de connexion"
    fields = {token[1]: token[2], field: login, "password": PASSWORD}
    visitor.open(address, urllib.parse.urlencode(fields).encode(), timeout=20)
    return "; ".join(f"{each.name}={each.value}" for each in cookies)


@contextmanager
def _running(command: list[str], settings: Mapping[str, str], port: int) -> Iterator[int]:
    quiet = subprocess.DEVNULL
    server = subprocess.Popen(
        command, cwd=PEERS, env=os.environ | settings, stdout=quiet, stderr=quiet
    )
    try:
        _wait(f"http://127.0.0.1:{port}/")
        yield server.pid
    finally:
        server.terminate()
        server.wait(timeout=30)


def _wait(address: str) -> None:
    """Wait until a server answers, whatever it says."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            urllib.request.urlopen(address, timeout=5, context=tests.nginx.unverified()).close()
        except urllib.error.HTTPError:
            return
        except OSError:
            time.sleep(0.1)
        else:
            return
    raise SystemExit(f"{address} ne répond pas")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
