"""The mail that tells advisers what waits: of working days, once each, to whom it concerns."""

from collections.abc import Iterator

import pytest
import time_machine

from selfservice.advisers.reminders import LISTED, remind_advisers
from selfservice.mail import OutboxMail
from selfservice.requests import asking, deciding
from selfservice.requests.models import Portal
from selfservice.suppliers.models import Supplier
from tests.factories import People, make_adviser, make_company, make_user
from tests.requests.steps import asked, prove

MONDAY, SATURDAY = "2026-03-02T07:00:00Z", "2026-03-07T07:00:00Z"


@pytest.fixture
def monday(people: People) -> Iterator[time_machine.Traveller]:
    with time_machine.travel(MONDAY, tick=False) as travelling:
        yield travelling


def told() -> list[str]:
    query = OutboxMail.select().where(OutboxMail.kind == "requests_waiting")
    return sorted(mail.to_address for mail in query)


def test_every_adviser_is_told_once_a_day(people: People, monday: time_machine.Traveller) -> None:
    for login in ("nadia", "nora"):
        make_adviser(people.supplier, login)
    make_adviser(people.other_supplier, "luc")
    asked(people, "notification")
    assert [remind_advisers(), remind_advisers()] == [2, 0]
    assert told() == ["nadia@diac.example", "nora@diac.example"]
    monday.shift(86_400)
    assert remind_advisers() == 2


def test_nothing_is_told_at_the_weekend_nor_of_what_nobody_can_decide(
    people: People, monday: time_machine.Traveller
) -> None:
    nadia = make_adviser(people.supplier, "nadia")
    asked(people, "access")
    assert remind_advisers() == 0
    prove()
    assert remind_advisers() == 0, "seven days for an objection"
    request = asked(people, "notification")
    monday.move_to(SATURDAY)
    assert remind_advisers() == 0
    monday.move_to(MONDAY)
    deciding.accept(request, by=Portal(nadia.login))
    assert remind_advisers() == 0


def test_without_adviser_the_suppliers_own_address_is_told(
    people: People, monday: time_machine.Traveller
) -> None:
    gone = make_adviser(people.supplier, "partie")
    type(gone).update(is_active=False).where(type(gone).id == gone.id).execute()
    asked(people, "notification")
    assert remind_advisers() == 0
    Supplier.update(mail="conseil@diac.example").execute()
    assert remind_advisers() == 1
    assert told() == ["conseil@diac.example"]


def test_a_long_queue_is_cut_and_counted(people: People, monday: time_machine.Traveller) -> None:
    make_adviser(people.supplier, "nadia")
    for number in range(LISTED + 2):
        owner = make_user(make_company(people.supplier), f"client{number}", is_administrator=True)
        asking.ask(owner, "document", words="?", origin="")
    remind_advisers()
    mail = OutboxMail.get(OutboxMail.kind == "requests_waiting")
    assert "et 2 de plus" in mail.body_text
    assert mail.body_text.count("client n°") == LISTED
