"""A full disk, a read-only disk: a clear answer, nothing half done, and all goes on by itself."""

import os
import re
import sqlite3
import subprocess
import time
import urllib.error
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from selfservice import clock, db
from selfservice.accounts.models import UserSession
from selfservice.invoices.models import Invoice
from tests import papers
from tests.conftest import free_port
from tests.factories import PASSWORD, make_company, make_people
from tests.platform.test_server import TOKEN, Visitor
from tests.processes import answers, command, running, said, serving, wait_until

SIZE_BYTES = 48 * 1024 * 1024


def _may_mount() -> bool:
    return os.geteuid() == 0 and subprocess.run(["unshare", "-m", "true"]).returncode == 0


# The small disk holds the instance: with PostgreSQL its database is elsewhere.
pytestmark = [
    pytest.mark.sqlite,
    pytest.mark.system,
    pytest.mark.skipif(not _may_mount(), reason="only root may mount a small disk"),
]


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


@pytest.fixture
def disk(instance: Path) -> Iterator[Path]:
    """The instance folder as a disk of its own."""
    instance.mkdir()
    mount("-t", "tmpfs", "-o", f"size={SIZE_BYTES},mode=0700", "none", str(instance))
    yield instance
    subprocess.run(["umount", "--lazy", str(instance)], check=True)


@pytest.fixture
def small(disk: Path, make_app: Callable[[], Flask]) -> Flask:
    app = make_app()
    people = make_people()
    make_company(people.supplier, client_number="C-1", email="new@example.com")
    return app


@contextmanager
def full(disk: Path) -> Iterator[None]:
    ballast = disk / "ballast"
    with ballast.open("wb", buffering=0) as file:
        try:
            while True:
                file.write(b"\0" * 4096)
        except OSError:
            pass
    yield
    ballast.unlink()


@contextmanager
def read_only(disk: Path) -> Iterator[None]:
    mount("-o", "remount,ro", str(disk))
    yield
    mount("-o", "remount,rw", str(disk))


def sign_in(address: str, visitor: Visitor | None = None) -> str:
    visitor = visitor or Visitor(address)
    token = TOKEN.search(visitor.get("/connexion"))
    assert token
    fields = {"csrf_token": token[1], "login": "alice", "password": PASSWORD}
    return visitor.post("/connexion", fields)


def refused(address: str) -> str:
    visitor = Visitor(address)
    with pytest.raises(urllib.error.HTTPError) as raised:
        sign_in(address, visitor)
    assert raised.value.code == 503
    assert raised.value.headers["Retry-After"]
    return visitor.refusal


def let_it_rest() -> None:
    """Leave the sessions unused for a while: the next use is noted before any page is made."""
    UserSession.update(used_at=clock.now() - timedelta(minutes=5)).execute()


def assert_is_bare(visitor: Visitor, path: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as raised:
        visitor.get(path)
    assert raised.value.code == 503, visitor.refusal
    assert raised.value.headers["Retry-After"]
    assert "momentanément indisponible" in visitor.refusal
    assert "Atelier Alice" not in visitor.refusal


def is_ill(address: str) -> bool:
    try:
        Visitor(address).get("/sante")
    except urllib.error.HTTPError as error:
        return error.code == 503
    except urllib.error.URLError:  # not there yet
        return False
    return False


def test_visitors_get_503_while_the_disk_is_full_and_then_sign_in(small: Flask, disk: Path) -> None:
    with serving(disk, free_port()) as address:
        assert sign_in(address).endswith("/factures")
        sessions = UserSession.select().count()
        with full(disk):
            assert "momentanément indisponible" in refused(address)
            wait_until(lambda: is_ill(address))  # an answer is kept for a second
        assert UserSession.select().count() == sessions
        assert sign_in(address).endswith("/factures")


def test_who_is_signed_in_gets_the_same_page_and_the_log_one_line(small: Flask, disk: Path) -> None:
    with serving(disk, free_port()) as address:
        alice = Visitor(address)
        sign_in(address, alice)
        let_it_rest()
        with full(disk):
            for path in ("/factures", "/profil/compte", "/administration/utilisateurs"):
                assert_is_bare(alice, path)
        assert "Atelier Alice" in alice.get("/profil/compte")
    told = said(disk).read_text("utf-8").splitlines()
    assert len(told) == 1, told


def test_commands_say_in_one_line_that_the_disk_is_full_and_can_be_repeated(
    small: Flask, disk: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "depot"
    folder.mkdir()
    for each in range(3):
        xml = papers.cii(
            number=f"F-{each}",
            buyer=papers.client_number("C-1"),
            issued=f"{clock.today():%Y%m%d}",
        )
        (folder / f"{each}.pdf").write_bytes(papers.pdf(xml))
    commands = [
        ("invoices", "deposit", "diac", str(folder)),
        ("notifications", "send"),
        ("backup", str(disk / "backup.tar")),
        ("mail", "deliver"),
    ]
    for words in commands:
        with full(disk):
            done = command(disk, *words)
            assert done.returncode == 1, words
            said = [line for line in done.stderr.splitlines() if not line.startswith("{")]
            assert len(said) == 1, (words, done.stderr)
            assert re.search("le disque est plein|disk is full", said[0]), said
        assert not list(disk.glob(".backup*"))
        again = command(disk, *words)
        assert again.returncode == 0, (words, again.stderr)
    assert Invoice.select().count() == 3
    assert len(list((disk / "mail").glob("*.eml"))) == 1


def test_commands_say_in_one_line_that_the_disk_is_read_only_and_can_be_repeated(
    small: Flask, disk: Path
) -> None:
    db.database.close()
    commands = [("notifications", "send"), ("mail", "deliver")]
    with read_only(disk):
        for words in commands:
            done = command(disk, *words)
            assert done.returncode == 1, words
            assert len(done.stderr.strip().splitlines()) == 1, (words, done.stderr)
    for words in commands:
        assert command(disk, *words).returncode == 0, words
    db.ensure_open()


@pytest.mark.parametrize(
    ("spoilt", "line"), [(full, "Place libre : 0 Mo sous"), (read_only, "lecture seule")]
)
def test_doctor_names_a_disk_that_is_full_or_read_only(
    small: Flask, disk: Path, spoilt: Callable[[Path], AbstractContextManager[None]], line: str
) -> None:
    db.database.close()
    with spoilt(disk):
        done = command(disk, "doctor")
    assert done.returncode == 1
    assert any(line in each for each in done.stdout.splitlines() if each.startswith("défaut"))
    db.ensure_open()


def test_services_started_on_a_read_only_disk_wait_for_it(small: Flask, disk: Path) -> None:
    db.database.close()
    address = f"http://127.0.0.1:{(port := free_port())}"
    with ExitStack() as stack:
        with read_only(disk):
            web = stack.enter_context(running(disk, "serve", "--port", str(port)))
            worker = stack.enter_context(running(disk, "worker"))
            wait_until(lambda: said(disk).read_text("utf-8").count("waiting for the database") > 1)
            assert web.poll() is None and worker.poll() is None
        wait_until(lambda: answers(f"{address}/sante"))
        assert sign_in(address).endswith("/factures")
        assert worker.poll() is None
    db.ensure_open()


def test_a_disk_that_is_read_only_at_the_start_is_written_again_by_itself(
    small: Flask, disk: Path
) -> None:
    alice = Visitor("")
    with serving(disk, free_port()) as alice.address:
        sign_in(alice.address, alice)
    let_it_rest()
    # What a process that was killed left: without it, nothing starts on such a disk.
    names = ("portal.db-wal", "portal.db-shm")
    left = {name: (disk / name).read_bytes() for name in names}
    db.database.close()
    for name, content in left.items():
        (disk / name).write_bytes(content)
    mount("-o", "remount,ro", str(disk))
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    with running(disk, "serve", "--port", str(port)):
        wait_until(lambda: is_ill(address))
        for _ in range(8):  # each thread has its connection
            assert "momentanément indisponible" in refused(address)
        alice.address = address
        assert_is_bare(alice, "/factures")
        mount("-o", "remount,rw", str(disk))
        wait_until(lambda: not is_ill(address))
        for _ in range(8):
            assert sign_in(address).endswith("/factures")
        assert "Atelier Alice" in alice.get("/profil/compte")
    db.ensure_open()
    assert len(said(disk).read_text("utf-8").splitlines()) == 1


def test_a_lock_held_elsewhere_costs_a_visitor_two_seconds(small: Flask, disk: Path) -> None:
    with serving(disk, free_port()) as address:
        assert sign_in(address).endswith("/factures")
        with closing(sqlite3.connect(disk / "portal.db", isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            before = time.monotonic()
            assert "momentanément indisponible" in refused(address)
            assert 1.5 < time.monotonic() - before < db.LOCK_TIMEOUT_SECONDS, "a command's patience"
            wait_until(lambda: is_ill(address))
        assert sign_in(address).endswith("/factures")
