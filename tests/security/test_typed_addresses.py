"""bob's company adds a colleague with alice's address: that gives no right, in either direction."""

import re
from datetime import timedelta

import pytest
import time_machine
from flask import Flask

from selfservice import texts
from selfservice.accounts import ended, recovery
from selfservice.accounts.models import SecondFactor, User
from selfservice.audit import AuditEntry
from selfservice.mail import delivery
from selfservice.mail.outbox import OutboxMail
from selfservice.suppliers.addresses import normalise
from selfservice.suppliers.models import Company, Supplier
from tests.accounts.authenticator import set_up
from tests.accounts.test_recovery import NEW, SENT, ask, choose, mailed_path
from tests.administration.test_journal import rows
from tests.administration.test_mails import PAGE as MAILS
from tests.administration.test_mails import text_of
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_company, make_user

ADD = "/administration/utilisateurs/ajout"
USERS = "/administration/utilisateurs"
TYPED_PASSWORD = "Vielle-roue7"
ADDRESS = "alice@example.com"


@pytest.fixture
def mule(bob: Browser, people: People) -> User:
    """The colleague whom bob adds with alice's address."""
    User.update(is_administrator=True).where(User.id == people.bob.id).execute()
    fields: dict[str, object] = {
        "login": "mule",
        "password": TYPED_PASSWORD,
        "password_again": TYPED_PASSWORD,
        "company": str(people.bob.company_id),
        "email": ADDRESS,
        "is_active": "y",
    }
    assert bob.submit(ADD, fields).location == USERS
    bob.get(USERS)  # shows once what to hand over
    found: User = User.get(User.login == "mule")
    return found


def _seen_by(browser: Browser, mule: User) -> list[object]:
    """Return what a journal, the mails and the pages about a user show, mails having left."""
    delivery.deliver_due()
    pages = (MAILS, USERS, f"{USERS}/{mule.id}")
    return [rows(browser), *(text_of(browser, path) for path in pages)]


@pytest.mark.parametrize("chosen", ["alice", "mule"])
def test_bob_sees_nothing_of_what_alice_asks_and_chooses(
    chosen: str, mule: User, bob: Browser, browser: Browser
) -> None:
    before = _seen_by(bob, mule)
    ask(browser, ADDRESS)
    browser.get(mailed_path())
    assert choose(browser, user_id=User.get(User.login == chosen).id).location == "/connexion"
    assert _seen_by(bob, mule) == before
    assert OutboxMail.select().where(OutboxMail.address_key == ADDRESS).count() == 2


def test_alice_has_her_own_trace_of_it(mule: User, alice: Browser, browser: Browser) -> None:
    ask(browser, ADDRESS)
    browser.get(mailed_path())
    choose(browser, user_id=User.get(User.login == "alice").id)
    alice.sign_in("alice", NEW)
    told = " ".join(rows(alice))
    assert "Récupération demandée" in told
    assert "Mot de passe" in told
    assert "mule" not in told
    assert "Récupération de l’identifiant" in text_of(alice)


def test_who_is_known_by_typing_alone_leaves_no_trace_to_the_company(
    mule: User, bob: Browser, browser: Browser
) -> None:
    User.update(is_active=False).where(User.login == "alice").execute()
    before = _seen_by(bob, mule)
    ask(browser, ADDRESS)
    browser.get(mailed_path())
    assert choose(browser).location == "/connexion"
    assert _seen_by(bob, mule) == before
    told = AuditEntry.select().where(
        AuditEntry.event.in_(("recovery.requested", "password.changed"))
    )
    assert [entry.company_id for entry in told] == [None, None], "the operator's journal has it"
    assert ADDRESS not in told[0].facts


@pytest.mark.parametrize("registered", ["alice", "bob"])
def test_bob_sees_no_sign_in_tried_with_an_address_that_others_registered(
    registered: str, people: People, bob: Browser, browser: Browser
) -> None:
    """Alice, whose login is another, takes her address for it, which bob gave to a colleague."""
    User.update(is_administrator=True).where(User.id == people.bob.id).execute()
    owner = getattr(people, registered).company
    Company.update(email=ADDRESS, email_key=ADDRESS).where(Company.id == owner.id).execute()
    make_user(people.bob.company, ADDRESS)
    browser.sign_in(ADDRESS, "Vielle-roue7")
    tried = [entry.company_id for entry in AuditEntry.select() if entry.event == "sign_in.failed"]
    assert tried == [None if registered == "alice" else people.bob.company_id]
    assert any("Connexion refusée" in row for row in rows(bob)) == (registered == "bob")


def test_a_company_registered_with_the_address_sees_no_mail_before_it_has_its_login(
    people: People, bob: Browser, browser: Browser
) -> None:
    User.update(is_administrator=True).where(User.id == people.bob.id).execute()
    company = people.bob.company
    company.email, company.email_key = ADDRESS, ADDRESS
    company.save()
    make_user(company, "mule", email=ADDRESS)
    ask(browser, ADDRESS)
    assert "Récupération de l’identifiant" not in text_of(bob)
    make_user(company, "alice_2", email=ADDRESS, is_from_activation=True)
    assert "Récupération de l’identifiant" in text_of(bob)


def test_a_registration_that_was_corrected_tells_no_more(
    people: People, bob: Browser, browser: Browser
) -> None:
    User.update(is_administrator=True).where(User.id == people.bob.id).execute()
    make_user(people.bob.company, "former", email=ADDRESS, is_from_activation=True)
    ask(browser, ADDRESS)
    assert not any("Récupération" in row for row in rows(bob))
    assert "Récupération de l’identifiant" not in text_of(bob)


def _offered(browser: Browser) -> list[str]:
    """Return headings and logins of the page behind the link, in their order."""
    fieldset = browser.get("/reinitialisation").text.partition("<fieldset")[2]
    found = re.findall(r'<p class="choices-of"[^>]*>([^<]+)<|<b>([^<]+)</b>', fieldset)
    return [heading or login for heading, login in found]


def _open_link(browser: Browser) -> None:
    ask(browser, ADDRESS)
    browser.get(mailed_path())


def test_added_logins_stand_below_under_a_heading_that_says_what_they_are(
    mule: User, people: People, browser: Browser
) -> None:
    company = make_company(people.other_supplier, name="Zinc Alice", email=ADDRESS)
    make_user(company, "zinc", email=ADDRESS, is_from_activation=True)
    _open_link(browser)
    assert _offered(browser) == [
        "Diac / Diac Location",
        "alice",
        "Fournitures Martin",
        "zinc",
        "Tous mes identifiants",
        "Ajouté par une société, qui a saisi votre adresse sans qu’elle soit vérifiée",
        "mule",
    ]
    assert "pour les 2, en une fois ; ceux qui suivent" in " ".join(
        browser.get("/reinitialisation").text.split()
    )


def test_all_logins_means_those_of_the_register(
    mule: User, people: People, browser: Browser
) -> None:
    company = make_company(people.supplier, email=ADDRESS)
    make_user(company, "alice_2", email=ADDRESS, is_from_activation=True)
    _open_link(browser)
    choose(browser, user_id=recovery.ALL_LOGINS)
    assert "pour vos 2 identifiants" in browser.get("/connexion").text
    told = OutboxMail.get(OutboxMail.kind == "password_changed")
    assert "mule" not in told.body_text
    assert browser.sign_in("mule", TYPED_PASSWORD).status_code == 302, "bob learns nothing by it"


def test_all_logins_is_neither_offered_nor_taken_where_all_were_added(
    mule: User, people: People, browser: Browser
) -> None:
    User.update(is_active=False).where(User.login == "alice").execute()
    make_user(people.charlie.company, "mule_2", email=ADDRESS)
    _open_link(browser)
    assert _offered(browser)[1:] == ["mule", "mule_2"]
    assert "Choisissez un identifiant" in choose(browser, user_id=recovery.ALL_LOGINS).text
    assert choose(browser, user_id=mule.id).location == "/connexion"


def test_a_lone_added_login_is_said_to_be_one(mule: User, browser: Browser) -> None:
    User.update(is_active=False).where(User.login == "alice").execute()
    _open_link(browser)
    assert "Ajouté par une société" in browser.get("/reinitialisation").text


def test_what_somebody_typed_is_text_and_no_link(mule: User, browser: Browser) -> None:
    User.update(login="<a href=x>evil").where(User.id == mule.id).execute()
    _open_link(browser)
    page = browser.get("/reinitialisation").text
    assert "&lt;a href=x&gt;evil" in page
    assert "<a href=x>" not in page


def test_a_typed_login_is_no_link_in_a_mail(mule: User, browser: Browser) -> None:
    """Mail readers make one of « www. », and of what looks like a domain."""
    site = "www.mule.example"
    User.update(login=site, login_key=site).where(User.id == mule.id).execute()
    _open_link(browser)
    choose(browser, user_id=mule.id)
    mail = OutboxMail.get(OutboxMail.kind == "password_changed")
    for text in (mail.body_text, mail.body_html):
        assert re.search(r"www\W+mule\W+example", text)
        assert not re.search(r"www\.|mule\.", text)
    copied = re.search(r"www[^\s,]+", mail.body_text)
    assert copied
    assert normalise(copied[0]) == site, "and the portal reads a copy"


def test_a_mailbox_reads_nothing_of_a_login_that_others_typed_and_switched_off(
    mule: User, people: People, browser: Browser
) -> None:
    """Whoever types alice's address asks for this mail too: its words would be the supplier's."""
    words = "urgent-appelez-le-01-23-45-67-89"
    User.update(login=words, login_key=words, is_active=False).where(User.id == mule.id).execute()
    ask(browser, ADDRESS)
    ended.tell_asked()
    mail = OutboxMail.get(OutboxMail.kind == "login_ended")
    assert people.bob.company.name in mail.subject
    for text in (mail.subject, mail.body_text, mail.body_html):
        assert "appelez" not in text
        assert "ne permet" in text


def test_the_mail_names_no_supplier_of_whoever_typed_the_address(
    people: People, browser: Browser
) -> None:
    make_user(people.charlie.company, "mule", email=ADDRESS)
    ask(browser, ADDRESS)
    mail = OutboxMail.get()
    assert mail.sender_name == "Diac / Diac Location"
    assert "Martin" not in mail.subject + mail.body_text + mail.body_html


def test_no_supplier_s_host_gets_a_link_that_opens_a_login_of_another(
    people: People, browser: Browser
) -> None:
    Supplier.update(hostname="factures.diac.example").where(
        Supplier.id == people.supplier.id
    ).execute()
    ask(browser, ADDRESS)
    assert "https://factures.diac.example/reinitialisation/" in OutboxMail.get().body_text
    make_user(people.charlie.company, "colleague", email=ADDRESS)
    ask(browser, ADDRESS)
    browser.get(mailed_path())
    assert "colleague" in browser.get("/reinitialisation").text


def _mails_to(address: str) -> int:
    return len(OutboxMail.select().where(OutboxMail.address_key == address))


def test_an_address_that_no_register_has_gets_five_links_a_day(
    people: People, browser: Browser
) -> None:
    with time_machine.travel("2026-03-02T06:00:00Z", tick=False) as machine:
        for _ in range(5):
            assert SENT in ask(browser, "bob@example.com")
            machine.shift(timedelta(hours=2))
        response = browser.submit("/recuperation", {"email": "bob@example.com"})
        assert response.status_code == 429
        assert int(response.headers["Retry-After"]) > 3600
        for _ in range(6):
            assert SENT in ask(browser, ADDRESS), "the register's goes on"
            machine.shift(timedelta(minutes=30))
        machine.shift(timedelta(hours=20))
        assert SENT in ask(browser, "bob@example.com")
    assert (_mails_to("bob@example.com"), _mails_to(ADDRESS)) == (6, 6)


@pytest.mark.parametrize("stranger", ["192.0.2.1", "2001:db8::1"])
def test_a_stranger_leaves_a_colleague_a_link_of_the_day(
    stranger: str, people: People, browser: Browser
) -> None:
    """Without any account, five requests a day kept all links of each added user from them."""
    with time_machine.travel("2026-03-02T06:00:00Z", tick=False) as machine:
        for number in range(12):
            address = stranger.replace("::", f":0:{number}00::")
            browser.client.environ_base["REMOTE_ADDR"] = address
            browser.submit("/recuperation", {"email": "bob@example.com"})
            machine.shift(timedelta(minutes=5))
        assert _mails_to("bob@example.com") == 5
        browser.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
        assert SENT in ask(browser, "bob@example.com")
        browser.get(mailed_path())
        assert choose(browser).status_code == 302
    assert _mails_to("bob@example.com") == 7, "six links, and the word that one was used"


def test_a_neutral_answer_does_not_tell_that_the_day_is_over(
    people: People, browser: Browser, app: Flask
) -> None:
    app.config |= {"RECOVERY_MESSAGE": "neutral", "LIMIT_RECOVERY_UNPROVEN": "1/day"}
    for _ in range(2):
        assert "Si un compte existe pour cette adresse" in ask(browser, "bob@example.com")
    assert _mails_to("bob@example.com") == 1


def test_a_stranger_leaves_each_colleague_of_twelve_his_recovery(
    people: People, browser: Browser
) -> None:
    """Sixty requests in an hour, five for each of twelve colleagues, refused the thirteenth.

    A link that was left to one of the twelve was then used up by the very refusal.
    """
    addresses = [f"colleague{number}@example.com" for number in range(13)]
    for number, address in enumerate(addresses):
        make_user(people.bob.company, f"colleague{number}", email=address)
    with time_machine.travel("2026-03-02T06:00:00Z", tick=False):
        browser.client.environ_base["REMOTE_ADDR"] = "192.0.2.1"
        for address in addresses[:-1] * 5:
            browser.submit("/recuperation", {"email": address})
        browser.client.environ_base["REMOTE_ADDR"] = "198.51.100.7"
        for address in addresses:
            assert SENT in ask(browser, address)


def test_what_a_company_is_refused_uses_up_no_link_of_a_mailbox(
    people: People, browser: Browser, app: Flask
) -> None:
    app.config["LIMIT_RECOVERY_COMPANY"] = "1/hour"
    make_user(people.bob.company, "colleague", email="colleague@example.com")
    with time_machine.travel("2026-03-02T06:00:00Z", tick=False) as machine:
        assert SENT in ask(browser, "colleague@example.com")
        for _ in range(6):
            assert browser.submit("/recuperation", {"email": "bob@example.com"}).status_code == 429
            machine.shift(timedelta(minutes=9))
        machine.shift(timedelta(hours=1))
        assert SENT in ask(browser, "bob@example.com")


@pytest.mark.parametrize("message", ["explicit", "neutral"])
def test_a_company_uses_up_no_mail_of_the_others_by_what_it_types(
    message: str, people: People, browser: Browser, app: Flask
) -> None:
    app.config |= {
        "RECOVERY_MESSAGE": message,
        "LIMIT_RECOVERY_COMPANY": "2/hour",
        "LIMIT_RECOVERY_ALL": "5/hour",
    }
    for number in range(5):
        make_user(people.bob.company, f"typed{number}", email=f"typed{number}@example.com")
    ended = make_user(people.bob.company, "ended", email="ended@example.com", is_active=False)
    shared = make_user(people.bob.company, "shared", email="charlie@example.com")
    addresses = [f"typed{number}@example.com" for number in range(5)]
    for network in ("192.0.2.1", "198.51.100.7"):  # each has half of a company's
        browser.client.environ_base["REMOTE_ADDR"] = network
        for address in addresses:
            ask(browser, address)
    for address in (str(ended.email), str(shared.email), ADDRESS):
        ask(browser, address)
    assert sum(map(_mails_to, addresses)) == 2
    assert _mails_to("ended@example.com") == 0
    assert _mails_to("charlie@example.com") == 1, "charlie's own company has mails left"
    assert _mails_to(ADDRESS) == 1


def test_what_is_mailed_to_a_typed_address_lets_the_register_pass(
    mule: User, browser: Browser
) -> None:
    User.update(email="m@slow.example", email_key="m@slow.example").where(
        User.id == mule.id
    ).execute()
    for address in ("m@slow.example", ADDRESS):
        ask(browser, address)
    mails = OutboxMail.select().where(OutboxMail.state == "queued").order_by(OutboxMail.priority)
    assert [each.to_address for each in mails] == [ADDRESS, "m@slow.example"]


@pytest.mark.parametrize(("login", "mails"), [("mule", 0), ("alice", 2)])
def test_what_is_done_with_an_added_login_mails_nothing_to_alice(
    login: str, mails: int, people: People, browser: Browser
) -> None:
    make_user(people.bob.company, "mule", email=ADDRESS)
    browser.sign_in(login, PASSWORD)
    set_up(browser)
    fields: dict[str, object] = {"current": PASSWORD, "password": NEW, "confirmation": NEW}
    assert browser.submit("/profil/mot-de-passe", fields).status_code == 302
    assert SecondFactor.select().count() == 1
    assert _mails_to(ADDRESS) == mails


@pytest.mark.parametrize(
    ("typed", "is_kept"),
    [
        ("pierre.durand@example.com", True),
        ("pierre.durand_1", False),
        ("www.mule.example", False),
        ("@(www.mule.example)", False),
        ("www.mule.example?c@mule.example", False),
        ("www.mule@mule.example", False),
    ],
)
def test_a_plain_address_alone_keeps_its_dots_together(typed: str, is_kept: bool) -> None:
    assert (texts.unlinked(typed) == typed) is is_kept
    assert normalise(texts.unlinked(typed)) == normalise(typed)
