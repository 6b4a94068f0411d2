"""Every mail, word for word, as the real use cases write it: tests/mail/golden/.

A wanted change of a mail: `REWRITE_GOLDEN=1 pytest tests/mails`, then read the difference.
"""

import os
import re
from collections.abc import Callable
from datetime import UTC, date, timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from selfservice import clock, tokens
from selfservice.accounts import ended, profile, recovery, second_factor
from selfservice.accounts.models import Activation, User
from selfservice.advisers.reminders import remind_advisers
from selfservice.config import REPOSITORY
from selfservice.invoices.models import Invoice
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import reminders, send
from selfservice.requests import asking, deciding
from selfservice.requests.models import CustomerRequest, Portal
from selfservice.suppliers import register
from selfservice.suppliers.models import Company
from tests.factories import (
    PASSWORD,
    make_adviser,
    make_company,
    make_invoice,
    make_supplier,
    make_user,
)

GOLDEN = Path(__file__).parent / "golden"
SECRET = re.compile(r"/[\w-]{43}(?![\w-])")
DAY = date(2026, 3, 2)


def diac_company(mode: str = "none", **fields: object) -> Company:
    supplier = make_supplier(
        "diac",
        name="Diac / Diac Location",
        opened_on=date(2022, 12, 2),
        colour="#0b5a7a",
        contact_name="Votre conseiller clientèle",
        phone="09 00 00 00 01",
        mail="conseil@diac.example",
        hours="de 9 h à 18 h",
    )
    given = {"name": "Durand & fils", "client_number": "100301", "email": "pierre@example.com"}
    return make_company(supplier, notification=mode, **(given | fields))


def deposit(company: Company, number: str, **fields: object) -> None:
    due_on = {"due_on": date(2026, 4, 1)}
    make_invoice(company, number=number, issued_on=DAY, **(due_on | fields))


def activation() -> None:
    deposit(diac_company(), "FA-1")
    send.send_due()


def activation_of_a_plain_supplier() -> None:
    martin = make_supplier("martin", name="Fournitures <Martin>", hostname="martin.example")
    named = {"name": "Garage <Sud>", "client_number": "7"}
    deposit(make_company(martin, email="pierre@example.com", **named), "FA-1")
    send.send_due()


def document_attached() -> None:
    deposit(diac_company("attached"), "FA-2026-0001")
    send.send_due()


def document_too_large() -> None:
    document_attached()
    spare = {"body_text": OutboxMail.spare_text, "body_html": OutboxMail.spare_html}
    OutboxMail.update(spare).where(OutboxMail.kind == "document").execute()


def document_link() -> None:
    company = diac_company("link")
    deposit(company, "AV-2026-0002", kind="credit_note", gross_cents=-12_000, due_on=None)
    send.send_due()


def digest() -> None:
    company = diac_company("daily")
    deposit(company, "FA-2026-0001")
    deposit(company, "AV-2026-0002", kind="credit_note", gross_cents=-12_000)
    send.send_due()
    send.send_digests(DAY)


def digest_of_one() -> None:
    deposit(diac_company("daily", name="Garage Lemoine"), "FA-2026-0001", currency="CHF")
    send.send_due()
    send.send_digests(DAY)


def recovery_link() -> None:
    make_user(diac_company(), "pierre", email="pierre@example.com", is_from_activation=True)
    recovery.request_link("pierre@example.com", origin="192.0.2.1")


def recovery_of_two_suppliers() -> None:
    companies = (diac_company(), make_company(make_supplier(name="Fournitures Martin")))
    for number, company in enumerate(companies):
        make_user(company, f"pierre_{number}", email="pierre@example.com", is_from_activation=True)
    recovery.request_link("pierre@example.com", origin="192.0.2.1")


def password_changed() -> None:
    pierre = make_user(
        diac_company(), "pierre", email="pierre@example.com", is_from_activation=True
    )
    profile.change_password(pierre, current=PASSWORD, password="Autre-Chose-7", origin="")


def password_of_two_logins() -> None:
    martin = make_company(make_supplier(name="Fournitures Martin"), name="Durand & fils")
    for number, company in enumerate((diac_company(), martin)):
        make_user(company, f"pierre_{number}", email="pierre@example.com", is_from_activation=True)
    link = tokens.issue(recovery.PURPOSE, "pierre@example.com", lifetime=timedelta(hours=1))
    recovery.choose_password(
        link, user_id=recovery.ALL_LOGINS, password="Autre-Chose-7", origin="192.0.2.1"
    )


def second_factor_enabled() -> None:
    pierre = make_user(
        diac_company(), "pierre", email="pierre@example.com", is_from_activation=True
    )
    setup = second_factor.start(pierre, password=PASSWORD, origin="192.0.2.1")
    code = second_factor.application(pierre, setup).at(clock.now().replace(tzinfo=UTC))
    second_factor.confirm(pierre, setup, code, origin="192.0.2.1")


def _ended(*, is_from_activation: bool = True, **how: object) -> None:
    pierre = make_user(
        diac_company(),
        "pierre",
        email="pierre@example.com",
        is_from_activation=is_from_activation,
        **how,
    )
    ended.tell(pierre)


def login_closed() -> None:
    _ended(closed_at=clock.now())


def login_superseded() -> None:
    _ended(closed_at=clock.now(), is_superseded=True)


def login_switched_off() -> None:
    _ended(is_active=False)


def added_login_switched_off() -> None:
    _ended(is_active=False, is_from_activation=False)


def address_replaced() -> None:
    company = diac_company()
    make_user(company, "pierre", email="pierre@example.com", is_from_activation=True)
    register.change(company, "email", "claire@example.com", by=User(login="marie"), reason="appel")


def leaving() -> None:
    company = diac_company("link")
    deposit(company, "FA-2024-0001")
    send.send_due()
    Invoice.update(issued_on=date(2024, 3, 20)).execute()
    Activation.update(activated_at=clock.now() - timedelta(days=7)).execute()
    reminders.send_reminders()


def _asked(kind: str, value: str = "", words: str = "") -> CustomerRequest:
    company = diac_company()
    pierre = make_user(
        company,
        "pierre",
        email="pierre@example.com",
        is_from_activation=True,
        is_administrator=kind != "administrator",
    )
    if kind == "access":
        return asking.ask_unknown(company.id, address=value, words=words, origin="192.0.2.1")
    return asking.ask(pierre, kind, value=value, words=words, origin="192.0.2.1")


def _prove() -> None:
    text = OutboxMail.get(OutboxMail.kind == "request_proof").body_text
    (found,) = SECRET.findall(text)
    asking.prove(found.strip("/"), origin="192.0.2.1")


def request_received() -> None:
    _asked("address", "zoe@durand.example")


def request_of_nobody_known() -> None:
    _asked("access", "zoe@durand.example", "Zoé Durand, comptable")
    _prove()


def request_done() -> None:
    request = _asked("notification", "daily")
    OutboxMail.delete().execute()
    deciding.accept(request, by=Portal("nadia"))


def request_answered() -> None:
    request = _asked("document", words="Mars 2021")
    OutboxMail.delete().execute()
    deciding.accept(request, by=Portal("nadia"), reason="Il part demain par la poste.")


def request_taken() -> None:
    request = _asked("delivery", "paper")
    OutboxMail.delete().execute()
    deciding.take(request, by=Portal("nadia"), origin="")


def request_refused() -> None:
    request = _asked("delivery", "paper")
    OutboxMail.delete().execute()
    deciding.refuse(request, by=Portal("nadia"), reason="Le papier n’existe plus <depuis> 2025.")


def request_address_done() -> None:
    request = _asked("address", "zoe@durand.example")
    _prove()
    OutboxMail.delete().execute()
    deciding.accept(request, by=Portal("nadia"))


def request_address_done_to_another() -> None:
    """Whoever asks has another mailbox than the registered one: both are told."""
    request = _asked("access", "zoe@durand.example", "Zoé Durand, comptable")
    _prove()
    CustomerRequest.update(waits_until=None).execute()
    OutboxMail.delete().execute()
    deciding.accept(request, by=Portal("nadia"), reason="Vérifié au <siège>.")


def requests_waiting() -> None:
    request = _asked("delivery", "paper")
    make_adviser(request.company.supplier, "nadia")
    remind_advisers()


def requests_waiting_without_adviser() -> None:
    request = _asked("delivery", "paper")
    asking.ask(request.user, "document", words="Mars 2021", origin="192.0.2.1")
    deciding.take(request, by=Portal("nadia"), origin="")
    remind_advisers()


def request_to_prove() -> None:
    _asked("address", "zoe@durand.example")


def request_to_object_to() -> None:
    _asked("address", "zoe@durand.example")
    _prove()


CASES: dict[str, tuple[str, Callable[[], None]]] = {
    "activation": ("activation", activation),
    "activation-plain": ("activation", activation_of_a_plain_supplier),
    "document-attached": ("document", document_attached),
    "document-link": ("document", document_link),
    "document-too-large": ("document", document_too_large),
    "digest": ("digest", digest),
    "digest-one": ("digest", digest_of_one),
    "recovery": ("recovery", recovery_link),
    "recovery-two-suppliers": ("recovery", recovery_of_two_suppliers),
    "password-changed": ("password_changed", password_changed),
    "password-changed-all": ("password_changed", password_of_two_logins),
    "second-factor": ("second_factor_changed", second_factor_enabled),
    "login-closed": ("login_ended", login_closed),
    "login-superseded": ("login_ended", login_superseded),
    "login-switched-off": ("login_ended", login_switched_off),
    "login-switched-off-added": ("login_ended", added_login_switched_off),
    "leaving": ("leaving", leaving),
    "address-replaced": ("address_replaced", address_replaced),
    "request-received": ("request", request_received),
    "request-unidentified": ("request", request_of_nobody_known),
    "request-taken": ("request", request_taken),
    "request-done": ("request", request_done),
    "request-address-done": ("request", request_address_done_to_another),
    "address-replaced-asked": ("address_replaced", request_address_done),
    "address-replaced-unidentified": ("address_replaced", request_address_done_to_another),
    "request-answered": ("request", request_answered),
    "request-refused": ("request", request_refused),
    "requests-waiting": ("requests_waiting", requests_waiting),
    "requests-waiting-no-adviser": ("requests_waiting", requests_waiting_without_adviser),
    "request-proof": ("request_proof", request_to_prove),
    "request-proof-unidentified": ("request_proof", request_of_nobody_known),
    "request-objection": ("request_objection", request_to_object_to),
    "request-objection-unidentified": ("request_objection", request_of_nobody_known),
}


@time_machine.travel("2026-03-02T17:30:00Z", tick=False)
@pytest.mark.parametrize("name", CASES)
def test_mail_is_word_for_word_the_golden_one(name: str, app: Flask) -> None:
    kind, cause = CASES[name]
    cause()
    mail = OutboxMail.get(OutboxMail.kind == kind)
    written = {"txt": f"Objet : {mail.subject}\n\n{mail.body_text}\n", "html": mail.body_html}
    for suffix, content in written.items():
        golden = GOLDEN / f"{name}.{suffix}"
        content = SECRET.sub("/secret", content)
        if os.environ.get("REWRITE_GOLDEN"):
            golden.write_text(content, "utf-8")
        assert content == golden.read_text("utf-8"), golden.name


def test_every_kind_of_mail_has_a_golden_one() -> None:
    folders = (REPOSITORY / "templates" / "mails").iterdir()
    assert {kind for kind, _ in CASES.values()} == {path.name for path in folders if path.is_dir()}
    assert {path.stem for path in GOLDEN.iterdir()} == set(CASES)
