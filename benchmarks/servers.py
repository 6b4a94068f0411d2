"""Servers side by side, all by granian with one worker per core, and wrk to load them.

The portal runs as « selfservice serve » (RSGI); its peers and the limit by granian's WSGI with one
thread a worker, which suits SQLite best.
"""

import os
import re
import shutil
import socket
import sqlite3
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from http.cookiejar import CookieJar
from pathlib import Path

import tests.nginx
from benchmarks import instances

PEERS = Path(__file__).parent / "peers"
PEERS_PYTHON = Path(__file__).parent / ".venv/bin/python"
PEERS_LOGIN = "lectrice@example.com"
CONNECTIONS = 8
WORKERS = os.cpu_count() or 1
TOKEN = re.compile(r'name="(csrf\w+)"[^>]*value="([^"]+)"')
RATE = re.compile(r"Requests/sec:\s+([\d.]+)")


@dataclass(frozen=True)
class Page:
    """An address to load, with the cookie of a signed-in visitor where it takes one."""

    address: str
    cookie: str = ""


def check_tools() -> None:
    """Raise SystemExit with what is missing and what installs it."""
    for tool in ("wrk", "nginx"):
        if shutil.which(tool, path=tests.nginx.TOOLS) is None:
            raise SystemExit(f"{tool} manque : apt-get install {tool}")
    if not PEERS_PYTHON.exists():
        raise SystemExit("l'environnement des comparaisons manque : make benchmark")


def compare(pages: Mapping[str, Page], *, rounds: int, seconds: int) -> dict[str, float]:
    """Return the median rate of each page, in requests a second, from interleaved rounds."""
    rates: dict[str, list[float]] = {name: [] for name in pages}
    for page in pages.values():
        _load(page, 1)
    for _ in range(rounds):
        for name, page in pages.items():
            rates[name].append(_load(page, seconds))
    return {name: statistics.median(found) for name, found in rates.items()}


def _load(page: Page, seconds: int) -> float:
    command = ["wrk", "-t1", f"-c{CONNECTIONS}", f"-d{seconds}", "-H", f"Cookie: {page.cookie}"]
    run = subprocess.run([*command, page.address], capture_output=True, text=True, check=True)
    found = RATE.search(run.stdout)
    if found is None or "Non-2xx" in run.stdout or "Socket errors" in run.stdout:
        raise SystemExit(f"{page.address} :\n{run.stdout}")
    return float(found[1])


@contextmanager
def portal(instance: Path, *, workers: int = WORKERS, **keys: str) -> Iterator[str]:
    """Serve the portal of an instance; yields its address."""
    port = _free_port()
    address = f"http://127.0.0.1:{port}"
    given = {f"SELFSERVICE_{name}": value for name, value in keys.items()}
    variables = instances.settings(instance) | {"SELFSERVICE_PUBLIC_URL": address} | given
    command = [sys.executable, "-m", "selfservice", "serve", "--port", str(port)]
    with _running([*command, "--workers", str(workers)], variables, port):
        yield address


@contextmanager
def nginx(portal: str) -> Iterator[str]:
    """Put nginx in front of a portal, by the example of deploy/; yields its address."""
    tls = _free_port()
    port = int(portal.rpartition(":")[2])
    with tempfile.TemporaryDirectory() as name:
        main = tests.nginx.configure(Path(name), tls=tls, plain=_free_port(), portal=port)
        with tests.nginx.proxied(main):
            _wait(lambda: _listens(tls))
            yield f"https://127.0.0.1:{tls}"


@contextmanager
def peer(module: str, database: Path) -> Iterator[str]:
    """Serve a peer; yields its address."""
    port = _free_port()
    variables = os.environ | {"PEERS_DATABASE": str(database)}
    command = [str(PEERS_PYTHON), "-m", "granian", "--interface", "wsgi", "--no-ws"]
    command += ["--workers", str(WORKERS), "--blocking-threads", "1", "--port", str(port)]
    with _running([*command, f"{module}:app"], variables, port):
        yield f"http://127.0.0.1:{port}"


@contextmanager
def peers(instance: Path) -> Iterator[dict[str, str]]:
    """Serve the limit and the peers on a copy of an instance's database."""
    database = instance / "peers.db"
    database.unlink(missing_ok=True)
    with sqlite3.connect(instance / "portal.db") as source, sqlite3.connect(database) as target:
        source.backup(target)
    for module in ("with_django", "with_security"):
        subprocess.run(
            [PEERS_PYTHON, f"{module}.py", PEERS_LOGIN, instances.PASSWORD],
            cwd=PEERS,
            env=os.environ | {"PEERS_DATABASE": str(database)},
            check=True,
        )
    with ExitStack() as stack:
        modules = ("hello", "with_django", "with_security")
        yield {name: stack.enter_context(peer(name, database)) for name in modules}


def sign_in(address: str, login: str, *, field: str) -> str:
    """Sign in by the form, as anybody would, and return the cookie."""
    cookies = CookieJar()
    visitor = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(cookies))
    page = visitor.open(f"{address}/connexion", timeout=20).read().decode()
    token = TOKEN.search(page)
    if token is None:
        raise SystemExit(f"{address} : pas de formulaire de connexion")
    fields = {token[1]: token[2], field: login, "password": instances.PASSWORD}
    visitor.open(f"{address}/connexion", urllib.parse.urlencode(fields).encode(), timeout=20)
    return "; ".join(f"{each.name}={each.value}" for each in cookies)


def fetch(page: Page) -> bytes:
    asked = urllib.request.Request(page.address, headers={"Cookie": page.cookie})
    with urllib.request.urlopen(asked, timeout=60) as answer:
        body: bytes = answer.read()
    return body


@contextmanager
def _running(command: list[str], variables: Mapping[str, str], port: int) -> Iterator[None]:
    server = subprocess.Popen(
        command, cwd=PEERS, env=variables, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait(lambda: _answers(port))
        yield
    finally:
        server.terminate()
        try:
            server.wait(timeout=30)
        except subprocess.TimeoutExpired:
            server.kill()
            server.wait()


def _wait(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60
    while not condition():
        if time.monotonic() > deadline:
            raise SystemExit("un serveur ne démarre pas")
        time.sleep(0.1)


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _answers(port: int) -> bool:
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True
    except OSError:
        return False


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
