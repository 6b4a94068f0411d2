"""« Why did I get nothing? » for the operator: `mail list --address` (FAQ 3, 10, 12)."""

from itertools import product

from flask import Flask

from selfservice import clock
from selfservice.cli.frame import cli
from selfservice.config import REPOSITORY
from selfservice.help import PAGES
from selfservice.mail import delivery
from selfservice.mail.outbox import OutboxMail
from selfservice.mail.replies import REASONS
from selfservice.notifications import chain, messages, send
from selfservice.suppliers.models import Company
from tests.factories import make_company, make_invoice, make_supplier


def mail_list(app: Flask, *words: str) -> list[list[str]]:
    done = app.test_cli_runner().invoke(cli, ["mail", "list", *words])
    assert done.exit_code == 0, done.output
    return [line.split("\t") for line in done.output.splitlines()]


def states() -> list[str]:
    return [each.state for each in chain.registrations(Company.email_key.is_null(False))]


def test_chain_goes_from_waiting_to_activated(app: Flask) -> None:
    company = make_company(make_supplier(), email="pierre@example.com")
    assert states() == ["waiting"]
    make_invoice(company)
    assert states() == ["preparing"]
    send.send_due()
    assert states() == ["activated"]


def test_document_deposited_before_the_address_leaves_it_waiting(app: Flask) -> None:
    company = make_company(make_supplier())
    make_invoice(company)
    Company.update(
        email="a@example.com", email_key="a@example.com", email_registered_at=clock.now()
    ).execute()
    send.send_due()
    assert states() == ["waiting"]


def test_changed_address_waits_anew(app: Flask) -> None:
    make_invoice(make_company(make_supplier(), email="old@example.com"))
    send.send_due()
    Company.update(email="new@example.com", email_key="new@example.com").execute()
    assert states() == ["waiting"]


def test_operator_sees_that_a_registered_address_waits_for_a_first_document(app: Flask) -> None:
    make_company(
        make_supplier("diac"), email="Pierre@Example.com", client_number="C1", name="Durand"
    )
    (line,) = mail_list(app, "--address", "pierre@example.com")
    assert line[0] == "-"
    assert line[2] == "en attente d’un premier document"
    assert line[4:] == ["diac C1 Durand", "notification none"]


def test_operator_sees_that_no_company_has_an_address(app: Flask) -> None:
    (line,) = mail_list(app, "--address", "nobody@example.com")
    assert line == ["-", "", "aucune société n’a cette adresse", "nobody@example.com"]


def test_operator_sees_each_mail_with_its_id_and_what_became_of_it(app: Flask) -> None:
    make_invoice(make_company(make_supplier(), email="a@example.com", notification="link"))
    make_company(make_supplier(), email="b@example.com")
    send.send_due()
    activation, document = OutboxMail.select().order_by(OutboxMail.id)
    delivery.deliver_due()
    OutboxMail.update(state="failed", reason="mailbox_full", answer="552\nfull").where(
        OutboxMail.id == document.id
    ).execute()
    first, second, company = mail_list(app, "--address", "a@example.com")
    assert [first[0], second[0], company[0]] == [str(activation.id), str(document.id), "-"]
    assert (first[2], second[2]) == ("envoyé", "refusé")
    assert second[5] == "boîte mail pleine (552 full)"
    assert company[2] == "compte activé"
    assert len(mail_list(app)) == 2, "without an address, the mails alone"


def test_operator_sees_until_when_a_mail_is_tried_again(app: Flask) -> None:
    make_invoice(make_company(make_supplier(), email="a@example.com"))
    send.send_due()
    mail = OutboxMail.get()
    OutboxMail.update(reason="later", answer="451 later").execute()
    (line,) = mail_list(app)
    assert line[2] == "reporté"
    assert "le serveur du destinataire demande de réessayer plus tard (451 later)" in line[5]
    assert line[5].endswith(f"jusqu'au {clock.paris(mail.deadline_at):%Y-%m-%d %H:%M}")


def test_attempts_follow_their_mail_on_lines_without_an_id(app: Flask) -> None:
    make_invoice(make_company(make_supplier(), email="a@example.com"))
    send.send_due()
    delivery.deliver_due()
    mail, attempt = mail_list(app, "--attempts")
    assert mail[0] == str(OutboxMail.get().id)
    assert (attempt[0], attempt[2]) == ("", "Envoyé")


def test_every_reason_and_every_kind_of_mail_has_words(app: Flask) -> None:
    assert set(messages.REASONS) == set(REASONS)
    kinds = {path.name for path in (REPOSITORY / "templates" / "mails").iterdir() if path.is_dir()}
    assert set(messages.KIND_LABELS) == kinds


def test_advice_leads_to_a_question_of_the_faq() -> None:
    for kind, reason, state in product(messages.KIND_LABELS, ["", *REASONS], messages.STATE_LABELS):
        mail = OutboxMail(kind=kind, state=state, reason=reason)
        advice = messages.advice(mail, sender="facture@example.com")
        assert advice.help_key in PAGES
        assert "{" not in advice
