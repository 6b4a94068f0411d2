"""Logins for the owners of registered addresses (guide, FAQ 2, 3, 6, 15)."""

import re
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask

from selfservice import clock
from selfservice.accounts import activation, passwords, profile, recovery, users
from selfservice.accounts.models import Activation, User
from selfservice.db import database
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import send
from selfservice.suppliers import register as suppliers_register
from selfservice.suppliers.addresses import address_key
from selfservice.suppliers.models import Company
from tests.accounts.test_recovery import ask, choose, mailed_path
from tests.conftest import Browser
from tests.factories import PASSWORD, make_company, make_invoice, make_supplier, make_user
from tests.invoices.test_listing import counted_queries


def register(company: Company, address: str | None) -> None:
    """Do what the register's import does to an address."""
    Company.update(
        email=address,
        email_key=address_key(address) if address else None,
        email_registered_at=clock.now(),
    ).where(Company.id == company.id).execute()


def change_register(company: Company, address: str) -> None:
    """Do what an adviser does to an address."""
    suppliers_register.change(company, "email", address, by=User(login="marie"), reason="appel")


def deposit_for(company: Company) -> None:
    make_invoice(Company.get_by_id(company.id))


def logins() -> list[str]:
    return [user.login for user in User.select().order_by(User.id)]


def test_registering_an_address_sends_nothing_and_the_next_deposit_activates(app: Flask) -> None:
    company = make_company(make_supplier(), email="pierre.durand@example.com")
    assert send.send_due().activated == 0
    deposit_for(company)
    report = send.send_due()
    assert (report.announced, report.activated) == (1, 1)
    owner = User.get()
    assert owner.login == "pierre.durand@example.com"
    assert owner.is_administrator
    assert owner.is_from_activation
    mail = OutboxMail.get()
    assert (mail.kind, mail.to_address) == ("activation", "pierre.durand@example.com")


def test_deposit_before_the_registration_activates_nothing(app: Flask) -> None:
    company = make_company(make_supplier())
    deposit_for(company)
    register(company, "pierre.durand@example.com")
    assert send.send_due().activated == 0
    deposit_for(company)
    assert send.send_due().activated == 1


def test_activation_mail_holds_the_login_and_the_links_of_public_url(app: Flask) -> None:
    supplier = make_supplier(name="Diac / Diac Location", opened_on=date(2022, 12, 2))
    company = make_company(supplier, email="pierre.durand@example.com")
    deposit_for(company)
    send.send_due()
    mail = OutboxMail.get()
    for part in (mail.body_text, mail.body_html):
        assert "pierre.durand@example.com" in part
        assert "http://127.0.0.1:8000/recuperation" in part
        assert "02/12/2022" in part
        assert "Diac / Diac Location" in part


def test_one_login_and_one_mail_per_client_number(app: Flask) -> None:
    supplier = make_supplier()
    companies = [make_company(supplier, email="Pierre.Durand@example.com") for _ in range(2)]
    for company in companies:
        deposit_for(company)
    assert send.send_due().activated == 2
    assert logins() == ["pierre.durand_1", "pierre.durand_2"]
    assert OutboxMail.select().count() == 2


def test_an_address_known_to_another_supplier_gives_a_numbered_login(app: Flask) -> None:
    first = make_company(make_supplier(), email="pierre.durand@example.com")
    deposit_for(first)
    send.send_due()
    second = make_company(make_supplier(), email="pierre.durand@example.com")
    deposit_for(second)
    send.send_due()
    assert logins() == ["pierre.durand@example.com", "pierre.durand_1"]


def test_an_address_that_any_user_has_gives_a_numbered_login(app: Flask) -> None:
    supplier = make_supplier()
    colleague = make_user(make_company(supplier), "colleague", email="pierre.durand@example.com")
    users.close_login(colleague.login)
    company = make_company(supplier, email="pierre.durand@example.com")
    deposit_for(company)
    send.send_due()
    assert logins() == ["colleague", "pierre.durand_1"]


def test_no_login_holds_what_makes_a_link(app: Flask) -> None:
    for address in ("durand/achats@example.com", "durand/achats@example.org"):
        deposit_for(make_company(make_supplier(), email=address))
    send.send_due()
    assert logins() == ["durand-achats_1", "durand-achats_2"]


def test_a_taken_number_is_passed_over(app: Flask) -> None:
    supplier = make_supplier()
    make_user(make_company(supplier), "Pierre.Durand_1", email="pierre.durand@example.com")
    company = make_company(supplier, email="pierre.durand@example.com")
    deposit_for(company)
    send.send_due()
    assert logins()[-1] == "pierre.durand_2"


def test_a_thousand_taken_numbers_hold_up_no_deposit(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    supplier = make_supplier()
    other = make_company(supplier)
    logins = [f"contact_{number}" for number in range(1, 1_501)]
    rows = [
        {"company": other, "login": each, "login_key": each, "created_at": clock.now()}
        for each in logins
    ]
    for first in range(0, len(rows), 500):
        User.insert_many(rows[first : first + 500]).execute()
    company = make_company(supplier, email="contact@example.com")
    make_company(supplier, email="contact@example.com")
    with counted_queries(monkeypatch) as seen, database.atomic():
        assert activation.activate(company).user.login == "contact_1501"
    assert len(seen) <= 20, len(seen)


def test_a_pair_is_never_activated_twice(app: Flask) -> None:
    company = make_company(make_supplier(), email="pierre.durand@example.com")
    for _ in range(3):
        deposit_for(company)
        send.send_due()
    assert Activation.select().count() == OutboxMail.select().count() == 1


def test_changed_address_gets_a_new_login_and_the_former_works_until_it_has_a_password(
    app: Flask,
) -> None:
    company = make_company(make_supplier(), email="old@example.com")
    deposit_for(company)
    send.send_due()
    register(company, "new@example.com")
    assert send.send_due().activated == 0
    deposit_for(company)
    assert send.send_due().activated == 1
    old, new = User.select().order_by(User.id)
    assert old.closed_at is None
    users.give_password(users.by_login(new.login), PASSWORD)
    assert User.get_by_id(old.id).closed_at is not None
    assert User.get_by_id(new.id).closed_at is None


@pytest.mark.parametrize("way", ["recovery", "own change"])
def test_choosing_a_password_closes_the_former_login(way: str, app: Flask) -> None:
    company = make_company(make_supplier(), email="old@example.com")
    deposit_for(company)
    send.send_due()
    register(company, "new@example.com")
    deposit_for(company)
    send.send_due()
    new = users.by_login("new@example.com")
    if way == "recovery":
        recovery.request_link("new@example.com", origin="")
        mail = OutboxMail.get(OutboxMail.kind == "recovery")
        secret = re.findall(r"/reinitialisation/(\S+)", mail.body_text)[0]
        recovery.choose_password(secret, user_id=new.id, password=PASSWORD, origin="")
    else:
        User.update(password_hash=passwords.hash_password("Autre-1x")).execute()
        new = users.by_login("new@example.com")
        profile.change_password(new, current="Autre-1x", password=PASSWORD, origin="")
    assert User.get(User.login == "old@example.com").closed_at is not None


def test_one_company_in_trouble_holds_up_no_other(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    supplier = make_supplier()
    broken, sound = (make_company(supplier, email=f"{n}@example.com") for n in ("a", "b"))
    deposit_for(broken)
    deposit_for(sound)
    real = activation.activate

    def explode(company: Company) -> activation.Activated:
        if company.id == broken.id:
            raise ZeroDivisionError("trouble")
        return real(company)

    monkeypatch.setattr(activation, "activate", explode)
    report = send.send_due()
    assert report.activated == 1
    assert "trouble" in report.faults[0]
    monkeypatch.setattr(activation, "activate", real)
    assert send.send_due().activated == 1


def test_former_login_closes_also_when_the_address_changes_again_meanwhile(app: Flask) -> None:
    company = make_company(make_supplier(), email="a@example.com")
    deposit_for(company)
    send.send_due()
    register(company, "b@example.com")
    deposit_for(company)
    send.send_due()
    register(company, "c@example.com")
    users.give_password(users.by_login("b@example.com"), PASSWORD)
    assert User.get(User.login == "a@example.com").closed_at is not None
    assert User.get(User.login == "b@example.com").closed_at is None


def test_an_address_that_comes_back_finds_its_login_reopened(app: Flask) -> None:
    company = make_company(make_supplier(), email="old@example.com")
    deposit_for(company)
    send.send_due()
    users.give_password(users.by_login("old@example.com"), PASSWORD)
    register(company, "new@example.com")
    deposit_for(company)
    send.send_due()
    users.give_password(users.by_login("new@example.com"), PASSWORD)
    register(company, "old@example.com")
    deposit_for(company)
    send.send_due()
    assert User.get(User.login == "old@example.com").closed_at is None
    assert User.get(User.login == "new@example.com").closed_at is not None
    assert Activation.select().count() == OutboxMail.select().count() == 2


def _put_right_too_late(right: str, wrong: str) -> Company:
    """The owner has a password; a document goes out to another address before it is put right."""
    company = make_company(make_supplier(), email=right)
    deposit_for(company)
    send.send_due()
    users.give_password(users.by_login(right), PASSWORD)
    change_register(company, wrong)
    deposit_for(company)
    assert send.send_due().activated == 1
    return company


def test_a_wrong_address_put_right_opens_nothing_from_then_on(app: Flask, browser: Browser) -> None:
    company = _put_right_too_late("right@example.com", "wrong@example.com")
    change_register(company, "right@example.com")
    assert User.get(User.login == "wrong@example.com").closed_at is not None
    told = OutboxMail.get(
        OutboxMail.kind == "address_replaced", OutboxMail.address_key == "wrong@example.com"
    )
    assert "vient d’être fermé" in told.body_text
    assert "vient d’être fermé" in told.body_html
    assert "Aucun compte trouvé pour" in ask(browser, "wrong@example.com")
    assert browser.sign_in("right@example.com", PASSWORD).location == "/factures"


def test_a_wrong_address_that_was_removed_first_keeps_its_login_no_longer(
    app: Flask, browser: Browser
) -> None:
    company = _put_right_too_late("right@example.com", "wrong@example.com")
    for address in ("", "right@example.com"):
        change_register(company, address)
    assert User.get(User.login == "wrong@example.com").closed_at is not None
    (told,) = OutboxMail.select().where(
        OutboxMail.kind == "address_replaced", OutboxMail.address_key == "wrong@example.com"
    )
    assert "vient d’être fermé" in told.body_text
    assert browser.sign_in("right@example.com", PASSWORD).location == "/factures"


def test_no_other_address_closes_the_login_of_the_one_that_came_back(
    app: Flask, browser: Browser
) -> None:
    company = _put_right_too_late("right@example.com", "wrong@example.com")
    register(company, "right@example.com")  # as it was left by an earlier version
    ask(browser, "wrong@example.com")
    browser.get(mailed_path())
    assert choose(browser).location == "/connexion"
    assert User.get(User.login == "right@example.com").closed_at is None
    deposit_for(company)
    send.send_due()
    assert User.get(User.login == "wrong@example.com").closed_at is not None
    assert browser.sign_in("right@example.com", PASSWORD).location == "/factures"


@pytest.fixture
def while_hashing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Callable[[], object]], None]:
    """Have something happen at the moment at which a chosen password is hashed."""
    hash_password = passwords.hash_password

    def arrange(happens: Callable[[], object]) -> None:
        def hash_late(password: str) -> str:
            happens()
            return hash_password(password)

        monkeypatch.setattr(passwords, "hash_password", hash_late)

    return arrange


def test_a_password_chosen_at_the_moment_of_the_return_closes_it_no_more(
    app: Flask, browser: Browser, while_hashing: Callable[[Callable[[], object]], None]
) -> None:
    company = _put_right_too_late("right@example.com", "wrong@example.com")
    User.update(password_hash=None).where(User.login == "right@example.com").execute()
    ask(browser, "wrong@example.com")
    browser.get(mailed_path())
    while_hashing(lambda: change_register(company, "right@example.com"))
    assert choose(browser).location == "/connexion"
    assert User.get(User.login == "right@example.com").closed_at is None


def test_a_login_closed_while_its_password_changes_closes_no_other(
    app: Flask, browser: Browser, while_hashing: Callable[[Callable[[], object]], None]
) -> None:
    _put_right_too_late("right@example.com", "wrong@example.com")
    wrong = User.get(User.login == "wrong@example.com")
    User.update(password_hash=passwords.hash_password(PASSWORD)).where(
        User.id == wrong.id
    ).execute()
    assert browser.sign_in("wrong@example.com", PASSWORD).location == "/factures"
    while_hashing(lambda: users.close_login("wrong@example.com"))
    typed = {"current": PASSWORD, "password": "Zephyr-Lune-47", "confirmation": "Zephyr-Lune-47"}
    browser.submit("/profil/mot-de-passe", typed)
    assert passwords.is_password_of(User.get_by_id(wrong.id), PASSWORD)
    assert User.get(User.login == "right@example.com").closed_at is None


def test_a_login_that_the_operator_closed_stays_closed(app: Flask) -> None:
    company = make_company(make_supplier(), email="pierre@example.com")
    deposit_for(company)
    send.send_due()
    users.close_login("pierre@example.com")
    deposit_for(company)
    send.send_due()
    assert User.get().closed_at is not None


def test_added_users_stay_when_the_address_changes(app: Flask) -> None:
    company = make_company(make_supplier(), email="old@example.com")
    colleague = make_user(company, "colleague")
    deposit_for(company)
    send.send_due()
    register(company, "new@example.com")
    deposit_for(company)
    send.send_due()
    users.give_password(users.by_login("new@example.com"), PASSWORD)
    assert User.get_by_id(colleague.id).closed_at is None


def test_removed_address_gets_nothing(app: Flask) -> None:
    company = make_company(make_supplier(), email="old@example.com")
    deposit_for(company)
    register(company, None)
    assert send.send_due().activated == 0
    assert OutboxMail.select().count() == 0


def test_a_fresh_owner_chooses_a_password_by_the_recovery_mail(app: Flask) -> None:
    company = make_company(make_supplier(), email="pierre.durand@example.com")
    deposit_for(company)
    send.send_due()
    requested = recovery.request_link("pierre.durand@example.com", origin="192.0.2.1")
    assert requested.is_known


def test_several_companies_and_addresses_that_change_in_one_run(app: Flask) -> None:
    """Two addresses, three companies, one of them moving from the first address to the second."""
    supplier = make_supplier()
    staying, moving = (make_company(supplier, email="a@example.com") for _ in range(2))
    third = make_company(make_supplier(), email="b@example.com")
    for company in (staying, moving):
        deposit_for(company)
    assert send.send_due().activated == 2
    register(moving, "b@example.com")
    for company in (staying, moving, third):
        deposit_for(company)
    assert send.send_due().activated == 2
    assert logins() == ["a_1", "a_2", "b_1", "b_2"]
    users.give_password(users.by_login("b_1"), PASSWORD)
    closed = [user.login for user in User.select().where(User.closed_at.is_null(False))]
    assert closed == ["a_2"], "the moving company's former login, and nobody else's"
    mailed = [(mail.to_address, mail.company_id) for mail in OutboxMail.select()]
    assert len(set(mailed)) == len(mailed) == 4, "one mail per company and address"
