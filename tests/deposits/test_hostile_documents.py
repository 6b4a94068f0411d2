"""Documents made to harm: each ends as a refusal with its reason or a right deposit, in bounds."""

import io
import os
import signal
from collections import OrderedDict
from collections.abc import Callable
from contextlib import nullcontext
from multiprocessing import active_children
from pathlib import Path
from threading import Timer

import pikepdf
import pytest
from flask import Flask

from selfservice.deposits import pdf, readers, reading
from selfservice.deposits.deposit import DepositReport
from selfservice.deposits.document import Document
from selfservice.deposits.errors import ReadersNotStartedError, TooManyDocumentsError
from selfservice.deposits.messages import explain
from selfservice.deposits.reading import Limits
from selfservice.deposits.refusal import RefusalError
from selfservice.invoices import embedded_xml
from selfservice.invoices.models import Invoice
from selfservice.suppliers.models import Company
from tests import papers
from tests.conftest import Browser
from tests.deposits import bombs
from tests.deposits.fixtures import Answer, seconds_of_readers
from tests.factories import People
from tests.papers import cii, client_number, facturx

pytestmark = pytest.mark.slow

Deposit = Callable[[], DepositReport]
Refusal = Callable[..., str]

DAMAGED = "Ce PDF est abîmé"
TOO_HEAVY = (
    "Ce PDF est trop gros une fois déplié : plus de 256 Mo de mémoire.",
    "Ce PDF fait échouer sa lecture : il est abîmé ou démesuré.",  # where the library itself falls
)


def test_a_linearised_document_with_two_tables_is_refused_unless_it_says_to_be_changed(
    refusal: Refusal, folder: Path, deposit: Deposit, company: Company
) -> None:
    assert refusal(bombs.two_tables(is_forged=True)).startswith(DAMAGED)
    (folder / "a.pdf").write_bytes(bombs.two_tables(is_forged=False))
    assert deposit().deposited == 1


def test_a_document_whose_xml_would_slow_each_download_is_refused(refusal: Refusal) -> None:
    assert "chaque téléchargement ralentirait le portail" in refusal(
        bombs.packed_many_times(cii(buyer=client_number("C-1")), 60)
    )


@pytest.mark.parametrize(("second", "is_refused"), [(0.1, False), (1, True)])
def test_what_was_slow_once_is_timed_again(
    second: float, is_refused: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A machine that others keep busy refuses no honest document."""
    times = iter([0, 1, 2, 2 + second])
    monkeypatch.setattr(pdf, "process_time", lambda: next(times))
    document = io.BytesIO(papers.pdf(papers.cii()))
    with pytest.raises(RefusalError) if is_refused else nullcontext():
        assert pdf.read_pdf(document, max_pages=9).has_xml


def test_data_that_are_slow_to_find_are_found_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages wait meanwhile: eight readers of one document had each take three seconds."""
    path = tmp_path / "0a.pdf"
    path.write_bytes(papers.pdf(papers.cii()))
    monkeypatch.setattr(embedded_xml, "SLOW_SECONDS", -1)
    monkeypatch.setattr(embedded_xml, "_slow", OrderedDict())
    found = embedded_xml.extract(path)
    monkeypatch.setattr(embedded_xml, "opened", None)
    assert embedded_xml.extract(path) == found
    path.unlink()
    with pytest.raises(FileNotFoundError):
        embedded_xml.extract(path)


def test_no_more_of_them_are_kept_than_memory_may_hold(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept: OrderedDict[Path, bytes] = OrderedDict()
    monkeypatch.setattr(embedded_xml, "SLOW_SECONDS", -1)
    monkeypatch.setattr(embedded_xml, "_slow", kept)
    for name in ("0a.pdf", "0b.pdf", "0c.pdf"):
        (tmp_path / name).write_bytes(papers.pdf(papers.cii()))
        xml = embedded_xml.extract(tmp_path / name)
        monkeypatch.setattr(embedded_xml, "MAX_KEPT_BYTES", 2 * len(xml or b""))
    assert [path.name for path in kept] == ["0b.pdf", "0c.pdf"]


BOMBS: dict[str, tuple[Callable[[], bytes], str]] = {
    "attachment-600-mb": (
        lambda: bombs.attached(bombs.unpacking_to(600), b"/Filter /FlateDecode"),
        "broken_xml",
    ),
    "one-kilobyte-of-nested-filters": (
        lambda: bombs.attached(
            bombs.twice_packed(600), b"/Filter [/FlateDecode /FlateDecode /FlateDecode]"
        ),
        "broken_xml",
    ),
    "object-stream-600-mb": (lambda: bombs.object_stream(600), DAMAGED),
    "cross-reference-600-mb": (lambda: bombs.xref_stream(600), DAMAGED),
    "hundred-thousand-times-one-page": (
        lambda: bombs.tree(b"3 0 R " * 100_000, b"100000"),
        TOO_HEAVY[0],
    ),
    "pages-in-a-loop": (lambda: bombs.tree(b"2 0 R"), DAMAGED),
    "a-page-and-its-own-parent": (lambda: bombs.tree(b"3 0 R 2 0 R"), DAMAGED),
    "pages-that-double-forty-times": (lambda: bombs.doubling_kids(40), DAMAGED),
    "hundred-thousand-levels-of-pages": (lambda: bombs.deep_kids(100_000), DAMAGED),
    "hundred-thousand-levels-of-arrays": (lambda: bombs.nested_array(100_000), DAMAGED),
    "no-page-where-five-are-claimed": (
        lambda: bombs.tree(b"null", b"5"),
        "Ce PDF n'a aucune page.",
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BOMBS)
def test_a_bomb_is_refused_within_time_and_memory(name: str, answer: Answer) -> None:
    make, reason = BOMBS[name]
    content = make()
    before = seconds_of_readers()
    found = answer(content)
    assert seconds_of_readers() - before < 7
    said = found.own.problem if isinstance(found, Document) else found.reason
    assert said in TOO_HEAVY if reason in TOO_HEAVY else said.startswith(reason)


def test_a_document_that_takes_too_long_is_refused_and_the_run_goes_on(
    app: Flask, folder: Path, deposit: Deposit, company: Company
) -> None:
    app.config["DOCUMENT_READ_SECONDS"] = 1
    app.config["DOCUMENT_READ_MEGABYTES"] = 2000
    (folder / "a.pdf").write_bytes(bombs.tree(b"3 0 R " * 1_000_000, b"1"))
    (folder / "b.pdf").write_bytes(facturx(company))
    before = seconds_of_readers()
    report = deposit()
    assert seconds_of_readers() - before < 4
    assert report.deposited == 1
    assert [(each.file, each.reason) for each in report.refused] == [
        ("a.pdf", "Ce PDF est trop long à lire : plus de 1 s de calcul.")
    ]


@pytest.mark.slow
def test_a_document_too_heavy_for_its_reader_is_refused_and_the_run_goes_on(
    folder: Path, deposit: Deposit, company: Company
) -> None:
    for name in ("a.pdf", "c.pdf"):
        (folder / name).write_bytes(bombs.tree(b"3 0 R " * 100_000, b"100000"))
    for name in ("b.pdf", "d.pdf"):
        (folder / name).write_bytes(facturx(company, number=name))
    report = deposit()
    assert report.deposited == 2
    assert {each.reason for each in report.refused} <= set(TOO_HEAVY)
    assert len(report.refused) == 2


def fall(source: str, aside: str, limits: Limits) -> object:
    """What a reader does instead of reading, until the file that it falls on."""
    if Path(source).name != "a.pdf":
        return reading.read(source, aside, limits)
    action = Path(source).with_name("action.csv").read_text()
    return FALLS[action]()


def end(status: signal.Signals) -> None:
    os.kill(os.getpid(), status)


def stumble() -> None:
    raise NotImplementedError


FALLS: dict[str, Callable[[], object]] = {
    "crashes": lambda: end(signal.SIGSEGV),
    "is-killed": lambda: end(signal.SIGKILL),
    "hangs": signal.pause,
    "stumbles": stumble,
}


@pytest.mark.slow
@pytest.mark.parametrize("action", FALLS)
def test_a_document_on_which_its_reader_falls_is_refused_and_the_run_goes_on(
    action: str,
    app: Flask,
    folder: Path,
    deposit: Deposit,
    company: Company,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """No such document is known: the reader is told to fall."""
    monkeypatch.setattr(readers, "read", fall)
    app.config["DOCUMENT_READ_SECONDS"] = 1
    (folder / "action.csv").write_text(action)
    for name in ("0.pdf", "a.pdf", "b.pdf"):
        (folder / name).write_bytes(facturx(company, number=name))
    report = deposit()
    assert report.deposited == 2
    too_slow = "Ce PDF est trop long à lire : plus de 1 s de calcul."
    assert [(each.file, each.reason) for each in report.refused] == [
        ("a.pdf", too_slow if action == "hangs" else TOO_HEAVY[1])
    ]


@pytest.mark.slow
def test_a_run_that_ends_while_its_readers_start_says_nothing_of_them(
    tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """On a busy machine, the first one holds up the end, and the second goes on with its start."""
    monkeypatch.setattr(os, "sched_getaffinity", lambda _process: {0, 1})
    limits = Limits(file_megabytes=20, pages=500, megabytes=256, seconds=5)
    others = set(active_children())
    with readers.Readers(limits, documents=100) as pool:
        next(pool.ahead([[Document("a.pdf", f"{tmp_path}/source", f"{tmp_path}/aside")]]))
        first, second = sorted(each.pid or 0 for each in set(active_children()) - others)
        for reader in (first, second):
            os.kill(reader, signal.SIGSTOP)
        Timer(1.5, os.kill, (second, signal.SIGCONT)).start()
    assert capfd.readouterr().err == ""


def cannot_start(_megabytes: int) -> None:
    raise ImportError("a library that is not there")


@pytest.mark.slow
def test_a_reader_that_cannot_start_stops_the_run_with_one_line(
    folder: Path, deposit: Deposit, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "limit_process", cannot_start)
    (folder / "a.pdf").write_bytes(facturx(company))
    with pytest.raises(ReadersNotStartedError) as caught:
        deposit()
    assert "la lecture des documents ne démarre pas" in explain(caught.value)
    assert Invoice.select().count() == 0


def read_and_sign(source: str, aside: str, limits: Limits) -> object:
    with Path(source).with_name("readers.csv").open("a") as file:
        file.write(f"{os.getpid()}\n")
    return reading.read(source, aside, limits)


@pytest.mark.slow
def test_a_reader_is_replaced_after_many_documents(
    folder: Path, deposit: Deposit, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(readers, "read", read_and_sign)
    monkeypatch.setattr(readers, "DOCUMENTS_PER_PROCESS", 2)
    for number in range(4):
        (folder / f"{number}.pdf").write_bytes(facturx(company, number=f"F-{number}"))
    assert deposit().deposited == 4
    first, second, third, fourth = (folder / "readers.csv").read_text().split()
    assert first == second != third == fourth


def test_more_files_than_a_deposit_may_hold_deposit_nothing(
    app: Flask, folder: Path, deposit: Deposit, company: Company
) -> None:
    app.config["DEPOSIT_MAX_DOCUMENTS"] = 1
    for name in ("a.pdf", "b.pdf"):
        (folder / name).write_bytes(facturx(company, number=name))
    with pytest.raises(TooManyDocumentsError) as caught:
        deposit()
    assert "2 fichiers" in explain(caught.value)
    assert Invoice.select().count() == 0


def test_a_document_cut_anywhere_is_refused(
    folder: Path, deposit: Deposit, company: Company
) -> None:
    whole = facturx(company)
    for part in range(20):
        (folder / f"{part:02}.pdf").write_bytes(whole[: len(whole) * part // 20])
    (folder / "20.pdf").write_bytes(whole)
    report = deposit()
    assert report.deposited == 1
    assert {each.reason for each in report.refused} == {
        "Ce fichier n'est pas un PDF.",
        "Ce PDF est coupé : sa fin manque.",
    }


@pytest.mark.parametrize(
    "front", [b"<html><script>alert(1)</script>", b"\n", b"MZ", b"\xef\xbb\xbf"]
)
def test_a_pdf_behind_something_else_is_no_pdf(
    refusal: Refusal, company: Company, front: bytes
) -> None:
    said = refusal(front + facturx(company))
    assert said.startswith(
        f"Ce fichier n'est pas un PDF : {len(front)} octet(s) précèdent « %PDF- »"
    )
    assert "transféré en mode binaire" in said


def test_a_million_claimed_pages_are_counted_rather_than_believed(answer: Answer) -> None:
    assert isinstance(answer(bombs.tree(b"3 0 R", b"1000000")), Document)


@pytest.mark.slow
@pytest.mark.parametrize("change", [bombs.looping_names, bombs.crowded])
def test_what_reading_survives_is_a_right_deposit_or_a_refusal(
    change: Callable[[pikepdf.Pdf], None], folder: Path, deposit: Deposit
) -> None:
    (folder / "a.pdf").write_bytes(bombs.changed(change))
    assert deposit().deposited == 1


def test_scripts_that_a_setting_takes_are_kept_but_never_run(
    app: Flask, folder: Path, deposit: Deposit, company: Company, people: People, alice: Browser
) -> None:
    app.config["DOCUMENT_ALLOW_ACTIVE"] = True
    content = bombs.changed(bombs.scripted)
    (folder / "a.pdf").write_bytes(content)
    assert deposit().deposited == 1
    Invoice.update(company=people.alice.company).execute()
    response = alice.get(f"/factures/{Invoice.get().id}.pdf")
    assert response.data == content
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    policy = response.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src" not in policy


def two_descriptions(first: str, second: str, number: str) -> bytes:
    def add(document: pikepdf.Pdf) -> None:
        xml = cii(buyer=client_number("C-1"), number=number)
        del document.attachments["factur-x.xml"]
        for key, name, content in (
            ("1", first, cii(buyer=client_number("C-1"))),
            ("2", second, xml),
        ):
            document.attachments[key] = pikepdf.AttachedFileSpec(document, content, filename=name)

    return bombs.changed(add)


def test_two_different_invoices_in_one_pdf_are_refused(refusal: Refusal) -> None:
    content = two_descriptions("factur-x.xml", "factur-x.xml", "F-2")
    assert refusal(content) == "Ce PDF contient plusieurs factures Factur-X différentes."


def test_the_same_invoice_twice_is_one(folder: Path, deposit: Deposit, company: Company) -> None:
    (folder / "a.pdf").write_bytes(two_descriptions("factur-x.xml", "factur-x.xml", "F-1"))
    assert deposit().deposited == 1


def test_factur_x_goes_before_its_ancestors(
    folder: Path, deposit: Deposit, company: Company
) -> None:
    (folder / "a.pdf").write_bytes(two_descriptions("zugferd-invoice.xml", "factur-x.xml", "F-2"))
    assert deposit().deposited == 1
    assert Invoice.get().number == "F-2"
