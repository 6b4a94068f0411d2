"""A bare Debian, a plain user, Python, make and git: the two commands of README.md work."""

import os
import shutil
import subprocess
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from selfservice.config import REPOSITORY
from tests.conftest import free_port
from tests.nginx import TOOLS
from tests.processes import wait_until

PACKAGES = "python3,python3-venv,make,git,ca-certificates"
# How this machine reaches the package index, so that the bare one does.
LENT = ("/etc/resolv.conf", "/etc/pip.conf", "/etc/ssl/certs/ca-certificates.crt")
LENT_KEYS = ("PIP_", "HTTP_PROXY", "HTTPS_PROXY", "http_proxy", "https_proxy")
IN_A_SPACE_OF_ITS_OWN = ("unshare", "--mount", "--pid", "--fork", "--kill-child")
ENTER = (
    'mount -t proc proc "$0/proc" && mount --rbind /dev "$0/dev"'
    ' && exec chroot --userspec=ada:ada "$0" sh -c "cd ~/portal && exec $1"'
)

pytestmark = [
    pytest.mark.soak,
    pytest.mark.skipif(
        os.geteuid() != 0 or not shutil.which("debootstrap", path=TOOLS),
        reason="needs root and Debian's debootstrap",
    ),
]


@pytest.fixture(params=["bookworm", "trixie"])
def machine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """The root of a bare Debian with a user ada, who has cloned the project."""
    root = tmp_path / str(request.param)
    words = ["--variant=minbase", f"--include={PACKAGES}", request.param]
    subprocess.run(["debootstrap", *words, root], check=True, stdout=subprocess.DEVNULL)
    for path in filter(os.path.exists, LENT):
        shutil.copyfile(path, f"{root}{path}")
    subprocess.run(["chroot", root, "useradd", "--create-home", "ada"], check=True)
    subprocess.run(["git", "clone", "--quiet", REPOSITORY, root / "home/ada/portal"], check=True)
    subprocess.run(["chroot", root, "chown", "-R", "ada:ada", "/home/ada"], check=True)
    yield root
    shutil.rmtree(root)


@contextmanager
def at_work(root: Path, command: str, **keys: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a command as ada; when the block ends, all that it has started ends."""
    lent = {key: value for key, value in os.environ.items() if key.startswith(LENT_KEYS)}
    home = {"HOME": "/home/ada", "PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin"}
    words = [*IN_A_SPACE_OF_ITS_OWN, "sh", "-c", ENTER, root, command]
    with (root.parent / "output").open("wb") as output:
        process = subprocess.Popen(words, env=lent | home | keys, stdout=output, stderr=output)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def test_both_commands_work_for_a_plain_user(machine: Path) -> None:
    said, port = machine.parent / "output", free_port()
    with at_work(machine, "make test") as process:
        process.wait()
    assert process.returncode == 0, said.read_text()
    with at_work(machine, "make demo", PORT=str(port)) as process:
        address = f"http://127.0.0.1:{port}/aide/"
        wait_until(lambda: process.poll() is not None or answers(address), seconds=300)
        assert process.poll() is None, said.read_text()


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
