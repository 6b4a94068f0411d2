"""« Je n'ai rien reçu »: an answer for whoever knows one document, and nothing for anybody else."""

import re
import statistics
import time
from datetime import date

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from selfservice import clock, ratelimit
from selfservice.accounts import ended
from selfservice.accounts.models import User
from selfservice.audit import AuditEntry
from selfservice.mail import delivery
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import messages, send, unreceived
from selfservice.requests.models import CustomerRequest
from selfservice.suppliers.models import Company
from tests.conftest import Browser
from tests.factories import make_company, make_invoice, make_supplier, make_user
from tests.smtp import queue_one

PAGE = "/je-n-ai-rien-recu"
PROOF: dict[str, object] = {"client_number": "100245", "number": "FA-1", "gross": "1 234,50 €"}
ADDRESS = "pierre.durand@example.com"
MASKED = "p•••d@e•••.com"


@pytest.fixture
def company(app: Flask) -> Company:
    company = make_company(
        make_supplier("diac", contact_name="Votre conseiller au 09 00 00 00 01"),
        client_number="100245",
        name="Durand Transports",
    )
    make_invoice(company, number="FA-1", gross_cents=123_450, issued_on=date(2026, 3, 3))
    send.send_due()
    return company


def register(company: Company, address: str = ADDRESS) -> None:
    Company.update(email=address, email_key=address, email_registered_at=clock.now()).where(
        Company.id == company.id
    ).execute()
    company.email = company.email_key = address


def ask(browser: Browser, **changes: str) -> TestResponse:
    """Give the proof, and follow to the answer."""
    response = browser.submit(PAGE, PROOF | changes)
    return browser.get(response.location) if response.status_code == 303 else response


def shown(response: TestResponse) -> str:
    return " ".join(response.text.split())


def test_each_state_has_its_answer(browser: Browser, company: Company) -> None:
    assert "Aucune adresse mail n’est enregistrée" in shown(ask(browser))
    register(company)
    waiting = shown(ask(browser))
    assert "partira avec votre prochaine facture" in waiting
    assert MASKED in waiting and "d’habitude vers le 3 du mois" in waiting
    make_invoice(company, number="FA-2")
    assert "le mail d’activation se prépare" in shown(ask(browser))
    send.send_due()
    assert "Le mail d’activation est en route" in shown(ask(browser))
    OutboxMail.update(state="sent", sent_at=clock.now()).execute()
    sent = shown(browser.get(PAGE))
    assert "Le mail d’activation est parti le" in sent and "Renvoyer" in sent
    OutboxMail.update(state="failed", reason="mailbox_full", answer=f"452 {ADDRESS}").execute()
    assert "n’a pas pu être remis : boîte mail pleine" in shown(browser.get(PAGE))
    OutboxMail.update(state="returned", reason="unknown_address").execute()
    assert "Le mail d’activation, parti le" in shown(browser.get(PAGE))
    assert ", est revenu : adresse inconnue" in shown(browser.get(PAGE))
    OutboxMail.update(state="sent", reason="").execute()
    later = queue_one(ADDRESS)
    OutboxMail.update(state="returned", reason="mailbox_full", sent_at=clock.now()).where(
        OutboxMail.id == later.id
    ).execute()
    page = browser.get(PAGE)
    assert "Notre dernier mail, parti le" in shown(page) and ADDRESS not in page.text


@pytest.mark.parametrize(
    ("typed", "is_right"),
    [
        ({"gross": "1234.5"}, True),
        ({"gross": "−1 234,50"}, True),
        ({"number": " fa-1 "}, True),
        ({"number": "FA‑1"}, True),
        ({"client_number": "100 245"}, True),
        ({"gross": "1234,51"}, False),
        ({"number": "FA-2"}, False),
        ({"client_number": "100246"}, False),
        ({"number": "%"}, False),
    ],
)
def test_proof_is_read_as_people_write_it(
    typed: dict[str, str], is_right: bool, browser: Browser, company: Company
) -> None:
    page = shown(ask(browser, **typed))
    assert ("Aucune adresse mail n’est enregistrée" in page) == is_right
    assert (messages.WRONG_PROOF in page) != is_right
    event = "proof.given" if is_right else "proof.refused"
    assert AuditEntry.get(AuditEntry.event == event).company_id == (
        company.id if is_right else None
    )


def test_answer_never_shows_an_address_a_login_or_a_name(
    browser: Browser, company: Company
) -> None:
    register(company)
    make_invoice(company, number="FA-2")
    send.send_due()
    delivery.deliver_due()
    page = ask(browser)
    for secret in (ADDRESS, "pierre.durand", "Durand Transports", "FA-2"):
        assert secret not in page.text


@pytest.mark.parametrize(
    ("gross", "message"),
    [("", messages.AMOUNT_MISSING), ("cent", messages.AMOUNT_MALFORMED), ("1e9999", None)],
)
def test_amount_that_is_none_is_told(
    gross: str, message: str | None, browser: Browser, company: Company
) -> None:
    assert (message or messages.AMOUNT_MALFORMED) in shown(ask(browser, gross=gross))
    assert not AuditEntry.select().where(AuditEntry.event.startswith("proof")).exists()


def test_five_tries_an_hour_by_client_number_and_network(
    browser: Browser, company: Company
) -> None:
    codes = [browser.submit(PAGE, PROOF | {"gross": "1"}).status_code for _ in range(6)]
    assert codes == [200] * 5 + [429]
    assert browser.submit(PAGE, PROOF).status_code == 429, "the right one too"
    other = browser.submit(PAGE, PROOF | {"client_number": "100 246"})
    assert other.status_code == 200, "another client number has its own tries"


def test_sends_the_activation_mail_again_to_the_registered_address_alone(
    browser: Browser, company: Company
) -> None:
    register(company)
    make_invoice(company, number="FA-2")
    send.send_due()
    ask(browser)
    response = browser.submit(f"{PAGE}/renvoi", {}, page=PAGE)
    assert messages.SENT_AGAIN in shown(browser.get(response.location))
    mails = OutboxMail.select().where(OutboxMail.kind == "activation")
    assert [mail.to_address for mail in mails] == [ADDRESS] * 2


def test_sends_a_recovery_link_once_a_password_is_chosen(
    browser: Browser, company: Company
) -> None:
    register(company)
    make_invoice(company, number="FA-2")
    send.send_due()
    User.update(password_hash="x").execute()
    ask(browser)
    browser.submit(f"{PAGE}/renvoi", {}, page=PAGE)
    assert [mail.kind for mail in OutboxMail.select().order_by(OutboxMail.id)] == [
        "activation",
        "recovery",
    ]


@pytest.mark.parametrize("end", [{"closed_at": date(2026, 3, 4)}, {"is_active": False}])
def test_a_login_that_opens_no_more_gets_no_second_activation(
    end: dict[str, object], browser: Browser, company: Company
) -> None:
    register(company)
    make_invoice(company, number="FA-2")
    send.send_due()
    User.update(end).execute()
    ask(browser)
    browser.submit(f"{PAGE}/renvoi", {}, page=PAGE)
    ended.tell_asked()
    kinds = [mail.kind for mail in OutboxMail.select().order_by(OutboxMail.id)]
    assert kinds == ["activation", "login_ended"]


def test_a_page_means_its_own_company_not_the_one_proven_since(
    browser: Browser, company: Company
) -> None:
    register(company)
    make_invoice(company, number="FA-2")
    send.send_due()
    page = ask(browser).text
    found = re.search(r'name="proof" value="([^"]+)"', page)
    assert found
    form = {"proof": found[1]}
    assert f'value="{found[1]}"' in browser.get(f"{PAGE}/demande").text
    other = make_company(company.supplier, client_number="200200", email="b@example.com")
    make_invoice(other, number="FB-1", gross_cents=12_345)
    ask(browser, client_number="200200", number="FB-1", gross="123,45")
    sent = OutboxMail.select().count()
    asked = {"email": "c@example.com", "words": "Je suis le gérant."}
    for door, fields in (("renvoi", form), ("demande", form | asked)):
        response = browser.submit(f"{PAGE}/{door}", fields, page=PAGE)
        assert response.location == PAGE
        assert messages.ANOTHER_PROVEN in shown(browser.get(PAGE))
    assert OutboxMail.select().count() == sent
    assert not CustomerRequest.select().exists()


def test_what_is_sent_again_counts_with_the_recoveries_of_a_network(
    app: Flask, browser: Browser, company: Company
) -> None:
    app.config["LIMIT_RECOVERY_IP"] = "2/hour"
    register(company)
    make_invoice(company, number="FA-2")
    send.send_due()
    ask(browser)
    codes = [browser.submit(f"{PAGE}/renvoi", {}, page=PAGE).status_code for _ in range(2)]
    assert codes == [303, 429]


def test_nothing_is_said_to_leave_before_the_activation(browser: Browser, company: Company) -> None:
    register(company)
    ask(browser)
    response = browser.submit(f"{PAGE}/renvoi", {}, page=PAGE)
    assert messages.SENT_AGAIN not in shown(browser.get(response.location))
    assert not OutboxMail.select().exists()


def test_nothing_is_sent_without_a_proof(browser: Browser, company: Company) -> None:
    register(company)
    browser.submit(f"{PAGE}/renvoi", {}, page=PAGE)
    assert not OutboxMail.select().exists()


def test_proof_is_forgotten_on_demand_and_after_a_while(browser: Browser, company: Company) -> None:
    assert "Aucune adresse" in shown(ask(browser))
    browser.submit(f"{PAGE}/autre", {}, page=PAGE)
    assert "Numéro client" in shown(browser.get(PAGE))
    ask(browser)
    with browser.client.session_transaction() as session:
        session["proven_company"] = [company.id, "2026-01-01T00:00:00"]
    assert "Numéro client" in shown(browser.get(PAGE))


@pytest.mark.parametrize(
    ("address", "masked"),
    [
        (ADDRESS, MASKED),
        ("ab@example.com", "a•••@e•••.com"),
        ("x@a.b.example", "x•••@a•••.example"),
        ("é.d@société.fr", "é•••d@s•••.fr"),
    ],
)
def test_masked_address_tells_its_owner_and_nobody_else(address: str, masked: str) -> None:
    assert unreceived.masked(address) == masked


def test_the_networks_of_one_ipv6_customer_try_one_client_number_together(
    app: Flask, company: Company
) -> None:
    app.config["LIMIT_PROOF"] = "1/hour"
    for number in range(9):
        refusal = unreceived.WrongProofError if number < 8 else ratelimit.LimitReachedError
        with pytest.raises(refusal):
            unreceived.prove("100245", "FA-9", 1, origin=f"2001:db8:0:{number:x}00::1")
    with pytest.raises(unreceived.WrongProofError):
        unreceived.prove("999", "FA-9", 1, origin="2001:db8:0:900::1")


@pytest.mark.soak
def test_every_wrong_proof_takes_as_long(app: Flask, company: Company) -> None:
    app.config["LIMIT_PROOF"] = app.config["LIMIT_RECOVERY_IP"] = "10000/hour"
    make_user(company, "pierre", email=ADDRESS)
    for number in range(500):
        make_invoice(company, number=f"FB-{number}")
    proofs = [("100245", "FA-1", 1), ("100245", "FA-9", 123_450), ("999", "FA-1", 123_450)]
    times: list[list[float]] = [[], [], []]
    for _ in range(300):
        for proof, taken in zip(proofs, times, strict=True):
            begun = time.perf_counter()
            with pytest.raises(unreceived.WrongProofError):
                unreceived.prove(*proof, origin="192.0.2.1")
            taken.append(time.perf_counter() - begun)
    medians = [statistics.median(taken) for taken in times]
    assert max(medians) < 1.25 * min(medians), medians


def test_its_forms_say_where_they_come_from(browser: Browser) -> None:
    """After « no-referrer », a browser without Sec-Fetch-Site says « Origin: null »."""
    assert browser.get("/je-n-ai-rien-recu").headers["Referrer-Policy"] == "same-origin"
