"""The direct links of the daily mail: what they open, and when they die (FAQ 8)."""

import json
import re
from collections.abc import Callable
from datetime import date, timedelta

import pytest
import time_machine
from flask import Flask

from selfservice import clock
from selfservice.audit import AuditEntry
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice, Opening
from selfservice.mail import delivery
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import send
from selfservice.suppliers.models import Company
from selfservice.tokens import Token
from tests.conftest import Browser
from tests.factories import make_company, make_invoice, make_supplier
from tests.notifications.documents import PDF, with_file

DAY = date(2026, 3, 2)


def link_paths() -> list[str]:
    mail = OutboxMail.get(OutboxMail.kind == "digest")
    return re.findall(r"/telechargement/\S+", mail.body_text)


@pytest.fixture
def invoice(app: Flask) -> Invoice:
    company = make_company(make_supplier(), email="pierre@example.com", notification="daily")
    return with_file(make_invoice(company, number="FA-1"))


@pytest.fixture
def path(invoice: Invoice) -> str:
    send.send_due()
    send.send_digests(DAY)
    (found,) = link_paths()
    return found


def test_downloads_its_document_without_signing_in(path: str, browser: Browser) -> None:
    response = browser.get(path)
    assert response.data == PDF
    headers = response.headers
    assert headers["Content-Disposition"].startswith("attachment; filename=FA-1.pdf")
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "no-referrer"
    assert headers["X-Robots-Tag"] == "noindex"


def test_opens_no_session(path: str, browser: Browser) -> None:
    browser.get(path)
    assert browser.get("/factures").status_code == 302


def test_counts_as_fetched_and_looking_at_it_as_nothing(
    path: str, invoice: Invoice, browser: Browser
) -> None:
    browser.client.head(path)
    assert Invoice.get_by_id(invoice.id).downloaded_at is None
    assert Token.get().use_count == 0
    browser.get(path)
    assert Invoice.get_by_id(invoice.id).downloaded_at is not None


def test_each_use_is_counted_and_journalled(path: str, browser: Browser) -> None:
    for _ in range(3):
        browser.get(path)
    assert Token.get().use_count == 3
    entries = AuditEntry.select().where(AuditEntry.event == "invoice.fetched")
    assert [json.loads(entry.facts)["use"] for entry in entries.order_by(AuditEntry.id)] == [
        1,
        2,
        3,
    ]
    assert not any(path.rpartition("/")[2] in entry.facts for entry in entries)


def test_uses_of_one_link_fill_the_journal_up_to_a_limit(
    path: str, app: Flask, browser: Browser
) -> None:
    app.config["LIMIT_JOURNAL_STRANGER"] = "2/hour"
    for _ in range(4):
        assert browser.get(path).status_code == 200
    assert Token.get().use_count == 4, "the next entry tells how many there were"
    assert AuditEntry.select().where(AuditEntry.event == "invoice.fetched").count() == 2


def test_mail_scanner_that_opens_it_marks_nothing_as_read(path: str, browser: Browser) -> None:
    browser.get(path)
    assert Opening.select().count() == 0
    assert browser.get(path).status_code == 200, "and uses nothing up"


def test_secret_is_long_and_only_its_hash_is_kept(path: str, app: Flask) -> None:
    secret = path.rpartition("/")[2]
    assert len(secret) * 6 >= 128
    token = Token.get()
    assert secret not in (token.secret_hash, token.subject)
    assert len(token.secret_hash) == 64


def test_opens_one_document_only(invoice: Invoice, browser: Browser) -> None:
    with_file(make_invoice(invoice.company, number="FA-2"))
    send.send_due()
    send.send_digests(DAY)
    first, second = (browser.get(path) for path in link_paths())
    assert "FA-1.pdf" in first.headers["Content-Disposition"]
    assert "FA-2.pdf" in second.headers["Content-Disposition"]


def test_expires_after_its_days_and_no_clock_set_back_revives_it(
    invoice: Invoice, browser: Browser
) -> None:
    with time_machine.travel("2026-03-02T17:00:00Z", tick=False) as machine:
        Company.update(email_registered_at=clock.now()).execute()
        Invoice.update(issued_on=DAY).execute()
        send.send_due()
        send.send_digests(DAY)
        (path,) = link_paths()
        machine.shift(timedelta(days=90, seconds=-1))
        assert browser.get(path).status_code == 200
        machine.shift(timedelta(seconds=1))
        assert browser.get(path).status_code == 410


@pytest.mark.parametrize("known", [True, False])
def test_no_answer_tells_its_address_to_anybody(known: bool, path: str, browser: Browser) -> None:
    response = browser.get(path if known else "/telechargement/nimporte-quoi")
    assert response.headers["Referrer-Policy"] == "no-referrer"
    assert response.headers["X-Robots-Tag"] == "noindex"
    assert response.headers["Cache-Control"] == "no-store"
    assert "Set-Cookie" not in response.headers


def test_guessing_is_throttled(
    configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    configure(LIMIT_DOWNLOAD_IP="3/minute")
    client = make_app().test_client()
    codes = [client.get(f"/telechargement/guess-{number}").status_code for number in range(4)]
    assert codes == [404, 404, 404, 429]
    refused = client.get("/telechargement/guess")
    assert int(refused.headers["Retry-After"]) <= 60
    assert refused.headers["Referrer-Policy"] == "no-referrer"
    assert "à partir de" in refused.text


def test_charlie_signed_in_elsewhere_sees_that_document_and_no_other(
    path: str, invoice: Invoice, charlie: Browser
) -> None:
    assert charlie.get(path).data == PDF
    assert charlie.get(f"/factures/{invoice.id}.pdf").status_code == 404


def test_works_again_and_again_until_it_expires(path: str, browser: Browser) -> None:
    for _ in range(3):
        assert browser.get(path).status_code == 200
    Token.update(expires_at=Token.issued_at).execute()
    response = browser.get(path)
    assert response.status_code == 410
    assert "a expiré" in response.text and "90&nbsp;jours" in response.text


def test_dies_when_the_address_changes(path: str, browser: Browser) -> None:
    Company.update(email="new@example.com", email_key="new@example.com").execute()
    response = browser.get(path)
    assert response.status_code == 410
    assert "Une autre adresse mail est enregistrée depuis" in response.text


def test_stays_dead_when_the_address_comes_back(path: str, browser: Browser) -> None:
    back = clock.now() + timedelta(minutes=5)
    Company.update(email_registered_at=back).execute()
    assert browser.get(path).status_code == 410


def test_a_lost_file_is_not_marked_as_fetched(path: str, invoice: Invoice, app: Flask) -> None:
    app.config["PROPAGATE_EXCEPTIONS"] = False
    storage.path_of(invoice.sha256).unlink()
    assert app.test_client().get(path).status_code == 500
    assert Invoice.get_by_id(invoice.id).downloaded_at is None


def test_dies_with_the_document(path: str, invoice: Invoice, browser: Browser) -> None:
    gone = clock.today() - timedelta(days=800)
    Invoice.update(issued_on=gone).where(Invoice.id == invoice.id).execute()
    response = browser.get(path)
    assert response.status_code == 410
    assert "Ce qu’il montrait n’est plus disponible" in response.text


def test_unknown_is_404(app: Flask, browser: Browser) -> None:
    assert browser.get("/telechargement/nimporte-quoi").status_code == 404


def test_leaves_the_outbox_with_the_mail(path: str, new_browser: Callable[[], Browser]) -> None:
    delivery.deliver_due()
    assert path.rpartition("/")[2] not in OutboxMail.get(OutboxMail.kind == "digest").body_text
    assert new_browser().get(path).status_code == 200
