"""Opening documents: byte for byte, by whom, and what is remembered."""

import hashlib
import io
import json
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from urllib.parse import unquote

import pikepdf
import pytest
import time_machine
from flask import Flask, send_file
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.http import parse_options_header

from selfservice.accounts.models import User
from selfservice.audit import AuditEntry
from selfservice.deposits.deposit import deposit_folder
from selfservice.invoices import downloads, storage
from selfservice.invoices.downloads import find_document, mark_opened
from selfservice.invoices.models import Invoice, Opening
from selfservice.invoices.views.documents import plain
from tests import papers
from tests.conftest import Browser
from tests.factories import People, make_invoice, make_user
from tests.papers import cii, client_number, months_ago, pdf


@pytest.fixture
def xml(people: People) -> bytes:
    return cii(number="F-1", buyer=client_number(people.alice.company.client_number))


@pytest.fixture
def content(xml: bytes) -> bytes:
    return pdf(xml) + b"%% \x00 an unusual end\n%%EOF\n"


@pytest.fixture
def deposited(people: People, folder: Path, content: bytes) -> Invoice:
    (folder / "a.pdf").write_bytes(content)
    assert deposit_folder(people.supplier, folder).refused == []
    return Invoice.get()


@pytest.fixture
def invoice(people: People, content: bytes) -> Invoice:
    """A document as a deposit leaves it, without the time that a reader takes to start."""
    sha256 = hashlib.sha256(content).hexdigest()
    path = storage.path_of(sha256)
    path.parent.mkdir(parents=True)
    path.write_bytes(content)
    company = people.alice.company
    return make_invoice(company, number="F-1", has_xml=True, sha256=sha256, size_bytes=len(content))


def test_the_pdf_is_byte_for_byte_as_deposited(
    alice: Browser, deposited: Invoice, content: bytes
) -> None:
    response = alice.get(f"/factures/{deposited.id}.pdf")
    assert response.data == content
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Length"] == str(len(content))
    assert response.headers["Content-Disposition"] == "inline; filename=F-1.pdf"
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    response.close()


def test_telecharger_attaches_it(alice: Browser, invoice: Invoice) -> None:
    response = alice.get(f"/factures/{invoice.id}.pdf?telecharger")
    assert response.headers["Content-Disposition"] == "attachment; filename=F-1.pdf"
    response.close()


def test_the_xml_is_byte_for_byte_that_of_the_pdf(
    alice: Browser, deposited: Invoice, xml: bytes
) -> None:
    response = alice.get(f"/factures/{deposited.id}.xml")
    assert response.data == xml
    assert response.headers["Content-Type"] == "application/xml"
    assert response.headers["Content-Disposition"] == "attachment; filename=F-1.xml"
    assert response.headers["Cache-Control"] == "no-store"


def test_a_plain_pdf_has_no_xml(alice: Browser, people: People, folder: Path) -> None:
    (folder / "a.pdf").write_bytes(pdf())
    row: dict[str, object] = {
        "file": "a.pdf",
        "client_number": people.alice.company.client_number,
        "invoice_number": "P-1",
        "issued_on": months_ago(1).isoformat(),
        "gross": "1",
    }
    papers.index(folder, row)
    assert deposit_folder(people.supplier, folder).deposited == 1
    assert alice.get(f"/factures/{Invoice.get().id}.xml").status_code == 404
    assert Opening.select().count() == 0


@pytest.mark.parametrize("kind", ["pdf", "xml"])
def test_bob_and_charlie_get_404(
    bob: Browser, charlie: Browser, invoice: Invoice, kind: str
) -> None:
    for other in (bob, charlie):
        assert other.get(f"/factures/{invoice.id}.{kind}").status_code == 404
    assert Opening.select().count() == 0
    assert Invoice.get().downloaded_at is None


@pytest.mark.parametrize("kind", ["pdf", "xml"])
def test_a_visitor_is_sent_to_sign_in(browser: Browser, invoice: Invoice, kind: str) -> None:
    response = browser.get(f"/factures/{invoice.id}.{kind}")
    assert response.status_code == 302
    assert response.headers["Location"].startswith("/connexion?next=/factures/")


@pytest.mark.parametrize("kind", ["pdf", "xml"])
def test_past_retention_it_is_404(alice: Browser, invoice: Invoice, kind: str) -> None:
    Invoice.update(issued_on=months_ago(24, days=1)).execute()
    assert alice.get(f"/factures/{invoice.id}.{kind}").status_code == 404
    Invoice.update(issued_on=months_ago(24)).execute()
    response = alice.get(f"/factures/{invoice.id}.{kind}")
    assert response.status_code == 200
    response.close()


@pytest.mark.parametrize(
    "invoice_id", ["0", "999", str(2**63 - 1), str(2**63), "9" * 60, "-1", "x"]
)
@pytest.mark.parametrize("kind", ["pdf", "xml"])
def test_an_unknown_id_is_404(alice: Browser, invoice_id: str, kind: str) -> None:
    assert alice.get(f"/factures/{invoice_id}.{kind}").status_code == 404


def test_a_document_beyond_the_display_history_still_opens(
    alice: Browser, invoice: Invoice
) -> None:
    Invoice.update(issued_on=months_ago(5)).execute()
    response = alice.get(f"/factures/{invoice.id}.pdf")
    assert response.status_code == 200
    response.close()


@pytest.mark.parametrize("kind", ["pdf", "xml"])
def test_opening_marks_the_user_and_the_company_once(
    alice: Browser, people: People, invoice: Invoice, kind: str
) -> None:
    alice.get(f"/factures/{invoice.id}.{kind}").close()
    (mark,) = Opening.select()
    first = Invoice.get().downloaded_at
    assert (mark.user, mark.invoice, first) == (people.alice, invoice, mark.opened_at)
    alice.get(f"/factures/{invoice.id}.{kind}").close()
    assert Opening.select().count() == 1
    assert Invoice.get().downloaded_at == first
    (entry,) = AuditEntry.select().where(AuditEntry.event == "invoice.opened")
    assert (entry.user_id, entry.actor) == (people.alice.id, "alice")


def test_the_journal_keeps_each_minute_each_reader_and_each_document(
    alice: Browser, people: People, invoice: Invoice
) -> None:
    def journalled() -> list[tuple[int, str]]:
        entries = AuditEntry.select().where(AuditEntry.event == "invoice.opened")
        return [(entry.user_id, entry.facts) for entry in entries.order_by(AuditEntry.id)]

    now = datetime(2026, 11, 21, 12, 0, 0, tzinfo=UTC)
    reader, other = people.alice, make_invoice(people.alice.company, number="F-2")
    colleague = make_user(reader.company, "claire")
    with time_machine.travel(now, tick=False) as moved:
        read(reader, invoice)
        read(reader, other)
        read(colleague, invoice)
        moved.shift(59)
        read(reader, invoice)
        assert len(journalled()) == 3
        moved.shift(1)
        read(reader, invoice)
    first, second = '{"number": "F-1"}', '{"number": "F-2"}'
    mine, hers = reader.id, colleague.id
    assert journalled() == [(mine, first), (mine, second), (hers, first), (mine, first)]


NUMBERS = ("F-1", "FÉ-1", 'F"1', "F\\1", "F\\u00c9-1", "F'1", "F%1", "")


@pytest.mark.parametrize("number", NUMBERS)
def test_what_is_read_again_at_once_writes_nothing(
    number: str, people: People, invoice: Invoice, monkeypatch: pytest.MonkeyPatch
) -> None:
    Invoice.update(number=number).execute()
    read(people.alice, invoice)
    monkeypatch.setattr(downloads.database.obj, "atomic", None)
    read(people.alice, invoice)


def test_no_number_passes_for_another_in_the_journal(people: People) -> None:
    made = [make_invoice(people.alice.company, number=number) for number in NUMBERS]
    with time_machine.travel(datetime(2026, 11, 21, 12, tzinfo=UTC), tick=False) as moved:
        for _ in range(2):  # all are opened and downloaded the second time
            for invoice in made:
                read(people.alice, invoice)
            moved.shift(60)
    entries = AuditEntry.select().where(AuditEntry.event == "invoice.opened")
    assert sorted(json.loads(each.facts)["number"] for each in entries) == sorted(NUMBERS * 2)


def read(user: User, invoice: Invoice) -> None:
    mark_opened(user, find_document(user, invoice.id), origin="")


@pytest.mark.parametrize("kind", ["pdf", "xml"])
def test_head_counts_as_nothing(alice: Browser, invoice: Invoice, kind: str) -> None:
    response = alice.client.head(f"/factures/{invoice.id}.{kind}")
    assert response.status_code == 200 and response.data == b""
    assert int(response.headers["Content-Length"]) > 0
    assert Opening.select().count() == 0
    assert Invoice.get().downloaded_at is None


def test_no_304_keeps_a_private_document_in_a_cache(alice: Browser, invoice: Invoice) -> None:
    response = alice.get(
        f"/factures/{invoice.id}.pdf",
        headers={"If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT", "If-None-Match": "*"},
    )
    assert response.status_code == 200
    assert "Last-Modified" not in response.headers
    response.close()


@pytest.mark.parametrize(
    ("number", "expected"),
    [
        ("F-1", "F-1.pdf"),
        ("FA 2026;1", "FA 2026;1.pdf"),
        ("a\"b'c", "a\"b'c.pdf"),
        ("2026/11/001", "2026-11-001.pdf"),
        ("..\\x", "..-x.pdf"),
        ("Été n°1 €", "Été n°1 €.pdf"),
        ("%41", "%41.pdf"),
    ],
)
def test_the_file_is_named_exactly_after_the_number(
    alice: Browser, people: People, number: str, expected: str, invoice: Invoice
) -> None:
    Invoice.update(number=number).execute()
    response = alice.get(f"/factures/{invoice.id}.pdf")
    assert name_in(response.headers["Content-Disposition"]) == expected
    response.close()


@given(st.text(max_size=60))
@settings(max_examples=60, deadline=None)
def test_no_number_breaks_the_header(number: str) -> None:
    with Flask("names").test_request_context():
        response = send_file(io.BytesIO(), mimetype="text/plain", download_name=plain(number))
    header = response.headers["Content-Disposition"]
    assert header.isascii() and header.isprintable()
    if number.isprintable():
        assert name_in(header) == number.replace("/", "-").replace("\\", "-")


def name_in(header: str) -> str:
    """What a browser would save: filename* before filename (RFC 6266)."""
    _, options = parse_options_header(header)
    return unquote(options["filename"]) if "filename*" in header else options["filename"]


def test_a_pdf_with_compressed_xml_gives_the_same_xml(
    alice: Browser, people: People, folder: Path, xml: bytes
) -> None:
    buffer = io.BytesIO()
    with pikepdf.open(io.BytesIO(pdf(xml))) as document:
        document.save(buffer, recompress_flate=True, compress_streams=True)
    assert xml not in buffer.getvalue()
    (folder / "a.pdf").write_bytes(buffer.getvalue())
    assert deposit_folder(people.supplier, folder).deposited == 1
    assert alice.get(f"/factures/{Invoice.get().id}.xml").data == xml


def test_a_lost_file_is_an_error_and_marks_nothing(
    alice: Browser, people: People, app: object
) -> None:
    invoice = make_invoice(people.alice.company)
    app.config["PROPAGATE_EXCEPTIONS"] = False  # type: ignore[attr-defined]
    assert alice.get(f"/factures/{invoice.id}.pdf").status_code == 500
    assert Opening.select().count() == 0


def test_two_tabs_opening_at_once_leave_one_mark(
    alice: Browser, invoice: Invoice, new_browser: Callable[[], Browser], people: People
) -> None:
    other = new_browser()
    other.sign_in("alice", people.password)
    for browser in (alice, other):
        browser.get(f"/factures/{invoice.id}.pdf").close()
    assert Opening.select().count() == 1
