"""The command line and the server as processes of their own, on an instance under test."""

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests import postgresql

SELFSERVICE = [sys.executable, "-m", "selfservice"]
START_SECONDS = 60.0


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


def command(instance: Path, *words: str, **keys: str) -> subprocess.CompletedProcess[str]:
    """Run `selfservice …` to its end."""
    return subprocess.run(
        [*SELFSERVICE, *words],
        env=environment(instance, **keys),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@contextmanager
def running(instance: Path, *words: str, **keys: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run `selfservice …` in the background and stop it at the end.

    What it says goes to `said(instance)`: an unread pipe would fill and block it.
    """
    with said(instance).open("ab") as output:
        process = subprocess.Popen(
            [*SELFSERVICE, *words], env=environment(instance, **keys), stdout=output, stderr=output
        )
    try:
        yield process
    finally:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def said(instance: Path) -> Path:
    """Return where the background processes of an instance write."""
    return instance.parent / "output.log"


@contextmanager
def serving(instance: Path, port: int, **keys: str) -> Iterator[str]:
    """Serve an instance with two workers and give its address once it answers."""
    address = f"http://127.0.0.1:{port}"
    keys = {"PUBLIC_URL": address} | keys
    with running(instance, "serve", "--port", str(port), "--workers", "2", **keys) as process:
        wait_until(lambda: process.poll() is not None or _answers(f"{address}/sante"))
        assert process.poll() is None, said(instance).read_text()
        yield address


def wait_until(condition: object, *, seconds: float = START_SECONDS) -> None:
    """Wait for a condition of another process; fail when it never comes."""
    deadline = time.monotonic() + seconds
    while not condition():  # type: ignore[operator]
        assert time.monotonic() < deadline, "it never came"
        time.sleep(0.02)


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=2):
            return True
    except (urllib.error.URLError, OSError):
        return False
