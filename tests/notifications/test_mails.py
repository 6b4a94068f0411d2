"""What a mail of a document says: whose it is, what it is worth, where its row is."""

from datetime import date

import pytest
from flask import Flask

from selfservice.accounts.models import User
from selfservice.mail import message
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import send
from selfservice.suppliers.models import Company
from tests.conftest import Browser
from tests.factories import make_company, make_invoice, make_supplier


def a_company(mode: str, **fields: object) -> Company:
    supplier = make_supplier(name="Diac", mail="conseil@diac.example")
    named = {"name": "Durand Transports", "client_number": "100245", "email": "p@example.com"}
    return make_company(supplier, notification=mode, **(named | fields))


def mail_of(kind: str) -> OutboxMail:
    mail: OutboxMail = OutboxMail.get(OutboxMail.kind == kind)
    return mail


def test_the_activation_names_the_company_and_its_number(app: Flask) -> None:
    make_invoice(a_company("none"))
    send.send_due()
    mail = mail_of("activation")
    for text in (mail.subject, mail.body_text, mail.body_html):
        assert "Durand Transports" in text
        assert "100245" in text


@pytest.mark.parametrize(
    ("state", "word", "reason"),
    [
        ("duplicate", "duplicata", "vous recevez l’original sur papier"),
        ("copy", "copie", "par votre plateforme agréée"),
        ("original", "", ""),
    ],
)
def test_a_mail_says_what_is_no_original(app: Flask, state: str, word: str, reason: str) -> None:
    make_invoice(a_company("link"), state=state, number="F-1")
    send.send_due()
    mail = mail_of("document")
    if word:
        assert f"Facture F-1 ({word})" in mail.subject
        for body in (mail.body_text, mail.body_html):
            assert word in body
            assert reason in body
    else:
        assert mail.subject == "Facture F-1 de Diac"
        assert "original" not in mail.body_text


def test_the_button_leads_to_the_row_of_the_document(browser: Browser) -> None:
    company = a_company("link")
    old = make_invoice(company, number="F n°1 & 2", issued_on=date(2025, 6, 1))
    send.send_due()
    mail = mail_of("document")
    login = User.get().login
    for body in (mail.body_text, mail.body_html):
        assert login in body
        assert f"#document-{old.id}" in body
    assert "/factures?q=F+n%C2%B01+%26+2#document-" in mail.body_text


@pytest.mark.parametrize(
    ("count", "rest", "listed"),
    [(1, "", 1), (75, "X" * 30, 75), (400, "X" * 30, 75), (76, "É" * 93, 30)],
)
def test_a_digest_stays_under_100_kb_and_counts_all(
    app: Flask, count: int, rest: str, listed: int
) -> None:
    company = a_company("daily")
    for number in range(count):
        make_invoice(company, number=f"{number:06}-{rest}", state="copy")
    send.send_due()
    send.send_digests(date(2026, 3, 2))
    mail = mail_of("digest")
    assert len(message.build(mail).as_bytes()) < 100_000
    assert mail.subject.startswith("Un nouveau" if count == 1 else f"{count} nouveaux")
    assert mail.body_text.count("/telechargement/") == listed
    assert (f"Et {count - listed} autre" in mail.body_text) == (count > listed)


def test_answers_go_to_the_supplier_and_absences_nowhere(app: Flask) -> None:
    make_invoice(a_company("link"))
    send.send_due()
    for mail in OutboxMail.select():
        written = message.build(mail).as_string()
        assert "Reply-To: conseil@diac.example" in written
        # Neither an absence nor a receipt; but that it came back (NDR) is to be told.
        assert "X-Auto-Response-Suppress: DR, RN, NRN, OOF, AutoReply" in written


def test_a_supplier_without_a_mail_has_no_answers(app: Flask) -> None:
    company = make_company(make_supplier(), email="p@example.com")
    make_invoice(company)
    send.send_due()
    assert "Reply-To" not in message.build(OutboxMail.get()).as_string()
