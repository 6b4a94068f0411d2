"""What an adviser does for a company: once, with a reason, told to the customer; or not at all."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask
from lxml import html
from werkzeug.test import TestResponse

from selfservice import clock, db, mail, ratelimit
from selfservice.accounts.models import Activation, SecondFactor, User, UserSession
from selfservice.advisers import acts
from selfservice.audit import AuditEntry
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import mails, send
from selfservice.suppliers.models import Company, RegisterChange
from tests.conftest import Browser, sign_in_adviser
from tests.factories import (
    People,
    give_second_factor,
    make_adviser,
    make_company,
    make_invoice,
    make_user,
)

WHY = {"reason": "Appel du client", "detail": "Mme Alice"}
NEW = "compta@atelier.example"


@pytest.fixture
def company(people: People) -> Company:
    """A company with an address and nobody behind it yet."""
    return make_company(people.supplier, name="Neuve", email="neuve@example.com")


def path_of(company: Company, *rest: object) -> str:
    return "/".join(["/conseil", company.client_number, *map(str, rest)])


def act(browser: Browser, company: Company, *rest: object, **fields: object) -> TestResponse:
    """Open the page of an act, and send its form as it stands there, with changes."""
    path = path_of(company, *rest)
    page = html.fromstring(browser.get(path).text)
    (form,) = page.xpath('//main//form[@method="post"]')
    return browser.client.post(path, data={**dict(form.form_values()), **WHY, **fields})


def said(browser: Browser, company: Company) -> str:
    """Return what the sheet says has just happened."""
    bands = html.fromstring(browser.get(path_of(company)).text).xpath('//*[@class="bands"]')
    return " ".join(bands[0].text_content().split()) if bands else ""


def told(event: str) -> list[dict[str, object]]:
    rows = AuditEntry.select().where(AuditEntry.event == event)
    return [{"actor": row.actor, "company": row.company_id, **row.details} for row in rows]


def errors_of(response: TestResponse) -> str:
    assert response.status_code == 200
    found = html.fromstring(response.text).xpath('//*[@id="erreurs"]')
    return " ".join(found[0].text_content().split()).replace("\N{NARROW NO-BREAK SPACE}", " ")


def test_an_address_is_registered_and_its_owner_gets_nothing_yet(
    nadia: Browser, people: People
) -> None:
    bobs = people.bob.company
    done = act(nadia, bobs, "adresse", email="Garage Bob <mailto:Bob@Garage.example>")
    assert done.headers["Location"] == path_of(bobs)
    assert Company.get_by_id(bobs.id).email == "Bob@Garage.example"
    assert "Rien n’est envoyé" in said(nadia, bobs)
    assert OutboxMail.select().where(OutboxMail.address_key == "bob@garage.example").count() == 0
    (entry,) = told("register.changed")
    assert entry == {
        "actor": "nadia",
        "company": bobs.id,
        "field": "email",
        "value": "",
        "why": "Appel du client (Mme Alice)",
    }
    page = nadia.get(path_of(bobs)).text
    assert "Bob@Garage.example" in page and "par nadia" in page


def test_an_address_that_cannot_be_right_changes_nothing_and_stays_typed(
    nadia: Browser, company: Company
) -> None:
    for typed, words in (
        ("neuve@", "Saisissez une adresse mail complète"),
        ("", "Saisissez l’adresse mail, ou cochez"),
        ("x" * 321 + "@example.com", "trop long"),
        ("neuve@gmial.com", "Vouliez-vous dire neuve@gmail.com"),
        ("neuve@example.com", "rien n’a changé"),
    ):
        page = act(nadia, company, "adresse", email=typed)
        assert words in errors_of(page), typed
        assert f'value="{typed}"' in page.text, typed
    assert RegisterChange.select().count() == 0


def test_a_likely_slip_is_taken_once_confirmed(nadia: Browser, company: Company) -> None:
    act(nadia, company, "adresse", email="neuve@gmial.com", is_sure="y")
    assert Company.get_by_id(company.id).email == "neuve@gmial.com"


def test_an_address_is_removed_only_where_that_is_ticked(nadia: Browser, company: Company) -> None:
    act(nadia, company, "adresse", is_removed="y")
    assert Company.get_by_id(company.id).email is None
    assert "L’adresse est retirée" in said(nadia, company)


def test_mode_and_delivery_change_together(nadia: Browser, company: Company) -> None:
    act(nadia, company, "notification", notification="daily", delivery="paper")
    row = Company.get_by_id(company.id)
    assert (row.notification, row.delivery) == ("daily", "paper")
    assert [(each["field"], each["value"]) for each in told("register.changed")] == [
        ("notification", "daily"),
        ("delivery", "paper"),
    ]


def test_what_is_no_mode_changes_nothing(nadia: Browser, company: Company) -> None:
    for fields in ({"notification": "weekly"}, {"delivery": ""}, {"reason": "Envie"}):
        assert errors_of(act(nadia, company, "notification", **fields))
    assert RegisterChange.select().count() == 0


def test_of_two_advisers_at_one_value_the_second_learns_what_the_first_did(
    nadia: Browser, new_browser: Callable[[], Browser], people: People, company: Company
) -> None:
    olga = sign_in_adviser(new_browser(), make_adviser(people.supplier, "olga"))
    path = path_of(company, "notification")
    seen = {"seen_notification": "none", "seen_delivery": "electronic", "delivery": "electronic"}
    assert olga.submit(path, {**WHY, **seen, "notification": "link"}).status_code == 302
    page = nadia.submit(path, {**WHY, **seen, "notification": "daily"})
    assert "Un mail par document, sans pièce jointe" in errors_of(page)
    assert Company.get_by_id(company.id).notification == "link"
    fields = dict(html.fromstring(page.text).xpath('//main//form[@method="post"]')[0].form_values())
    assert nadia.client.post(path, data=fields | {"notification": "daily"}).status_code == 302
    assert Company.get_by_id(company.id).notification == "daily"


def test_an_activation_is_sent_now_where_a_document_is_there(
    nadia: Browser, company: Company
) -> None:
    make_invoice(company, notified_email_key=None)
    assert "Envoyer l’activation maintenant" in nadia.get(path_of(company)).text
    act(nadia, company, "activation")
    (sent,) = OutboxMail.select().where(OutboxMail.kind == "activation")
    assert sent.to_address == "neuve@example.com"
    (entry,) = told("adviser.activated")
    assert entry["actor"] == "nadia"
    assert "Envoyer l’activation maintenant" not in nadia.get(path_of(company)).text


def test_the_next_deposit_makes_no_second_login_and_no_second_mail(
    nadia: Browser, company: Company
) -> None:
    make_invoice(company)
    act(nadia, company, "activation")
    send.send_due()
    make_invoice(company)
    send.send_due()
    assert User.select().where(User.company == company).count() == 1
    assert OutboxMail.select().where(OutboxMail.kind == "activation").count() == 1
    assert Activation.select().count() == 1


def test_two_advisers_activate_once(
    nadia: Browser, new_browser: Callable[[], Browser], people: People, company: Company
) -> None:
    make_invoice(company)
    olga = sign_in_adviser(new_browser(), make_adviser(people.supplier, "olga"))
    path = path_of(company, "activation")
    pages = [(each, each.get(path).text) for each in (nadia, olga)]
    for browser, page in pages:
        (form,) = html.fromstring(page).xpath('//main//form[@method="post"]')
        browser.client.post(path, data=dict(form.form_values()) | WHY)
    assert "C’est déjà fait" in said(olga, company)
    assert OutboxMail.select().where(OutboxMail.kind == "activation").count() == 1


def test_of_advisers_and_worker_at_the_same_moment_one_activates(
    app: Flask, nadia: Browser, people: People, company: Company
) -> None:
    make_invoice(company)
    adviser = User.get(User.login == "nadia")

    def activate(_: int) -> bool:
        with app.app_context(), db.connection():
            try:
                acts.activate_now(adviser, company, reason="Appel du client", origin="")
            except acts.NothingToDoError:
                return False
        return True

    def announce() -> int:
        with app.app_context(), db.connection():
            return send.send_due().activated

    with ThreadPoolExecutor(4) as pool:
        by_worker = pool.submit(announce)
        by_advisers = list(pool.map(activate, range(3)))
    assert sum(by_advisers) + by_worker.result() == 1
    assert User.select().where(User.company == company).count() == 1
    assert OutboxMail.select().where(OutboxMail.kind == "activation").count() == 1


def test_without_a_document_or_an_address_there_is_nothing_to_activate(
    nadia: Browser, people: People, company: Company
) -> None:
    for each in (company, people.bob.company):
        assert nadia.get(path_of(each, "activation")).status_code == 302
        assert "C’est déjà fait" in said(nadia, each)
        nadia.submit(path_of(each, "activation"), WHY, page="/profil/compte")
    assert User.select().where(User.company == company).count() == 0


def test_a_link_goes_to_the_registered_address_and_is_shown_to_nobody(
    nadia: Browser, company: Company
) -> None:
    make_invoice(company)
    act(nadia, company, "activation")
    act(nadia, company, "lien")
    assert OutboxMail.select().where(OutboxMail.kind == "activation").count() == 2
    User.update(password_hash="x").where(User.company == company).execute()
    act(nadia, company, "lien")
    (link,) = OutboxMail.select().where(OutboxMail.kind == "recovery")
    assert link.to_address == "neuve@example.com"
    secret = link.body_text.partition("/reinitialisation/")[2].split()[0]
    pages = nadia.get(path_of(company)).text + nadia.get(path_of(company, "journal")).text
    assert len(secret) > 20 and secret not in pages
    assert [each["actor"] for each in told("adviser.link_sent")] == ["nadia", "nadia"]


def test_an_adviser_s_links_leave_the_others_their_recovery_mails(
    app: Flask, nadia: Browser, browser: Browser, people: People
) -> None:
    for number in range(4):
        company = make_company(people.supplier, email=f"owner{number}@example.com")
        make_invoice(company)
        act(nadia, company, "activation")
    ratelimit.RateCounter.delete().execute()
    app.config |= {"LIMIT_ADVISER_MAILS": "2/hour", "LIMIT_RECOVERY_ALL": "3/hour"}
    User.update(password_hash="x").where(User.login.startswith("owner")).execute()
    companies = Company.select().where(Company.email.startswith("owner"))
    assert [act(nadia, each, "lien").status_code for each in companies] == [302, 302, 429, 429]
    assert len(told("adviser.link_sent")) == 2
    asked = browser.submit("/recuperation", {"email": str(people.charlie.email)})
    assert asked.status_code == 200, "a customer of another supplier"


def test_an_adviser_registers_few_addresses_an_hour_and_takes_away_as_many_as_are_wrong(
    app: Flask, nadia: Browser, company: Company, people: People
) -> None:
    app.config["LIMIT_ADVISER_MAILS"] = "2/hour"
    told_one, ways = people.alice.company, (NEW, "alice@example.com", NEW)
    codes = [act(nadia, told_one, "adresse", email=each).status_code for each in ways]
    assert codes == [302, 302, 429]
    assert act(nadia, told_one, "adresse", is_removed="y").status_code == 302, (
        "nobody is told of it"
    )


def test_an_adviser_sends_few_mails_an_hour_whatever_they_are(
    app: Flask, nadia: Browser, company: Company
) -> None:
    app.config["LIMIT_ADVISER_MAILS"] = "3/hour"
    make_invoice(company)
    act(nadia, company, "activation")
    OutboxMail.update(state="sent", sent_at=clock.now()).execute()
    first = OutboxMail.get()
    answers = [act(nadia, company, "mails", first.id) for _ in range(3)]
    assert [each.status_code for each in answers] == [302, 302, 429]
    assert OutboxMail.select().count() == 3
    assert "le nombre de ces opérations est limité" in answers[-1].text
    assert "Comment me connecter" not in answers[-1].text, "who is signed in knows"


def test_a_mail_is_sent_again_whole_to_the_registered_address(
    nadia: Browser, people: People
) -> None:
    company = people.alice.company
    invoice = make_invoice(company, notification="attached")
    path = storage.path_of(invoice.sha256)
    path.parent.mkdir(parents=True)
    path.write_bytes(b"%PDF-1.7")
    mails.queue_document(company, invoice)
    OutboxMail.update(state="returned", reason="mailbox_full", sent_at=clock.now()).execute()
    first = OutboxMail.get()
    act(nadia, company, "mails", first.id)
    second = OutboxMail.select().order_by(OutboxMail.id.desc()).get()
    assert (second.state, second.body_text) == ("queued", first.body_text)
    assert second.attachment_path == first.attachment_path
    assert second.message_id != first.message_id
    assert mail.deliver_due().sent == 1
    assert Invoice.get_by_id(invoice.id).downloaded_at, "attached, accepted: it counts as delivered"
    act(nadia, company, "mails", second.id)
    assert OutboxMail.select().count() == 3


def test_an_unsent_mail_is_tried_again_rather_than_doubled(nadia: Browser, people: People) -> None:
    mails.queue_activation(people.alice.company, people.alice)
    OutboxMail.update(state="failed", reason="mailbox_full").execute()
    act(nadia, people.alice.company, "mails", OutboxMail.get().id)
    assert [row.state for row in OutboxMail.select()] == ["queued"]


def test_a_mail_that_is_not_to_be_sent_again_is_not(nadia: Browser, people: People) -> None:
    company = people.alice.company
    mails.queue_activation(company, people.alice)
    OutboxMail.update(state="sent", is_secret=True).execute()
    secret = OutboxMail.get().id
    mails.queue_activation(company, people.alice, again_at=clock.now())
    former = OutboxMail.select().order_by(OutboxMail.id.desc()).get().id
    OutboxMail.update(address_key="former@example.com").where(OutboxMail.id == former).execute()
    mails.queue_activation(people.bob.company, people.bob)
    foreign = OutboxMail.select().order_by(OutboxMail.id.desc()).get().id
    before = OutboxMail.select().count()
    for mail_id in (secret, former, foreign, 999_999):
        assert nadia.get(path_of(company, "mails", mail_id)).status_code == 302
        nadia.submit(path_of(company, "mails", mail_id), WHY, page="/profil/compte")
    assert OutboxMail.select().count() == before
    with pytest.raises(mail.UnknownMailError):
        mail.repeat(999_999)


def test_a_login_is_closed_with_its_sessions(
    nadia: Browser, alice: Browser, people: People
) -> None:
    act(nadia, people.alice.company, "logins", people.alice.id, "fermeture")
    assert User.get_by_id(people.alice.id).closed_at
    assert UserSession.select().where(UserSession.user == people.alice).count() == 0
    (entry,) = told("user.closed")
    assert (entry["actor"], entry["why"]) == ("nadia", "Appel du client (Mme Alice)")
    assert "Fermé" in nadia.get(path_of(people.alice.company)).text


def test_a_lost_second_factor_is_removed(nadia: Browser, people: People) -> None:
    give_second_factor(people.alice)
    act(nadia, people.alice.company, "logins", people.alice.id, "double-authentification")
    assert SecondFactor.select().where(SecondFactor.user == people.alice).count() == 0
    assert (
        OutboxMail.get(OutboxMail.kind == "second_factor_changed").to_address == people.alice.email
    )
    (entry,) = told("second_factor.removed")
    assert (entry["actor"], entry["why"]) == ("nadia", "Appel du client (Mme Alice)")


def test_logins_of_others_are_not_there(nadia: Browser, people: People) -> None:
    adviser = User.get(User.login == "nadia")
    for login in (people.bob, people.charlie, adviser):
        for rest in ("fermeture", "double-authentification"):
            path = path_of(people.alice.company, "logins", login.id, rest)
            assert nadia.get(path).status_code == 404
            assert nadia.submit(path, WHY, page="/profil/compte").status_code == 404
    assert User.select().where(User.closed_at.is_null(False)).count() == 0


def test_each_act_asks_for_its_reason(nadia: Browser, people: People) -> None:
    company = people.alice.company
    make_user(company, "zoe")
    mails.queue_activation(company, people.alice)
    give_second_factor(people.alice)
    Activation.create(
        company=company, email_key=company.email_key, user=people.alice, activated_at=clock.now()
    )
    before = AuditEntry.select().where(AuditEntry.event != "adviser.looked").count()
    for rest in (
        ("adresse",),
        ("notification",),
        ("lien",),
        ("mails", OutboxMail.get().id),
        ("logins", people.alice.id, "fermeture"),
        ("logins", people.alice.id, "double-authentification"),
    ):
        page = act(nadia, company, *rest, reason="")
        assert "Choisissez un motif" in errors_of(page), rest
    after = AuditEntry.select().where(AuditEntry.event != "adviser.looked").count()
    assert after == before


def test_the_customer_reads_each_act_with_its_reason(
    nadia: Browser, alice: Browser, people: People
) -> None:
    act(nadia, people.alice.company, "adresse", email=NEW)
    journal = alice.get("/administration/journal").text
    assert "Fichier client modifié" in journal
    assert "motif : Appel du client (Mme Alice)" in journal.replace("\xa0", " ")
    assert NEW not in journal
