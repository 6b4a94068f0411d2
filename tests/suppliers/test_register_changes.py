"""What people change of the register: one value, who, why, and the second of two learns it."""

import pytest
from flask import Flask

from selfservice.audit import AuditEntry
from selfservice.mail.outbox import OutboxMail
from selfservice.suppliers import register
from selfservice.suppliers.models import Company, RegisterChange
from tests.factories import People

NEW = "Compta@Atelier.example"


def change(people: People, field: str, value: str, **options: str) -> bool:
    company = Company.get_by_id(people.alice.company_id)
    return register.change(
        company, field, value, by=people.bob, reason="Le client appelle", **options
    )


def test_a_change_is_kept_with_who_why_and_what_was_before(people: People) -> None:
    before = people.alice.company.email_registered_at
    assert change(people, "email", f"  {NEW} ")
    company = Company.get_by_id(people.alice.company_id)
    assert (company.email, company.email_key) == (NEW, NEW.lower())
    assert company.email_registered_at > before
    row = RegisterChange.get()
    assert (row.former, row.value) == ("alice@example.com", NEW)
    assert (row.actor, row.reason) == ("bob", "Le client appelle")
    assert OutboxMail.select().where(OutboxMail.to_address == NEW).count() == 0, "FAQ 2, 3"


def test_the_journal_tells_the_change_and_no_address(people: People) -> None:
    change(people, "email", NEW)
    change(people, "notification", "daily")
    entries = list(AuditEntry.select().order_by(AuditEntry.id))
    assert [each.event for each in entries] == ["register.changed"] * 2
    assert {each.company_id for each in entries} == {people.alice.company_id}
    assert NEW.lower() not in str([each.facts.lower() for each in entries])


def test_the_same_value_changes_nothing(people: People) -> None:
    assert not change(people, "delivery", "electronic")
    assert RegisterChange.select().count() == AuditEntry.select().count() == 0


def test_an_empty_address_removes_it(people: People) -> None:
    assert change(people, "email", "")
    company = Company.get_by_id(people.alice.company_id)
    assert (company.email, company.email_key, company.email_registered_at) == (None, None, None)


@pytest.mark.parametrize(
    ("field", "value"),
    [("email", "a b@c.fr"), ("email", "x@" + "é" * 300 + ".fr"), ("notification", "weekly"),
     ("notification", ""), ("delivery", "pigeon"), ("email", "a\x00@c.fr")],
)  # fmt: skip
def test_a_value_that_is_none_is_refused(people: People, field: str, value: str) -> None:
    with pytest.raises(register.WrongRegisterValueError):
        change(people, field, value)
    assert RegisterChange.select().count() == 0


def test_of_two_who_saw_the_same_the_second_learns_it(people: People) -> None:
    assert change(people, "notification", "daily", expected="none")
    with pytest.raises(register.ChangedMeanwhileError) as caught:
        change(people, "notification", "link", expected="none")
    assert caught.value.value == "daily"
    assert Company.get_by_id(people.alice.company_id).notification == "daily"


def test_who_changed_a_value_last_is_known_while_it_stands(app: Flask, people: People) -> None:
    company = people.alice.company
    assert register.last_change(company, "notification") is None
    register.change(company, "notification", "daily", by=people.bob, reason="x")
    found = register.last_change(company, "notification")
    assert found is not None and found.actor == "bob"
    company.notification = "link"  # the register's file has another since
    assert register.last_change(company, "notification") is None
