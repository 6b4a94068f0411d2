"""The archive: what the reader ticked or found, whole, named for any system, and remembered."""

import csv
import errno
import io
import json
import os
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack, suppress
from hashlib import sha256
from itertools import count
from pathlib import Path

import pytest
from flask import Flask
from lxml import html
from werkzeug.test import TestResponse

from selfservice import clock, files
from selfservice.audit import AuditEntry
from selfservice.invoices import places, storage
from selfservice.invoices import zip as archives
from selfservice.invoices.models import Invoice, Opening
from selfservice.invoices.places import MAX_PLACES, NoPlaceError, WaitingFile
from selfservice.suppliers.models import Company
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_invoice, make_profile, make_user
from tests.papers import cii, months_ago, pdf


def stored(company: Company, *, xml: bytes | None = None, **fields: object) -> Invoice:
    """A document with its file."""
    number = str(fields.setdefault("number", "F-1"))
    content = pdf(xml) + f"\n%{number}{company.id}\n%%EOF\n".encode()
    path = storage.path_of(sha256(content).hexdigest())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    fields.setdefault("has_xml", xml is not None)
    return make_invoice(company, sha256=path.stem, size_bytes=len(content), **fields)


def opened(response: TestResponse) -> zipfile.ZipFile:
    assert response.status_code == 200, response.text
    made = zipfile.ZipFile(io.BytesIO(response.data))
    assert made.testzip() is None
    return made


def ask(browser: Browser, *invoices: Invoice, choice: str = "coches") -> TestResponse:
    ids = "&".join(f"id={each.id}" for each in invoices)
    return browser.get(f"/factures/archive.zip?choix={choice}&{ids}")


def journal() -> list[tuple[str, dict[str, object]]]:
    entries = AuditEntry.select().where(AuditEntry.event.startswith("invoice"))
    return [(each.event, json.loads(each.facts)) for each in entries]


def test_an_archive_holds_the_documents_their_xml_an_index_and_their_sums(
    alice: Browser, people: People, tmp_path: Path
) -> None:
    company = people.alice.company
    xml = cii(number="F-1")
    first = stored(company, xml=xml, number="F-1")
    second = stored(company, number="F-2", issued_on=months_ago(1), gross_cents=-120_050)
    response = ask(alice, first, second)
    assert response.headers["Content-Type"] == "application/zip"
    name = f"factures-{company.client_number}-{clock.today()}.zip"
    assert response.headers["Content-Disposition"] == f"attachment; filename={name}"
    assert response.content_length == len(response.data)
    made = opened(response)
    one, two = f"{first.issued_on}_F-1", f"{second.issued_on}_F-2"
    assert made.namelist() == [f"{one}.pdf", f"{one}.xml", f"{two}.pdf", "index.csv", "SHA256SUMS"]
    assert made.read(f"{one}.pdf") == storage.path_of(first.sha256).read_bytes()
    assert made.read(f"{one}.xml") == xml
    rows = list(
        csv.DictReader(io.StringIO(made.read("index.csv").decode("utf-8-sig")), delimiter=";")
    )
    assert [row["Numéro"] for row in rows] == ["F-1", "F-2"]
    assert rows[1]["TTC"] == "-1200,50"
    made.extractall(tmp_path / "all")
    checked = subprocess.run(
        ["sha256sum", "--strict", "-c", "SHA256SUMS"], cwd=tmp_path / "all", capture_output=True
    )
    assert (checked.returncode, checked.stdout.count(b": ")) == (0, 4), checked


def test_ticked_ids_need_no_choice_and_count_once(alice: Browser, people: People) -> None:
    invoice = stored(people.alice.company)
    response = alice.get(f"/factures/archive.zip?id={invoice.id}&id={invoice.id}")
    assert len(opened(response).namelist()) == 3


def test_all_found_is_what_the_list_shows_on_all_its_pages(alice: Browser, people: People) -> None:
    company = people.alice.company
    for each in range(60):
        stored(company, number=f"F-{each:02}")
    stored(company, number="A-1", kind="credit_note")
    stored(company, number="F-old", issued_on=months_ago(5))
    found = opened(alice.get("/factures/archive.zip?choix=tout&kind=invoice")).namelist()
    assert len(found) == 62 and not any("A-1" in name or "old" in name for name in found)
    assert (
        len(opened(alice.get("/factures/archive.zip?choix=tout&historique=tout")).namelist()) == 64
    )
    one = opened(alice.get("/factures/archive.zip?choix=tout&q=F-old")).namelist()
    assert len(one) == 3


def test_all_that_leaves_soon_is_one_archive(alice: Browser, people: People) -> None:
    company = people.alice.company
    stored(company, number="F-new")
    stored(company, number="F-leaving", issued_on=months_ago(24))
    stored(company, number="F-kept", issued_on=months_ago(24), downloaded_at=clock.now())
    address = "/factures/archive.zip?choix=tout&vue=a_archiver"
    assert opened(alice.get(address)).namelist()[0] == f"{months_ago(24)}_F-leaving.pdf"
    emptied = alice.get(address)
    assert emptied.headers["Location"] == "/factures?vue=a_archiver"
    assert "Il n’y a aucun document à télécharger." in alice.get("/factures").text


def test_nothing_ticked_goes_back_to_the_list_as_it_was(alice: Browser, people: People) -> None:
    response = alice.get("/factures/archive.zip?choix=coches&q=F-1&kind=invoice")
    assert response.status_code == 302
    assert response.headers["Location"] == "/factures?q=F-1&kind=invoice"
    page = alice.get("/factures").text
    assert "Cochez au moins un document." in page and "#tout-telecharger" in page


def test_beyond_the_cap_the_reader_is_told_the_number_and_what_to_do(
    app: Flask, alice: Browser, people: People
) -> None:
    app.config["ARCHIVE_MAX_DOCUMENTS"] = 2
    chosen = [stored(people.alice.company, number=f"F-{each}") for each in range(3)]
    assert alice.get("/factures/archive.zip?choix=tout").status_code == 302
    page = alice.get("/factures").text
    assert "compte 3 documents" in page and "contient 2 au plus" in page
    assert ask(alice, *chosen).status_code == 302
    assert ask(alice, *chosen[:2]).status_code == 200


def test_more_ticks_than_a_statement_takes_are_too_many(alice: Browser, people: People) -> None:
    ids = "&".join(f"id={each}" for each in range(1, 260_001))
    assert alice.get(f"/factures/archive.zip?{ids}").status_code == 302
    assert "260000" in alice.get("/factures").text


def test_a_misread_period_makes_no_archive(alice: Browser, people: People) -> None:
    stored(people.alice.company)
    response = alice.get("/factures/archive.zip?choix=tout&du=2026-13-45")
    assert response.headers["Location"] == "/factures?du=2026-13-45"


def test_one_foreign_or_gone_document_and_there_is_no_archive(
    alice: Browser, bob: Browser, charlie: Browser, people: People
) -> None:
    mine = stored(people.alice.company)
    gone = stored(people.alice.company, number="F-2", issued_on=months_ago(24, days=1))
    for other, browser in ((people.bob, bob), (people.charlie, charlie)):
        theirs = stored(other.company, number=other.login)
        assert ask(alice, mine, theirs).status_code == 404
        assert ask(browser, mine).status_code == 404
        assert len(opened(browser.get("/factures/archive.zip?choix=tout")).namelist()) == 3
    assert ask(alice, mine, gone).status_code == 404
    assert journal() == [("invoices.archived", {"documents": 1})] * 2
    assert Invoice.get_by_id(mine.id).downloaded_at is None


def test_a_profile_narrows_the_archive(people: People, new_browser: Callable[[], Browser]) -> None:
    company = people.alice.company
    other = stored(company, number="F-1", contract="C-1")
    own = stored(company, number="F-2", contract="C-2")
    make_user(company, "paul", profile=make_profile(company, "Deux", "C-2"))
    paul = new_browser()
    paul.sign_in("paul", people.password)
    assert ask(paul, own, other).status_code == 404
    assert "F-2" in opened(paul.get("/factures/archive.zip?choix=tout")).namelist()[0]


@pytest.mark.parametrize(
    "ids", ["id=x", "id=-1", "id=%00", "id=1.5", "id=9999999999999999999", "id=" + "9" * 6000]
)
def test_what_is_no_id_is_not_found(alice: Browser, people: People, ids: str) -> None:
    assert alice.get(f"/factures/archive.zip?{ids}").status_code == 404


def test_all_of_it_counts_as_downloaded_and_opened_with_one_line_in_the_journal(
    alice: Browser, people: People
) -> None:
    company = people.alice.company
    first, second, left = (stored(company, number=f"F-{each}") for each in range(3))
    before = clock.now()
    Opening.create(user=people.alice, invoice=first, opened_at=before)
    ask(alice, first, second)
    read = {each.invoice_id: each.opened_at for each in Opening.select()}
    assert set(read) == {first.id, second.id} and read[first.id] == before
    taken = Invoice.select(Invoice.id).where(Invoice.downloaded_at.is_null(False)).tuples()
    assert {each for (each,) in taken} == {first.id, second.id}
    assert journal() == [("invoices.archived", {"documents": 2})]
    assert "2 document(s)" in alice.get("/administration/journal").text
    assert left.id not in read


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_has_nothing_taken_away(site: str, alice: Browser, people: People) -> None:
    stored(people.alice.company)
    for name in ("archive.zip?choix=tout&q=F-1", "registre.csv?q=F-1", "registre.xlsx?q=F-1"):
        answer = alice.get(f"/factures/{name}", headers={"Sec-Fetch-Site": site})
        assert (answer.status_code, answer.location) == (302, "/factures?q=F-1")
    assert Opening.select().count() == 0
    events = {entry.event for entry in AuditEntry.select()}
    assert not events & {"invoices.archived", "invoices.registered"}
    for ours in ("same-origin", "none"):
        answer = alice.get("/factures/archive.zip?choix=tout", headers={"Sec-Fetch-Site": ours})
        assert answer.status_code == 200


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
def test_another_site_opens_no_document(site: str, alice: Browser, people: People) -> None:
    """A thousand in its reader's name, and they could open nothing more for an hour."""
    invoice = stored(people.alice.company, xml=cii())
    for name in (f"{invoice.id}.pdf", f"{invoice.id}.pdf?telecharger", f"{invoice.id}.xml"):
        answer = alice.get(f"/factures/{name}", headers={"Sec-Fetch-Site": site})
        assert (answer.status_code, answer.location) == (302, "/factures?q=F-1#liste")
    assert Opening.select().count() == 0
    assert not AuditEntry.select().where(AuditEntry.event == "invoice.opened").exists()
    for ours in ("same-origin", "none"):
        headers = {"Sec-Fetch-Site": ours}
        assert alice.get(f"/factures/{invoice.id}.pdf", headers=headers).status_code == 200


def signed_in_from(browser: Browser, path: str, **headers: str) -> str | None:
    """Return where a sign-in leads whom a page has led to a path without a session."""
    asked = browser.get(path, headers=headers)
    page = browser.get(asked.location or path, headers=headers).text
    form = next(each for each in html.fromstring(page).forms if "password" in each.fields)
    fields = dict(form.form_values())
    answer = browser.client.post(
        "/connexion", data=fields | {"login": "alice", "password": PASSWORD}
    )
    return answer.location


@pytest.mark.parametrize(
    "path",
    [
        "/factures/archive.zip?choix=tout",
        "/factures/registre.csv",
        "/factures/registre.xlsx?q=F-1",
        "/connexion?next=/factures/archive.zip?choix%3Dtout",
        "/connexion?next=/factures/archive%252Ezip?choix%3Dtout",
        "/connexion?next=/factures/archive.zip/x/..?choix%3Dtout",
    ],
)
def test_another_site_has_nothing_taken_away_by_a_sign_in(
    path: str, browser: Browser, people: People
) -> None:
    assert signed_in_from(browser, path, **{"Sec-Fetch-Site": "cross-site"}) == "/factures"


@pytest.mark.parametrize("site", ["same-origin", "none"])
def test_who_asked_for_an_archive_here_gets_it_after_a_sign_in(
    site: str, browser: Browser, people: People
) -> None:
    path = "/factures/archive.zip?choix=tout"
    assert signed_in_from(browser, path, **{"Sec-Fetch-Site": site}) == path


def test_another_site_leads_to_a_page_after_a_sign_in(browser: Browser, people: People) -> None:
    path = "/factures?q=F-1"
    assert signed_in_from(browser, path, **{"Sec-Fetch-Site": "cross-site"}) == path


@pytest.mark.parametrize("purpose", ["prefetch", "prefetch;prerender"])
def test_what_a_browser_fetches_ahead_for_another_site_takes_nothing_away(
    purpose: str, alice: Browser, browser: Browser, people: People
) -> None:
    """Chromium says of a page's speculation rules what it says of a bookmark: « none »."""
    stored(people.alice.company)
    ahead = {"Sec-Fetch-Site": "none", "Sec-Purpose": purpose}
    path = "/factures/archive.zip?choix=tout"
    assert alice.get(path, headers=ahead).location == "/factures"
    assert Opening.select().count() == 0
    assert signed_in_from(browser, path, **ahead) == "/factures"


def test_asking_for_the_size_only_counts_as_nothing(alice: Browser, people: People) -> None:
    invoice = stored(people.alice.company)
    whole = ask(alice, invoice)
    AuditEntry.delete().execute()
    Opening.delete().execute()
    Invoice.update(downloaded_at=None).execute()
    head = alice.client.head(f"/factures/archive.zip?id={invoice.id}")
    assert (head.status_code, head.data) == (200, b"")
    assert head.content_length == whole.content_length
    assert (journal(), Opening.select().count()) == ([], 0)
    assert Invoice.get().downloaded_at is None


def test_names_are_safe_unique_and_dated(alice: Browser, people: People) -> None:
    company = people.alice.company
    numbers = [
        "a/b",
        "a\\b",
        "A:B",
        "x" * 100,
        "é" * 100,
        "é" * 99 + "f",
        "con",
        "x\u202ey",
        "end.",
    ]
    chosen = [stored(company, number=number) for number in numbers]
    names = [name for name in opened(ask(alice, *chosen)).namelist() if name.endswith(".pdf")]
    assert len({name.casefold() for name in names}) == len(numbers)
    for name in names:
        assert name.startswith(f"{clock.today()}_")
        assert not set(name) & set('<>:"/\\|?*') and name.isprintable()
        assert len(name.encode()) <= 255 and not name.removesuffix(".pdf").endswith((".", " "))


def test_a_lost_file_is_an_error_and_nothing_counts_as_opened(
    alice: Browser, people: People
) -> None:
    kept, lost = (stored(people.alice.company, number=number) for number in ("F-1", "F-2"))
    storage.path_of(lost.sha256).unlink()
    assert ask(alice, kept, lost).status_code == 500
    assert Opening.select().count() == 0


def test_beyond_so_many_at_once_the_reader_is_asked_to_come_back(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = stored(people.alice.company)
    monkeypatch.setattr(archives, "choose", None)  # nothing is read for who has to come back
    whose = people.alice.counts_for(people.alice.company_id)
    taken = [
        WaitingFile(whose, "here", login=f"colleague {number}") for number in range(MAX_PLACES // 2)
    ]
    for address in (f"archive.zip?id={invoice.id}", "registre.csv", "registre.xlsx"):
        response = alice.get(f"/factures/{address}")
        assert response.status_code == 503 and "Retry-After" in response.headers
        assert "Trop de téléchargements en cours" in response.text
    assert journal() == []
    for file in taken:
        file.close()
    monkeypatch.undo()
    assert ask(alice, invoice).status_code == 200


@pytest.mark.parametrize("is_one_network", [True, False])
def test_nobody_takes_the_places_of_all(is_one_network: bool) -> None:
    """Neither two companies, as an accountant has, nor their readers from several networks."""
    with ExitStack() as taken:
        for company_id in range(2):
            network = "192.0.2.1" if is_one_network else f"192.0.2.{company_id}"
            with suppress(NoPlaceError):
                for number in count():
                    login = f"{company_id}.{number}"
                    taken.enter_context(WaitingFile(f"{company_id}", network, login=login))
        for company_id in range(2, 8):
            network = f"198.51.100.{company_id}"
            taken.enter_context(WaitingFile(f"{company_id}", network, login=f"{company_id}"))
    with ExitStack() as taken:
        for company_id in range(MAX_PLACES):
            network = f"192.0.2.{company_id}"
            taken.enter_context(WaitingFile(f"{company_id}", network, login=f"{company_id}"))
        with pytest.raises(NoPlaceError):
            WaitingFile("1000", "198.51.100.1", login="late")
    WaitingFile("1000", "198.51.100.1", login="late").close()


@pytest.fixture
def read_slowly(people: People) -> Iterator[Callable[[str], None]]:
    """Give a function by which a colleague of alice's takes every place that they may have."""
    with ExitStack() as taken:

        def take(login: str) -> None:
            network = f"192.0.2.{login}"  # of their own
            with suppress(NoPlaceError):
                while True:
                    whose = str(people.alice.company_id)
                    taken.enter_context(WaitingFile(whose, network, login=login))

        yield take


@pytest.fixture
def colleagues(people: People, new_browser: Callable[[], Browser]) -> dict[str, Browser]:
    """Three added users of alice's company, signed in."""
    found = {}
    for login in ("colleague", "another", "third"):
        make_user(people.alice.company, login)
        found[login] = new_browser()
        found[login].sign_in(login, PASSWORD)
    return found


def test_a_slow_reader_leaves_places_to_their_colleagues(
    people: People, colleagues: dict[str, Browser], read_slowly: Callable[[str], None]
) -> None:
    invoice = stored(people.alice.company)
    read_slowly("colleague")
    assert ask(colleagues["colleague"], invoice).status_code == 503
    assert ask(colleagues["another"], invoice).status_code == 200


def test_colleagues_who_read_slowly_leave_places_to_the_owner(
    alice: Browser,
    people: People,
    colleagues: dict[str, Browser],
    read_slowly: Callable[[str], None],
) -> None:
    """Who removes them does not end what they are reading."""
    invoice = stored(people.alice.company)
    read_slowly("colleague")
    read_slowly("another")
    assert ask(colleagues["third"], invoice).status_code == 503
    assert ask(alice, invoice).status_code == 200


def test_few_are_written_at_once_so_that_pages_go_on(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    invoice = stored(people.alice.company)
    monkeypatch.setattr(places, "WAIT_SECONDS", 0.1)
    with places.building(), places.building():
        assert ask(alice, invoice).status_code == 503, "nobody comes to an end"
    assert ask(alice, invoice).status_code == 200


def test_what_waits_for_its_reader_fills_no_disk(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The database may be on it: the portal would answer 503 to everybody."""
    invoice = stored(people.alice.company)
    with monkeypatch.context() as patch:
        patch.setattr(files, "SPARED_BYTES", 2**62)
        patch.setattr(files, "SPARED_PART", 1)  # all of it: the disk of the tests holds something
        for address in (f"archive.zip?id={invoice.id}", "registre.csv", "registre.xlsx"):
            response = alice.get(f"/factures/{address}")
            assert response.status_code == 503
            assert "Trop de téléchargements en cours" in response.text
    with monkeypatch.context() as patch:
        free = [os.statvfs_result((1, 1, 100, blocks, blocks, *[0] * 6)) for blocks in (50, 5)]
        patch.setattr(os, "fstatvfs", lambda _file: free.pop(0) if free[1:] else free[0])
        patch.setattr(places, "LOOK_BYTES", 1)
        assert ask(alice, invoice).status_code == 503, "another has filled it meanwhile"
    assert journal() == []
    assert ask(alice, invoice).status_code == 200


def test_a_full_disk_is_a_503(
    alice: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    invoice = stored(people.alice.company)
    monkeypatch.setattr(archives, "write_zip", fill)
    response = ask(alice, invoice)
    assert (response.status_code, "Retry-After" in response.headers) == (503, True)
