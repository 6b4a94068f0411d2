"""plusieurs-hotes.md as it is written: two hosts, their files, one portal; and one secret key."""

import re
import shutil
import socket
import urllib.error
import urllib.request
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path

import pytest
from flask import Flask

from selfservice.config import REPOSITORY
from selfservice.invoices.models import Invoice
from selfservice.operations import doctor, shared_key
from selfservice.operations.shared_key import KeyFingerprint
from selfservice.suppliers.models import Company
from tests import nginx, papers, postgresql
from tests.conftest import free_port
from tests.factories import PASSWORD, make_people
from tests.nginx import TOOLS, Visitor
from tests.processes import command, running, said, wait_until

EXAMPLE = REPOSITORY / "deploy/several-hosts"

OTHER = "another-host-made-its-own-" + "k" * 30


def test_host_with_another_key_is_refused_in_one_line(app: Flask, instance: Path) -> None:
    for words in (("serve", "--port", str(free_port())), ("worker",), ("init",)):
        done = command(instance, *words, SECRET_KEY=OTHER)
        assert done.returncode == 1, words
        (line,) = done.stderr.splitlines()
        assert "n'est pas celle du portail" in line
        assert OTHER not in line
    done = command(instance, "doctor", SECRET_KEY=OTHER)
    assert "défaut\tClé secrète : " in done.stdout + done.stderr
    assert command(instance, "init").returncode == 0, "the first host goes on"


def test_key_that_comes_in_beside_the_former_becomes_the_portals(
    app: Flask, instance: Path
) -> None:
    former = app.config["SECRET_KEY"]
    keys = {"SECRET_KEY": OTHER, "SECRET_KEY_FALLBACKS": former}
    assert command(instance, "init", **keys).returncode == 0
    assert KeyFingerprint.get().digest == shared_key.fingerprint(OTHER)
    assert command(instance, "init", SECRET_KEY=OTHER).returncode == 0, "the former may go"
    assert command(instance, "init").returncode == 1, "a host that still has the former alone"


def test_stolen_key_is_replaced_at_once(app: Flask, instance: Path) -> None:
    assert command(instance, "init", "--new-key", SECRET_KEY=OTHER).returncode == 0
    assert command(instance, "init", SECRET_KEY=OTHER).returncode == 0


def test_database_holds_no_key(app: Flask, instance: Path) -> None:
    (row,) = KeyFingerprint.select().tuples()
    assert app.config["SECRET_KEY"] not in row
    assert len(row[1]) == 64


@pytest.mark.parametrize("is_known", [True, False])
def test_doctor_looks_and_changes_nothing(app: Flask, is_known: bool) -> None:
    if not is_known:
        KeyFingerprint.delete().execute()
    assert "other_key" not in {each.name for each in doctor.examine_instance()}
    assert KeyFingerprint.select().exists() is is_known


def host_words(address: str) -> tuple[str, ...]:
    """Return the command of the example's unit on a host, for an address of this machine."""
    unit = (EXAMPLE / "selfservice-web.conf").read_text("utf-8")
    (line,) = re.findall(r"^ExecStart=\S+selfservice (.+)$", unit, re.MULTILINE)
    host, port = address.split(":")
    return tuple(line.replace("10.0.0.11", host).replace("%i", port).split())


@pytest.fixture
def hosts(
    configure: Callable[..., None],
    instance: Path,
    make_app: Callable[[], Flask],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    database_url: str,
) -> tuple[Path, Path]:
    """The instances of two hosts with the settings of the example; the people are in its base."""
    text = (EXAMPLE / "config.toml").read_text("utf-8")
    for old, new in {
        "postgresql://portail:secret@10.0.0.20/portail": database_url,
        "/srv/portail/documents": str(tmp_path / "shared"),
        "replace-me-by-a-random-text-of-48-characters-or-more": OTHER,
    }.items():
        assert old in text
        text = text.replace(old, new)
    folders = (instance, tmp_path / "second")
    for folder in folders:
        folder.mkdir()
        (folder / "config.toml").write_text(text)
    make_app()
    make_people()
    monkeypatch.delenv("SELFSERVICE_DATABASE_URL")
    return folders


@pytest.mark.postgresql
@pytest.mark.system
@pytest.mark.skipif(not shutil.which("nginx", path=TOOLS), reason="needs nginx")
def test_two_hosts_are_one_portal(
    hosts: tuple[Path, Path], tmp_path: Path, database_url: str
) -> None:
    first, second = hosts
    # Where all tests run on PostgreSQL, each instance would have a database of its own.
    shared = {"DATABASE_URL": database_url} if postgresql.is_selected else {}
    addresses = [f"127.0.0.1:{free_port()}" for _ in hosts]
    upstream = (EXAMPLE / "upstream.conf").read_text("utf-8")
    for old, new in zip(("10.0.0.11:8000", "10.0.0.12:8000"), addresses, strict=True):
        assert old in upstream
        upstream = upstream.replace(old, new)
    tls = free_port()
    main = nginx.configure(tmp_path, first, tls=tls, plain=free_port(), upstream=upstream)
    for folder in hosts:
        assert command(folder, "init", **shared).returncode == 0
    logged = {"LOG_LEVEL": "info"} | shared
    with ExitStack() as running_now:
        enter = running_now.enter_context
        enter(running(first, "worker", **shared))
        webs = [
            enter(running(folder, *host_words(address), **logged))
            for folder, address in zip(hosts, addresses, strict=True)
        ]
        enter(nginx.proxied(main))
        alice = Visitor(tls)
        wait_until(lambda: [answers(address) for address in addresses] == [True, True])
        wait_until(lambda: is_open(tls))
        alice.submit("/connexion", login="alice", password=PASSWORD)
        for _ in range(6):
            assert "Atelier Alice" in alice.ask("/profil/compte").decode()
        for folder in hosts:
            assert '"/profil/compte"' in said(folder).read_text("utf-8"), "both have answered"

        depot = tmp_path / "depot"
        depot.mkdir()
        company = Company.get(Company.name == "Atelier Alice")
        Company.update(email="new@example.com", email_key="new@example.com").execute()
        (depot / "f.pdf").write_bytes(papers.facturx(company))
        done = command(second, "invoices", "deposit", "diac", str(depot), **shared)
        assert done.returncode == 0, done.stderr
        done = command(second, "notifications", "send", **shared)  # it wakes the first's worker
        assert done.returncode == 0, done.stderr
        wait_until(lambda: list((first / "mail").glob("*.eml")))
        webs[0].kill()
        webs[0].wait()
        number = Invoice.select(Invoice.id).where(Invoice.company == company).get().id
        for _ in range(4):
            assert alice.ask(f"/factures/{number}.pdf").startswith(b"%PDF")


def is_open(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(f"http://{address}/sante", timeout=5):
            return True
    except urllib.error.HTTPError:
        return True  # by another name than the portal's
    except OSError:
        return False
