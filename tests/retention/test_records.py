"""Links, sessions, counters, mails, closed logins, the journal: each by its own rule."""

from datetime import datetime, timedelta

import pytest
from flask import Flask

from selfservice import audit, clock, tokens
from selfservice.accounts import activation, sessions, users
from selfservice.accounts.models import Activation, User, UserSession
from selfservice.audit import AuditEntry
from selfservice.invoices.models import Opening
from selfservice.mail import outbox
from selfservice.mail.outbox import OutboxAttempt, OutboxMail
from selfservice.notifications import send
from selfservice.ratelimit import RateCounter
from selfservice.requests.models import CustomerRequest
from selfservice.retention import purge, records
from selfservice.suppliers.models import Company
from tests.factories import make_invoice, make_user


def ago(*, days: float = 0, months: int = 0) -> datetime:
    return clock.months_ago(months) - timedelta(days=days)


def make_mail(address: str, *, created_at: datetime, state: str = "sent", **fields: object) -> int:
    context = {"login": "x", "company_name": "x", "changed_at": clock.now()}
    mail = outbox.enqueue(
        "password_changed",
        to_address=address,
        address_key=address,
        context=context | {"portal_url": "https://p", "recovery_url": "https://p/r"},
    )
    OutboxMail.update(created_at=created_at, state=state, **fields).where(
        OutboxMail.id == mail.id
    ).execute()
    OutboxAttempt.create(mail=mail, at=created_at, outcome=state)
    return int(mail.id)


def test_links_go_thirty_days_after_their_end(app: Flask) -> None:
    kept = tokens.issue("x", "kept", lifetime=timedelta(days=-29, hours=-23))
    gone = tokens.issue("x", "gone", lifetime=timedelta(days=-records.DEAD_LINK_DAYS))
    living = tokens.issue("x", "living", lifetime=timedelta(days=90))
    assert purge.purge()["links"] == 1
    with pytest.raises(tokens.UnknownTokenError):
        tokens.read("x", gone)
    with pytest.raises(tokens.ExpiredTokenError):
        tokens.read("x", kept)
    assert tokens.read("x", living).subject == "living"


def test_ended_sessions_and_counters_go(company: Company) -> None:
    user = make_user(company, "reader")
    for secret in ("living", "ended"):
        sessions.open_session(user, origin="", browser=secret)
    UserSession.update(used_at=ago(days=1)).where(UserSession.browser == "ended").execute()
    for key, days in (("living", -1), ("ended", 1)):
        RateCounter.create(key=key, hits=1, expires_at=ago(days=days))
    done = purge.purge()
    assert (done["sessions"], done["counters"]) == (1, 1)
    assert [each.browser for each in UserSession.select()] == ["living"]
    assert [each.key for each in RateCounter.select()] == ["living"]


def test_a_mail_loses_its_text_after_ninety_days_and_goes_after_24_months(app: Flask) -> None:
    recent = make_mail("a@example.com", created_at=ago(days=89))
    bare = make_mail("a@example.com", created_at=ago(days=90), attachment_path="/x.pdf")
    last_day = make_mail("a@example.com", created_at=ago(months=24, days=-1))
    make_mail("a@example.com", created_at=ago(months=24))
    done = purge.purge()
    assert (done["mail_texts"], done["mails"]) == (2, 1)
    texts = {mail.id: (mail.body_text != "", mail.body_html != "") for mail in outbox.mails()}
    assert texts == {recent: (True, True), bare: (False, False), last_day: (False, False)}
    mail = OutboxMail.get_by_id(bare)
    assert (mail.attachment_path, mail.to_address, mail.state) == (None, "a@example.com", "sent")
    assert {attempt.mail_id for attempt in OutboxAttempt.select()} == set(texts)


@pytest.mark.parametrize("state", ["queued", "sending"])
def test_a_mail_that_has_not_left_keeps_its_text(app: Flask, state: str) -> None:
    make_mail("a@example.com", created_at=ago(months=30), state=state)
    done = purge.purge()
    assert (done["mails"], done["mail_texts"]) == (0, 0)
    assert OutboxMail.get().body_text


def test_a_long_closed_login_goes_with_what_is_its_own(company: Company) -> None:
    reader = make_user(company, "reader", closed_at=ago(months=24))
    closed = make_user(company, "closed", closed_at=ago(months=24, days=-1))
    make_user(company, "off", is_active=False)
    make_user(company, "active")
    for user in (reader, closed):
        Opening.create(user=user, invoice=make_invoice(company), opened_at=clock.now())
    assert purge.purge()["users"] == 1
    assert {each.login for each in User.select()} == {"closed", "off", "active"}
    assert [each.user_id for each in Opening.select()] == [closed.id]


def test_an_address_that_comes_back_long_after_gets_its_activation_anew(company: Company) -> None:
    make_invoice(company)
    send.send_due()
    first = User.get()
    activation.close(first, reason="test")
    User.update(closed_at=ago(months=24)).execute()
    OutboxMail.update(created_at=ago(months=25), state="sent").execute()
    Company.update(email_key="other@example.com").execute()
    done = purge.purge()
    assert (done["users"], done["mails"]) == (1, 1)
    assert Activation.select().count() == 0
    Company.update(email_key=company.email_key).execute()
    make_invoice(company)
    report = send.send_due()
    assert (report.activated, report.faults) == (1, [])
    assert User.get().id > first.id


def test_a_closed_login_of_the_address_still_registered_is_not_made_anew(company: Company) -> None:
    make_invoice(company)
    send.send_due()
    users.close_login(str(User.get().login))
    User.update(closed_at=ago(months=25)).execute()
    assert purge.purge()["users"] == 0
    make_invoice(company)
    assert send.send_due().activated == 0
    assert User.get().closed_at is not None


def test_the_journal_goes_by_its_own_rule(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    for event, at in (("old", ago(months=12)), ("kept", ago(months=12, days=-1))):
        audit.record(event)
        AuditEntry.update(at=at).where(AuditEntry.event == event).execute()
    assert purge.purge()["audit_entries"] == 1
    assert [each.event for each in AuditEntry.select()] == ["kept", "retention.purged"]
    monkeypatch.setitem(app.config, "AUDIT_MONTHS", 6)
    assert purge.purge()["audit_entries"] == 1


def test_a_rule_asks_again_when_it_changes_a_batch(
    company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A login that is reopened between the look and the change stays."""
    make_user(company, "reader", closed_at=ago(months=25))
    (rule,) = [each for each in records.RULES if each.kind == "users"]
    keys = rule._next_batch()
    User.update(closed_at=None).execute()
    assert rule._apply_to(keys) == 0
    assert User.select().count() == 1


def test_batches_end_where_the_rows_end(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(records, "BATCH_ROWS", 2)
    for each in range(5):
        RateCounter.create(key=str(each), hits=1, expires_at=ago(days=1))
    assert purge.purge()["counters"] == 5
    assert RateCounter.select().count() == 0
    assert AuditEntry.select().where(AuditEntry.event == "retention.purged").count() == 3


def test_a_second_purge_has_nothing_left_to_do(company: Company) -> None:
    make_mail("a@example.com", created_at=ago(months=25))
    make_mail("a@example.com", created_at=ago(days=91))
    purge.purge()
    entries = AuditEntry.select().count()
    assert set(purge.purge().values()) == {0}
    assert AuditEntry.select().count() == entries


def test_requests_go_with_their_documents_and_unproven_ones_with_their_link(
    company: Company,
) -> None:
    for kind, created_at, decided_at in (
        ("question", ago(months=30), None),
        ("document", ago(months=30), ago(months=24, days=-1)),
        ("delivery", ago(months=30), ago(months=24)),
        ("access", ago(days=30), None),
        ("address", ago(days=29), None),
    ):
        CustomerRequest.create(
            company=company, kind=kind, created_at=created_at, decided_at=decided_at
        )
    assert purge.purge()["requests"] == 2
    left = CustomerRequest.select(CustomerRequest.kind)
    assert {request.kind for request in left} == {"question", "document", "address"}
