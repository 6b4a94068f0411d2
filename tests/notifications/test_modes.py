"""The four modes of notification (FAQ 8, 12, 15)."""

from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from email import message_from_bytes, policy
from itertools import chain, repeat
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from selfservice import clock
from selfservice.mail import delivery
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import send
from selfservice.suppliers.companies_csv import import_companies
from selfservice.suppliers.models import Company
from tests.factories import make_company, make_invoice, make_supplier, make_user
from tests.notifications.documents import PDF, with_file

MORNING = "2026-03-02T09:00:00Z"


@pytest.fixture
def clock_at() -> Iterator[time_machine.Traveller]:
    with time_machine.travel(MORNING, tick=False) as machine:
        yield machine


def company_in(mode: str, **fields: object) -> Company:
    supplier = make_supplier(name="Diac / Diac Location")
    defaults: dict[str, object] = {"email": "pierre@example.com", "notification": mode}
    return make_company(supplier, **(defaults | fields))


def mails(kind: str) -> list[OutboxMail]:
    return list(OutboxMail.select().where(OutboxMail.kind == kind).order_by(OutboxMail.id))


def kinds() -> list[str]:
    return [mail.kind for mail in OutboxMail.select().order_by(OutboxMail.id)]


def test_mode_none_mails_the_activation_only(app: Flask) -> None:
    make_invoice(company_in("none"))
    send.send_due()
    assert kinds() == ["activation"]


def test_the_longest_names_hold_up_no_activation(app: Flask) -> None:
    supplier = make_supplier(name="S" * 200)
    names = {"name": "C" * 200, "client_number": "N" * 64, "email": "pierre@example.com"}
    make_invoice(make_company(supplier, **names))
    assert send.send_due().faults == []
    assert len(mails("activation")[0].subject) == 400


def test_activation_goes_before_a_mail_for_each_document(app: Flask) -> None:
    company = company_in("link")
    numbers = [make_invoice(company).number for _ in range(2)]
    report = send.send_due()
    assert (report.activated, report.notified) == (1, 2)
    assert kinds() == ["activation", "document", "document"]
    for mail, number in zip(mails("document"), numbers, strict=True):
        assert number in mail.subject
        for part in (mail.body_text, mail.body_html):
            assert number in part
            assert "120,00" in part
            assert "Connectez-vous" in part
        assert mail.attachment_path is None


def test_attached_mode_sends_the_very_document(app: Flask, instance: Path) -> None:
    invoice = with_file(make_invoice(company_in("attached"), number="FA/2026-é"))
    send.send_due()
    delivery.deliver_due()
    letters = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (instance / "mail").glob("*.eml")
    ]
    (attached,) = [part for letter in letters for part in letter.iter_attachments()]
    assert attached.get_filename() == "FA-2026-é.pdf"
    assert attached.get_content() == PDF
    assert invoice.id


@pytest.mark.parametrize("other", ["claire@example.com", ""])
@pytest.mark.parametrize("mode", ["attached", "link", "daily"])
def test_what_waits_for_an_address_leaves_no_more_once_it_has_gone(
    mode: str, other: str, app: Flask, instance: Path, tmp_path: Path
) -> None:
    company = company_in(mode, client_number="C-1")
    with_file(make_invoice(company))
    theirs = with_file(make_invoice(make_company(company.supplier, **_other_company(mode))))
    send.send_due()
    send.send_digests(clock.today())
    register = tmp_path / "register.csv"
    register.write_text(f"client_number;email\nC-1;{other}\n")
    import_companies(company.supplier, register)
    delivery.deliver_due()
    told = [(each.company_id, each.state) for each in (*mails("document"), *mails("digest"))]
    assert told == [(company.id, "dropped"), (theirs.company_id, "sent")]
    dropped = OutboxMail.get(OutboxMail.state == "dropped")
    assert (dropped.body_text, dropped.attachment_path) == ("", None)


def _other_company(mode: str) -> dict[str, object]:
    """Return another company of the same address, which keeps it."""
    return {"email": "pierre@example.com", "notification": mode}


def test_lost_attachment_fails_visibly(app: Flask) -> None:
    make_invoice(company_in("attached"))
    send.send_due()
    report = delivery.deliver_due()
    assert (report.sent, report.failed) == (1, 1)


def test_nothing_is_mailed_twice(app: Flask) -> None:
    company = company_in("link")
    make_invoice(company)
    for _ in range(3):
        send.send_due()
    assert kinds() == ["activation", "document"]


def test_mode_is_that_of_the_deposit(app: Flask) -> None:
    company = company_in("none")
    make_invoice(company)
    Company.update(notification="link").execute()
    send.send_due()
    assert kinds() == ["activation"]
    make_invoice(Company.get_by_id(company.id))
    send.send_due()
    assert kinds() == ["activation", "document"]


def test_document_for_an_earlier_address_is_mailed_to_nobody(app: Flask) -> None:
    make_invoice(company_in("link"))
    Company.update(email="new@example.com", email_key="new@example.com").execute()
    assert send.send_due().notified == 0
    assert kinds() == []


def test_added_users_get_none(app: Flask) -> None:
    company = company_in("link")
    make_user(company, "julie", email="julie@example.com")
    make_invoice(company)
    send.send_due()
    assert {mail.to_address for mail in OutboxMail.select()} == {"pierre@example.com"}


def test_daily_mode_sends_one_mail_a_day_from_its_hour_on(
    app: Flask, clock_at: time_machine.Traveller
) -> None:
    company = company_in("daily")
    first = [make_invoice(company).number for _ in range(2)]
    send.send_due()
    assert send.send_digests_of_the_hour().digests == 0, "not before 18 h in Paris"
    clock_at.shift(timedelta(hours=8, minutes=1))
    assert send.send_digests_of_the_hour().digests == 1
    assert send.send_digests_of_the_hour().digests == 0
    make_invoice(company)
    send.send_due()
    assert send.send_digests_of_the_hour().digests == 0, "what comes later waits for tomorrow"
    clock_at.shift(timedelta(days=1))
    assert send.send_digests_of_the_hour().digests == 1
    digests = mails("digest")
    assert [number in digests[0].body_text for number in first] == [True, True]
    assert digests[0].body_text.count("/telechargement/") == 2
    assert digests[1].body_text.count("/telechargement/") == 1
    assert "2 mars 2026" in digests[0].body_html


def test_a_digest_lists_its_documents_by_date(app: Flask) -> None:
    company = company_in("daily")
    newer, older = (
        make_invoice(company, issued_on=clock.today() - timedelta(days=days)).number
        for days in (1, 5)
    )
    send.send_due()
    send.send_digests(date(2026, 3, 2))
    text = mails("digest")[0].body_text
    assert text.index(older) < text.index(newer)


def test_one_company_in_trouble_holds_up_no_other_digest(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken = company_in("daily")
    sound = company_in("daily", email="marc@example.com")
    make_invoice(broken)
    make_invoice(sound)
    send.send_due()
    real = send.mails.queue_digest

    def explode(company: Company, *args: object, **kwargs: object) -> None:
        if company.id == broken.id:
            raise ZeroDivisionError("trouble")
        real(company, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(send.mails, "queue_digest", explode)
    report = send.send_digests(date(2026, 3, 2))
    assert report.digests == 1
    assert "trouble" in report.faults[0]
    monkeypatch.undo()
    assert send.send_digests(date(2026, 3, 2)).digests == 1


def test_a_document_that_has_left_meanwhile_is_not_mailed(app: Flask) -> None:
    gone = clock.today() - timedelta(days=800)
    make_invoice(company_in("attached"), issued_on=gone)
    report = send.send_due()
    assert (report.announced, report.notified) == (1, 0)
    assert kinds() == []


def test_clock_set_back_sends_no_second_digest(
    app: Flask, clock_at: time_machine.Traveller
) -> None:
    company = company_in("daily")
    make_invoice(company)
    send.send_due()
    assert send.send_digests(date(2026, 3, 2)).digests == 1
    make_invoice(company)
    send.send_due()
    assert send.send_digests(date(2026, 3, 2)).digests == 0
    assert len(mails("digest")) == 1
    assert send.send_digests(date(2026, 3, 3)).digests == 1


def test_digest_for_an_earlier_address_is_not_sent(app: Flask) -> None:
    make_invoice(company_in("daily"))
    send.send_due()
    Company.update(email="new@example.com", email_key="new@example.com").execute()
    assert send.send_digests(date(2026, 3, 2)).digests == 0
    assert mails("digest") == []


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("2026-03-29T15:59:59Z", "2026-03-29T16:00:00Z"),  # summer time began this morning
        ("2026-10-25T16:59:59Z", "2026-10-25T17:00:00Z"),  # summer time ended this morning
        ("2026-12-01T16:59:59Z", "2026-12-01T17:00:00Z"),
    ],
)
def test_digest_leaves_at_its_hour_of_paris(before: str, after: str, app: Flask) -> None:
    with time_machine.travel(before, tick=False) as machine:
        make_invoice(company_in("daily"))
        send.send_due()
        assert send.send_digests_of_the_hour().digests == 0
        machine.move_to(after)
        assert send.send_digests_of_the_hour().digests == 1


@pytest.mark.parametrize(
    ("day", "instants"),
    [
        ("an hour that the day skips", ["2026-03-29T00:59:00Z", "2026-03-29T01:00:00Z"]),
        ("an hour that the day has twice", ["2026-10-25T00:29:00Z", "2026-10-25T00:30:00Z"]),
    ],
)
def test_digest_of_a_day_when_the_hour_changes_leaves_once(
    day: str, instants: list[str], configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    configure(DIGEST_TIME="02:30")
    make_app()
    with time_machine.travel(instants[0], tick=False) as machine:
        company = company_in("daily")
        make_invoice(company)
        send.send_due()
        assert send.send_digests_of_the_hour().digests == 0, "not yet half past two"
        machine.move_to(instants[1])
        assert send.send_digests_of_the_hour().digests == 1
        make_invoice(company)
        send.send_due()
        machine.shift(timedelta(hours=1))
        assert send.send_digests_of_the_hour().digests == 0


def test_clock_a_day_ahead_and_back_sends_one_digest_a_paris_day(
    app: Flask, clock_at: time_machine.Traveller
) -> None:
    company = company_in("daily")
    sent_on = []
    for days in (0, 1, -1, 1, 1):
        clock_at.shift(timedelta(days=days))
        clock_at.move_to(f"{clock.today()}T18:00:00Z")
        make_invoice(company)
        send.send_due()
        if send.send_digests_of_the_hour().digests:
            sent_on.append(clock.today().day)
    assert sent_on == [2, 3, 4], "never two for one day, whatever the clock did"
    listed = sum(mail.body_text.count("/telechargement/") for mail in mails("digest"))
    assert listed == 5, "and no document is forgotten"


def test_every_mode_in_one_run_each_to_its_own_address(app: Flask) -> None:
    supplier = make_supplier()
    for mode in ("none", "attached", "link", "daily"):
        make_invoice(make_company(supplier, email=f"{mode}@example.com", notification=mode))
    send.send_due()
    send.send_digests(clock.today())
    got = {(mail.to_address.partition("@")[0], mail.kind) for mail in OutboxMail.select()}
    activations = {(mode, "activation") for mode in ("none", "attached", "link", "daily")}
    notified = {("attached", "document"), ("link", "document"), ("daily", "digest")}
    assert got == activations | notified


def test_midnight_between_two_looks_at_the_clock_does_not_bring_a_day_forward(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_invoice(company_in("daily"))
    send.send_due()
    before, after = map(datetime.fromisoformat, ("2026-03-02T22:59:59", "2026-03-02T23:00:00"))
    looks = chain([before], repeat(after))
    monkeypatch.setattr(clock, "now", lambda: next(looks))
    assert send.send_digests_of_the_hour().digests == 1
    assert OutboxMail.get(OutboxMail.kind == "digest").cause.endswith(":2026-03-02")


def test_many_documents_of_one_company_are_prepared_in_several_transactions(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(send, "BATCH_DOCUMENTS", 2)
    company = company_in("link")
    numbers = [make_invoice(company).number for _ in range(4)]
    committed: list[int] = []
    report = send.send_due(on_progress=lambda: committed.append(len(mails("document"))))
    assert (report.activated, report.notified, committed) == (1, 4, [2, 4, 4])
    assert all(
        number in mail.subject for mail, number in zip(mails("document"), numbers, strict=True)
    )
