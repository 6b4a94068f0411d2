"""bob's company adds a colleague with alice's address: that gives no right, in either direction."""

import pytest

from selfservice.accounts.models import User
from selfservice.audit import AuditEntry
from selfservice.mail import delivery
from selfservice.mail.outbox import OutboxMail
from tests.accounts.test_recovery import NEW, ask, choose, mailed_path
from tests.administration.test_journal import rows
from tests.administration.test_mails import PAGE as MAILS
from tests.administration.test_mails import text_of
from tests.conftest import Browser
from tests.factories import People, make_user

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
