"""« Administration » → « Mails »: the mails of own companies and what became of them."""

import re
from datetime import timedelta
from html import unescape

import pytest

from selfservice.accounts import recovery
from selfservice.accounts.models import User
from selfservice.clock import format_instant
from selfservice.mail import delivery, outbox
from selfservice.mail.backoff import MailPause
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import send
from selfservice.suppliers.models import Company
from tests.conftest import Browser
from tests.factories import People, make_company, make_invoice

PAGE = "/administration/courriels"
WAIT = timedelta(minutes=5)


def text_of(browser: Browser, path: str = PAGE) -> str:
    response = browser.get(path)
    assert response.status_code == 200
    plain = re.sub(r"<[^>]+>", " ", response.text)
    return " ".join(unescape(plain).replace("\xa0", " ").split())


@pytest.fixture
def notified(people: People) -> list[OutboxMail]:
    """alice's company has got its activation mail and the mail of a document."""
    company: Company = people.alice.company
    company.notification = "link"
    company.save()
    make_invoice(company, number="FA-77")
    send.send_due()
    return list(OutboxMail.select().order_by(OutboxMail.id))


def test_administrator_sees_that_an_address_waits_for_a_first_document(alice: Browser) -> None:
    text = text_of(alice)
    assert "Atelier Alice" in text
    assert "alice@example.com" in text
    assert "En attente d’un premier document" in text
    assert "Aucun mail pour l’instant" in text


def test_sent_mail_says_when_and_where_to_look_for_it(
    notified: list[OutboxMail], alice: Browser
) -> None:
    delivery.deliver_due()
    text = text_of(alice)
    assert "Compte activé" in text
    assert "Notification d’un document Facture FA-77" in text
    assert "courriers indésirables" in text
    assert "facture@example.com" in text


def test_refused_mail_says_why_in_words_and_in_the_servers(
    notified: list[OutboxMail], alice: Browser
) -> None:
    OutboxMail.update(
        state="failed", reason="mailbox_full", answer="552 5.2.2 over quota"
    ).execute()
    text = text_of(alice)
    assert "Refusé : boîte mail pleine" in text
    assert "Réponse du serveur : 552 5.2.2 over quota" in text
    assert "Videz la boîte mail" in text
    assert "/aide/foire-aux-questions/#notification-non-recue" in alice.get(PAGE).text


def test_deferred_mail_says_until_when_it_is_tried(
    notified: list[OutboxMail], alice: Browser
) -> None:
    OutboxMail.update(reason="later", answer="451 later").execute()
    text = text_of(alice)
    assert "Reporté : le serveur du destinataire demande de réessayer plus tard" in text
    assert "Prochain essai le" in text
    assert "jusqu’au" in text


def test_no_body_and_no_secret_shows(people: People, alice: Browser) -> None:
    recovery.request_link("alice@example.com", origin="")
    mail = OutboxMail.get()
    OutboxMail.update(answer="250 queued").execute()
    text = text_of(alice)
    assert "Récupération de l’identifiant ou du mot de passe" in text
    assert "En attente" in text
    for hidden in (mail.subject, "reinitialisation", "250 queued"):
        assert hidden not in text


def test_charlie_and_bob_see_nothing_of_it(
    notified: list[OutboxMail], bob: Browser, charlie: Browser
) -> None:
    for browser in (bob, charlie):
        assert browser.get(PAGE).status_code == 404
    User.update(is_administrator=True).execute()
    for browser in (bob, charlie):
        text = text_of(browser)
        assert "alice@example.com" not in text
        assert "FA-77" not in text


def test_same_address_at_another_supplier_shows_nothing_of_it(
    people: People, alice: Browser
) -> None:
    other = make_company(people.other_supplier, email="alice@example.com", notification="link")
    make_invoice(other, number="SECRET-1")
    send.send_due()
    assert "SECRET-1" not in text_of(alice)


def test_address_that_somebody_typed_gives_no_sight_of_its_mails(
    people: People, charlie: Browser
) -> None:
    User.update(
        is_administrator=True, email="alice@example.com", email_key="alice@example.com"
    ).where(User.id == people.charlie.id).execute()
    recovery.request_link("alice@example.com", origin="")
    assert "alice@example.com" not in text_of(charlie)


def test_older_mails_are_a_page_away(people: People, alice: Browser) -> None:
    for number in range(51):
        outbox.enqueue(
            "password_changed",
            to_address=f"user{number:02}@example.com",
            address_key=f"user{number:02}@example.com",
            context={"changed_at": None},
            company_id=people.alice.company_id,
        )
    assert "user00@" not in text_of(alice)
    older = re.search(r'href="([^"]+)">Mails plus anciens', alice.get(PAGE).text)
    assert older
    assert "user00@" in text_of(alice, older[1])
    for odd in ("0", "-1", "x", str(2**63), "²"):
        assert "user50@" in text_of(alice, f"{PAGE}?avant={odd}")


def test_pause_of_the_server_shows_as_the_next_attempt(
    notified: list[OutboxMail], alice: Browser
) -> None:
    MailPause.create(
        domain="", failures=1, until_at=notified[0].due_at.replace(microsecond=0) + WAIT
    )
    assert f"Prochain essai le {format_instant(notified[0].due_at + WAIT)}" in text_of(alice)
