"""Mails over a real SMTP conversation, and what becomes of those that cannot leave."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask
from flask_mail import Message
from peewee import IntegrityError

from selfservice.db import database
from selfservice.mail import delivery, message, outbox
from selfservice.mail.outbox import OutboxAttempt, OutboxMail
from selfservice.mail.smtp import VerifiedConnection
from selfservice.notifications import mails
from tests.conftest import Browser
from tests.factories import People
from tests.smtp import Postbox, queue_one


def test_mail_leaves_by_smtp_in_text_and_html(smtp: Postbox) -> None:
    mail = queue_one()
    report = delivery.deliver_due()
    assert (report.sent, report.faults) == (1, [])
    (received,) = smtp.mails
    assert received["To"] == "pierre@example.com"
    assert str(received["From"]) == '"Diac, Société d\'été" <facture@example.com>'
    assert received["Message-ID"] == f"<{mail.message_id}>"
    assert received["Auto-Submitted"] == "auto-generated"
    text = received.get_body(("plain",))
    html = received.get_body(("html",))
    assert text is not None
    assert html is not None
    assert "Durand" in text.get_content()
    assert "Durand" in html.get_content()
    assert OutboxMail.get().state == "sent"


def test_a_batch_takes_one_connection_and_goes_in_order(smtp: Postbox) -> None:
    for number in range(5):
        queue_one(f"user{number}@example.com")
    assert delivery.deliver_due().sent == 5
    assert [mail["To"] for mail in smtp.mails] == [f"user{n}@example.com" for n in range(5)]
    assert len(smtp.connections) == 1
    assert all(option.startswith("SIZE=") for option in smtp.sender_options)
    assert len(smtp.sender_options) == 5


def test_what_somebody_waits_for_passes_a_batch_that_is_leaving(
    smtp: Postbox, people: People, new_browser: Callable[[], Browser]
) -> None:
    for number in range(3):
        queue_one(f"user{number}@example.com")
    mails.queue_activation(people.alice.company, people.alice)

    def recover_after_two() -> bool:
        if len(smtp.mails) == 2:
            new_browser().submit("/recuperation", {"email": people.bob.email})
        return False

    assert delivery.deliver_due(is_stopping=recover_after_two).sent == 5
    opened = people.alice.company.email
    in_order = [opened, "user0@example.com", people.bob.email, *_users(1, 2)]
    assert smtp.recipients == in_order


def _users(*numbers: int) -> list[str]:
    return [f"user{number}@example.com" for number in numbers]


def test_nothing_is_sent_twice(smtp: Postbox) -> None:
    queue_one()
    delivery.deliver_due()
    assert delivery.deliver_due().sent == 0
    assert len(smtp.mails) == 1


def test_temporary_refusal_is_tried_again_later_with_the_same_id(smtp: Postbox) -> None:
    smtp.answers = ["451 4.7.1 greylisted"]
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as machine:
        mail = queue_one()
        report = delivery.deliver_due()
        assert (report.sent, report.deferred) == (0, 1)
        assert "greylisted" in report.faults[0]
        assert delivery.deliver_due().sent == 0, "not before its delay"
        machine.shift(timedelta(minutes=1))
        assert delivery.deliver_due().sent == 1
    assert smtp.mails[0]["Message-ID"] == f"<{mail.message_id}>"
    outcomes = [attempt.outcome for attempt in OutboxAttempt.select().order_by(OutboxAttempt.id)]
    assert outcomes == ["deferred", "sent"]


def test_final_refusal_fails_visibly_and_lets_the_others_pass(smtp: Postbox) -> None:
    smtp.answers = ["550 5.1.1 no such user", "250 OK"]
    refused = queue_one("nobody@example.com")
    queue_one("pierre@example.com")
    report = delivery.deliver_due()
    assert (report.sent, report.failed) == (1, 1)
    kept = OutboxMail.get_by_id(refused.id)
    assert kept.state == "failed"
    assert "no such user" in kept.answer


def test_failed_mail_can_be_retried(smtp: Postbox) -> None:
    smtp.answers = ["550 mailbox full"]
    mail = queue_one()
    delivery.deliver_due()
    outbox.retry(mail.id)
    assert delivery.deliver_due().sent == 1
    with pytest.raises(outbox.UnknownMailError):
        outbox.retry(mail.id)


def test_server_that_is_down_loses_nothing(
    configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    configure(MAIL_TRANSPORT="smtp", MAIL_SERVER="127.0.0.1", MAIL_PORT="1")
    make_app()
    queue_one()
    queue_one()
    report = delivery.deliver_due()
    assert (report.sent, report.deferred) == (0, 1), "the batch stops at the first"
    assert OutboxMail.select().where(OutboxMail.state == "queued").count() == 2


def test_interrupted_delivery_goes_again_with_the_same_id(
    smtp: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    mail = queue_one()
    OutboxMail.update(state="sending").where(OutboxMail.id == mail.id).execute()
    assert delivery.deliver_due().sent == 1
    assert smtp.mails[0]["Message-ID"] == f"<{mail.message_id}>"


def test_same_cause_never_queues_twice(app: Flask) -> None:
    queue_one(cause="activation:1")
    with pytest.raises(IntegrityError), database.atomic():
        queue_one(cause="activation:1")
    assert OutboxMail.select().count() == 1


def test_mail_of_an_undone_cause_is_undone(app: Flask) -> None:
    with pytest.raises(ZeroDivisionError), database.atomic():
        queue_one()
        raise ZeroDivisionError
    assert OutboxMail.select().count() == 0


def test_file_transport_writes_one_file_a_mail(app: Flask, instance: Path) -> None:
    mail = queue_one()
    delivery.deliver_due()
    OutboxMail.update(state="sending").where(OutboxMail.id == mail.id).execute()
    delivery.deliver_due()
    (file,) = (instance / "mail").glob("*")
    assert file.suffix == ".eml"
    assert mail.message_id.encode() in file.read_bytes()


@pytest.mark.parametrize("address", ["élodie@example.com", "a> size=1 <b@example.com", "pierre"])
def test_a_mail_that_cannot_be_written_holds_up_no_other(address: str, app: Flask) -> None:
    queue_one(address)
    queue_one("pierre@example.com")
    report = delivery.deliver_due()
    assert (report.sent, report.failed) == (1, 1)


def test_a_mail_whose_header_would_bring_another_along_holds_up_no_other(app: Flask) -> None:
    bad = queue_one("first@example.com")
    OutboxMail.update(sender_name="Diac\r\nBcc: eve@example.com").execute()
    queue_one("second@example.com")
    report = delivery.deliver_due()
    assert (report.sent, report.failed) == (1, 1)
    assert OutboxMail.get_by_id(bad.id).reason == "bad_header"


def test_a_surprise_in_one_mail_is_kept_and_holds_up_no_other(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = queue_one("first@example.com")
    queue_one("second@example.com")
    real = message.build

    def explode(mail: OutboxMail) -> object:
        if mail.to_address == "first@example.com":
            raise ZeroDivisionError("surprise")
        return real(mail)

    monkeypatch.setattr(message, "build", explode)
    report = delivery.deliver_due()
    assert (report.sent, report.deferred) == (1, 1)
    assert "surprise" in OutboxMail.get_by_id(first.id).answer


def test_an_international_domain_goes_out_in_todays_coding(smtp: Postbox) -> None:
    queue_one("hotel@straße.de")
    delivery.deliver_due()
    assert smtp.mails[0]["To"] == "hotel@xn--strae-oqa.de"


def test_a_mail_without_a_link_that_was_too_late_can_be_retried(smtp: Postbox) -> None:
    with time_machine.travel("2026-03-01T10:00:00Z", tick=False) as machine:
        mail = queue_one()
        machine.shift(outbox.LIFETIME)
        assert delivery.deliver_due().dropped == 1
        outbox.retry(mail.id)
        assert delivery.deliver_due().sent == 1


def test_what_repeats_a_mail_is_withdrawn_with_it(smtp: Postbox) -> None:
    first, other = (queue_one(cause=f"document:{number}") for number in (1, 12))
    delivery.deliver_due()
    again = outbox.repeat(first.id)
    delivery.deliver_due()
    for mail in (first, again, other):
        outbox.repeat(mail.id)
    outbox.withdraw(["document:1"])
    assert delivery.deliver_due().sent == 1
    left = OutboxMail.select().where(OutboxMail.body_text != "")
    assert {mail.repeats for mail in left} == {None, other.id}


def test_a_mail_withdrawn_while_it_leaves_keeps_no_text_and_never_goes_again(
    smtp: Postbox, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(2):
        queue_one(cause=f"document:{number}")
    deliver = VerifiedConnection.deliver

    def withdraw_then_send(
        self: VerifiedConnection, message: Message, sender: str, is_patient: bool
    ) -> str:
        outbox.withdraw(["document:0", "document:1"])
        return deliver(self, message, sender, is_patient)

    monkeypatch.setattr(VerifiedConnection, "deliver", withdraw_then_send)
    assert delivery.deliver_due().sent == 1
    (received,) = smtp.mails
    assert "Durand" in received.as_string()
    assert {mail.state for mail in OutboxMail.select()} == {"sent", "dropped"}
    for mail in OutboxMail.select():
        assert not mail.body_text and not mail.body_html
        with pytest.raises(outbox.UnknownMailError):
            outbox.retry(mail.id)
