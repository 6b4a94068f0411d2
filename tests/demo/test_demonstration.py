"""The demonstration: filled through the real doors, again and again."""

import io
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import facturx
import pikepdf
import pytest
import time_machine
from flask import Flask

from selfservice import clock, config, db
from selfservice.accounts.models import User
from selfservice.app import create_app
from selfservice.demo import fill, plan
from selfservice.demo import instance as demo_instance
from selfservice.demo.documents import build_document
from selfservice.demo.register import ADVISERS, PASSWORDS, SELLERS
from selfservice.invoices import queries
from selfservice.invoices.models import Invoice
from selfservice.mail import OutboxMail, message
from selfservice.queue import queue
from selfservice.requests.models import CustomerRequest
from selfservice.suppliers.models import Company
from tests.conftest import Browser, IsolatedClient
from tests.demo.fixtures import TOLD
from tests.factories import make_supplier
from tests.postgresql import copy_instance

pytestmark = [pytest.mark.slow, pytest.mark.filterwarnings("ignore::DeprecationWarning:pypdf")]


@pytest.fixture
def demo(instance: Path, filled_instance: Path) -> Iterator[Flask]:
    copy_instance(filled_instance, instance)
    app = create_app()
    app.test_client_class = IsolatedClient
    with app.app_context(), db.connection():
        yield app
    queue.close()


def numbers() -> dict[str, str]:
    return dict(Invoice.select(Invoice.number, Invoice.sha256).tuples())


def test_it_deposits_24_months_without_a_refusal(demo: Flask, filled_instance: Path) -> None:
    told = filled_instance.with_name(TOLD).read_text("utf-8")
    assert f"Démonstration : {len(numbers())} document(s) déposé(s)" in told
    assert len(numbers()) > 2400
    first = min(invoice.issued_on for invoice in Invoice.select())
    assert first >= clock.earliest_lasting(clock.today(), months=24)
    assert first < clock.earliest_lasting(clock.today(), months=22)
    kinds = {invoice.kind for invoice in Invoice.select()}
    states = {invoice.state for invoice in Invoice.select()}
    assert (kinds, states) == ({"invoice", "credit_note"}, {"original", "duplicate", "copy"})


def test_pierre_has_three_logins_to_recover_and_the_others_can_sign_in(demo: Flask) -> None:
    owned = User.select().where(User.email_key == "pierre.durand@example.com")
    assert sorted(user.login for user in owned) == [f"pierre.durand_{n}" for n in (1, 2, 3)]
    assert {user.password_hash for user in owned} == {None}
    advisers = [each.login for each in ADVISERS]
    assert len(fill.logins()) == len(PASSWORDS) + 2 + len(advisers)
    for login, password, _ in fill.logins():
        if login in advisers:
            continue
        response = Browser(demo.test_client()).sign_in(login, password)
        assert response.headers["Location"].endswith("/factures"), login
    assert User.select().where(User.password_hash.is_null()).count() == 3
    lines = "\n".join(fill.welcome_lines())
    assert set(PASSWORDS.values()) < set(re.split(r"\s+", lines))
    assert "helene.morvan_1 à helene.morvan_12 " in lines


def test_an_adviser_passes_the_second_factor_by_the_telephone_of_the_demonstration(
    demo: Flask,
) -> None:
    for adviser in ADVISERS:
        browser = Browser(demo.test_client())
        asked = browser.sign_in(adviser.login, adviser.password).headers["Location"]
        with time_machine.travel(clock.now() + timedelta(minutes=1), tick=False):
            page = browser.get("/demo/telephone").text
            (code,) = re.findall(rf"{adviser.login}</th>\s*<td[^>]*><b>(\d{{6}})</b>", page)
            entered = browser.submit("/connexion/code", {"code": code}, page=asked)
        assert entered.headers["Location"] == "/conseil"
    assert "/demo/telephone" in "\n".join(fill.welcome_lines())


def test_a_bookkeeper_reads_twelve_companies_and_a_fleet_has_2000_documents(demo: Flask) -> None:
    bookkeeper = Browser(demo.test_client())
    bookkeeper.sign_in("helene.morvan_1", PASSWORDS["helene.morvan_1"])
    assert "Toutes mes sociétés (12)" in bookkeeper.get("/factures").text.replace("&nbsp;", " ")
    fleet = User.get(User.login == "paul.garnier@example.com")
    assert queries.visible_to(fleet).count() >= 2000


def test_its_mails_are_of_each_mode_one_is_refused_and_two_came_back(
    demo: Flask,
) -> None:
    sent = OutboxMail.select().where(OutboxMail.state == "sent")
    assert {mail.kind for mail in sent} == {
        "activation",
        "document",
        "digest",
        "second_factor_changed",
        "request",
        "request_proof",
    }
    assert {bool(mail.attachment_name) for mail in sent} == {True, False}
    came_back = OutboxMail.select().where(OutboxMail.state == "returned")
    assert {(mail.kind, mail.reason) for mail in came_back} == {
        ("activation", "mailbox_full"),
        ("document", "mailbox_full"),
    }
    (refused,) = OutboxMail.select().where(OutboxMail.state.not_in(("sent", "returned")))
    assert (refused.state, refused.reason) == ("failed", "unknown_address")
    digest = OutboxMail.get(OutboxMail.subject.startswith("84 nouveaux documents"))
    assert len(message.build(digest).as_bytes()) < 100_000
    activation = OutboxMail.get(OutboxMail.to_address == "claire.lemoine@example.com")
    assert "L’équipe Mobilize Financial Services" in activation.body_text


def test_it_tells_of_the_former_portal(demo: Flask) -> None:
    page = Browser(demo.test_client()).sign_in("DC-100245", "Corn3muse-bleue").text
    assert "E-Fact, fermé depuis septembre 2023" in page


def test_the_garage_has_two_added_users(demo: Flask) -> None:
    garage = Company.get(Company.name == "Garage Lemoine")
    added = User.select().where(User.company == garage, ~User.is_from_activation)
    assert added.count() == 2


def test_one_of_them_reads_one_contract_only(demo: Flask) -> None:
    reader = User.get(User.login == "julien.garage")
    read = {invoice.contract for invoice in queries.visible_to(reader)}
    assert read == {"VEH-24-00412"}
    owner = User.get(User.login == "claire.lemoine@example.com")
    assert queries.visible_to(owner).count() > queries.visible_to(reader).count()


def test_filling_again_makes_and_doubles_nothing(demo: Flask) -> None:
    before, users = numbers(), User.select().count()
    User.update(password_hash="chosen").where(User.login == "marc.vasseur@example.com").execute()
    again = fill.fill()
    assert (again.deposited, again.mails) == (0, 0)
    assert (again.already, again.faults) == (len(before), [])
    assert (numbers(), User.select().count()) == (before, users)
    assert User.get(User.login == "marc.vasseur@example.com").password_hash == "chosen"


def test_a_month_later_new_documents_come(demo: Flask) -> None:
    before = numbers()
    with time_machine.travel(datetime.now(UTC) + timedelta(days=31)):
        later = fill.fill()
    assert later.faults == []
    assert 0 < later.deposited < 140
    assert later.mails > 0
    assert later.already < len(before)
    assert before.items() <= numbers().items()


@pytest.mark.parametrize(
    "today",
    [
        datetime(2026, 1, 31, 12, tzinfo=UTC),
        datetime(2028, 2, 29, 12, tzinfo=UTC),
        datetime(2026, 3, 1, 0, 30, tzinfo=UTC),
    ],
)
def test_the_same_documents_come_whenever_one_asks(app: Flask, today: datetime) -> None:
    with time_machine.travel(today, tick=False):
        documents = [document for seller in SELLERS for document in plan.planned(seller, months=24)]
        first = clock.earliest_lasting(clock.today(), months=24)
        assert all(first <= document.issued_on <= clock.today() for document in documents)
        names = [document.number for document in documents]
        assert len(names) == len(set(names))
    with time_machine.travel(today + timedelta(days=40), tick=False):
        later = {x.number: x for seller in SELLERS for x in plan.planned(seller, months=24)}
    for document in documents:
        if document.number in later:
            assert later[document.number] == document


def test_documents_are_valid_factur_x_with_a_legible_page(app: Flask) -> None:
    invoice, credit_note = (
        next(x for x in plan.planned(SELLERS[0], months=24) if x.is_credit_note is is_credit)
        for is_credit in (False, True)
    )
    for document, code in ((invoice, b"380"), (credit_note, b"381")):
        content = build_document(document)
        _, xml = facturx.get_xml_from_pdf(content, check_xsd=True, check_schematron=False)
        assert b"<ram:TypeCode>" + code in xml
        assert document.customer.client_number.encode() in xml
        assert document.contract.reference.encode() in xml
        with pikepdf.open(io.BytesIO(content)) as pdf:
            assert len(pdf.pages) == 1
            assert pdf.Root.Lang == "fr-FR"


def test_amounts_add_up(app: Flask) -> None:
    for seller in SELLERS:
        for document in plan.planned(seller, months=24):
            assert document.net_cents > 0
            assert document.gross_cents == document.net_cents + document.vat_cents


def test_an_instance_with_data_of_its_own_is_refused(
    make_app: Callable[[], Flask], instance: Path
) -> None:
    make_app()
    make_supplier("reel")
    with pytest.raises(demo_instance.NotADemonstrationError) as caught:
        demo_instance.prepare(instance)
    assert caught.value.instance == instance
    assert not (instance / "config.toml").exists()


def test_preparing_keeps_the_operators_own_settings(instance: Path) -> None:
    instance.mkdir()
    text = 'DEMO = false\nRETENTION_MONTHS = 12\nMAIL_TRANSPORT = "smtp"\n'
    (instance / "config.toml").write_text(text, "utf-8")
    demo_instance.prepare(instance)
    demo_instance.prepare(instance)
    settings = config.load(instance, {})
    assert (settings["DEMO"], settings["MAIL_TRANSPORT"]) == (True, "file")
    assert settings["RETENTION_MONTHS"] == 12


def test_requests_wait_for_the_adviser_and_are_asked_once(demo: Flask) -> None:
    kinds = {request.kind for request in CustomerRequest.select()}
    assert kinds == {"delivery", "document", "address", "access"}
    assert {request.state for request in CustomerRequest.select()} == {"received"}
    CustomerRequest.update(state="done", decided_at=clock.now()).execute()
    fill.fill()
    assert CustomerRequest.select().count() == 4
