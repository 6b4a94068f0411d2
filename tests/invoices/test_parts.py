"""Parts of a document (Range, RFC 9110), and nginx sending it for the portal."""

from collections.abc import Callable

import pytest
from flask import Flask

from selfservice import clock
from selfservice.audit import AuditEntry
from selfservice.invoices import storage
from selfservice.invoices.downloads import JOURNALLED_EVERY
from selfservice.invoices.models import Invoice, Opening
from tests.conftest import Browser
from tests.factories import People, make_invoice

CONTENT = bytes(range(256)) * 4
SIZE = len(CONTENT)
SHA256 = "ab" * 32


@pytest.fixture
def invoice(people: People) -> Invoice:
    path = storage.path_of(SHA256)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(CONTENT)
    return make_invoice(people.alice.company, number="F-1", sha256=SHA256)


def opened() -> int:
    return int(AuditEntry.select().where(AuditEntry.event == "invoice.opened").count())


@pytest.mark.parametrize(
    ("asked", "start", "end"),
    [
        ("0-0", 0, 1),
        ("0-99", 0, 100),
        ("0-", 0, SIZE),
        ("100-", 100, SIZE),
        ("1000-99999", 1000, SIZE),
        ("-24", 1000, SIZE),
    ],
)
def test_a_part_is_the_bytes_asked_for(
    alice: Browser, invoice: Invoice, asked: str, start: int, end: int
) -> None:
    response = alice.get(f"/factures/{invoice.id}.pdf", headers={"Range": f"bytes={asked}"})
    assert response.data == CONTENT[start:end]
    assert response.headers["Content-Length"] == str(end - start)
    assert response.headers["Cache-Control"] == "no-store"
    assert response.headers["Content-Disposition"] == "inline; filename=F-1.pdf"
    if end - start < SIZE:
        assert response.status_code == 206
        assert response.headers["Content-Range"] == f"bytes {start}-{end - 1}/{SIZE}"


@pytest.mark.parametrize("asked", ["bytes=1024-", "bytes=99999-100000"])
def test_what_lies_outside_is_416_and_opens_nothing(
    alice: Browser, invoice: Invoice, asked: str
) -> None:
    response = alice.get(f"/factures/{invoice.id}.pdf", headers={"Range": asked})
    assert response.status_code == 416
    assert response.headers["Content-Range"] == f"bytes */{SIZE}"
    assert response.headers["Cache-Control"] == "no-store"
    assert (opened(), Opening.select().count()) == (0, 0)


@pytest.mark.parametrize(
    "asked", ["bytes=0-1,5-6", "lines=1-2", "bytes=x-y", "bytes=9-1", "bytes", "", "bytes=-0"]
)
def test_what_is_not_understood_is_answered_in_full(
    alice: Browser, invoice: Invoice, asked: str
) -> None:
    response = alice.get(f"/factures/{invoice.id}.pdf", headers={"Range": asked})
    assert response.status_code in (200, 416)
    assert response.status_code == 416 or response.data == CONTENT


def test_a_head_tells_that_parts_can_be_asked_for(alice: Browser, invoice: Invoice) -> None:
    response = alice.client.head(f"/factures/{invoice.id}.pdf", headers={"Range": "bytes=0-9"})
    assert response.status_code == 200
    assert response.headers["Accept-Ranges"] == "bytes"
    assert response.headers["Content-Length"] == str(SIZE)
    assert (response.data, opened()) == (b"", 0)


def test_if_range_gives_the_part_of_the_same_document_only(
    alice: Browser, invoice: Invoice
) -> None:
    path = f"/factures/{invoice.id}.pdf"
    etag = alice.get(path).headers["ETag"]
    for only_if, status in {
        etag: 206,
        '"other"': 200,
        "Sun, 22 Nov 2026 00:00:00 GMT": 200,
        "Sun, 22 Nov 9999999999 00:00:00 GMT": 200,
    }.items():
        asked = {"Range": "bytes=0-9", "If-Range": only_if}
        assert alice.get(path, headers=asked).status_code == status


def test_a_document_is_never_a_304(alice: Browser, invoice: Invoice) -> None:
    path = f"/factures/{invoice.id}.pdf"
    etag = alice.get(path).headers["ETag"]
    assert alice.get(path, headers={"If-None-Match": etag}).status_code == 200


def test_parts_count_as_one_opening_a_minute_wherever_they_begin(
    alice: Browser, invoice: Invoice, bob: Browser, charlie: Browser
) -> None:
    path = f"/factures/{invoice.id}.pdf"
    for asked in ("bytes=500-", "bytes=700-", "bytes=1-5"):
        assert alice.get(path, headers={"Range": asked}).status_code == 206
        for other in (bob, charlie):
            assert other.get(path, headers={"Range": asked}).status_code == 404
    assert (opened(), Opening.select().count()) == (1, 1)
    for asked in ({"Range": "bytes=0-9"}, {"Range": "bytes=1-"}, {}):
        Opening.update(journalled_at=clock.now() - JOURNALLED_EVERY).execute()
        alice.get(path, headers=asked)
    assert (opened(), Opening.select().count()) == (4, 1)


def test_nginx_is_told_the_file_and_only_for_who_may_read_it(
    configure: Callable[..., None], make_app: Callable[[], Flask], request: pytest.FixtureRequest
) -> None:
    configure(ACCEL_REDIRECT_PREFIX="/_documents/")
    make_app()
    alice, bob = request.getfixturevalue("alice"), request.getfixturevalue("bob")
    invoice = request.getfixturevalue("invoice")
    response = alice.get(f"/factures/{invoice.id}.pdf")
    assert response.headers["X-Accel-Redirect"] == f"/_documents/ab/{SHA256}.pdf"
    assert response.headers["Content-Type"] == "application/pdf"
    assert response.headers["Content-Disposition"] == "inline; filename=F-1.pdf"
    assert (response.data, opened()) == (b"", 1)
    refused = bob.get(f"/factures/{invoice.id}.pdf")
    assert refused.status_code == 404
    assert "X-Accel-Redirect" not in refused.headers


def test_without_the_setting_nothing_tells_where_files_are(
    alice: Browser, invoice: Invoice
) -> None:
    assert "X-Accel-Redirect" not in alice.get(f"/factures/{invoice.id}.pdf").headers
