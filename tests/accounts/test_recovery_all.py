"""« Tous mes identifiants »: one password for every login of a mailbox, in one go."""

import random
import re
from collections.abc import Callable

import pytest

from selfservice import clock
from selfservice.accounts import recovery
from selfservice.accounts.models import User, UserSession
from selfservice.audit import AuditEntry
from selfservice.mail.outbox import OutboxMail
from selfservice.suppliers.models import Company
from selfservice.tokens import Token
from tests.accounts.test_recovery import NEW, ask, choose, mailed_path
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_company, make_user

LOGINS = ["alice", "alice_2", "alice_3"]
EVERYONE = {"user_id": recovery.ALL_LOGINS}


@pytest.fixture
def triple(people: People) -> People:
    """alice owns two companies of her supplier and one of the other."""
    for login, supplier, name in (
        ("alice_2", people.supplier, "Alice Location"),
        ("alice_3", people.other_supplier, "Alice Import"),
    ):
        company = make_company(supplier, name=name, email="alice@example.com")
        make_user(company, login, email="alice@example.com", is_from_activation=True)
    return people


@pytest.fixture
def reset(browser: Browser, triple: People) -> Browser:
    """A browser on the page behind the link."""
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    return browser


def _labels(page: str) -> list[str]:
    fieldset = page[page.index("<fieldset") : page.index("</fieldset>")]
    return re.findall(r"<p class=\"choices-of\"[^>]*>([^<]+)<|<b>([^<]+)</b>", fieldset)


def test_the_choice_is_by_supplier_and_ends_with_all(reset: Browser) -> None:
    labels = [supplier or login for supplier, login in _labels(reset.get("/reinitialisation").text)]
    assert labels == [
        "Diac / Diac Location",
        "alice_2",
        "alice",
        "Fournitures Martin",
        "alice_3",
        "Tous mes identifiants",
    ]


def test_one_supplier_needs_no_groups(browser: Browser, people: People) -> None:
    company = make_company(people.supplier, email="alice@example.com")
    make_user(company, "alice_2", email="alice@example.com", is_from_activation=True)
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    labels = _labels(browser.get("/reinitialisation").text)
    assert not any(supplier for supplier, _login in labels)
    assert labels[-1] == ("", "Tous mes identifiants")


def test_all_logins_get_the_password(reset: Browser, new_browser: Callable[[], Browser]) -> None:
    response = choose(reset, **EVERYONE)
    assert response.location == "/connexion"
    assert "pour vos 3 identifiants" in reset.get("/connexion").text
    for login in LOGINS:
        assert new_browser().sign_in(login, PASSWORD).status_code == 200
        assert new_browser().sign_in(login, NEW).status_code == 302
    hashes = {user.password_hash for user in User.select().where(User.login.in_(LOGINS))}
    assert len(hashes) == 1  # however many logins, the password is hashed once


def test_the_cookie_of_who_has_a_thousand_logins_is_one_that_browsers_keep(
    reset: Browser, people: People
) -> None:
    ids = random.Random(7).sample(range(1000, 10**9), 1000)
    for each in ids:
        key = f"alice_{each}"
        User.insert(
            id=each,
            company=people.alice.company,
            login=key,
            login_key=key,
            email="alice@example.com",
            email_key="alice@example.com",
            is_from_activation=True,
            created_at=clock.now(),
        ).execute()
    response = choose(reset, **EVERYONE)
    assert response.location == "/connexion"
    assert max(len(each) for each in response.headers.getlist("Set-Cookie")) < 4093
    assert "pour vos 1003 identifiants" in reset.get("/connexion").text
    assert reset.sign_in("alice", NEW).status_code == 302


def test_every_session_of_every_login_ends(
    triple: People, new_browser: Callable[[], Browser]
) -> None:
    signed_in = [new_browser() for _ in LOGINS]
    for login, browser in zip(LOGINS, signed_in, strict=True):
        browser.sign_in(login, PASSWORD)
    visitor = new_browser()
    ask(visitor, "alice@example.com")
    visitor.get(mailed_path())
    choose(visitor, **EVERYONE)
    assert [browser.get("/profil/compte").status_code for browser in signed_in] == [302] * 3
    assert UserSession.select().count() == 0


def test_one_mail_tells_which_logins_were_changed(reset: Browser) -> None:
    choose(reset, **EVERYONE)
    (mail,) = OutboxMail.select().where(OutboxMail.kind == "password_changed")
    assert mail.to_address == "alice@example.com"
    for login, company in zip(
        LOGINS, ("Atelier Alice", "Alice Location", "Alice Import"), strict=True
    ):
        assert f"{login} ({company})" in mail.body_text
        assert f"<b>{login}</b> ({company})" in mail.body_html
    assert NEW not in mail.body_text + mail.body_html


def test_each_login_has_its_own_entry_in_the_journal(reset: Browser) -> None:
    choose(reset, **EVERYONE)
    for event in ("recovery.requested", "password.changed"):
        entries = AuditEntry.select().where(AuditEntry.event == event)
        assert sorted(entry.actor for entry in entries) == LOGINS
        companies = [Company.get_by_id(entry.company_id).name for entry in entries]
        assert sorted(companies) == ["Alice Import", "Alice Location", "Atelier Alice"]
        assert {entry.facts for entry in entries} == {"{}"}, "no company learns of the others"


@pytest.mark.parametrize(
    ("password", "message"),
    [
        ("X-alice_3-9x", "pas contenir l’identifiant (cela concerne alice, alice_3)."),
        ("Grand-import9", "ni celui de la société (cela concerne alice_3)."),
        ("Ab1!", "au moins 8 caractères."),
    ],
)
def test_what_one_login_refuses_changes_none_and_says_which(
    password: str, message: str, reset: Browser
) -> None:
    before = {user.id: user.password_hash for user in User.select()}
    response = choose(reset, password, **EVERYONE)
    assert response.status_code == 200
    assert message in response.text
    assert {user.id: user.password_hash for user in User.select()} == before
    assert Token.get().used_at is None
    assert choose(reset, **EVERYONE).status_code == 302, "the link still serves"


def test_a_fault_for_one_chosen_login_names_no_login(reset: Browser) -> None:
    twin = User.get(User.login == "alice_3")
    page = choose(reset, "Grand-import9", user_id=twin.id).text
    assert "ni celui de la société." in page
    assert "cela concerne" not in page


def test_a_fault_half_way_changes_nothing(reset: Browser, monkeypatch: pytest.MonkeyPatch) -> None:
    before = {user.id: user.password_hash for user in User.select()}
    monkeypatch.setattr(recovery, "tell_change", lambda users: 1 / 0)
    assert choose(reset, **EVERYONE).status_code == 500
    assert {user.id: user.password_hash for user in User.select()} == before
    assert Token.get().used_at is None


def test_former_logins_close(reset: Browser, triple: People) -> None:
    former = make_user(triple.alice.company, "former", is_from_activation=True)
    choose(reset, **EVERYONE)
    former = User.get_by_id(former.id)
    assert former.closed_at is not None
    assert former.is_superseded


def test_a_login_that_leaves_the_mailbox_meanwhile_is_not_changed(
    reset: Browser, triple: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = recovery.passwords.hash_password

    def leave_meanwhile(password: str) -> str:
        User.update(email_key="x@example.com").where(User.id == triple.alice.id).execute()
        return real(password)

    monkeypatch.setattr(recovery.passwords, "hash_password", leave_meanwhile)
    assert "Choisissez un identifiant" in choose(reset, user_id=triple.alice.id).text
    assert User.get_by_id(triple.alice.id).password_hash == triple.alice.password_hash
    assert Token.get().used_at is None
