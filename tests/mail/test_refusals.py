"""A refusal says whom it is about: the portal, whose mails all wait, or one recipient alone."""

from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from click.testing import CliRunner
from flask import Flask

from selfservice import worker
from selfservice.cli import cli
from selfservice.mail import ACCOUNT, AWAITED, TYPED, backoff, delivery, outbox
from selfservice.mail.outbox import OutboxAttempt, OutboxMail
from selfservice.notifications import messages
from tests.conftest import Browser, free_port
from tests.factories import People
from tests.smtp import Postbox, listening, misbehaving, queue_one

pytestmark = pytest.mark.slow

NOON = "2026-03-01T12:00:00Z"
HELD = (
    ("hello", "550 5.7.1 bad name", "hello_refused"),
    ("sender", "530 5.7.57 Client not authenticated to send mail", "authentication"),
    ("sender", "450 4.7.1 Error: too much mail from 192.0.2.1", "quota_reached"),
    ("recipient", "504 5.5.2 <portal>: Helo command rejected: need a name", "hello_refused"),
    ("recipient", "554 5.7.1 <unknown[192.0.2.1]>: Client host rejected", "host_refused"),
    ("recipient", "553 5.7.1 <f@x.fr>: Sender address rejected: not owned", "sender_refused"),
    ("recipient", "550 5.5.0 Authentification requise. LPN105_402", "authentication"),
    ("recipient", "554 5.7.1 <a@b.fr>: Relay access denied", "relay_denied"),
    ("recipient", "421 4.3.2 Service shutting down", "server_busy"),
    ("message", "550 5.7.60 SMTP; Client does not have permissions", "sender_refused"),
    ("message", "554 5.2.252 SendAsDenied; x not allowed to send as y", "sender_refused"),
    ("message", "550 5.4.5 Daily user sending limit exceeded", "quota_reached"),
    ("message", "550 5.7.26 This mail is unauthenticated", "sender_unproven"),
    ("message", "452 4.3.1 Insufficient system resources", "server_busy"),
)
ALONE = (
    ("550 5.1.1 <a@b.fr>: Recipient address rejected: User unknown", "failed"),
    ("550 5.5.0 Boite du destinataire archivee. LPN007_420", "failed"),
    ("552 5.2.2 Quota exceeded (mailbox for user is full)", "failed"),
    ("554 5.7.1 <a@b.fr>: Recipient address rejected: Access denied", "failed"),
    ("550 5.7.133 SenderNotAuthenticatedForGroup", "failed"),
    ("450 4.2.1 The user is receiving mail too quickly", "queued"),
    ("550 5.2.122 The recipient has exceeded their limit of messages per hour", "queued"),
    ("450 4.1.1 Recipient address rejected: unverified address", "queued"),
    ("451 4.7.1 Greylisted", "queued"),
)


@pytest.fixture
def clock_at() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(NOON, tick=False) as machine:
        yield machine


def kept(mail: OutboxMail) -> OutboxMail:
    found: OutboxMail = OutboxMail.get_by_id(mail.id)
    return found


@pytest.mark.parametrize(("stage", "answer", "reason"), HELD)
def test_what_a_server_says_of_the_portal_keeps_every_mail(
    stage: str, answer: str, reason: str, smtp: Postbox, clock_at: time_machine.Traveller
) -> None:
    smtp.always[stage] = answer
    priorities = (AWAITED, ACCOUNT, outbox.BULK)
    mails = [queue_one(f"user{each}@d{each}.example", priority=each) for each in priorities]
    report = delivery.deliver_due()
    assert (report.sent, report.failed, report.deferred) == (0, 0, 1), "one try tells it"
    assert outbox.is_server_paused()
    assert [kept(mail).state for mail in mails] == ["queued"] * 3
    assert kept(mails[0]).reason == reason
    assert answer.split("<")[0].strip() in kept(mails[0]).answer
    listed = CliRunner().invoke(cli, ["mail", "list"]).output
    assert messages.REASONS[reason].words in listed
    del smtp.always[stage]
    clock_at.shift(timedelta(minutes=1))
    assert delivery.deliver_due().sent == 3
    assert outbox.last_refusal_of_the_portal() is None


@pytest.mark.parametrize(
    ("greeting", "reason"),
    [("554 5.7.1 Client host rejected", "host_refused"), ("421 4.3.2 not now", "server_busy")],
)
def test_a_server_that_does_not_greet_keeps_every_mail(
    greeting: str, reason: str, use_smtp: Callable[..., Flask]
) -> None:
    with misbehaving(lambda connection: connection.sendall(f"{greeting}\r\n".encode())) as port:
        use_smtp(port)
        mails = [queue_one(f"user{number}@example.com") for number in range(2)]
        assert delivery.deliver_due().failed == 0
    assert [kept(mail).reason for mail in mails] == [reason, ""]


@pytest.mark.parametrize(("answer", "state"), ALONE)
def test_what_a_server_says_of_one_recipient_holds_up_nobody_else(
    answer: str, state: str, smtp: Postbox
) -> None:
    smtp.rule = lambda address: answer if address.startswith("one@") else None
    mail = queue_one("one@example.com")
    for number in range(2):
        queue_one(f"user{number}@example.com")
    assert delivery.deliver_due().sent == 2
    assert not outbox.is_server_paused()
    assert kept(mail).state == state


def test_a_mail_that_was_why_lets_the_others_pass_before_it(
    smtp: Postbox, clock_at: time_machine.Traveller
) -> None:
    smtp.rule = lambda address: "554 5.7.1 Relay denied" if address == "a@odd.example" else None
    odd = queue_one("a@odd.example", priority=AWAITED)
    for number in range(2):
        queue_one(f"user{number}@example.com")
    assert delivery.deliver_due().sent == 0
    assert delivery.deliver_due().sent == 2
    for _ in range(12):
        clock_at.shift(timedelta(hours=1))
        delivery.deliver_due()
    assert kept(odd).due_at - kept(odd).created_at <= timedelta(hours=13), "never long away"


def test_mails_at_typed_addresses_hold_up_no_other(
    smtp: Postbox, clock_at: time_machine.Traveller
) -> None:
    smtp.rule = lambda address: "421 4.3.2 timed out" if "@slow" in address else None
    typed = [queue_one(f"a@slow{each}.example", priority=TYPED) for each in range(3)]
    for each, priority in enumerate((AWAITED, ACCOUNT, outbox.BULK)):
        queue_one(f"user{each}@example.com", priority=priority)
    report = delivery.deliver_due()
    assert (report.sent, report.deferred) == (3, 1)
    assert not outbox.is_server_paused()
    assert [kept(mail).attempts for mail in typed] == [0, 0, 1]
    queue_one("late@example.com", priority=AWAITED)
    assert delivery.deliver_due().sent == 1
    assert smtp.recipients[-2:] == ["late@example.com", "a@slow1.example"], "the proven one first"
    queue_one("lucie@example.com", priority=TYPED)
    assert delivery.deliver_due().sent == 1, "a colleague's is newer than what nobody answers"


def test_silence_over_the_text_of_a_typed_one_holds_up_no_other(smtp: Postbox, app: Flask) -> None:
    app.config["MAIL_TIMEOUT_SECONDS"] = 1
    for each in range(3):
        queue_one(f"a@slow{each}.example", priority=TYPED)
    smtp.seconds = 1.5
    assert delivery.deliver_due().deferred == 1
    smtp.seconds = 0
    queue_one("pierre@example.com")
    assert delivery.deliver_due().sent == 3


def test_a_typed_address_pauses_no_domain(smtp: Postbox) -> None:
    smtp.rule = lambda address: "451 4.7.1 not now" if address.startswith("typed") else None
    queue_one("typed@example.com", priority=TYPED)
    queue_one("pierre@example.com")
    assert delivery.deliver_due().sent == 1


@pytest.mark.parametrize(
    "answer", ["554 5.7.1 Relay denied", "421 4.3.2 timed out", "451 4.3.0 not now"]
)
def test_many_mails_to_one_mailbox_let_the_others_pass(answer: str, smtp: Postbox) -> None:
    smtp.rule = lambda address: answer if address == "a@example.com" else None
    with time_machine.travel(NOON) as machine:
        for _ in range(10):
            queue_one("a@example.com")
        other = queue_one("pierre@example.com")
        delivery.deliver_due()
        machine.shift(timedelta(minutes=1))
        delivery.deliver_due()
        assert kept(other).state == "sent"


def test_a_recovery_mail_is_tried_while_its_domain_is_paused(
    smtp: Postbox, people: People, new_browser: Callable[[], Browser]
) -> None:
    with time_machine.travel(NOON, tick=False) as machine:
        smtp.rule = lambda address: None if address == people.bob.email else "451 4.3.0 later"
        domain = str(people.bob.email).partition("@")[2]
        bulk = queue_one(f"bulk@{domain}")
        for minutes in (1, 5, 15, 60):
            delivery.deliver_due()
            machine.shift(timedelta(minutes=minutes))
        delivery.deliver_due()
        new_browser().submit("/recuperation", {"email": people.bob.email})
        before = len(smtp.recipients)
        assert delivery.deliver_due().sent == 1
        assert smtp.recipients[before:] == [people.bob.email]
        assert kept(bulk).state == "queued"


def test_its_failures_make_no_pause_longer(smtp: Postbox) -> None:
    smtp.rule = lambda _address: "451 4.3.0 later"
    queue_one("bulk@slow.example")
    delivery.deliver_due()
    for number in range(3):
        queue_one(f"user{number}@slow.example", priority=AWAITED)
    until = backoff.until("slow.example")
    assert until
    assert delivery.deliver_due().deferred == 3
    assert backoff.until("slow.example") == until


def test_a_mail_whose_last_hour_a_pause_would_take_is_tried(
    smtp: Postbox, clock_at: time_machine.Traveller
) -> None:
    smtp.rule = lambda _address: "451 4.3.0 later"
    queue_one("bulk@slow.example")
    for minutes in (1, 5, 15):
        delivery.deliver_due()
        clock_at.shift(timedelta(minutes=minutes))
    delivery.deliver_due()
    smtp.rule = lambda _address: None
    queue_one("late@slow.example", lifetime=timedelta(minutes=10))
    assert delivery.deliver_due().sent == 1


def test_the_worker_tries_what_somebody_waits_for_while_the_server_is_paused(
    use_smtp: Callable[..., Flask], clock_at: time_machine.Traveller
) -> None:
    use_smtp(free_port())
    bulk = queue_one("bulk@example.com")
    delivery.deliver_due()
    assert outbox.is_server_paused()
    box = Postbox()
    with listening(box) as port:
        use_smtp(port)
        awaited = queue_one("pierre@example.com", priority=AWAITED)
        assert outbox.next_attempts()(kept(awaited)) == awaited.due_at, "and the pages say so"
        assert outbox.next_attempts()(kept(bulk)) > bulk.due_at
        worker._deliver()
        assert box.recipients == ["pierre@example.com"]
        worker._deliver()
    assert box.recipients == ["pierre@example.com", "bulk@example.com"], "the server is back"


def test_every_refusal_is_said_in_words_to_the_administrator(
    smtp: Postbox, people: People, alice: Browser
) -> None:
    smtp.always["message"] = "550 5.7.60 SMTP; Client does not have permissions to send as this"
    queue_one(str(people.alice.email), company_id=people.alice.company.id)
    delivery.deliver_due()
    page = alice.get("/administration/courriels").text
    assert messages.REASONS["sender_refused"].words in page
    assert "5.7.60" in page


@pytest.fixture
def attached(tmp_path: Path) -> Callable[..., OutboxMail]:
    def queue(size: int = 200_000) -> OutboxMail:
        path = tmp_path / "document"
        path.write_bytes(b"%PDF" + bytes(size))
        context = {
            "supplier_name": "Diac",
            "company_name": "Durand",
            "client_number": "C-1",
            "contact": "",
            "retention_months": 24,
            "portal_url": "https://factures.example.com/",
            "faq_url": "https://factures.example.com/aide/",
            "document": {"kind": "Facture", "number": "F-1", "issued_on": "", "gross": "1 €"},
        }
        return outbox.enqueue(
            "document",
            context,
            to_address="pierre@example.com",
            address_key="pierre@example.com",
            sender_name="Diac",
            attachment=(str(path), "F-1.pdf"),
        )

    return queue


def arrives_without_its_document(box: Postbox, mail: OutboxMail) -> None:
    report = delivery.deliver_due()
    assert (report.sent, report.failed, report.faults) == (1, 0, [])
    (received,) = box.mails
    assert list(received.iter_attachments()) == []
    for kind in ("plain", "html"):
        part = received.get_body((kind,))
        assert part is not None
        text = " ".join(part.get_content().split()).replace("\xa0", " ").replace("&nbsp;", " ")
        assert "trop volumineux pour être joint" in text
        assert "https://factures.example.com/" in text
        assert "est joint à ce mail" not in text
    assert kept(mail).state == "sent"
    assert messages.why(kept(mail)) == "sans le document, trop volumineux pour cette boîte"
    history = [(each.outcome, each.reason) for each in OutboxAttempt.select()]
    assert history == [("deferred", "too_large"), ("sent", "without_attachment")]


def test_a_document_larger_than_the_server_announces_stays_behind(
    smtp: Postbox, attached: Callable[..., OutboxMail]
) -> None:
    smtp.announced_size = "100000"
    arrives_without_its_document(smtp, attached())
    assert len(smtp.connections) == 1
    assert len(smtp.sender_options) == 1, "the large one is not even offered"


@pytest.mark.parametrize("size", ["", "0", "unlimited", "9" * 30])
def test_a_server_that_announces_no_limit_gets_the_document(
    size: str, smtp: Postbox, attached: Callable[..., OutboxMail]
) -> None:
    smtp.announced_size = size
    attached()
    delivery.deliver_due()
    assert len(list(smtp.mails[0].iter_attachments())) == 1


@pytest.mark.parametrize(
    ("stage", "answer"),
    [
        ("sender_answers", "552 5.3.4 Message size exceeds fixed limit"),
        ("sender_answers", "552 too big"),
        ("answers", "552 5.2.3 RESOLVER.RST.RecipSizeLimit; message too large for this recipient"),
        ("data_answers", "552 no"),
        ("data_answers", "554 5.3.4 no"),
        ("data_answers", "550 5.2.3 no"),
        ("data_answers", "451 4.3.4 no"),
        ("data_answers", "550 Taille limite du message atteinte. OFR_514"),
    ],
)
def test_a_document_refused_for_its_size_stays_behind(
    stage: str, answer: str, smtp: Postbox, attached: Callable[..., OutboxMail]
) -> None:
    setattr(smtp, stage, [answer])
    arrives_without_its_document(smtp, attached())


def test_a_document_that_fits_goes_along(
    smtp: Postbox, attached: Callable[..., OutboxMail]
) -> None:
    mail = attached()
    assert kept(mail).spare_text
    delivery.deliver_due()
    (received,) = smtp.mails
    assert [part.get_filename() for part in received.iter_attachments()] == ["F-1.pdf"]
    assert (kept(mail).reason, kept(mail).spare_text, kept(mail).spare_html) == ("", "", "")


def test_a_mail_too_large_without_any_document_is_given_up(smtp: Postbox) -> None:
    smtp.always["message"] = "552 5.3.4 no"
    mail = queue_one()
    assert delivery.deliver_due().failed == 1
    assert kept(mail).reason == "too_large"
