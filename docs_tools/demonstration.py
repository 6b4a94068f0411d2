"""A demonstration of the portal for one run of screenshots: own folder, own port, stopped clock."""

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path
from types import TracebackType
from typing import Self

from selfservice import config
from selfservice.demo import register

INSTANT = "2026-11-21T09:30:00"
FILLED_AT = "2026-11-21T09:00:00"  # no code of an adviser serves twice, and this clock stops
START_SECONDS = 60
# The clock stands still: the portal's limits would never heal.
UNLIMITED = "100000/hour"
LIMITS = [key.name for key in config.KEYS if key.name.startswith("LIMIT_")]


class Demonstration:
    """Fill a fresh instance and serve it while the context lasts."""

    def __init__(self, folder: Path, *, instant: str = INSTANT) -> None:
        self._instance = folder / "instance"
        port = _free_port()
        self.address = f"http://127.0.0.1:{port}"
        self._port = port
        self._environment = {
            name: value for name, value in os.environ.items() if not name.startswith("SELFSERVICE_")
        } | {
            "SELFSERVICE_INSTANCE": str(self._instance),
            "SELFSERVICE_CLOCK": instant,
            "SELFSERVICE_PUBLIC_URL": self.address,
            **{f"SELFSERVICE_{name}": UNLIMITED for name in LIMITS},
        }

    def __enter__(self) -> Self:
        self._run("demo", instant=FILLED_AT)
        self._server = subprocess.Popen(
            self._command("serve", "--port", str(self._port)),
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self._wait()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._server.terminate()
        self._server.wait(timeout=START_SECONDS)

    @property
    def advisers(self) -> dict[str, str]:
        """Return the passwords of the advisers, who have a second factor."""
        return {adviser.login: adviser.password for adviser in register.ADVISERS}

    def password(self, login: str) -> str:
        """Return the preset password of a login of the demonstration."""
        added = {colleague.login: colleague.password for colleague in register.COLLEAGUES}
        return {**register.PASSWORDS, **added, **self.advisers}[login]

    def deliver_mail(self) -> None:
        """Deliver what waits into an empty mailbox: with a stopped clock none is the newest."""
        for mail in (self._instance / "mail").glob("*.eml"):
            mail.unlink()
        self._run("mail", "deliver")

    def _run(self, *arguments: str, instant: str = "") -> None:
        environment = self._environment
        if instant:
            environment = environment | {"SELFSERVICE_CLOCK": instant}
        subprocess.run(
            self._command(*arguments), env=environment, check=True, stdout=subprocess.DEVNULL
        )

    def _command(self, *arguments: str) -> list[str]:
        return [str(Path(sys.executable).with_name("selfservice")), *arguments]

    def _wait(self) -> None:
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline:
            try:
                with urllib.request.urlopen(f"{self.address}/sante"):  # noqa: S310 (own address)
                    return
            except urllib.error.URLError:
                time.sleep(0.1)
        raise TimeoutError(self.address)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    return port
