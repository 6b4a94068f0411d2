"""Mails that come back: what servers write of them, and what it changes."""

import time
from collections.abc import Callable
from email.message import EmailMessage
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from flask import Flask

from selfservice import mail, worker
from selfservice.cli import cli
from selfservice.mail import delivery, dsn
from selfservice.mail.message import envelope_sender
from selfservice.mail.outbox import OutboxAttempt, OutboxMail
from selfservice.notifications import messages
from selfservice.queue import queue
from tests.smtp import Postbox, listening, queue_one

SHAPES = Path(__file__).parent / "bounces"
MEANINGS = {
    "postfix": "unknown_address",
    "postfix-no-domain": "unknown_address",
    "postfix-given-up": "unanswered",
    "postfix-delayed": "delayed",
    "exchange-online": "unknown_address",
    "exchange-online-expired": "unanswered",
    "exchange-2016": "mailbox_full",
    "exchange-delayed": "delayed",
    "gmail": "unknown_address",
    "gmail-full": "mailbox_full",
    "gmail-unproven": "refused_there",
    "gmail-delayed": "delayed",
    "orange": "unknown_address",
    "orange-full": "mailbox_full",
    "ovh": "unknown_address",
    "ovh-qmail": "mailbox_full",
    "qmail": "unknown_address",
    "exim": "spam",
    "exim-plain": "unknown_address",
    "exim-delayed": "delayed",
    "in-utf-8": "mailbox_disabled",
    "absence": None,
    "person": None,
    "receipt": None,
    "complaint": None,
    "relayed": None,
}


def shape(name: str, return_address: str = "facture+1-0-x@example.com") -> bytes:
    text = (SHAPES / f"{name}.eml").read_text("utf-8")
    return text.replace("{return_address}", return_address).encode()


def sent(address: str = "pierre@example.com", **fields: object) -> tuple[OutboxMail, str]:
    """Return a mail that a server has accepted, and the address to which it returns."""
    queued = queue_one(address, **fields)
    return_address = envelope_sender(queued)
    delivery.deliver_due()
    return kept(queued), return_address


def kept(one: OutboxMail) -> OutboxMail:
    found: OutboxMail = OutboxMail.get_by_id(one.id)
    return found


@pytest.fixture
def box(tmp_path: Path) -> Path:
    for name in ("new", "cur", "tmp"):
        (tmp_path / "Maildir" / name).mkdir(parents=True)
    return tmp_path / "Maildir"


@pytest.fixture
def app(configure: Callable[..., None], make_app: Callable[[], Flask], box: Path) -> Flask:
    configure(MAIL_BOUNCES=str(box))
    return make_app()


def put(box: Path, content: bytes, name: str = "1.a.host") -> None:
    (box / "new" / name).write_bytes(content)


def names(box: Path) -> dict[str, list[str]]:
    return {part: sorted(path.name for path in (box / part).iterdir()) for part in ("new", "cur")}


@pytest.mark.parametrize("name", sorted(path.stem for path in SHAPES.iterdir()))
def test_each_server_is_understood(name: str) -> None:
    notice = dsn.read(shape(name))
    assert (notice and notice.reason) == MEANINGS[name], notice


def test_a_returned_mail_says_why_everywhere(app: Flask) -> None:
    one, address = sent()
    assert mail.receive(shape("gmail", address)).outcome == "returned"
    found = kept(one)
    assert (found.state, found.reason) == ("returned", "unknown_address")
    assert f"{messages.state_of(found)} : {messages.why(found)}" == "Revenu : adresse inconnue"
    assert found.answer.startswith("550 5.1.1 The email account that you tried to reach does not")
    assert [each.outcome for each in mail.attempts_of(found)] == ["sent", "returned"]


def test_the_servers_own_words_are_kept_as_they_are() -> None:
    notice = dsn.read(shape("orange"))
    assert notice and str(notice.reply) == (
        "550 5.1.1 Adresse d au moins un destinataire invalide. Invalid recipient. OFR_416 [416]"
    )


def test_a_delay_is_no_failure_and_is_told_once(app: Flask) -> None:
    one, address = sent()
    outcomes = [mail.receive(shape("postfix-delayed", address)).outcome for _ in range(2)]
    assert outcomes == ["delayed", "known"]
    assert (kept(one).state, kept(one).reason) == ("sent", "delayed")
    assert mail.receive(shape("postfix-given-up", address)).outcome == "returned"


@pytest.mark.parametrize("name", [name for name, reason in MEANINGS.items() if reason is None])
def test_an_answer_that_is_no_failure_changes_nothing(app: Flask, name: str) -> None:
    one, address = sent()
    assert mail.receive(shape(name, address)).outcome == "harmless"
    assert kept(one).__data__ == one.__data__


def test_a_forged_one_changes_nothing(app: Flask) -> None:
    one, address = sent()
    other, _ = sent("claire@example.com")
    local, domain = address.split("@")
    signature = local.rpartition("-")[2]
    for forged in (
        f"facture@{domain}",
        f"facture+{one.id}-0-{'a' * 16}@{domain}",
        f"facture+{other.id}-0-{signature}@{domain}",
        f"facture+{one.id}-1-{signature}@{domain}",
        f"facture+999999999-0-{signature}@{domain}",
    ):
        assert mail.receive(shape("postfix", forged)).outcome == "foreign"
    assert {each.state for each in OutboxMail.select()} == {"sent"}


def test_a_replayed_one_changes_nothing_even_after_the_mail_left_again(app: Flask) -> None:
    one, address = sent()
    content = shape("postfix", address)
    assert mail.receive(content).outcome == "returned"
    assert mail.receive(content).outcome == "known"
    mail.retry(one.id)
    assert mail.receive(content).outcome == "known"
    second = envelope_sender(kept(one))
    delivery.deliver_due()
    assert mail.receive(content).outcome == "known"
    assert kept(one).state == "sent"
    assert mail.receive(shape("postfix", second)).outcome == "returned"
    assert OutboxAttempt.select().count() == 4


def test_a_signature_of_a_former_key_still_counts(app: Flask) -> None:
    _, address = sent()
    app.config["SECRET_KEY_FALLBACKS"] = [app.config["SECRET_KEY"]]
    app.config["SECRET_KEY"] = "another key of thirty-two characters"
    assert mail.receive(shape("postfix", address.upper())).outcome == "returned"


def test_one_that_comes_before_its_mail_is_on_record_waits(app: Flask, box: Path) -> None:
    one = queue_one()
    OutboxMail.update(state="sending").execute()
    put(box, shape("postfix", envelope_sender(one)))
    assert mail.read_box() == mail.BounceReport()
    assert names(box)["new"] == ["1.a.host"]
    delivery.deliver_due()  # whoever sent it was killed: it goes again
    assert mail.read_box().returned == 1
    assert names(box)["new"] == []


def test_the_box_keeps_what_is_no_return_of_ours(app: Flask, box: Path) -> None:
    _, address = sent()
    put(box, shape("postfix", address), "1.a.host")
    put(box, shape("person", address), "2.b.host")
    put(box, shape("postfix", "jean@example.com"), "3.c.host")
    (box / "new" / "4.d.host").symlink_to("/etc/passwd")
    report = mail.read_box()
    assert (report.returned, report.ignored) == (1, 2)
    assert "4.d.host" in report.faults[0]
    assert names(box) == {"new": ["4.d.host"], "cur": ["2.b.host:2,S", "3.c.host:2,S"]}


HUGE = b"x" * 79 + b"\n"


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(lambda one: one + HUGE * 131_072, id="10 MB after it"),
        pytest.param(lambda one: b"X: y\n" + HUGE * 131_072 + one, id="10 MB before it"),
        pytest.param(lambda one: _nested(one, 50), id="50 deep"),
        pytest.param(lambda one: _nested(one, 5000), id="5000 deep"),
        pytest.param(lambda one: _within(one + b"\n" * 70_000, 600), id="600 boundaries"),
        pytest.param(lambda one: _wide(one, 20_000), id="20000 parts"),
        pytest.param(lambda one: one.replace(b"pierre@", b"\xff\xfe\0@" * 50_000), id="bytes"),
        pytest.param(lambda one: one + b"+1-0-aaaaaaaaaaaaaaaa@" * 40_000, id="claims"),
        pytest.param(lambda one: b"Subject: " + b"deliver" * 130_000 + b"\n" + one, id="subject"),
        pytest.param(lambda one: _typed(b"a*0=b;" * 150_000, one), id="parameters"),
        pytest.param(lambda one: _typed(b"a*0=b;a*=c", one), id="disordered parameters"),
        pytest.param(lambda one: _typed(b"a*" + b"1" * 5000 + b"=b", one), id="long number"),
        pytest.param(lambda one: _status(b"a:b\n\n" * 150_000, one), id="groups"),
        pytest.param(lambda one: one[:700], id="cut"),
        pytest.param(lambda one: b"", id="empty"),
    ],
)
@pytest.mark.slow
def test_a_monstrous_one_costs_little_and_hurts_nothing(
    app: Flask, content: Callable[[bytes], bytes]
) -> None:
    one, address = sent()
    made = content(shape("postfix", address))
    begun = time.process_time()
    outcome = mail.receive(made).outcome
    assert time.process_time() - begun < 1
    assert outcome in ("returned", "foreign", "harmless")
    assert (outcome == "returned") == (kept(one).state == "returned")


def _typed(parameters: bytes, one: bytes) -> bytes:
    return b"From: mailer-daemon@x\nContent-Type: multipart/report;" + parameters + b"\n" + one


def _status(groups: bytes, one: bytes) -> bytes:
    return b"Content-Type: message/delivery-status\n\n" + groups + one


def _nested(one: bytes, depth: int) -> bytes:
    return b"Content-Type: message/rfc822\n\n" * depth + one


def _within(one: bytes, depth: int) -> bytes:
    part = b"Content-Type: multipart/mixed; boundary=b%d\n\n--b%d\n"
    return b"".join(part % (each, each) for each in range(depth)) + one


def _wide(one: bytes, count: int) -> bytes:
    parts = b"--LIMIT\nContent-Type: message/delivery-status\n\nAction: x\n\n" * count
    return one.replace(b"--LIMIT\n", parts + b"--LIMIT\n", 1)


def test_one_nested_50_deep_is_still_read(app: Flask) -> None:
    _, address = sent()
    assert mail.receive(_nested(shape("postfix", address), 50)).outcome == "returned"


DSN = b"Content-Type: message/delivery-status\n\n"
MIXED = b"Content-Type: multipart/mixed; boundary="


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(DSN + b"\n" * 100_000, id="blank lines"),
        pytest.param(DSN + b"\r" * 100_000, id="blank lines of old Macs"),
        pytest.param(DSN + b"Action: x\r\n\r\n" * 8000, id="groups"),
        pytest.param(
            b"Content-Type: message/global-delivery-status\n\n"
            b"Content-Type: text/plain; charset=punycode\n\n\xe9-" + b"a" * 98_000,
            id="a charset of domains",
        ),
        pytest.param(MIXED + b"b\n\n" + b"--b\n\n" * 16_000, id="parts"),
        pytest.param(MIXED + b'"' + b";" * 100_000 + b'"\n\n', id="quoted parameters"),
        pytest.param(MIXED + b'"' + b"\n ;" * 33_000 + b'"\n\n', id="folded parameters"),
        pytest.param(MIXED + b'"' + b"a*0*=''b;" * 11_000 + b'"\n\n', id="parts of parameters"),
    ],
)
def test_no_text_is_read_in_quadratic_time(content: bytes) -> None:
    def seconds() -> float:
        begun = time.process_time()
        assert dsn.read(content) is None
        return time.process_time() - begun

    # Twice: the first may wait for the collection of what all tests before have left.
    assert min(seconds(), seconds()) < 0.1


def run(*words: str, content: bytes = b"") -> Result:
    return CliRunner().invoke(cli, ["mail", *words], input=content, catch_exceptions=False)


def test_the_command_reads_one_on_standard_input(app: Flask) -> None:
    one, address = sent()
    result = run("bounce", content=shape("orange-full", address))
    assert result.stdout == (
        f"Le mail {one.id} pour pierre@example.com est revenu : boîte mail pleine.\n"
    )
    assert result.exit_code == 0
    assert "périmé" in run("bounce", content=shape("orange-full", address)).stdout
    assert "rien n'a changé" in run("bounce", content=b"\xff" * 100).stdout
    assert "pierre@example.com" in run("list", "--returned").stdout


def test_the_command_asks_the_mail_server_to_come_back(app: Flask) -> None:
    one = queue_one()
    OutboxMail.update(state="sending").execute()
    result = run("bounce", content=shape("postfix", envelope_sender(one)))
    assert result.exit_code == 75
    assert "dans une minute" in result.stderr


def test_a_box_that_vanished_is_told_in_one_line_and_asked_for_again(
    app: Flask, box: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    _, address = sent()
    put(box, shape("postfix", address))
    away = box.with_name("elsewhere")
    box.rename(away)
    result = run("bounce", "--box")
    assert result.exit_code == 75
    assert result.stderr.count("\n") == 1
    assert f"{box} : ce fichier ou ce dossier n'existe pas" in result.stderr
    read_bounces = worker._bounce_reader()
    for _ in range(3):
        read_bounces()
    assert [each.message for each in caplog.records if "returned" in each.message] == [
        f"returned mails: {box} : ce fichier ou ce dossier n'existe pas ; vérifiez ce chemin"
    ]
    away.rename(box)
    monkeypatch.setattr(worker, "monotonic", lambda: time.monotonic() + 901)
    read_bounces()
    assert names(box)["new"] == []


def test_the_sender_is_the_plain_one_where_no_return_is_read(smtp: Postbox) -> None:
    queue_one()
    delivery.deliver_due()
    assert smtp.senders == ["facture@example.com"]


def test_a_real_server_accepts_then_returns_it(
    use_smtp: Callable[..., Flask], box: Path, tmp_path: Path
) -> None:
    """The server's own report, made of what it got in the envelope, ends in the Maildir."""
    postbox = Postbox()
    with listening(postbox) as port:
        app = use_smtp(port, MAIL_BOUNCES=str(box), MAIL_DEFAULT_SENDER="Facture <f@example.com>")
        one = queue_one()
        run_worker_once()
        assert kept(one).state == "sent"
        put(box, report_of(postbox).as_bytes())
    worker._bounce_reader()()
    found = kept(one)
    assert (found.state, found.reason) == ("returned", "unknown_address")
    assert postbox.senders[0].startswith(f"f+{one.id}-0-")
    assert "+" not in str(postbox.mails[0]["From"]), "a person answers another address"
    assert app.config["MAIL_RETURN_ADDRESS"] == "f@example.com"


def run_worker_once() -> None:
    worker._deliver()
    queue.close()


def report_of(postbox: Postbox) -> EmailMessage:
    """Return the report of RFC 3464 that a relay makes of the last mail it could not deliver."""
    report = EmailMessage()
    report["From"] = "MAILER-DAEMON@mail.test"
    report["To"] = postbox.senders[-1]
    report["Subject"] = "Undelivered Mail Returned to Sender"
    report.set_content("This is the mail system at host mail.test.")
    fields = EmailMessage()
    fields["Reporting-MTA"] = "dns; mail.test"
    each = EmailMessage()
    each["Final-Recipient"] = f"rfc822; {postbox.recipients[-1]}"
    each["Action"], each["Status"] = "failed", "5.1.1"
    each["Diagnostic-Code"] = "smtp; 550 5.1.1 User unknown"
    status = EmailMessage()
    status["Content-Type"] = "message/delivery-status"
    status.set_payload([fields, each])
    report.make_mixed()
    report.attach(status)
    report.add_attachment(postbox.mails[-1])
    report.replace_header("Content-Type", report["Content-Type"].replace("mixed", "report"))
    report.set_param("report-type", "delivery-status")
    return report
