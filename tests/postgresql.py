"""A PostgreSQL server of the tests' own, and a database in it for each instance folder.

`pytest --database postgresql` runs everything on it; tests marked `postgresql` always run on
it, those marked `sqlite` never.
"""

import hashlib
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote

import psycopg
import pytest

from tests.conftest import free_port
from tests.processes import wait_until

BINARIES = Path("/usr/lib/postgresql")
OWNER = "selfservice"
PASSWORD = "p@ss/wörd %"  # as it must be quoted in an address
MISSING = "needs Debian's postgresql: apt-get install postgresql"
is_selected = False
_servers: list["Server"] = []


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=("sqlite", "postgresql"), default="sqlite")


def pytest_configure(config: pytest.Config) -> None:
    global is_selected
    is_selected = config.getoption("--database") == "postgresql"
    if is_selected and not _binaries():
        raise pytest.UsageError(MISSING)


def pytest_unconfigure() -> None:
    while _servers:
        _servers.pop().remove()


@pytest.fixture(autouse=True)
def _own_databases(request: pytest.FixtureRequest, place: Path, tmp_path: Path) -> Iterator[None]:
    """Keep a test off the database it is not about; forget what it made."""
    if is_selected and request.node.get_closest_marker("sqlite"):
        pytest.skip("about SQLite itself")
    if request.node.get_closest_marker("postgresql") and not _binaries():
        pytest.skip(MISSING)
    yield
    for each in _servers:
        each.forget(place)
        each.forget(tmp_path)


@pytest.fixture
def database_url(request: pytest.FixtureRequest, place: Path) -> str | None:
    """The database of the instance under test; None for SQLite in its folder."""
    is_wanted = is_selected or request.node.get_closest_marker("postgresql")
    return url_for(place / "instance") if is_wanted else None


def url_for(instance: Path) -> str:
    """Return the address of the database of an instance folder, made empty at first."""
    return server().url_for(instance)


def copy_instance(source: Path, target: Path) -> None:
    """Copy an instance that nobody uses now, its database too."""
    shutil.copytree(source, target)
    if is_selected:
        server().forget(target)
        server().make(target, template=server().name_for(source))


@cache
def server() -> "Server":
    started = Server()
    _servers.append(started)
    return started


class Server:
    """PostgreSQL on a free port of loopback, its files in a temporary folder."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="selfservice-postgresql-"))
        self._port = free_port()
        self._made: dict[str, Path] = {}
        self._account = _unprivileged()
        if self._account:
            os.chown(self._folder, self._account.pw_uid, self._account.pw_gid)
        self._initialise()
        self.start()

    def start(self) -> None:
        settings = {
            "listen_addresses": "127.0.0.1",
            "port": self._port,
            "unix_socket_directories": "",
            "fsync": "off",  # the machine itself does not fail in tests
            "log_destination": "stderr",
        }
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                # The server ends with the tests, even with killed ones.
                ["setpriv", "--pdeathsig", "QUIT", _binaries() / "postgres"]  # type: ignore[operator]
                + [f"-D{self._folder / 'data'}"]
                + [f"-c{name}={value}" for name, value in settings.items()],
                stderr=log,
                **self._as_somebody_else(),
            )
        wait_until(self._is_ready)

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop at once; SIGKILL is a fault that `start` must recover from."""
        self._process.send_signal(how)
        self._process.wait()

    def remove(self) -> None:
        self.stop()
        shutil.rmtree(self._folder)

    def url_for(self, instance: Path) -> str:
        name = self.name_for(instance)
        if name not in self._made:
            self.make(instance)
        return self._url(name)

    def name_for(self, instance: Path) -> str:
        return f"t{hashlib.sha256(str(instance).encode()).hexdigest()[:20]}"

    def make(self, instance: Path, *, template: str = "template1") -> None:
        name = self.name_for(instance)
        self.execute(f"CREATE DATABASE {name} TEMPLATE {template}")
        self._made[name] = instance

    def forget(self, folder: Path) -> None:
        """Drop the databases of the instances below a folder."""
        for name, instance in list(self._made.items()):
            if instance.is_relative_to(folder):
                self.execute(f"DROP DATABASE {name} WITH (FORCE)")
                del self._made[name]

    def execute(self, statement: str) -> None:
        with psycopg.connect(self._url("postgres"), autocommit=True) as connection:
            connection.execute(statement)  # type: ignore[call-overload]

    def _url(self, name: str) -> str:
        return f"postgresql://{OWNER}:{quote(PASSWORD, safe='')}@127.0.0.1:{self._port}/{name}"

    def _initialise(self) -> None:
        secret = self._folder / "password"
        secret.write_text(PASSWORD, "utf-8")
        secret.chmod(0o644)
        subprocess.run(
            [
                _binaries() / "initdb",  # type: ignore[operator]
                f"--pgdata={self._folder / 'data'}",
                "--auth=scram-sha-256",
                f"--username={OWNER}",
                f"--pwfile={secret}",
                "--no-sync",
                "--encoding=UTF8",
                # An order of its own, as on a French host: one that pages leave to chance shows.
                "--locale-provider=icu",
                "--icu-locale=fr-FR",
                "--locale=C.UTF-8",
            ],
            check=True,
            capture_output=True,
            **self._as_somebody_else(),
        )

    def _as_somebody_else(self) -> dict[str, Any]:
        """The server refuses root."""
        options: dict[str, Any] = {
            "cwd": self._folder,
            "env": {"LC_ALL": "C.UTF-8", "PATH": os.defpath},
            "stdin": subprocess.DEVNULL,
        }
        if self._account:
            ids = {"user": self._account.pw_uid, "group": self._account.pw_gid}
            options |= ids | {"extra_groups": []}
        return options

    def _is_ready(self) -> bool:
        assert self._process.poll() is None, (self._folder / "log").read_text("utf-8")
        try:
            self.execute("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True


def _binaries() -> Path | None:
    """Return the folder of the newest server installed."""
    found = sorted(BINARIES.glob("*/bin/initdb"), key=lambda path: int(path.parts[-3]))
    return found[-1].parent if found else None


def _unprivileged() -> pwd.struct_passwd | None:
    return pwd.getpwnam("postgres") if os.geteuid() == 0 else None
