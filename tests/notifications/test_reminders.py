"""The monthly mail about what leaves soon and was never downloaded (FAQ 14)."""

from collections.abc import Iterator
from datetime import date, timedelta

import pytest
import time_machine
from flask import Flask
from peewee import IntegrityError

from selfservice import clock, worker
from selfservice.accounts import activation
from selfservice.accounts.models import Activation, User
from selfservice.db import database
from selfservice.invoices.models import Invoice
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import mails, reminders, send
from selfservice.suppliers.models import Company
from tests.factories import make_company, make_invoice, make_supplier
from tests.retention.conftest import Consumer

TODAY = "2026-11-21T09:30:00Z"


@pytest.fixture(autouse=True)
def clock_at() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(TODAY, tick=False) as machine:
        yield machine


def activated(mode: str = "link", **fields: object) -> Company:
    """A company whose owner has a login, and nothing left to announce."""
    supplier = make_supplier(name="Diac / Diac Location", **fields)
    company = make_company(supplier, name="Durand", email="p@example.com", notification=mode)
    make_invoice(company, downloaded_at=clock.now())
    send.send_due()
    Activation.update(activated_at=clock.now() - timedelta(days=8)).execute()
    return company


def leaving(company: Company, *, days: int = 30, **fields: object) -> Invoice:
    issued_on = clock.earliest_lasting(clock.today() + timedelta(days=days), months=24)
    return make_invoice(company, issued_on=issued_on, announced_at=clock.now(), **fields)


def reminded() -> list[OutboxMail]:
    return list(OutboxMail.select().where(OutboxMail.kind == "leaving").order_by(OutboxMail.id))


@pytest.mark.parametrize("mode", ["attached", "link", "daily"])
def test_the_mail_lists_what_leaves_and_until_when(app: Flask, mode: str) -> None:
    company = activated(mode, hostname="diac.example")
    leaving(company, number="F-60", days=60)
    leaving(company, number="F-10", days=10)
    leaving(company, number="F-61", days=61)
    leaving(company, number="F-had", downloaded_at=clock.now())
    assert reminders.send_reminders().reminded == 1
    (mail,) = reminded()
    assert (mail.to_address, mail.company_id) == ("p@example.com", company.id)
    assert mail.subject == (
        "2 documents jamais téléchargés seront bientôt retirés – Diac / Diac Location"
    )
    for body in (mail.body_text, mail.body_html):
        assert body.index("F-10") < body.index("F-60")
        assert "01/12/2026" in body and "20/01/2027" in body
        assert "F-61" not in body and "F-had" not in body
        assert "https://diac.example/factures?vue=a_archiver" in body
        assert "https://diac.example/aide/foire-aux-questions/#duree-disponibilite" in body


def test_mode_none_is_never_reminded(app: Flask) -> None:
    company = activated("none")
    leaving(company, notification="link")
    assert reminders.send_reminders().reminded == 0


def test_nothing_leaving_sends_nothing(app: Flask) -> None:
    activated()
    assert reminders.send_reminders().reminded == 0
    assert reminded() == []


def test_registering_an_address_still_sends_nothing(
    app: Flask, clock_at: time_machine.Traveller
) -> None:
    """Its login comes with the next deposit, and the reminder after it (FAQ 15)."""
    company = make_company(make_supplier(), email="new@example.com", notification="link")
    leaving(company)
    assert reminders.send_reminders().reminded == 0
    make_invoice(company)
    send.send_due()
    for days in (0, 6):  # not in the week after
        clock_at.shift(timedelta(days=days))
        assert reminders.send_reminders().reminded == 0
    clock_at.shift(timedelta(days=1))
    assert reminders.send_reminders().reminded == 1
    assert [mail.kind for mail in OutboxMail.select()] == ["activation", "document", "leaving"]


def test_a_removed_address_is_not_written_to(app: Flask) -> None:
    company = activated()
    leaving(company)
    Company.update(email=None, email_key=None).execute()
    assert reminders.send_reminders().reminded == 0


def test_an_address_that_comes_back_is_not_written_to_before_its_login_reopens(app: Flask) -> None:
    company = activated()
    leaving(company)
    owner = User.get(User.company == company.id)
    activation.close(owner, reason="address changed", is_superseded=True)
    assert reminders.send_reminders().reminded == 0
    activation.activate(Company.get_by_id(company.id))
    assert reminders.send_reminders().reminded == 1


def test_at_most_one_mail_a_month(app: Flask, clock_at: time_machine.Traveller) -> None:
    leaving(activated(), days=60)
    for each in range(75):
        clock_at.move_to(date(2026, 11, 21) + timedelta(days=each))
        reminders.send_reminders()
    assert [mail.created_at.date() for mail in reminded()] == [
        date(2026, 11, 21),
        date(2026, 12, 21),
    ]


def test_what_changed_since_the_look_counts(app: Flask) -> None:
    """Another run was faster, the mode changed, or the document was downloaded meanwhile."""
    company, today = activated(), clock.today()
    invoice = leaving(company)
    assert [reminders._remind(company, on=today).reminded for _ in range(2)] == [1, 0]
    OutboxMail.delete().execute()
    Company.update(notification="none").execute()
    assert reminders._remind(company, on=today).reminded == 0
    Company.update(notification="link").execute()
    Invoice.update(downloaded_at=clock.now()).where(Invoice.id == invoice.id).execute()
    assert reminders._remind(company, on=today).reminded == 0
    assert reminded() == []


@pytest.mark.sqlite
def test_the_last_look_reads_the_mails_of_no_other_company(app: Flask) -> None:
    """Nobody else writes meanwhile: of ten thousand companies, each would read the mails of all."""
    company = activated()
    sql, values = reminders._companies().where(Company.id == company.id).sql()
    plan = " ".join(row[3] for row in database.execute_sql(f"EXPLAIN QUERY PLAN {sql}", values))
    assert "USING INDEX outbox_mail_company_id" in plan
    assert "LIST SUBQUERY" not in plan


def test_the_schema_holds_a_month_to_one_mail(app: Flask) -> None:
    company = activated()
    leaving(company)
    mails.queue_leaving(company, Invoice.select(), on=clock.today())
    with pytest.raises(IntegrityError):
        mails.queue_leaving(company, Invoice.select(), on=clock.today())


def test_a_clock_set_back_reminds_nobody_again(
    app: Flask, clock_at: time_machine.Traveller
) -> None:
    leaving(activated())
    assert reminders.send_reminders().reminded == 1
    clock_at.move_to("2026-11-20T09:30:00Z")
    assert reminders.send_reminders().reminded == 0


def test_a_long_list_is_cut_and_says_so(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mails, "LEAVING_LISTED", 2)
    company = activated()
    for number in range(5):
        leaving(company, number=f"F-{number}")
    reminders.send_reminders()
    (mail,) = reminded()
    assert "5 documents" in mail.body_text and "et 3 de plus." in mail.body_text
    assert "F-1" in mail.body_text and "F-2" not in mail.body_text


def test_one_document_is_told_in_the_singular(app: Flask) -> None:
    leaving(activated())
    reminders.send_reminders()
    (mail,) = reminded()
    assert mail.subject.startswith("1 document jamais téléchargé sera bientôt retiré")
    assert "Ce document" in mail.body_text and "de plus" not in mail.body_text


@pytest.mark.parametrize(("hour", "count"), [("16:59", 0), ("17:00", 1)])
def test_the_worker_reminds_at_the_hour_of_the_daily_mail(
    app: Flask,
    clock_at: time_machine.Traveller,
    monkeypatch: pytest.MonkeyPatch,
    hour: str,
    count: int,
) -> None:
    leaving(activated())
    clock_at.move_to(f"2026-11-21T{hour}:00Z")  # one hour later in Paris
    monkeypatch.setattr("huey.api.Consumer", Consumer)
    worker.run(app)
    assert len(reminded()) == count
