"""The command line and the server as processes of their own, on an instance under test."""

import os
import signal
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import postgresql
from tests.forked import NOWHERE, Forked

SELFSERVICE = [sys.executable, "-m", "selfservice"]  # started afresh
START_SECONDS = 60.0
servers: dict[int, int] = {}  # the process that serves on a port


def environment(instance: Path, **keys: str) -> dict[str, str]:
    """Return the environment of a process of this instance, hashing made cheap."""
    settings = {
        "INSTANCE": str(instance),
        "MAIL_TRANSPORT": "file",
        "LOG_LEVEL": "warning",  # nobody reads the pipe: it must not fill up
        "PASSWORD_HASH_MEMORY_KIB": "8",
        "PASSWORD_HASH_ITERATIONS": "1",
    } | keys
    if postgresql.is_selected:
        settings.setdefault("DATABASE_URL", postgresql.url_for(instance))
    return dict(os.environ) | {f"SELFSERVICE_{name}": value for name, value in settings.items()}


def start(instance: Path, *words: str, stdout: Path = NOWHERE, **keys: str) -> Forked:
    """Begin to run `selfservice …`; what it writes is appended to a file."""
    return Forked(words, environment(instance, **keys), stdout=stdout)


def command(instance: Path, *words: str, **keys: str) -> subprocess.CompletedProcess[str]:
    """Run `selfservice …` to its end."""
    with tempfile.TemporaryDirectory() as folder:
        outputs = {name: Path(folder, name) for name in ("stdout", "stderr")}
        process = Forked(words, environment(instance, **keys), **outputs)
        try:
            status = process.wait(timeout=120)
        finally:
            process.kill()
        said = {name: path.read_text("utf-8") for name, path in outputs.items()}
    return subprocess.CompletedProcess(words, status, **said)


@contextmanager
def running(instance: Path, *words: str, **keys: str) -> Iterator[Forked]:
    """Run `selfservice …` in the background and stop it at the end.

    What it says goes to `said(instance)`.
    """
    output = said(instance)
    output.touch()
    process = Forked(words, environment(instance, **keys), stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def seconds_of(port: int) -> float:
    """Return the processor time that the server of a port has taken so far."""
    times = Path(f"/proc/{servers[port]}/stat").read_text().rpartition(")")[2].split()
    return (int(times[11]) + int(times[12])) / os.sysconf("SC_CLK_TCK")


def said(instance: Path) -> Path:
    """Return where the background processes of an instance write."""
    return instance.parent / "output.log"


@contextmanager
def serving(instance: Path, port: int, *options: str, **keys: str) -> Iterator[str]:
    """Serve an instance and give its address once it answers."""
    address = f"http://127.0.0.1:{port}"
    keys = {"PUBLIC_URL": address} | keys
    with running(instance, "serve", "--port", str(port), *options, **keys) as process:
        servers[port] = process.pid
        wait_until(lambda: process.poll() is not None or answers(f"{address}/sante"))
        assert process.poll() is None, said(instance).read_text()
        yield address


def wait_until(condition: object, *, seconds: float = START_SECONDS) -> None:
    """Wait for a condition of another process; fail when it never comes."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False
