"""The customers' pages of requests, over HTTP: who sees what, and what a fault says."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from babel.dates import format_date
from flask import Flask

from selfservice import clock
from selfservice.accounts.models import User, UserSession
from selfservice.mail import delivery
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import send
from selfservice.requests import deciding, messages
from selfservice.requests.models import CustomerRequest, Portal
from selfservice.requests.views.customer import SLUGS
from selfservice.suppliers import mailboxes, register
from selfservice.suppliers.models import Company
from selfservice.texts import unbroken
from tests.conftest import Browser
from tests.factories import People, make_invoice, make_user, share_company
from tests.platform.test_habits import twice
from tests.requests.steps import NEW, OLD, again, asked, colleague, link, prove, steps_told

PAGE = "/profil/demandes"
FIELDS: dict[str, dict[str, object]] = {
    "adresse": {"email": NEW},
    "notification": {"notification": "daily"},
    "envoi": {"delivery": "paper"},
    "document": {"words": "Celui de mai 2021"},
    "administrateur": {"email": NEW, "words": "Zoé, comptable, 06"},
}


@pytest.fixture
def ursule(people: People, new_browser: Callable[[], Browser]) -> Browser:
    """A user of alice's company who is no administrator."""
    browser = new_browser()
    browser.sign_in(colleague(people).login, people.password)
    return browser


def ask(browser: Browser, subject: str, **fields: object) -> str:
    """Send a form and return the page that answers, its list included."""
    response = browser.submit(f"{PAGE}/{subject}", FIELDS.get(subject, {}) | fields)
    page = browser.get(response.location) if response.status_code == 302 else response
    assert page.status_code < 500
    return " ".join(page.text.split())


@pytest.mark.parametrize("subject", FIELDS)
def test_each_form_opens_a_request_and_twice_is_once(
    subject: str, alice: Browser, ursule: Browser
) -> None:
    browser = ursule if subject == "administrateur" else alice
    answers = twice(browser, f"{PAGE}/{subject}", **FIELDS[subject])
    assert [answer.status_code for answer in answers] == [302, 302]
    assert "Votre demande est envoyée" in browser.get(PAGE).text
    (request,) = CustomerRequest.select()
    assert request.kind == SLUGS[subject]


def test_each_asks_for_what_is_theirs(alice: Browser, ursule: Browser) -> None:
    for subject in SLUGS:
        of_administrators = subject in ("adresse", "notification", "envoi")
        is_alices = of_administrators or subject in ("document", "question")
        assert alice.get(f"{PAGE}/{subject}").status_code == (200 if is_alices else 404), subject
        page = ursule.get(f"{PAGE}/{subject}")
        assert page.status_code == (404 if of_administrators else 200), subject
        assert ("<b>alice</b>" in page.text) == of_administrators, "who may is said"
        assert (f"{PAGE}/{subject}" in alice.get(PAGE).text) == is_alices
    assert alice.get(f"{PAGE}/autre").status_code == 404


def test_a_colleague_follows_their_own_an_administrator_all(
    alice: Browser, ursule: Browser, bob: Browser, charlie: Browser
) -> None:
    ask(alice, "document", words="secret d’alice")
    ask(ursule, "administrateur")
    assert "Mon administrateur est parti" in alice.get(PAGE).text
    assert "Document qui n’est plus ici" not in ursule.get(PAGE).text
    for other in (bob, charlie):
        assert "Mon administrateur est parti</" not in other.get(PAGE).text
        assert NEW not in other.get(PAGE).text


def test_a_colleague_s_words_are_in_no_mail_to_the_registered_address(
    alice: Browser, ursule: Browser
) -> None:
    """A site in them would be the supplier's to its reader; alice's own go to herself."""
    for browser, words in ((alice, "FA-2021-0001"), (ursule, "https://factures.mule.example")):
        CustomerRequest.delete().execute()
        page = ask(browser, "document", number=words)
        assert words in page
        mail = OutboxMail.select().order_by(OutboxMail.id.desc()).get()
        assert mail.to_address == OLD
        assert (words in mail.body_text) == (words in mail.body_html) == (browser is alice)


@pytest.mark.parametrize(
    ("subject", "fields", "message"),
    [
        ("adresse", {"email": ""}, messages.ADDRESS_MISSING),
        ("adresse", {"email": "alice@"}, messages.ADDRESS_MALFORMED),
        ("adresse", {"email": "a@" + "é" * 260 + ".fr"}, messages.ADDRESS_MALFORMED),
        ("adresse", {"email": "Alice@example.com"}, messages.ADDRESS_KNOWN),
        ("notification", {"notification": ""}, messages.MODE_MISSING),
        ("notification", {"notification": "none"}, messages.MODE_KNOWN),
        ("envoi", {"delivery": "electronic"}, messages.MODE_KNOWN),
        ("document", {"words": " \n "}, messages.WORDS_MISSING),
        ("question", {"number": "FA-0", "words": "?"}, messages.NUMBER_UNKNOWN),
    ],
)
def test_fault_is_told_on_its_page_and_nothing_is_lost(
    subject: str, fields: dict[str, object], message: str, alice: Browser
) -> None:
    page = ask(alice, subject, **({"words": "Gardez ces mots"} | fields))
    assert str(message) in page
    assert "Gardez ces mots" in page or "words" in fields
    assert not CustomerRequest.select().exists()


def test_an_address_whose_domain_takes_no_mail_is_refused(
    alice: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mailboxes, "takes_mail", lambda _address: False)
    assert str(messages.ADDRESS_WITHOUT_MAIL) in ask(alice, "adresse")


def test_a_second_request_of_a_kind_waits_for_the_first(alice: Browser) -> None:
    ask(alice, "envoi")
    assert str(messages.ALREADY_OPEN) in ask(alice, "envoi")


def test_nobody_can_flood(app: Flask, alice: Browser, bob: Browser) -> None:
    app.config["LIMIT_REQUEST_ADDRESS"] = "2/day"
    for _ in range(2):
        ask(alice, "adresse")
    assert alice.submit(f"{PAGE}/adresse", FIELDS["adresse"]).status_code == 429
    assert OutboxMail.select().where(OutboxMail.to_address == NEW).count() == 2
    app.config["LIMIT_REQUEST"] = "1/day"
    ask(bob, "document")
    CustomerRequest.delete().execute()
    refused = bob.submit(f"{PAGE}/document", FIELDS["document"])
    assert refused.status_code == 429
    tomorrow = format_date(clock.today() + timedelta(days=1), "d MMMM", locale="fr")
    assert f"à partir du {tomorrow} à " in refused.text.replace("\u00a0", " ")


def test_a_user_who_asks_without_end_keeps_the_owner_from_nothing(
    app: Flask, people: People, alice: Browser, ursule: Browser
) -> None:
    for _ in range(6):
        answer = ursule.submit(f"{PAGE}/document", FIELDS["document"])
    assert answer.status_code == 429
    deciding.accept(CustomerRequest.get(), by=Portal(), reason="Par courrier.")
    assert "Votre demande est envoyée" in ask(alice, "document")
    # An administrator who was added, and guesses the address that the owner is about to ask for.
    User.update(is_administrator=True).where(User.login == colleague(people).login).execute()
    app.config["LIMIT_REQUEST_ADDRESS"] = "1/day"
    ask(ursule, "adresse")
    assert ursule.submit(f"{PAGE}/adresse", FIELDS["adresse"]).status_code == 429
    assert "Votre demande est envoyée" in ask(alice, "adresse")


@pytest.mark.parametrize("kind", ["access", "address"])
def test_whoever_guesses_the_next_address_keeps_nobody_from_asking_for_it(
    kind: str, app: Flask, people: People, alice: Browser
) -> None:
    app.config["LIMIT_REQUEST_ADDRESS"] = "1/day"
    User.update(is_administrator=True).where(User.id == people.bob.id).execute()
    asked(people, kind, user=User.get_by_id(people.bob.id))
    assert "Votre demande est envoyée" in ask(alice, "adresse")
    assert alice.submit(f"{PAGE}/adresse", FIELDS["adresse"]).status_code == 429


def test_a_stranger_who_asks_for_anothers_address_leaves_its_owner_one(
    app: Flask, people: People, new_browser: Callable[[], Browser]
) -> None:
    app.config["LIMIT_REQUEST_ADDRESS"] = "1/day"

    def ask_from(address: str, company: Company) -> int:
        visitor, document = new_browser(), make_invoice(company)
        visitor.client.environ_base["REMOTE_ADDR"] = address
        proof = {"client_number": company.client_number, "number": document.number, "gross": "120"}
        assert visitor.submit("/je-n-ai-rien-recu", proof).status_code == 303
        asked_for = {"email": NEW, "words": "Zoé"}
        return visitor.submit("/je-n-ai-rien-recu/demande", asked_for).status_code

    assert ask_from("192.0.2.1", people.bob.company) == 302
    assert ask_from("192.0.2.1", people.bob.company) == 429
    assert ask_from("192.0.2.2", people.alice.company) == 302
    assert ask_from("192.0.2.3", people.alice.company) == 429, "a mailbox gets a few mails"


def test_the_link_proves_by_its_button_only_and_once(alice: Browser, browser: Browser) -> None:
    ask(alice, "adresse")
    path = link("request_proof")
    for _ in range(2):
        opened = browser.get(path)
        page = f"/demandes/preuve?demande={CustomerRequest.get().id}"
        assert (opened.status_code, opened.location) == (303, page), "no secret in an address"
        assert "Confirmer mon adresse" in browser.get(page).text
    (request,) = CustomerRequest.select()
    assert request.proven_at is None, "a scanner has opened it"
    assert "Adresse confirmée" in browser.submit(page, {}).text
    assert browser.get(page).status_code == 410
    assert browser.get(path).status_code == 410
    assert browser.get("/demandes/preuve/inconnu").status_code == 404
    assert browser.get("/profil/compte").status_code == 302, "no session is opened"
    told = OutboxMail.get(OutboxMail.kind == "request_objection")
    assert (told.to_address, NEW in told.body_text) == ("alice@example.com", True)


def test_the_registered_address_objects_by_its_link(people: People, browser: Browser) -> None:
    request = asked(people, "access")
    prove()
    path, page = link("request_objection"), f"/demandes/opposition?demande={request.id}"
    opened = browser.get(path)
    assert (opened.status_code, opened.location) == (303, page), "no secret in an address"
    assert NEW in browser.get(page).text
    assert "Opposition enregistrée" in browser.submit(page, {"words": "Jamais !"}).text
    assert browser.get(page).status_code == 410
    assert (again(request).objection, again(request).objected_by) == ("Jamais !", "")
    assert browser.get(path).status_code == 410
    assert browser.get("/profil/compte").status_code == 302


def test_an_objection_to_what_is_decided_says_so(people: People, browser: Browser) -> None:
    request = asked(people, "access")
    prove()
    path = link("request_objection")
    browser.get(path)
    deciding.refuse(request, by=Portal(), reason="Non")
    for address in (path, f"/demandes/opposition?demande={request.id}"):
        page = browser.get(address)
        assert (page.status_code, "a déjà été décidée" in page.text) == (410, True)


def test_what_was_decided_in_spite_of_an_objection_stands(
    people: People, alice: Browser, browser: Browser
) -> None:
    request = asked(people, "access")
    prove()
    by_link, on_page = link("request_objection"), f"{PAGE}/{request.id}/opposition"
    CustomerRequest.update(waits_until=clock.now()).execute()
    deciding.accept(request, by=Portal())
    alice.submit(on_page, {"words": "Inconnu"})
    assert Company.get_by_id(request.company_id).email == OLD
    deciding.accept(request, by=Portal(), reason="Vérifié au téléphone")
    page = alice.submit(on_page, {"words": "Encore"}, page=PAGE)
    assert "a déjà été décidée" in alice.get(page.location).text
    assert browser.get(by_link).status_code == 410
    assert Company.get_by_id(request.company_id).email == NEW


def test_of_two_links_opened_at_once_each_button_means_its_own(
    people: People, browser: Browser
) -> None:
    first = asked(people, "access")
    page = browser.get(link("request_proof")).location
    asked(people, "address")
    browser.get(link("request_proof"))
    assert "Adresse confirmée" in browser.submit(page, {}).text
    (proven,) = CustomerRequest.select().where(CustomerRequest.proven_at.is_null(False))
    assert proven == first


def test_a_page_of_a_link_shows_nothing_to_who_has_not_opened_it(browser: Browser) -> None:
    for page in ("/demandes/preuve", "/demandes/opposition"):
        assert browser.get(page).status_code == 404
        assert browser.get(f"{page}?demande=1").status_code == 404


def test_an_administrator_objects_on_the_page_to_who_is_unknown(
    people: People, alice: Browser, bob: Browser, ursule: Browser
) -> None:
    request = asked(people, "access")
    path = f"{PAGE}/{request.id}/opposition"
    assert path in alice.get(PAGE).text
    for other in (bob, ursule):
        assert other.get(path).status_code == other.submit(path, {}, page=PAGE).status_code == 404
    alice.submit(path, {"words": "Inconnu"})
    assert (again(request).objection, again(request).is_stopped) == ("Inconnu", True)
    assert path not in alice.get(PAGE).text
    own = asked(people, "address")
    assert alice.get(f"{PAGE}/{own.id}/opposition").status_code == 404


def test_who_has_received_nothing_asks_for_another_address(
    people: People, browser: Browser
) -> None:
    invoice = make_invoice(people.alice.company, gross_cents=123_450)
    assert browser.get("/je-n-ai-rien-recu/demande").location == "/je-n-ai-rien-recu"
    proof: dict[str, object] = {
        "client_number": people.alice.company.client_number,
        "number": invoice.number,
        "gross": "1234,50",
    }
    browser.submit("/je-n-ai-rien-recu", proof)
    assert "/je-n-ai-rien-recu/demande" in browser.get("/je-n-ai-rien-recu").text
    page = browser.submit("/je-n-ai-rien-recu/demande", {"email": NEW})
    assert unbroken(str(messages.WHO_MISSING)) in page.text
    fields: dict[str, object] = {"email": NEW, "words": "Zoé, 06"}
    assert browser.submit("/je-n-ai-rien-recu/demande", fields).status_code == 302
    assert NEW in browser.get("/je-n-ai-rien-recu").text
    (request,) = CustomerRequest.select()
    assert (request.is_unidentified, request.asked_by) == (True, "")
    Company.update(email=NEW, email_key=NEW).execute()
    page = browser.submit("/je-n-ai-rien-recu/demande", fields)
    assert unbroken(str(messages.ADDRESS_KNOWN)) in page.text


def test_the_first_sign_in_asks_once_which_notices_are_wanted(
    people: People, alice: Browser, bob: Browser
) -> None:
    question = "Souhaitez-vous être prévenu des nouvelles factures"
    assert question in alice.get("/factures").text
    assert question not in alice.get("/profil/compte").text
    assert question not in bob.get("/factures").text, "no administrator"
    path = f"{PAGE}/nouvelles-factures"
    assert alice.submit(path, {"notification": "x"}, page="/factures").status_code == 400
    assert bob.submit(path, {"notification": "daily"}, page="/factures").status_code == 404
    alice.submit(path, {"notification": "daily"}, page="/factures")
    assert question not in alice.get("/factures").text
    (request,) = CustomerRequest.select()
    assert (request.kind, request.value) == ("notification", "daily")
    CustomerRequest.delete().execute()
    alice.submit("/deconnexion", {}, page="/profil/compte")
    alice.sign_in("alice", people.password)
    assert question not in alice.get("/factures").text, "the second sign-in"


def test_no_notice_is_an_answer_too(alice: Browser) -> None:
    answer = {"notification": "none"}
    alice.submit(f"{PAGE}/nouvelles-factures", answer, page="/factures")
    page = alice.get("/factures").text
    assert unbroken(messages.NO_NOTICE) in page and "Souhaitez-vous" not in page
    assert not CustomerRequest.select().exists()


def test_what_is_accepted_counts_from_the_next_document(people: People, alice: Browser) -> None:
    company = people.alice.company
    before = make_invoice(company)
    ask(alice, "notification", notification="link")
    (request,) = CustomerRequest.select()
    deciding.accept(request, by=Portal())
    make_invoice(Company.get_by_id(company.id))
    send.send_due()
    notified = OutboxMail.select().where(OutboxMail.kind == "document")
    assert [before.number in mail.subject for mail in notified] == [False]
    assert "Faite" in alice.get(PAGE).text


def test_asking_needs_a_living_login(people: People, alice: Browser) -> None:
    User.update(closed_at=people.alice.created_at).where(User.id == people.alice.id).execute()
    response = alice.submit(f"{PAGE}/envoi", FIELDS["envoi"], page="/connexion")
    assert response.location.startswith("/connexion")
    assert not CustomerRequest.select().exists()
    assert UserSession.select().exists()


def test_a_question_reaches_the_company_of_its_document(
    people: People, new_browser: Callable[[], Browser]
) -> None:
    owner = {"is_from_activation": True, "is_administrator": True, "email": "alice@example.com"}
    second = share_company(people.alice, client_number="2", name="Atelier II")
    make_user(second, "alice_2", **owner)
    number = make_invoice(second).number
    alice = new_browser()
    alice.sign_in("alice", people.password)
    page = ask(alice, "question", number=number.lower(), words="Pourquoi ?")
    assert number in page
    assert CustomerRequest.get().company_id == second.id


def move(company: Company) -> None:
    """Have the register know another address for a company."""
    register.change(company, "email", "next@atelier.example", by=Portal(), reason="", origin="")


def test_who_reads_a_company_no_more_learns_no_answer_of_it(
    people: People, new_browser: Callable[[], Browser]
) -> None:
    second = share_company(people.alice, client_number="2", name="Atelier II")
    number = make_invoice(second).number
    alice = new_browser()
    alice.sign_in("alice", people.password)
    assert number in ask(alice, "question", number=number, words="Pourquoi ?")
    move(second)
    before = len(steps_told())
    deciding.accept(again(CustomerRequest.get()), by=Portal(), reason="Un secret.")
    page = alice.get("/profil/demandes").text
    assert number not in page and "Un secret." not in page
    assert len(steps_told()) == before


@pytest.mark.parametrize("is_moved", [False, True])
def test_a_former_address_learns_no_answer_to_a_colleague(
    is_moved: bool, people: People, ursule: Browser
) -> None:
    ask(ursule, "question", number="", words="Pourquoi ?")
    if is_moved:
        move(people.alice.company)
    before = len(steps_told())
    deciding.accept(again(CustomerRequest.get()), by=Portal(), reason="Un secret.")
    assert len(steps_told()) == before + (not is_moved)
    assert "Un secret." in ursule.get("/profil/demandes").text


def test_an_answer_that_waits_leaves_no_more_once_its_address_has_gone(
    people: People, alice: Browser, ursule: Browser
) -> None:
    ask(ursule, "question", number="", words="Pourquoi ?")
    deciding.accept(again(CustomerRequest.get()), by=Portal(), reason="Un secret.")
    move(people.alice.company)
    delivery.deliver_due()
    steps = OutboxMail.select().where(OutboxMail.kind == "request")
    assert [(each.state, each.body_text) for each in steps] == [("dropped", "")] * 2
    page = alice.get("/administration/courriels").text
    assert "ce mail n’a plus d’objet" in page
    assert "le mail part." not in page


def test_a_question_may_be_about_no_document(people: People, alice: Browser) -> None:
    assert "Votre demande est envoyée" in ask(alice, "question", number="", words="Où est l’aide ?")
    found = CustomerRequest.get()
    assert (found.company_id, found.value) == (people.alice.company_id, "")


@pytest.mark.parametrize("subject", ["adresse", "administrateur"])
def test_an_address_in_another_alphabet_is_asked_for_in_the_letters_of_every_keyboard(
    subject: str, alice: Browser, ursule: Browser
) -> None:
    browser = ursule if subject == "administrateur" else alice
    ask(browser, subject, email="Alice@ex\N{CYRILLIC SMALL LETTER A}mple.com")
    seen = "Alice@xn--exmple-4nf.com"
    assert CustomerRequest.get().value == seen
    browser.client.get(link("request_proof"), follow_redirects=True)
    prove()
    assert seen in OutboxMail.get(OutboxMail.kind == "request_objection").body_text
    assert seen in alice.get(PAGE).text


def test_no_mail_to_the_owner_holds_an_address_that_is_a_link(alice: Browser) -> None:
    page = ask(alice, "adresse", email="www.evil.example/portail@example.com")
    assert "Saisissez une adresse mail complète" in page
    assert not CustomerRequest.select().exists()


def test_no_step_of_a_colleague_s_request_tells_the_owner_a_site(
    ursule: Browser, alice: Browser
) -> None:
    User.update(is_administrator=True).where(User.login == "ursule").execute()
    ask(ursule, "adresse", email="www.evil.example@example.com")
    assert "www.evil.example@example.com" in alice.get(PAGE).text, "the page shows it"
    mail = OutboxMail.get(OutboxMail.kind == "request")
    for text in (mail.subject, mail.body_text, mail.body_html):
        assert "www." not in text
    assert "evil" in mail.body_text
