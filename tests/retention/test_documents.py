"""A document past its time leaves with all that hangs on it; its number stays taken (FAQ 14)."""

import fcntl
import os
from pathlib import Path

import pytest
from flask import Flask

from selfservice import clock, tokens
from selfservice.accounts.models import User
from selfservice.audit import AuditEntry
from selfservice.db import database
from selfservice.deposits.deposit import deposit_folder
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice, Opening, Tombstone
from selfservice.mail import delivery, outbox
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import direct_links, send
from selfservice.retention import documents, purge
from selfservice.suppliers.models import Company
from tests import papers
from tests.factories import make_invoice, make_user
from tests.papers import months_ago
from tests.retention.conftest import MakeDocument, write_file

SHARED = "a" * 64


def is_stored(invoice: Invoice) -> bool:
    return storage.path_of(invoice.sha256).exists()


def past(days: int = 1) -> dict[str, object]:
    return {"issued_on": months_ago(24, days=days)}


def test_only_documents_past_their_last_day_go(make_document: MakeDocument) -> None:
    gone, last_day, recent = make_document(**past()), make_document(**past(0)), make_document()
    assert purge.purge()["documents"] == 1
    assert {each.id for each in Invoice.select()} == {last_day.id, recent.id}
    assert not is_stored(gone) and is_stored(last_day) and is_stored(recent)


def test_all_that_hangs_on_a_document_goes_with_it(
    make_document: MakeDocument, company: Company
) -> None:
    user: User = make_user(company, "reader")
    gone, kept = make_document(**past()), make_document()
    links = {each.id: direct_links.issue(each, "c@example.com") for each in (gone, kept)}
    for each in (gone, kept):
        Opening.create(user=user, invoice=each, opened_at=clock.now())
    purge.purge()
    assert [opening.invoice_id for opening in Opening.select()] == [kept.id]
    assert direct_links.read(links[kept.id]).invoice == kept
    with pytest.raises(tokens.UnknownTokenError):
        direct_links.read(links[gone.id])


def test_what_stays_names_the_supplier_and_the_number_only(make_document: MakeDocument) -> None:
    gone = make_document(**past(), number="F-1")
    purge.purge()
    (row,) = Tombstone.select().dicts()
    row.pop("id"), row.pop("purged_at")
    assert row == {"supplier": gone.supplier_id, "number": "F-1"}


def test_a_file_stays_while_another_row_needs_it(make_document: MakeDocument) -> None:
    gone = make_document(**past(), sha256=SHARED)
    twin = make_document(sha256=SHARED)
    purge.purge()
    assert is_stored(gone)
    Invoice.update(issued_on=months_ago(25)).where(Invoice.id == twin.id).execute()
    purge.purge()
    assert not is_stored(gone)


def test_a_file_that_is_missing_already_stops_nothing(make_document: MakeDocument) -> None:
    storage.path_of(make_document(**past()).sha256).unlink()
    assert purge.purge()["documents"] == 1


def test_a_mail_with_its_document_attached_does_not_leave_any_more(
    make_document: MakeDocument, company: Company
) -> None:
    Company.update(notification="attached").execute()
    invoice = make_document(notification="attached")
    send.send_due()
    Invoice.update(issued_on=months_ago(25)).where(Invoice.id == invoice.id).execute()
    purge.purge()
    mail = OutboxMail.get(OutboxMail.kind == "document")
    assert (mail.state, mail.answer) == ("dropped", outbox.WITHDRAWN)
    assert (mail.body_text, mail.body_html, mail.attachment_path) == ("", "", None)
    assert mail.to_address == "c@example.com", "the chain of an address stays"
    with pytest.raises(outbox.UnknownMailError):
        outbox.retry(mail.id)
    report = delivery.deliver_due()
    assert (report.sent, report.faults) == (1, []), "the activation mail only"


@pytest.mark.parametrize("state", ["sent", "failed"])
def test_what_became_of_a_mail_stays_told(make_document: MakeDocument, state: str) -> None:
    Company.update(notification="link").execute()
    invoice = make_document(notification="link")
    send.send_due()
    OutboxMail.update(state=state, answer="250 ok").execute()
    Invoice.update(issued_on=months_ago(25)).where(Invoice.id == invoice.id).execute()
    purge.purge()
    mail = OutboxMail.get(OutboxMail.kind == "document")
    assert (mail.state, mail.answer, mail.body_text) == (state, "250 ok", "")


def test_a_mail_that_is_just_leaving_gets_no_second_try(
    make_document: MakeDocument,
) -> None:
    Company.update(notification="link").execute()
    invoice = make_document(notification="link")
    send.send_due()
    OutboxMail.update(state="sending").where(OutboxMail.kind == "document").execute()
    Invoice.update(issued_on=months_ago(25)).where(Invoice.id == invoice.id).execute()
    purge.purge()
    mail = OutboxMail.get(OutboxMail.kind == "document")
    assert (mail.state, mail.body_text) == ("sending", "")
    report = delivery.deliver_due()  # as if the delivery had been killed
    assert report.dropped == 1


def test_the_number_of_a_purged_document_stays_taken(
    make_document: MakeDocument, company: Company, tmp_path: Path
) -> None:
    make_document(**past(), number="F-1")
    purge.purge()
    (tmp_path / "a.pdf").write_bytes(papers.facturx(company, number="F-1"))
    (refused,) = deposit_folder(company.supplier, tmp_path).refused
    assert "F-1 est celui d'un document retiré" in refused.reason


def test_batches_are_short_and_each_is_journalled(
    make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "BATCH_DOCUMENTS", 2)
    for _ in range(5):
        make_document(**past())
    assert purge.purge()["documents"] == 5
    facts = [each.facts for each in AuditEntry.select().where(AuditEntry.event ** "retention%")]
    assert facts == [f'{{"kind": "documents", "removed": {count}}}' for count in (2, 2, 1)]


def test_a_file_without_a_row_goes_after_a_day(make_document: MakeDocument) -> None:
    make_document()
    for sha256 in ("b" * 64, "c" * 64):
        write_file(sha256)
    two_days_ago = storage.path_of("b" * 64).stat().st_mtime - 2 * 86_400
    os.utime(storage.path_of("b" * 64), (two_days_ago, two_days_ago))
    assert purge.purge()["files"] == 1
    assert not storage.path_of("b" * 64).exists() and storage.path_of("c" * 64).exists()


def test_files_that_are_not_documents_stay(app: Flask) -> None:
    folder = storage.documents_folder() / "ab"
    folder.mkdir(parents=True)
    for name in ("notes.txt", f"{'b' * 63}.pdf", f"{'B' * 64}.pdf"):
        (folder / name).write_text("not ours")
        os.utime(folder / name, (0, 0))
    assert purge.purge()["files"] == 0
    assert len(list(folder.iterdir())) == 3


def test_files_go_after_their_rows_and_under_the_lock_of_deposits(
    make_document: MakeDocument, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Killed in between, a purge leaves a file without a row, never a row without its file."""
    gone = make_document(**past())

    def killed(_sha256: str) -> None:
        assert not database.in_transaction()
        deposit = os.open(storage.documents_folder(), os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(deposit, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(deposit)
        raise KeyboardInterrupt

    monkeypatch.setattr(storage, "discard", killed)
    with pytest.raises(KeyboardInterrupt):
        purge.purge()
    monkeypatch.undo()
    assert Invoice.select().count() == 0 and is_stored(gone)
    os.utime(storage.path_of(gone.sha256), (0, 0))  # it was written at its deposit, long ago
    assert purge.purge()["files"] == 1
    assert not is_stored(gone)


def test_a_company_without_documents_stays(company: Company) -> None:
    make_invoice(company, **past())
    purge.purge()
    assert Company.select().count() == 1
