"""A bare Debian, a plain user, Python, make and git: the two commands of README.md work."""

import pytest

from tests.bare.conftest import Machine, answers, needs_debootstrap
from tests.conftest import free_port
from tests.processes import wait_until

pytestmark = [pytest.mark.soak, needs_debootstrap]


def test_both_commands_work_for_a_plain_user(machine: Machine) -> None:
    port = free_port()
    with machine.at_work("cd portal && exec make test", account="ada") as process:
        process.wait()
    assert process.returncode == 0, machine.said()
    with machine.at_work("cd portal && exec make demo", account="ada", PORT=str(port)) as process:
        address = f"http://127.0.0.1:{port}/aide/"
        wait_until(lambda: process.poll() is not None or answers(address), seconds=3600)
        assert process.poll() is None, machine.said()
