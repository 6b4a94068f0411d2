"""24 months to the day of Paris, on every door: list, search, PDF, XML, direct link, counts."""

from datetime import UTC, date, datetime, timedelta

import pytest
import time_machine
from flask import Flask

from selfservice import clock
from selfservice.invoices.models import Invoice
from selfservice.notifications import direct_links
from selfservice.retention import purge
from selfservice.suppliers.models import Company
from tests.conftest import Browser
from tests.factories import People, make_invoice, make_people
from tests.papers import facturx
from tests.retention.conftest import write_file

# Issued on, months of retention, last day, and the last minute of it in UTC.
LAST_MINUTES = [
    pytest.param(date(2024, 2, 29), 24, date(2026, 2, 28), "2026-02-28T22:59:59", id="29 Feb"),
    pytest.param(
        date(2024, 2, 29), 48, date(2028, 2, 29), "2028-02-29T22:59:59", id="leap to leap"
    ),
    pytest.param(date(2024, 8, 31), 6, date(2025, 2, 28), "2025-02-28T22:59:59", id="31 Aug"),
    pytest.param(date(2024, 8, 31), 24, date(2026, 8, 31), "2026-08-31T21:59:59", id="summer"),
    pytest.param(date(2024, 3, 29), 24, date(2026, 3, 29), "2026-03-29T21:59:59", id="23 h day"),
    pytest.param(
        date(2023, 10, 25), 24, date(2025, 10, 25), "2025-10-25T21:59:59", id="before 25 h"
    ),
    pytest.param(
        date(2024, 10, 26), 24, date(2026, 10, 26), "2026-10-26T22:59:59", id="after 25 h"
    ),
    pytest.param(date(2024, 12, 31), 24, date(2026, 12, 31), "2026-12-31T22:59:59", id="new year"),
]


class Doors:
    """Every way to one document, seen by its company's user and by its direct link."""

    def __init__(self, invoice: Invoice, link: str) -> None:
        self.invoice, self.link = invoice, link

    def statuses(self, browser: Browser) -> dict[str, int]:
        paths = {
            "pdf": f"/factures/{self.invoice.id}.pdf",
            "xml": f"/factures/{self.invoice.id}.xml",
            "link": f"/telechargement/{self.link}",
        }
        return {name: browser.get(path).status_code for name, path in paths.items()}

    def pages_that_name_it(self, browser: Browser) -> list[str]:
        queries = ("", "?historique=tout", f"?q={self.invoice.number}", "?kind=invoice")
        pages = {query: browser.get(f"/factures{query}").text for query in queries}
        return [
            query
            for query, page in pages.items()
            if f">{self.invoice.number}<" in page or "masqué" in page or "jamais télé" in page
        ]


@pytest.fixture
def people(app: Flask) -> People:
    with time_machine.travel("2024-01-01T12:00:00Z", tick=False):
        return make_people()


@pytest.mark.parametrize(("issued_on", "months", "last_day", "last_minute"), LAST_MINUTES)
def test_every_door_closes_with_the_last_day_in_paris(
    app: Flask,
    people: People,
    browser: Browser,
    monkeypatch: pytest.MonkeyPatch,
    issued_on: date,
    months: int,
    last_day: date,
    last_minute: str,
) -> None:
    monkeypatch.setitem(app.config, "RETENTION_MONTHS", months)
    assert clock.add_months(issued_on, months) == last_day
    last = datetime.fromisoformat(last_minute).replace(tzinfo=UTC)
    company: Company = people.alice.company
    with time_machine.travel(last, tick=False) as machine:
        invoice = make_invoice(company, number="F-1", issued_on=issued_on, has_xml=True)
        write_file(invoice.sha256, facturx(company, number="F-1"))
        doors = Doors(invoice, direct_links.issue(invoice, "alice@example.com"))
        browser.sign_in("alice", people.password)
        assert set(doors.pages_that_name_it(browser)) >= {"", "?historique=tout", "?q=F-1"}
        assert doors.statuses(browser) == {"pdf": 200, "xml": 200, "link": 200}
        assert purge.forecast()["documents"] == 0

        machine.move_to(last + timedelta(seconds=1))
        assert doors.pages_that_name_it(browser) == []
        assert doors.statuses(browser) == {"pdf": 404, "xml": 404, "link": 410}
        assert purge.forecast()["documents"] == 1

        machine.move_to(last)  # a clock set back: what was not purged is there again
        assert doors.statuses(browser)["pdf"] == 200
        machine.move_to(last + timedelta(seconds=1))
        purge.purge()
        machine.move_to(last)  # what was purged is gone for good
        assert doors.statuses(browser) == {"pdf": 404, "xml": 404, "link": 404}
