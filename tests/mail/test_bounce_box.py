"""The box of returned mails under kill -9, on PostgreSQL, and on an IMAP server."""

import random
import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from flask import Flask

from selfservice import mail
from selfservice.mail.message import envelope_sender
from selfservice.mail.outbox import OutboxAttempt, OutboxMail
from tests.mail.imap import PASSWORD, Folder, serving_imap
from tests.mail.test_bounces import names, put, sent, shape
from tests.processes import command, start, wait_until
from tests.smtp import queue_one

pytestmark = pytest.mark.slow  # a real IMAP server for each

KILLS = 3


def hold_readings_to_their_promise(instance: Path, box: Path) -> None:
    """Kill readings at work: each mail is returned once, and none is lost."""
    count = 100 * KILLS
    for number in range(count):
        put(box, shape("gmail", sent_nowhere(number)), f"{number:04}.a.host")
    killed_at_work = 0
    for _ in range(KILLS):
        kill_while_at_work(instance, box)
        killed_at_work += returned() < count
    assert killed_at_work, "no reading was killed at work"
    last = command(instance, "mail", "bounce", "--box", MAIL_BOUNCES=str(box))
    assert last.returncode == 0, last.stderr
    assert returned() == count
    assert OutboxAttempt.select().where(OutboxAttempt.outcome == "returned").count() == count
    assert names(box) == {"new": [], "cur": []}


def kill_while_at_work(instance: Path, box: Path) -> None:
    before = returned()
    process = start(instance, "mail", "bounce", "--box", MAIL_BOUNCES=str(box))
    wait_until(lambda: returned() > before or process.poll() is not None)
    try:
        process.wait(timeout=random.uniform(0, 0.05))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()


def sent_nowhere(number: int) -> str:
    """Write a mail as one that a server has accepted; return the address to which it returns."""
    one = queue_one(f"user{number}@example.com")
    address = envelope_sender(one)
    OutboxAttempt.create(mail=one, at=one.created_at, outcome="sent")
    OutboxMail.update(state="sent", sent_at=one.created_at).where(OutboxMail.id == one.id).execute()
    return address


def returned() -> int:
    return int(OutboxMail.select().where(OutboxMail.state == "returned").count())


@pytest.fixture
def box(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / name).mkdir(parents=True)
    return tmp_path / "Maildir"


@pytest.fixture
def app(configure: Callable[..., None], make_app: Callable[[], Flask], box: Path) -> Flask:
    configure(MAIL_BOUNCES=str(box))
    return make_app()


@pytest.mark.slow
def test_killed_and_run_again_ends_as_one_run(app: Flask, instance: Path, box: Path) -> None:
    hold_readings_to_their_promise(instance, box)


@pytest.mark.postgresql
def test_so_it_does_on_postgresql(app: Flask, instance: Path, box: Path) -> None:
    hold_readings_to_their_promise(instance, box)


@pytest.fixture
def folder(
    configure: Callable[..., None],
    make_app: Callable[[], Flask],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Folder]:
    """A folder of an IMAP server, which the app reads."""
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    folder = Folder()
    with serving_imap(folder, tmp_path) as port:
        monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "certificate.pem"))
        account = f"{quote('retours@example.com', safe='')}:{quote(PASSWORD, safe='')}"
        configure(
            MAIL_BOUNCES=f"imaps://{account}@localhost:{port}/Retours", MAIL_TIMEOUT_SECONDS="60"
        )
        make_app()
        yield folder


def test_a_folder_of_an_imap_server_is_read_and_keeps_what_is_not_ours(folder: Folder) -> None:
    _, address = sent()
    ours, other = folder.put(shape("gmail", address)), folder.put(shape("person", address))
    folder.put(shape("postfix", "jean@example.com") + b"x" * 2_000_000)
    assert mail.read_box() == mail.BounceReport(returned=1, ignored=2)
    assert folder.selected == "Retours"
    assert ours not in folder.mails
    assert folder.flags[other] == {"Seen"}
    assert mail.read_box() == mail.BounceReport()


@pytest.mark.parametrize("refused", ["AUTHENTICATE", "SELECT", "SEARCH"])
def test_an_imap_server_that_refuses_is_told_without_the_password(
    folder: Folder, refused: str
) -> None:
    folder.refusing = refused
    with pytest.raises(mail.BoxError) as told:
        mail.read_box()
    assert str(told.value) == "localhost/Retours : le serveur IMAP répond « [ALERT] not now »"


@pytest.mark.parametrize("command", ["AUTHENTICATE", "SELECT", "SEARCH"])
def test_an_imap_server_that_never_ends_is_told(folder: Folder, command: str) -> None:
    folder.endless = command
    with pytest.raises(mail.BoxError, match="localhost/Retours : an answer of more than"):
        mail.read_box()


def test_an_imap_server_that_asks_again_is_told(folder: Folder) -> None:
    folder.is_asking_again = True
    with pytest.raises(mail.BoxError, match=r"localhost/Retours : .* asks for more"):
        mail.read_box()


@pytest.mark.parametrize(
    ("command", "answer"),
    [("AUTHENTICATE", b"+ !a"), ("SELECT", b"* 1 FETCH {%s}" % (b"9" * 5000))],
)
def test_an_imap_server_that_speaks_otherwise_is_told(
    folder: Folder, command: str, answer: bytes
) -> None:
    folder.rambling = {command: answer}
    with pytest.raises(mail.BoxError, match="localhost/Retours : "):
        mail.read_box()


def test_what_an_imap_server_does_not_give_now_waits(folder: Folder) -> None:
    one, address = sent()
    folder.put(shape("gmail", address))
    folder.refusing = "FETCH"
    assert len(mail.read_box().faults) == 1
    folder.refusing = "STORE"
    assert len(mail.read_box().faults) == 1
    assert OutboxMail.get_by_id(one.id).state == "returned"
    folder.refusing = ""
    assert mail.read_box() == mail.BounceReport(ignored=1)
    assert folder.mails == {}


def test_an_unknown_certificate_is_refused(folder: Folder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SSL_CERT_FILE")
    with pytest.raises(mail.BoxError, match="localhost/Retours : le chiffrement échoue"):
        mail.check_box()
