"""SMTP servers in trouble, for real: nothing is lost, and each answer is told for what it is."""

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from datetime import timedelta
from email import message_from_bytes
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from selfservice.mail import backoff, delivery, outbox
from selfservice.mail import smtp as smtp_connection
from selfservice.mail.outbox import OutboxAttempt, OutboxMail
from tests.conftest import free_port
from tests.smtp import Postbox, listening, misbehaving, queue_one

NOON = "2026-03-01T12:00:00Z"
TEXT_END = b"\r\n.\r\n"


@pytest.fixture
def clock_at() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as machine:
        yield machine


def kept(mail: OutboxMail) -> OutboxMail:
    found: OutboxMail = OutboxMail.get_by_id(mail.id)
    return found


def verdict(mail: OutboxMail) -> tuple[str, str]:
    return kept(mail).state, kept(mail).reason


def test_server_that_is_down_keeps_every_mail_in_its_place(use_smtp: Callable[..., Flask]) -> None:
    port = free_port()
    use_smtp(port)
    mails = [queue_one(f"user{number}@example.com") for number in range(3)]
    report = delivery.deliver_due()
    assert (report.sent, report.deferred) == (0, 1), "the batch stops at the first"
    assert [verdict(mail) for mail in mails] == [("queued", "unreachable"), *[("queued", "")] * 2]
    assert outbox.is_server_paused()
    assert kept(mails[0]).due_at == mails[0].due_at, "it is not the mail's fault"


def test_server_whose_name_is_no_name_keeps_every_mail_in_its_place(
    use_smtp: Callable[..., Flask],
) -> None:
    use_smtp(25, MAIL_SERVER="smtp..example.com")
    mails = [queue_one(f"user{number}@example.com") for number in range(3)]
    report = delivery.deliver_due()
    assert (report.sent, report.deferred) == (0, 1), "the batch stops at the first"
    assert verdict(mails[0]) == ("queued", "unreachable")


def test_server_that_comes_back_gets_everything_in_order(
    use_smtp: Callable[..., Flask], app: Flask
) -> None:
    box = Postbox()
    with listening(box) as port:
        use_smtp(port)
    mails = [queue_one(f"user{number}@example.com") for number in range(3)]
    assert delivery.deliver_due().sent == 0
    with listening(box) as port:
        use_smtp(port)
        assert delivery.deliver_due().sent == 3
    assert box.ids() == [f"<{mail.message_id}>" for mail in mails]
    assert not outbox.is_server_paused()


def test_pause_of_the_server_grows_and_ends(
    use_smtp: Callable[..., Flask], clock_at: time_machine.Traveller
) -> None:
    use_smtp(free_port())
    queue_one()
    for minutes in (1, 2, 5, 5):
        delivery.deliver_due()
        clock_at.shift(timedelta(minutes=minutes, seconds=-1))
        assert outbox.is_server_paused()
        clock_at.shift(timedelta(seconds=1))
        assert not outbox.is_server_paused()


def say_for_ever(connection: socket.socket, line: bytes, pause_seconds: float = 0) -> None:
    with suppress(OSError):
        while True:
            connection.sendall(line)
            time.sleep(pause_seconds)


@pytest.mark.slow
@pytest.mark.parametrize(
    "talk",
    [
        lambda connection: say_for_ever(connection, b"2", pause_seconds=0.1),
        lambda connection: say_for_ever(connection, b"220-" + b"x" * 4000 + b"\r\n"),
        lambda connection: (
            connection.sendall(b"220 here\r\n"),
            say_for_ever(connection, b"250-X more\r\n"),
        ),
    ],
)
def test_answer_without_an_end_is_that_of_a_server_out_of_reach(
    talk: Callable[[socket.socket], None], use_smtp: Callable[..., Flask]
) -> None:
    with misbehaving(talk) as port:
        use_smtp(port, MAIL_TIMEOUT_SECONDS="1")
        mail = queue_one()
        begun = time.monotonic()
        assert delivery.deliver_due().deferred == 1
    assert time.monotonic() - begun < 10
    assert verdict(mail) == ("queued", "unreachable")


def ask_for_what_is_no_base64(connection: socket.socket) -> None:
    with suppress(OSError), connection.makefile("rb") as heard:
        connection.sendall(b"220 here\r\n")
        for line in heard:
            connection.sendall(
                b"334 !a\r\n" if line.startswith(b"AUTH") else b"250-here\r\n250 AUTH LOGIN\r\n"
            )


def announce_a_size_beyond_numbers(connection: socket.socket) -> None:
    with suppress(OSError), connection.makefile("rb") as heard:
        connection.sendall(b"220 here\r\n")
        for line in heard:
            size = b"250-here\r\n250 SIZE %s\r\n" % (b"9" * 5000)
            connection.sendall(size if line.lower().startswith(b"ehlo") else b"550 no\r\n")


@pytest.mark.parametrize(
    ("talk", "told"),
    [
        (ask_for_what_is_no_base64, "unreachable"),
        (announce_a_size_beyond_numbers, "sender_refused"),
    ],
)
def test_server_that_speaks_otherwise_is_no_fault_of_a_mail(
    talk: Callable[[socket.socket], None], told: str, use_smtp: Callable[..., Flask]
) -> None:
    with misbehaving(talk) as port:
        use_smtp(port, MAIL_USERNAME="portail" if told == "unreachable" else "", MAIL_PASSWORD="x")
        mail = queue_one()
        due_at = kept(mail).due_at
        assert delivery.deliver_due().deferred == 1
    assert verdict(mail) == ("queued", told)
    assert kept(mail).due_at == due_at


def test_a_long_answer_is_kept_cut(smtp: Postbox) -> None:
    smtp.answers = ["\r\n".join(["550-5.1.1 no such user " + "x" * 400] * 50 + ["550 5.1.1 end"])]
    mail = queue_one()
    delivery.deliver_due()
    assert verdict(mail) == ("failed", "unknown_address")
    assert len(kept(mail).answer) <= 1004


@pytest.mark.slow
def test_black_hole_costs_its_timeout_once(use_smtp: Callable[..., Flask]) -> None:
    silent = []
    with misbehaving(lambda connection: silent.append(connection.recv(1))) as port:
        use_smtp(port, MAIL_TIMEOUT_SECONDS="1")
        mails = [queue_one() for _ in range(3)]
        report = delivery.deliver_due()
    assert (report.sent, report.deferred) == (0, 1)
    assert verdict(mails[0]) == ("queued", "unreachable")


def test_451_pauses_its_domain_while_the_others_go_on(
    smtp: Postbox, clock_at: time_machine.Traveller
) -> None:
    smtp.answers = ["451 4.3.0 try again later"]
    first, second = (queue_one(f"{name}@slow.example") for name in ("a", "b"))
    queue_one("c@fast.example")
    report = delivery.deliver_due()
    assert (report.sent, report.deferred) == (1, 1)
    assert smtp.recipients == ["a@slow.example", "c@fast.example"], "b was not even tried"
    assert verdict(first) == ("queued", "later")
    assert verdict(second) == ("queued", "")
    assert delivery.deliver_due().sent == 0
    clock_at.shift(timedelta(minutes=1))
    assert delivery.deliver_due().sent == 2


def test_pause_of_a_domain_grows_with_each_451(
    smtp: Postbox, clock_at: time_machine.Traveller
) -> None:
    smtp.rule = lambda _address: "450 4.7.0 slow down"
    for number in range(3):
        queue_one(f"user{number}@slow.example")
    for minutes in (1, 5, 15):
        assert delivery.deliver_due().deferred == 1
        clock_at.shift(timedelta(minutes=minutes, seconds=-1))
        assert delivery.deliver_due().deferred == 0
        clock_at.shift(timedelta(seconds=1))


def test_clock_set_back_ends_a_pause_that_no_domain_gets(
    smtp: Postbox, clock_at: time_machine.Traveller
) -> None:
    smtp.answers = ["451 4.3.0 later"]
    mail = queue_one("a@slow.example")
    delivery.deliver_due()
    clock_at.shift(timedelta(days=-1))
    assert not list(backoff.running())
    outbox.retry(mail.id)
    assert delivery.deliver_due().sent == 1


def test_greylisting_delays_one_recipient_and_then_accepts(
    smtp: Postbox, clock_at: time_machine.Traveller
) -> None:
    smtp.answers = ["451 4.7.1 Greylisted, come back"]
    mail = queue_one("a@grey.example")
    queue_one("b@grey.example")
    report = delivery.deliver_due()
    assert (report.sent, report.deferred) == (1, 1)
    assert verdict(mail) == ("queued", "greylisted")
    clock_at.shift(timedelta(minutes=1))
    assert delivery.deliver_due().sent == 1
    assert smtp.ids()[1] == f"<{mail.message_id}>"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        ("550 5.1.1 no such user", "unknown_address"),
        ("550 Requested action not taken: mailbox unavailable", "unknown_address"),
        ("552 mailbox full", "mailbox_full"),
        ("550 5.2.2 over quota", "mailbox_full"),
        ("550 5.2.1 account disabled", "mailbox_disabled"),
        ("554 5.7.1 blocked by our policy", "spam"),
        ("550 rejected as junk", "spam"),
        ("571 no", "refused"),
    ],
)
def test_final_refusal_of_a_recipient_is_told_for_what_it_is(
    answer: str, reason: str, smtp: Postbox
) -> None:
    smtp.answers = [answer]
    mail = queue_one("nobody@example.com")
    queue_one("pierre@example.com")
    report = delivery.deliver_due()
    assert (report.sent, report.failed) == (1, 1)
    assert verdict(mail) == ("failed", reason)
    assert kept(mail).answer == answer, "the server's own words are kept"
    assert len(smtp.connections) == 1, "a refusal costs no connection"


@pytest.mark.parametrize(
    ("answer", "reason"),
    [("554 5.7.1 looks like spam", "spam"), ("552 5.3.4 message too big", "too_large")],
)
def test_refused_content_is_not_a_refused_address(answer: str, reason: str, smtp: Postbox) -> None:
    smtp.data_answers = [answer]
    mail = queue_one()
    assert delivery.deliver_due().failed == 1
    assert verdict(mail) == ("failed", reason)


def test_mailbox_that_is_full_for_now_is_tried_again(smtp: Postbox) -> None:
    smtp.answers = ["452 4.2.2 mailbox full"]
    mail = queue_one("a@example.com")
    queue_one("b@example.com")
    report = delivery.deliver_due()
    assert (report.sent, report.deferred) == (1, 1)
    assert verdict(mail) == ("queued", "mailbox_full")


def test_refused_sender_fails_no_mail(smtp: Postbox) -> None:
    smtp.sender_answers = ["550 5.1.8 we do not know you"]
    mail = queue_one()
    queue_one("b@example.com")
    report = delivery.deliver_due()
    assert (report.failed, report.deferred) == (0, 1)
    assert verdict(mail) == ("queued", "sender_refused")
    assert delivery.deliver_due().sent == 2, "once the operator has mended it"


def test_server_that_will_not_relay_fails_no_mail(smtp: Postbox) -> None:
    smtp.answers = ["554 5.7.1 Relay access denied"]
    mail = queue_one()
    queue_one("b@example.com")
    assert delivery.deliver_due().failed == 0
    assert verdict(mail) == ("queued", "relay_denied")
    assert delivery.deliver_due().sent == 1, "the other passes before it"


def test_connection_closed_after_so_many_mails_is_opened_again(smtp: Postbox) -> None:
    smtp.sender_answers = ["250 OK", "421 4.7.0 too many mails, closing"]
    for number in range(3):
        queue_one(f"user{number}@example.com")
    assert delivery.deliver_due().sent == 3
    assert len(smtp.mails) == 3


def test_what_the_server_says_after_data_is_kept(smtp: Postbox) -> None:
    smtp.data_answers = ["250 2.0.0 Ok: queued as 4XyZ"]
    mail = queue_one()
    delivery.deliver_due()
    assert kept(mail).answer == "250 2.0.0 Ok: queued as 4XyZ"
    assert OutboxAttempt.get().answer == kept(mail).answer


@pytest.mark.slow
def test_slow_server_is_waited_for(use_smtp: Callable[..., Flask]) -> None:
    box = Postbox()
    box.seconds = 1.0
    with listening(box) as port:
        use_smtp(port, MAIL_TIMEOUT_SECONDS="10")
        queue_one()
        assert delivery.deliver_due().sent == 1


@pytest.mark.slow
def test_server_that_looks_through_a_text_for_a_while_gets_it_once(
    smtp: Postbox, app: Flask
) -> None:
    app.config["MAIL_TIMEOUT_SECONDS"] = 1
    smtp.seconds = 2.0
    queue_one()
    assert delivery.deliver_due().sent == 1
    assert len(smtp.mails) == 1


@pytest.mark.slow
def test_silence_over_a_text_has_an_end(
    smtp: Postbox, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(smtp_connection, "TEXT_SECONDS", 1)
    app.config["MAIL_TIMEOUT_SECONDS"] = 1
    smtp.seconds = 1.5
    mail = queue_one()
    assert delivery.deliver_due().deferred == 1
    assert verdict(mail) == ("queued", "unconfirmed")


@pytest.mark.slow
def test_slow_line_takes_a_heavy_document(use_smtp: Callable[..., Flask]) -> None:
    received: list[int] = []
    with misbehaving(lambda connection: _read_slowly(connection, received)) as port:
        app = use_smtp(port, MAIL_TIMEOUT_SECONDS="1")
        heavy = app.config["DOCUMENTS_DIR"] / "heavy.pdf"
        heavy.parent.mkdir(exist_ok=True)
        heavy.write_bytes(b"%" * 12_000_000)
        queue_one(attachment=("heavy.pdf", "heavy.pdf"))
        begun = time.monotonic()
        assert delivery.deliver_due().sent == 1
    assert time.monotonic() - begun > 2, "much longer than an answer may take"
    assert sum(received) > 12_000_000


def _read_slowly(connection: socket.socket, received: list[int]) -> None:
    """Take a mail at 4 MB a second, of which the system holds little."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    connection.sendall(b"220 here\r\n")
    end = b""
    while heard := connection.recv(80_000):
        received.append(len(heard))
        end = (end + heard)[-5:]
        if heard.upper().startswith(b"DATA"):
            connection.sendall(b"354 go on\r\n")
        elif heard.upper().startswith((b"EHLO", b"MAIL", b"RCPT", b"QUIT")) or end == TEXT_END:
            connection.sendall(b"250 OK\r\n")
        else:
            time.sleep(len(heard) / 4_000_000)


def test_drop_after_data_doubles_at_worst_with_the_same_id(use_smtp: Callable[..., Flask]) -> None:
    received: list[bytes] = []
    with misbehaving(lambda connection: _take_and_drop(connection, received)) as port:
        use_smtp(port)
        with time_machine.travel(NOON, tick=False) as machine:
            mail = queue_one()
            assert delivery.deliver_due().deferred == 1
            assert verdict(mail) == ("queued", "unconfirmed")
            assert delivery.deliver_due().deferred == 0, "not at once again"
            machine.shift(timedelta(minutes=1))
            assert delivery.deliver_due().deferred == 1
    ids = [message_from_bytes(content)["Message-ID"] for content in received]
    assert ids == [f"<{mail.message_id}>"] * 2


def _take_and_drop(connection: socket.socket, received: list[bytes]) -> None:
    """Accept a whole mail and hang up instead of answering."""
    with connection.makefile("rwb") as stream:
        stream.write(b"220 here\r\n")
        stream.flush()
        for line in stream:
            is_data = line.upper().startswith(b"DATA")
            stream.write(b"354 go on\r\n" if is_data else b"250 OK\r\n")
            stream.flush()
            if is_data:
                break
        content = []
        for line in stream:
            if line == b".\r\n":
                break
            content.append(line)
        received.append(b"".join(content))


@pytest.fixture
def self_signed(tmp_path: Path) -> ssl.SSLContext:
    if not shutil.which("openssl"):
        pytest.skip("needs openssl")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=127.0.0.1 -keyout {key}"
    subprocess.run(
        ["openssl", *words.split(), "-out", certificate], check=True, capture_output=True
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def test_self_signed_certificate_is_refused_and_told(
    use_smtp: Callable[..., Flask], self_signed: ssl.SSLContext
) -> None:
    box = Postbox()
    with listening(box, tls=self_signed) as port:
        use_smtp(port, MAIL_USE_TLS="true")
        mail = queue_one()
        report = delivery.deliver_due()
    assert verdict(mail) == ("queued", "certificate")
    assert "self-signed" in report.faults[0]
    assert box.mails == []


def test_mail_past_its_deadline_is_given_up_visibly(
    smtp: Postbox, clock_at: time_machine.Traveller
) -> None:
    smtp.rule = lambda _address: "452 4.2.2 mailbox full"
    mail = queue_one()
    delivery.deliver_due()
    clock_at.shift(outbox.LIFETIME)
    report = delivery.deliver_due()
    assert report.dropped == 1
    assert "mailbox full" in report.faults[0]
    assert verdict(mail) == ("dropped", "mailbox_full")


def test_long_delivery_ends_between_two_mails_when_asked_to(smtp: Postbox) -> None:
    for number in range(3):
        queue_one(f"user{number}@example.com")
    report = delivery.deliver_due(is_stopping=lambda: len(smtp.mails) >= 2)
    assert report.sent == 2
    assert OutboxMail.select().where(OutboxMail.state == "sending").count() == 0
