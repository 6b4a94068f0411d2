"""A bare Debian, a plain user, Python, make and git: the commands of README.md work."""

import re
from pathlib import Path

import pytest

from selfservice.config import REPOSITORY
from tests import papers
from tests.bare.conftest import Machine, answers, needs_debootstrap
from tests.conftest import free_port
from tests.processes import wait_until

README = REPOSITORY / "README.md"
BLOCK = re.compile(r"^```sh\n(.*?)^```", re.MULTILINE | re.DOTALL)
INIT = "selfservice init"
SERVES = "selfservice serve & selfservice worker"
IS_THERE = "test -s ../instance.tar && selfservice companies export diac | grep pierre@example.com"

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


def test_an_instance_of_ones_own_comes_of_the_lines_that_tell_it(machine: Machine) -> None:
    told = next(each for each in BLOCK.findall(README.read_text("utf-8")) if INIT in each)
    # On a port of its own; and the worker beside what follows, as in another terminal.
    here = told.replace(SERVES, f"selfservice serve --port {free_port()} & selfservice worker &")
    assert here != told
    put_a_register_and_a_document(machine.root / "home/ada/portal")
    with machine.at_work(f"cd portal\n{here}\n{IS_THERE}", account="ada") as process:
        process.wait()
    assert process.returncode == 0, machine.said()
    assert "défaut(s)" in machine.said()  # no mail server, no host: the doctor has much to say


def put_a_register_and_a_document(clone: Path) -> None:
    register = "client_number;name;email\n100200;Durand Transports;pierre@example.com\n"
    (clone / "register.csv").write_text(register, "utf-8")
    (clone / "folder").mkdir()
    buyer, seller = papers.client_number("100200"), papers.legal_id("702002221")
    document = papers.pdf(papers.cii(buyer=buyer, seller=seller))
    (clone / "folder/f-1.pdf").write_bytes(document)
