"""Every state of a request, every act on it: what happens, and what is told to whom."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from itertools import product
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from selfservice import clock, db
from selfservice.accounts import activation, profile
from selfservice.accounts.models import User
from selfservice.audit import AuditEntry
from selfservice.files import csv_lines
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import send
from selfservice.ratelimit import LimitReachedError
from selfservice.requests import asking, deciding
from selfservice.requests.errors import (
    AlreadyOpenError,
    AlreadySoError,
    DecidedError,
    DecisionError,
    NotAllowedError,
    NotProvenError,
    ReasonMissingError,
    TakenError,
    TooEarlyError,
    UnknownDocumentError,
    UnseenObjectionError,
)
from selfservice.requests.models import KINDS, OF_ADDRESS, UNIDENTIFIED, CustomerRequest, Portal
from selfservice.suppliers import companies_csv, register
from selfservice.suppliers.models import Company
from selfservice.tokens import DeadTokenError, ReplacedTokenError
from tests.factories import People, make_invoice, make_user
from tests.requests.steps import (
    NEW,
    OLD,
    ORIGIN,
    VALUES,
    again,
    asked,
    colleague,
    prove,
    secret,
    steps_told,
)

BY, OTHER = Portal("nadia"), Portal("marc")
ACTS: dict[str, Callable[[CustomerRequest], None]] = {
    "take": lambda request: deciding.take(request, by=BY, origin=""),
    "accept": lambda request: deciding.accept(request, by=BY, reason="Oui"),
    "refuse": lambda request: deciding.refuse(request, by=BY, reason="Non"),
}
AFTER = {"take": "in_progress", "accept": "done", "refuse": "refused"}


def _ripen(request: CustomerRequest) -> CustomerRequest:
    """Prove what has to be, and let the days of an objection pass."""
    if request.needs_proof and not again(request).proven_at:
        prove()
    CustomerRequest.update(waits_until=clock.now()).where(
        CustomerRequest.waits_until.is_null(False)
    ).execute()
    return again(request)


@pytest.fixture
def opened(app: Flask, people: People) -> Callable[[str], CustomerRequest]:
    def open_request(kind: str) -> CustomerRequest:
        if kind == "question":
            number = make_invoice(people.alice.company).number
            return asking.ask(people.alice, kind, value=number, words="?", origin=ORIGIN)
        return asked(people, kind)

    return open_request


@pytest.mark.parametrize("kind", KINDS)
def test_each_kind_goes_from_received_by_in_progress_to_done(
    kind: str, opened: Callable[[str], CustomerRequest]
) -> None:
    request = _ripen(opened(kind))
    for act in ("take", "accept"):
        ACTS[act](again(request))
        assert again(request).state == AFTER[act]
    last = [] if kind == "address" else ["Demande faite"]  # the mail to a former address says it
    assert steps_told() == ["Demande reçue", "Demande en cours", *last]
    events = [entry.event for entry in AuditEntry.select().order_by(AuditEntry.id)]
    assert [each for each in events if each.startswith("request")] == [
        "request.opened",
        *(["request.proven"] if kind in OF_ADDRESS else []),
        "request.taken",
        "request.accepted",
    ]


@pytest.mark.parametrize(("first", "second"), [*product(("accept", "refuse"), ACTS)])
def test_what_is_decided_stays_and_the_second_learns_who_decided(
    first: str, second: str, opened: Callable[[str], CustomerRequest]
) -> None:
    request = opened("notification")
    stale = again(request)
    ACTS[first](request)
    with pytest.raises(DecidedError) as told:
        ACTS[second](stale)
    assert (told.value.request.decided_by, told.value.request.state) == ("nadia", AFTER[first])
    assert len(steps_told()) == 2


def test_what_is_taken_is_not_taken_twice_but_a_colleague_may_decide(
    opened: Callable[[str], CustomerRequest],
) -> None:
    request = opened("notification")
    ACTS["take"](request)
    with pytest.raises(TakenError) as told:
        deciding.take(request, by=OTHER, origin="")
    assert told.value.request.taken_by == "nadia"
    deciding.accept(request, by=OTHER)
    assert again(request).decided_by == "marc"


@pytest.mark.parametrize("kind", OF_ADDRESS)
def test_no_address_is_accepted_before_its_proof(
    kind: str, people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = opened(kind)
    with pytest.raises(NotProvenError):
        ACTS["accept"](request)
    prove()
    if kind in UNIDENTIFIED:
        with pytest.raises(TooEarlyError):
            ACTS["accept"](request)
        assert again(request).waits_until == again(request).proven_at + timedelta(days=7)
        with time_machine.travel(clock.now() + timedelta(days=7), tick=False):
            ACTS["accept"](request)
    else:
        ACTS["accept"](request)
    company = Company.get_by_id(people.alice.company_id)
    assert (company.email, company.email_key) == (NEW, NEW)
    assert not OutboxMail.select().where(OutboxMail.kind == "activation").exists()
    make_invoice(company)
    send.send_due()
    (mail,) = OutboxMail.select().where(OutboxMail.kind == "activation")
    assert mail.to_address == NEW


def test_who_had_no_address_is_told_of_no_former_one(people: People) -> None:
    company = people.alice.company
    Company.update(email=None, email_key=None).where(Company.id == company.id).execute()
    User.update(is_active=False).where(User.company == company).execute()
    request = asked(people, "access")
    prove()
    with pytest.raises(TooEarlyError):
        ACTS["accept"](request)
    ACTS["accept"](_ripen(request))
    assert Company.get_by_id(company.id).email == NEW
    mail = OutboxMail.select().where(OutboxMail.kind == "request").order_by(OutboxMail.id)[-1]
    assert NEW in mail.body_text and "l’ancienne" not in mail.body_text


def test_what_needs_a_person_says_when(people: People) -> None:
    company = people.alice.company
    company.supplier.hours = "de 9 h à 18 h"
    company.supplier.save()
    make_invoice(company, issued_on=clock.today().replace(day=3))
    request = again(asked(people, "notification"))
    ACTS["accept"](request)
    received, done = (
        mail.body_text.replace("\u00a0", " ")
        for mail in OutboxMail.select().order_by(OutboxMail.id)
    )
    assert "l’examine, de 9 h à 18 h." in received
    assert "la prochaine facture, d’habitude vers le 3 du mois." in done


@pytest.mark.parametrize("kind", OF_ADDRESS)
def test_an_objection_stops_it_until_somebody_decides_with_a_reason(
    kind: str, opened: Callable[[str], CustomerRequest]
) -> None:
    request = opened(kind)
    prove()
    ACTS["take"](request)
    asking.object_by_link(secret("request_objection"), words="Non !", origin=ORIGIN)
    assert (again(request).state, again(request).taken_by) == ("received", "")
    for reason, is_seen, refusal in (
        ("", True, ReasonMissingError),
        ("Vérifié au téléphone", False, UnseenObjectionError),
    ):
        with pytest.raises(refusal):
            deciding.accept(request, by=BY, reason=reason, objection_seen=None if is_seen else "")
    deciding.accept(request, by=BY, reason="Vérifié au téléphone")
    assert again(request).state == "done"


def test_an_objection_takes_back_what_was_accepted_until_the_new_login_exists(
    people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = opened("address")
    prove()
    link = secret("request_objection")
    ACTS["accept"](request)
    asking.object_by_link(link, words="", origin=ORIGIN)
    company = Company.get_by_id(people.alice.company_id)
    assert (company.email, again(request).state, again(request).decided_at) == (
        OLD,
        "received",
        None,
    )
    with pytest.raises(DeadTokenError):
        asking.object_by_link(link, words="", origin=ORIGIN)


def test_an_objection_is_not_undone_by_the_export_of_before_it(
    people: People, opened: Callable[[str], CustomerRequest], tmp_path: Path
) -> None:
    def export() -> None:
        rows = companies_csv.export_companies(people.supplier)
        (tmp_path / "register.csv").write_bytes(csv_lines(rows))

    def take() -> companies_csv.ImportReport:
        return companies_csv.import_companies(people.supplier, tmp_path / "register.csv")

    export()
    take()
    ACTS["accept"](_ripen(opened("access")))
    export()
    asking.object_by_link(secret("request_objection"), words="", origin=ORIGIN)
    report = take()
    assert Company.get_by_id(people.alice.company_id).email == OLD
    assert [(each.portal, each.file, each.is_kept) for each in report.differences] == [
        (OLD, NEW, True)
    ]


@pytest.mark.parametrize("is_imported", [False, True])
def test_an_objection_takes_back_nothing_but_what_its_request_changed(
    is_imported: bool, people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = _ripen(opened("access"))
    ACTS["accept"](request)
    activation.activate(Company.get_by_id(people.alice.company_id))
    company = _register(people, "next@atelier.example")
    former = User.get(User.email_key == NEW)
    activation.close(former, reason="address changed", is_superseded=True)
    if is_imported:
        register.put(company, "email", NEW)
        company.save()
    else:
        _register(people, NEW)
    with pytest.raises(DecidedError):
        asking.object_as(people.alice, request.id, words="", origin=ORIGIN)
    assert Company.get_by_id(company.id).email == NEW


@pytest.mark.parametrize("is_accepted", [False, True])
@pytest.mark.parametrize("between", ["between@atelier.example", ""])
def test_an_address_replaced_before_the_decision_objects_to_nothing_any_more(
    between: str, is_accepted: bool, people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = _ripen(opened("access"))
    link = secret("request_objection")
    _register(people, between)
    if is_accepted:
        ACTS["accept"](_ripen(request))
    with pytest.raises(ReplacedTokenError):
        asking.object_by_link(link, words="Non", origin=ORIGIN)
    assert again(request).objected_at is None
    assert Company.get_by_id(people.alice.company_id).email == (
        NEW if is_accepted else between or None
    )


@pytest.mark.parametrize("kind", OF_ADDRESS)
def test_an_address_registered_since_may_object_too_and_has_the_same_days(
    kind: str, people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = _ripen(opened(kind))
    _register(people, "since@atelier.example")
    told = OutboxMail.select().where(OutboxMail.to_address == "since@atelier.example").get()
    assert (told.kind, NEW in told.body_text) == ("request_objection", True)
    if kind in UNIDENTIFIED:
        with pytest.raises(TooEarlyError):
            ACTS["accept"](again(request))
    asking.object_by_link(secret("request_objection"), words="Non", origin=ORIGIN)
    assert again(request).objection == "Non"


@pytest.mark.parametrize("why", ["not proven", "decided", "registered"])
def test_an_address_registered_since_is_told_of_nothing_that_does_not_concern_it(
    why: str, people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = opened("access")
    if why != "not proven":
        _ripen(request)
    if why == "decided":
        ACTS["refuse"](request)
    OutboxMail.delete().execute()
    _register(people, NEW if why == "registered" else "since@atelier.example")
    assert not OutboxMail.select().where(OutboxMail.kind == "request_objection").exists()


def test_nobodys_acts_keep_an_objection_from_the_journal(
    people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = opened("address")
    prove()
    ACTS["accept"](request)
    mule = make_user(people.bob.company, "system")
    with pytest.raises(LimitReachedError):
        for _ in range(1001):
            profile.save_coordinates(
                mule, last_name="", first_name="", phone="", mobile="", origin=ORIGIN
            )
    asking.object_by_link(secret("request_objection"), words="", origin=ORIGIN)
    company = Company.get_by_id(people.alice.company_id)
    assert company.email == OLD
    of_company = AuditEntry.select().where(AuditEntry.company_id == company.id)
    told = {each.event: (each.actor, each.origin) for each in of_company}
    assert told["register.changed"] == ("system", "")
    assert told["request.objected"] == ("", ORIGIN)


def test_an_objection_after_the_deposit_is_too_late_and_says_so(
    people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = opened("address")
    prove()
    link = secret("request_objection")
    ACTS["accept"](request)
    make_invoice(Company.get_by_id(people.alice.company_id))
    send.send_due()
    with pytest.raises(DecidedError):
        asking.object_by_link(link, words="", origin=ORIGIN)
    assert Company.get_by_id(people.alice.company_id).email == NEW
    asking.tokens.read("request_objection", link)  # it was not used up


@pytest.fixture
def returning(people: People) -> None:
    """The new address was the company's before, and its login closed since."""
    activation.activate(_register(people, NEW))
    former = User.get(User.email_key == NEW)
    activation.close(former, reason="address changed", is_superseded=True)
    _register(people, OLD)


def _register(people: People, address: str) -> Company:
    company: Company = Company.get_by_id(people.alice.company_id)
    register.change(company, "email", address, by=BY, reason="Erreur")
    return Company.get_by_id(company.id)


def test_an_objection_to_an_address_that_comes_back_is_in_time_until_its_login_reopens(
    returning: None, people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = opened("address")
    prove()
    link = secret("request_objection")
    ACTS["accept"](request)
    asking.object_by_link(link, words="", origin=ORIGIN)
    assert Company.get_by_id(people.alice.company_id).email == OLD
    deciding.refuse(again(request), by=BY, reason="Non")
    again_asked = opened("address")
    prove()
    ACTS["accept"](again_asked)
    make_invoice(Company.get_by_id(people.alice.company_id))
    send.send_due()
    with pytest.raises(DecidedError):
        asking.object_by_link(secret("request_objection"), words="", origin=ORIGIN)


def test_an_objection_to_an_address_whose_login_an_adviser_closed_is_in_time(
    people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    activation.activate(_register(people, NEW))
    activation.close(User.get(User.email_key == NEW), reason="closed by the adviser")
    _register(people, OLD)
    ACTS["accept"](_ripen(opened("access")))
    asking.object_by_link(secret("address_replaced"), words="Non", origin=ORIGIN)
    assert Company.get_by_id(people.alice.company_id).email == OLD


@pytest.mark.parametrize("way", ["link", "page"])
def test_closing_the_login_that_a_deposit_opened_lets_nobody_take_its_address_back(
    way: str, people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = _ripen(opened("administrator"))
    ACTS["accept"](request)
    activation.activate(Company.get_by_id(people.alice.company_id))
    activation.close(User.get(User.email_key == NEW), reason="closed by the adviser")
    friend = make_user(people.alice.company, "ami", is_administrator=True)
    with pytest.raises(DecidedError):
        if way == "link":
            asking.object_by_link(secret("address_replaced"), words="", origin=ORIGIN)
        else:
            asking.object_as(friend, request.id, words="", origin=ORIGIN)
    assert Company.get_by_id(people.alice.company_id).email == NEW


def test_an_objection_of_the_moment_of_a_decision_leaves_nothing_half_done(
    opened: Callable[[str], CustomerRequest], monkeypatch: pytest.MonkeyPatch
) -> None:
    request = opened("address")
    prove()
    monkeypatch.setattr(asking.tokens, "consume", lambda _: ACTS["accept"](request))
    with pytest.raises(DecidedError):
        asking.object_by_link(secret("request_objection"), words="", origin=ORIGIN)


def test_an_objection_ends_what_a_newer_request_has_overtaken(
    people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = opened("address")
    prove()
    link = secret("request_objection")
    ACTS["accept"](request)
    alice = User.get_by_id(people.alice.id)
    asking.ask(alice, "address", value="autre@atelier.example", origin=ORIGIN)
    asking.object_by_link(link, words="", origin=ORIGIN)
    assert again(request).state == "refused"
    assert Company.get_by_id(people.alice.company_id).email == OLD


@pytest.mark.parametrize("is_objected", [False, True])
def test_a_replaced_address_gets_one_mail_that_says_all(
    is_objected: bool, people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = opened("address")
    prove()
    if is_objected:
        asking.object_by_link(secret("request_objection"), words="Non !", origin=ORIGIN)
    OutboxMail.delete().execute()
    ACTS["accept"](request)
    (mail,) = OutboxMail.select()
    assert (mail.kind, mail.to_address) == ("address_replaced", OLD)
    for told in (NEW, "alice", "Oui"):
        assert told in mail.body_text
    assert ("/demandes/opposition/" in mail.body_text) != is_objected
    if not is_objected:
        asking.object_by_link(secret("address_replaced"), words="Non !", origin=ORIGIN)
        assert Company.get_by_id(people.alice.company_id).email == OLD


def test_a_former_address_without_login_is_told_by_the_request(
    people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = opened("address")
    prove()
    User.update(is_active=False).where(User.id == people.alice.id).execute()
    ACTS["accept"](request)
    assert steps_told()[-1] == "Demande faite"
    assert not OutboxMail.select().where(OutboxMail.kind == "address_replaced").exists()


@pytest.mark.parametrize("kind", VALUES)
def test_one_of_a_kind_is_open_at_a_time(
    kind: str, people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = _ripen(opened(kind))
    with pytest.raises(AlreadyOpenError):
        opened(kind)
    ACTS["refuse"](request)
    assert opened(kind).is_open


@pytest.mark.parametrize("kind", OF_ADDRESS)
def test_an_unproven_address_blocks_nobody(
    kind: str, opened: Callable[[str], CustomerRequest]
) -> None:
    request = opened(kind)
    link = secret("request_proof")
    newer = opened(kind)
    assert (again(request).state, newer.is_open) == ("refused", True)
    with pytest.raises(DeadTokenError):
        asking.prove(link, origin=ORIGIN)
    prove()
    assert again(newer).proven_at


@pytest.mark.parametrize("kind", UNIDENTIFIED)
def test_a_stranger_keeps_no_place_from_the_owner(kind: str, people: People) -> None:
    def ask(address: str) -> CustomerRequest:
        if kind == "access":
            company_id = people.alice.company_id
            return asking.ask_unknown(company_id, address=address, words="?", origin=ORIGIN)
        return asking.ask(colleague(people), kind, value=address, words="?", origin=ORIGIN)

    strangers = ask("intrus@example.com")
    prove()
    owners = ask(NEW)
    owners_link = secret("request_proof")
    ask("autre@example.com")
    asking.prove(owners_link, origin=ORIGIN)
    assert again(strangers).is_open and again(owners).proven_at
    with pytest.raises(AlreadyOpenError):
        ask(NEW)


@pytest.mark.parametrize("kind", ["document", "question"])
def test_an_answer_needs_words(kind: str, opened: Callable[[str], CustomerRequest]) -> None:
    request = opened(kind)
    with pytest.raises(ReasonMissingError):
        deciding.accept(request, by=BY)
    with pytest.raises(ReasonMissingError):
        deciding.refuse(request, by=BY, reason="")
    assert again(request).state == "received"


def test_who_may_ask_for_what(people: People) -> None:
    ursule = colleague(people)
    for kind in ("address", "notification", "delivery"):
        with pytest.raises(NotAllowedError):
            asking.ask(ursule, kind, value=VALUES[kind], origin=ORIGIN)
    for kind in ("administrator", "access"):
        with pytest.raises(NotAllowedError):
            asking.ask(people.alice, kind, value=NEW, origin=ORIGIN)
    assert not CustomerRequest.select().exists()


@pytest.mark.parametrize(
    ("kind", "value"), [("address", "Alice@Example.com"), ("notification", "none")]
)
def test_what_is_so_already_is_not_asked(kind: str, value: str, people: People) -> None:
    with pytest.raises(AlreadySoError):
        asking.ask(people.alice, kind, value=value, origin=ORIGIN)


def test_a_question_is_about_a_document_that_the_reader_may_read(people: People) -> None:
    foreign = make_invoice(people.bob.company).number
    with pytest.raises(UnknownDocumentError):
        asking.ask(people.alice, "question", value=foreign, words="?", origin=ORIGIN)


def test_who_is_unknown_gets_no_mail_and_no_name_before_the_proof(people: People) -> None:
    asked(people, "access")
    assert steps_told() == []
    prove()
    assert steps_told() == ["Demande reçue"]
    for mail in OutboxMail.select().where(OutboxMail.to_address == NEW):
        assert people.alice.company.name not in mail.subject + mail.body_text + mail.body_html


def test_who_is_unknown_cannot_guess_the_registered_address(app: Flask, people: People) -> None:
    app.config["LIMIT_REQUEST"] = "2/day"
    for refusal in (AlreadySoError, AlreadySoError, LimitReachedError):
        with pytest.raises(refusal):
            asking.ask_unknown(people.alice.company_id, address=OLD, words="Zoé", origin=ORIGIN)


def test_a_stranger_keeps_no_other_from_asking(people: People) -> None:
    """Even where one holds a /48 of IPv6 addresses."""

    def ask_from(origin: str, name: str) -> None:
        address = f"{name}@atelier.example"
        asking.ask_unknown(people.alice.company_id, address=address, words="", origin=origin)

    asked_for = 0
    for network in range(20):
        for number in range(6):
            with suppress(LimitReachedError):
                ask_from(f"2001:db8:0:{network}00::1", f"u{network}.{number}")
                asked_for += 1
    assert asked_for == 40
    ask_from(ORIGIN, "zoe")


def test_a_mailbox_that_somebody_typed_gets_the_proof_alone_and_its_fate_is_nobodys(
    people: People,
) -> None:
    typed = make_user(
        people.alice.company, "faux", email="victime@example.com", is_administrator=True
    )
    asking.ask(typed, "delivery", value="paper", origin=ORIGIN)
    asking.ask(typed, "address", value="autre@example.com", origin=ORIGIN)
    mailed = {mail.to_address: mail.company_id for mail in OutboxMail.select()}
    assert mailed == {OLD: people.alice.company_id, "autre@example.com": None}


def test_objecting_again_changes_nothing(people: People) -> None:
    request = asked(people, "access")
    prove()
    for words in ("Non", "Non !"):
        asking.object_as(people.alice, request.id, words=words, origin=ORIGIN)
    assert again(request).objection == "Non"
    assert AuditEntry.select().where(AuditEntry.event == "request.objected").count() == 1


def test_a_failed_act_changes_and_mails_nothing(
    people: People,
    opened: Callable[[str], CustomerRequest],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    request = opened("notification")

    def fail(_request: CustomerRequest) -> None:
        raise OSError

    monkeypatch.setattr("selfservice.requests.mails.queue_step", fail)
    for act in ACTS.values():
        with pytest.raises(OSError):
            act(request)
    monkeypatch.undo()
    company = Company.get_by_id(people.alice.company_id)
    assert (again(request).state, company.notification) == ("received", "none")
    assert len(steps_told()) == 1


def test_of_advisers_at_the_same_moment_one_decides(
    app: Flask, people: People, opened: Callable[[str], CustomerRequest]
) -> None:
    request = opened("notification")

    def decide(number: int) -> str:
        with app.app_context(), db.connection():
            try:
                deciding.accept(request, by=Portal(f"conseiller-{number}"))
            except DecisionError as error:
                return str(error.request.decided_by)
        return f"conseiller-{number}"

    with ThreadPoolExecutor(4) as pool:
        told = set(pool.map(decide, range(4)))
    assert told == {again(request).decided_by}
    assert len(steps_told()) == 2


def test_a_user_who_is_purged_leaves_the_request(people: People) -> None:
    request = asked(people, "document", user=make_user(people.alice.company, "parti"))
    User.delete().where(User.login == "parti").execute()
    assert (again(request).asked_by, again(request).user_id) == ("parti", None)
