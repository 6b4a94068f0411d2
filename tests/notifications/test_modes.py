"""The four modes of notification and the direct links of the daily mail (FAQ 8, 12, 15)."""

import re
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from email import message_from_bytes, policy
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from selfservice import clock, outbox
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from selfservice.notifications import send
from selfservice.outbox import OutboxMail
from selfservice.suppliers.models import Company
from selfservice.tokens import Token
from tests.conftest import Browser
from tests.factories import make_company, make_invoice, make_supplier, make_user

PDF = b"%PDF-1.7 the very document %%EOF"
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


def with_file(invoice: Invoice) -> Invoice:
    path = storage.path_of(invoice.sha256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(PDF)
    return invoice


def test_mode_none_mails_the_activation_only(app: Flask) -> None:
    make_invoice(company_in("none"))
    send.send_due()
    assert kinds() == ["activation"]


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
    outbox.deliver_due()
    letters = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (instance / "mail").glob("*.eml")
    ]
    (attached,) = [part for letter in letters for part in letter.iter_attachments()]
    assert attached.get_filename() == "FA-2026-é.pdf"
    assert attached.get_content() == PDF
    assert invoice.id


def test_lost_attachment_fails_visibly(app: Flask) -> None:
    make_invoice(company_in("attached"))
    send.send_due()
    report = outbox.deliver_due()
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


class TestDirectLink:
    @pytest.fixture
    def invoice(self, app: Flask) -> Invoice:
        return with_file(make_invoice(company_in("daily"), number="FA-1"))

    @pytest.fixture
    def path(self, invoice: Invoice) -> str:
        send.send_due()
        send.send_digests(date(2026, 3, 2))
        found = re.search(r"/telechargement/\S+", mails("digest")[0].body_text)
        assert found
        return found[0]

    def test_downloads_its_document_without_signing_in(self, path: str, browser: Browser) -> None:
        response = browser.get(path)
        assert response.data == PDF
        headers = response.headers
        assert headers["Content-Disposition"].startswith("attachment; filename=FA-1.pdf")
        assert headers["Cache-Control"] == "no-store"
        assert headers["Referrer-Policy"] == "no-referrer"
        assert headers["X-Robots-Tag"] == "noindex"

    def test_opens_no_session(self, path: str, browser: Browser) -> None:
        browser.get(path)
        assert browser.get("/factures").status_code == 302

    def test_counts_as_fetched_and_looking_at_it_as_nothing(
        self, path: str, invoice: Invoice, browser: Browser
    ) -> None:
        browser.client.head(path)
        assert Invoice.get_by_id(invoice.id).downloaded_at is None
        browser.get(path)
        assert Invoice.get_by_id(invoice.id).downloaded_at is not None

    def test_works_again_and_again_until_it_expires(self, path: str, browser: Browser) -> None:
        for _ in range(3):
            assert browser.get(path).status_code == 200
        Token.update(expires_at=Token.issued_at).execute()
        response = browser.get(path)
        assert response.status_code == 410
        assert "a expiré" in response.text

    def test_dies_when_the_address_changes(self, path: str, browser: Browser) -> None:
        Company.update(email="new@example.com", email_key="new@example.com").execute()
        assert browser.get(path).status_code == 410

    def test_stays_dead_when_the_address_comes_back(self, path: str, browser: Browser) -> None:
        back = clock.now() + timedelta(minutes=5)
        Company.update(email_registered_at=back).execute()
        assert browser.get(path).status_code == 410

    def test_a_lost_file_is_not_marked_as_fetched(
        self, path: str, invoice: Invoice, app: Flask
    ) -> None:
        app.config["PROPAGATE_EXCEPTIONS"] = False
        storage.path_of(invoice.sha256).unlink()
        assert app.test_client().get(path).status_code == 500
        assert Invoice.get_by_id(invoice.id).downloaded_at is None

    def test_dies_with_the_document(self, path: str, invoice: Invoice, browser: Browser) -> None:
        gone = clock.today() - timedelta(days=800)
        Invoice.update(issued_on=gone).where(Invoice.id == invoice.id).execute()
        assert browser.get(path).status_code == 410

    def test_unknown_is_404(self, app: Flask, browser: Browser) -> None:
        assert browser.get("/telechargement/nimporte-quoi").status_code == 404

    def test_leaves_the_outbox_with_the_mail(
        self, path: str, new_browser: Callable[[], Browser]
    ) -> None:
        outbox.deliver_due()
        assert path.rpartition("/")[2] not in mails("digest")[0].body_text
        assert new_browser().get(path).status_code == 200
