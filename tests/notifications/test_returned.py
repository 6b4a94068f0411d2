"""What a mail that came back changes: the document it carried, and what its reader is told."""

import pytest
from flask import Flask

from selfservice import clock
from selfservice.accounts.models import Activation, User
from selfservice.invoices.models import Invoice, Opening
from selfservice.mail import delivery, outbox, receive
from selfservice.mail.message import envelope_sender
from selfservice.mail.outbox import OutboxMail
from selfservice.mail.signed_sender import signed
from selfservice.notifications import reminders, send
from selfservice.suppliers.models import Company
from tests.conftest import Browser
from tests.factories import People, make_invoice
from tests.mail.test_bounces import shape
from tests.notifications.documents import with_file
from tests.smtp import Postbox

RETURN_ADDRESS = "retours@example.com"


@pytest.fixture
def attached(app: Flask, people: People) -> Invoice:
    """alice's company has a document, attached to a mail that waits."""
    app.config["MAIL_RETURN_ADDRESS"] = RETURN_ADDRESS
    Company.update(notification="attached").where(Company.id == people.alice.company_id).execute()
    company = Company.get_by_id(people.alice.company_id)
    invoice = with_file(make_invoice(company, number="FA-1"))
    send.send_due()
    return invoice


def downloaded_at(invoice: Invoice) -> object:
    return Invoice.get_by_id(invoice.id).downloaded_at


def returning(mail: OutboxMail) -> str:
    """Return the address to which a mail returns that was sent once."""
    key = str(mail.address_key)
    return signed(RETURN_ADDRESS, mail_id=mail.id, sending=0, address_key=key)


def send_and_return(name: str) -> OutboxMail:
    """Deliver what waits, then return the mail of the document in one of the servers' shapes."""
    waiting = OutboxMail.get(OutboxMail.kind == "document")
    address = envelope_sender(waiting)
    delivery.deliver_due()
    receive(shape(name, address))
    found: OutboxMail = OutboxMail.get_by_id(waiting.id)
    return found


def test_a_document_is_delivered_once_its_mail_is_accepted(attached: Invoice) -> None:
    assert downloaded_at(attached) is None
    delivery.deliver_due()
    assert downloaded_at(attached) == OutboxMail.get(OutboxMail.kind == "document").sent_at


@pytest.mark.parametrize("mode", ["link", "daily", "none"])
def test_a_mail_without_it_delivers_nothing(app: Flask, people: People, mode: str) -> None:
    Company.update(notification=mode).execute()
    invoice = with_file(make_invoice(Company.get_by_id(people.alice.company_id)))
    send.send_due()
    send.send_digests(clock.today())
    delivery.deliver_due()
    assert downloaded_at(invoice) is None


def test_a_mail_too_large_for_its_attachment_delivers_nothing(
    smtp: Postbox, people: People
) -> None:
    Company.update(notification="attached").execute()
    invoice = with_file(make_invoice(Company.get_by_id(people.alice.company_id)))
    send.send_due()
    smtp.data_answers = ["250 queued", "552 5.3.4 message too big"]
    delivery.deliver_due()
    assert OutboxMail.get(OutboxMail.kind == "document").reason == "without_attachment"
    assert downloaded_at(invoice) is None


def test_a_returned_mail_that_is_too_large_the_next_time_leaves_no_empty_one(
    smtp: Postbox, people: People
) -> None:
    Company.update(notification="attached").execute()
    with_file(make_invoice(Company.get_by_id(people.alice.company_id)))
    send.send_due()
    delivery.deliver_due()
    mail = OutboxMail.get(OutboxMail.kind == "document")
    OutboxMail.update(state="returned").where(OutboxMail.id == mail.id).execute()
    outbox.retry(mail.id)
    smtp.data_answers = ["552 5.3.4 message too big"]
    assert delivery.deliver_due().failed == 1
    found = OutboxMail.get_by_id(mail.id)
    assert (found.state, found.reason, bool(found.body_text)) == ("failed", "too_large", True)


def test_a_returned_mail_takes_the_delivery_back_and_a_new_try_gives_it_again(
    attached: Invoice,
) -> None:
    mail = send_and_return("gmail-full")
    assert mail.state == "returned"
    assert downloaded_at(attached) is None
    outbox.retry(mail.id)
    delivery.deliver_due()
    assert downloaded_at(attached) is not None


def test_a_mail_that_an_adviser_sends_again_delivers_it_too(attached: Invoice) -> None:
    mail = send_and_return("gmail-full")
    outbox.repeat(mail.id)
    outbox.repeat(mail.id)
    assert delivery.deliver_due().sent == 2
    assert downloaded_at(attached) is not None


def test_a_fault_of_what_follows_sends_no_mail_twice(
    attached: Invoice, caplog: pytest.LogCaptureFixture
) -> None:
    OutboxMail.update(cause="?").where(OutboxMail.kind == "document").execute()
    sent = OutboxMail.select().count()
    assert delivery.deliver_due().sent == sent
    assert delivery.deliver_due().sent == 0
    assert {mail.state for mail in OutboxMail.select()} == {"sent"}
    assert "mail-accepted" in caplog.text


def test_a_delayed_mail_takes_nothing_back(attached: Invoice) -> None:
    send_and_return("gmail-delayed")
    assert downloaded_at(attached) is not None


def test_what_a_person_opened_stays_downloaded(attached: Invoice, people: People) -> None:
    mail = send_and_return("relayed")
    opened_at = clock.now()
    Opening.create(user=people.alice, invoice=attached, opened_at=opened_at)
    assert receive(shape("gmail", returning(mail))).outcome == "returned"
    assert downloaded_at(attached) == opened_at


def test_the_list_its_filter_the_reminder_and_the_register_follow(
    attached: Invoice, alice: Browser, people: People
) -> None:
    def is_missing() -> list[bool]:
        return [
            f'"document-{attached.id}"' in alice.get("/factures?q=FA-1&non_telechargees=1").text,
            "FA-1" in alice.get("/factures/registre.csv?non_telechargees=1").text,
            reminders.send_reminders().reminded == 1,
        ]

    issued_on = clock.earliest_lasting(clock.today(), months=23)
    Invoice.update(issued_on=issued_on).execute()
    mail = send_and_return("relayed")
    long_ago = clock.now() - 2 * reminders.NEWCOMER_FOR
    Activation.update(activated_at=long_ago).execute()
    assert is_missing() == [False] * 3
    assert receive(shape("orange", returning(mail))).outcome == "returned"
    assert is_missing() == [True] * 3


def test_the_page_of_mails_says_that_it_came_back_and_why(
    attached: Invoice, alice: Browser
) -> None:
    send_and_return("orange-full")
    text = " ".join(alice.get("/administration/courriels").text.split())
    assert "Revenu</span>" in text
    assert " : boîte mail pleine" in text
    assert "Recipient overquota" in text
    assert "Videz la boîte mail" in text


def test_whoever_signs_in_is_told_until_a_mail_arrives(
    attached: Invoice, alice: Browser, people: People, bob: Browser, charlie: Browser
) -> None:
    told = "Nos mails à alice@example.com ne sont pas reçus"
    send_and_return("gmail")
    for path in ("/factures", "/profil/compte"):
        page = " ".join(alice.get(path).text.split())
        assert f"{told} : adresse inconnue" in page
        assert "Demander un changement" in page
    for other in (bob, charlie):
        assert told not in other.get("/factures").text
    User.update(email_key="autre@example.com").where(User.id == people.alice.id).execute()
    assert told in alice.get("/factures").text, "whatever the reader's own address"
    outbox.retry(OutboxMail.get(OutboxMail.state == "returned").id)
    delivery.deliver_due()
    assert told not in alice.get("/factures").text


@pytest.mark.parametrize("name", ["exim", "postfix-given-up", "gmail-unproven"])
def test_what_is_not_about_the_address_asks_for_no_other(
    attached: Invoice, alice: Browser, name: str
) -> None:
    assert send_and_return(name).state == "returned"
    assert "ne sont pas reçus" not in alice.get("/factures").text
