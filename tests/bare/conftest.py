"""A bare Debian: a root made by debootstrap, entered by chroot, with the project to clone in it."""

import os
import shutil
import subprocess
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

import pytest

from selfservice.config import REPOSITORY
from tests.nginx import TOOLS

PACKAGES = "python3,python3-venv,make,git,ca-certificates"
# How this machine reaches the package index, so that the bare one does; Debian's installer, not
# debootstrap, writes the name of localhost, which Caddy asks for.
LENT = ("/etc/hosts", "/etc/resolv.conf", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
LENT_KEYS = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
IN_A_SPACE_OF_ITS_OWN = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
# The shell stays, as root: who takes another account is not told any more that its parent ended.
ENTER = (
    'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev"'
    ' && chroot --userspec="$1" "$0" sh -c "$2"; exit $?'
)
PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PROJECT = "/srv/portal.git"

needs_debootstrap = pytest.mark.skipif(
    os.geteuid() != 0 or not shutil.which("debootstrap", path=TOOLS),
    reason="needs root and Debian's debootstrap",
)


class Machine:
    """A bare Debian with the project in /srv/portal.git and a user ada who has cloned it."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.output = root.parent / "output"

    @contextmanager
    def at_work(
        self, command: str, *, account: str = "root", stdin: int = subprocess.DEVNULL, **keys: str
    ) -> Iterator[subprocess.Popen[bytes]]:
        """Run a command; when the block ends, all that it has started ends."""
        lent = {key: value for key, value in os.environ.items() if key.startswith(LENT_KEYS)}
        lent.pop("PIP_FIND_LINKS", None)  # a folder of this machine
        home = "/root" if account == "root" else f"/home/{account}"
        words = [*IN_A_SPACE_OF_ITS_OWN, "sh", "-c", ENTER, self.root]
        with self.output.open("wb") as output:
            process = subprocess.Popen(
                [*words, f"{account}:{account}", f"cd {home} && {command}"],
                env=lent | {"HOME": home, "PATH": PATH} | keys,
                stdin=stdin,
                stdout=output,
                stderr=output,
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            if process.stdin:
                process.stdin.close()

    def said(self) -> str:
        return self.output.read_text("utf-8", "replace")


class Shell:
    """Root's shell on a machine, which is given one command after another."""

    def __init__(self, machine: Machine, process: subprocess.Popen[bytes]) -> None:
        self._machine, self._process = machine, process
        self._count = 0
        assert process.stdin
        self._stdin: IO[bytes] = process.stdin

    def run(self, lines: str) -> str:
        """Type lines, as a reader of the guide would; return what they said, fail if one fails."""
        self._count += 1
        script, end = Path(f"typed-{self._count}"), Path(f"done-{self._count}")
        folder = self._machine.root / "run"
        (folder / script).write_text(f"set -e\n{lines}\nset +e\n", "utf-8")
        before = self._machine.output.stat().st_size
        self._stdin.write(f". /run/{script} </dev/null; touch /run/{end}\n".encode())
        self._stdin.flush()
        while not (folder / end).exists():
            said = self._machine.output.read_bytes()[before:].decode("utf-8", "replace")
            assert self._process.poll() is None, f"{lines}\n{said[-5000:]}"
            time.sleep(0.1)
        return self._machine.output.read_bytes()[before:].decode("utf-8", "replace")


@pytest.fixture
def shell() -> Callable[[Machine], AbstractContextManager[Shell]]:
    """Give root's shell on a machine; what it starts lives as long as it does."""

    @contextmanager
    def open_shell(machine: Machine) -> Iterator[Shell]:
        with machine.at_work("exec sh", stdin=subprocess.PIPE) as process:
            yield Shell(machine, process)

    return open_shell


@pytest.fixture(scope="session")
def disk() -> Iterator[Path]:
    """A folder on a disk: a root is of gigabytes, and has devices, which /dev/shm refuses."""
    folder = Path(tempfile.mkdtemp(prefix="selfservice-debian-", dir="/var/tmp"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture(scope="session")
def roots(disk: Path) -> Callable[[str], Path]:
    """Make the root of a version of Debian, once, to be copied."""

    def make(version: str) -> Path:
        root = disk / version
        if not root.exists():
            words = ["--variant=minbase", f"--include={PACKAGES}", version]
            subprocess.run(["debootstrap", *words, root], check=True, stdout=subprocess.DEVNULL)
        return root

    return make


@pytest.fixture(params=["bookworm", "trixie"])
def machine(
    request: pytest.FixtureRequest, roots: Callable[[str], Path], disk: Path
) -> Iterator[Machine]:
    root = disk / "machine"
    subprocess.run(["cp", "--archive", roots(request.param), root], check=True)
    for path in filter(os.path.exists, LENT):
        shutil.copyfile(path, f"{root}{path}")
    bare = ["git", "clone", "--quiet", "--bare", REPOSITORY, f"{root}{PROJECT}"]
    subprocess.run(bare, check=True)
    for words in (
        ["useradd", "--create-home", "ada"],
        ["git", "clone", "--quiet", PROJECT, "/home/ada/portal"],
        ["chown", "-R", "ada:ada", "/home/ada"],
    ):
        subprocess.run(["chroot", root, *words], check=True, stderr=subprocess.DEVNULL)
    yield Machine(root)
    shutil.rmtree(root)


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
