"""Folders that nobody foresaw: one odd file or index never ends the run for the others."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pikepdf
import pytest
from flask import Flask

from selfservice import files
from selfservice.deposits import rejects_csv
from selfservice.deposits.deposit import DepositReport
from selfservice.deposits.errors import UnreadableIndexError
from selfservice.deposits.messages import explain
from selfservice.deposits.pdf import read_pdf
from selfservice.deposits.refusal import RefusalError
from selfservice.files import locked
from selfservice.invoices import embedded_xml
from selfservice.invoices.models import Invoice
from selfservice.suppliers.models import Company, Supplier
from tests import papers
from tests.invoices.test_listing import counted_queries
from tests.papers import cii, facturx, pdf, vat_number

Deposit = Callable[[], DepositReport]


def test_a_quote_that_is_never_closed_swallows_no_row(
    folder: Path, deposit: Deposit, company: Company
) -> None:
    (folder / "a.pdf").write_bytes(facturx(company))
    (folder / "index.csv").write_text('file;contract\na.pdf;"LLD-1\nb.pdf;LLD-2\n', "utf-8")
    with pytest.raises(UnreadableIndexError):
        deposit()
    assert "index.csv" in (folder / "rejets.csv").read_text("utf-8")
    assert Invoice.select().count() == 0


def test_a_header_that_ends_in_a_semicolon_is_understood(
    folder: Path, deposit: Deposit, company: Company
) -> None:
    (folder / "a.pdf").write_bytes(facturx(company))
    (folder / "index.csv").write_text("file;contract;\na.pdf;LLD-1;\n", "utf-8")
    assert deposit().deposited == 1
    assert Invoice.get().contract == "LLD-1"


def test_a_flood_of_buyers_numbers_stops_nothing(
    folder: Path, deposit: Deposit, company: Company
) -> None:
    flood = "".join(f"<ram:ID>X{each}</ram:ID>" for each in range(40_000))
    xml = cii(number="FLOOD", buyer=flood)
    (folder / "a.pdf").write_bytes(pdf(xml))
    (folder / "b.pdf").write_bytes(facturx(company))
    report = deposit()
    assert (report.deposited, len(report.refused)) == (1, 1)


def test_a_flood_of_places_asks_the_register_no_more(
    folder: Path, deposit: Deposit, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    places = (papers.ship_to(f"<ram:ID>303265045{each:05}</ram:ID>") for each in range(2000))
    xml = cii(buyer=papers.legal_id("303265045"), delivery="".join(places))
    (folder / "a.pdf").write_bytes(pdf(xml))
    with counted_queries(monkeypatch) as seen:
        deposit()
    assert len(seen) < 100


@pytest.mark.parametrize(
    "content",
    [
        pdf(cii(seller=vat_number("FR" + "A" * 3_000_000))),
        pdf(cii(), name="x" * 3_000_000 + ".xml"),
        pdf(b'<Order%s xmlns="urn:oasis:names:specification:ubl:schema:xsd:x"/>' % (b"x" * 40_000)),
    ],
    ids=["seller", "attachment", "root"],
)
def test_no_word_of_a_document_is_repeated_at_length(
    content: bytes, folder: Path, deposit: Deposit, company: Company
) -> None:
    Supplier.update(siren="303265045").execute()
    (folder / "a.pdf").write_bytes(content)
    (refused,) = deposit().refused
    assert len(refused.reason) < 1500
    assert (folder / "rejets.csv").stat().st_size < 2000


@pytest.mark.parametrize("error", [KeyError, RuntimeError, pikepdf.QpdfRuntimeError])
def test_whatever_a_broken_structure_raises_refuses_one_file(
    error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def explode(_pdf: object) -> None:
        raise error("name tree")

    (tmp_path / "a.pdf").write_bytes(facturx())
    monkeypatch.setattr(embedded_xml, "find", explode)
    with (tmp_path / "a.pdf").open("rb") as file, pytest.raises(RefusalError):
        read_pdf(file, max_pages=1)


def test_dots_and_spaces_of_a_vat_number_do_not_matter(
    folder: Path, deposit: Deposit, company: Company
) -> None:
    Company.update(vat_number="FR40303265045").where(Company.id == company.id).execute()
    xml = cii(number="VAT-1", buyer=vat_number("FR40.303.265 045"))
    (folder / "a.pdf").write_bytes(pdf(xml))
    assert deposit().deposited == 1


def test_a_reader_runs_nothing_of_the_folder_one_stands_in(
    folder: Path, deposit: Deposit, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(folder)
    (folder / "multiprocessing.py").write_text("open('ran', 'w')")
    (folder / "a.pdf").write_bytes(facturx(company))
    assert deposit().deposited == 1
    assert not (folder / "ran").exists()


def test_a_link_in_the_folder_leads_the_list_of_rejects_nowhere_else(
    folder: Path, deposit: Deposit, company: Company, tmp_path: Path
) -> None:
    victim = tmp_path / "victim"
    victim.write_text("precious")
    (folder / ".rejets.csv").symlink_to(victim)
    (folder / "rejets.csv").symlink_to(victim)
    (folder / "a.pdf").write_bytes(facturx(company))
    assert deposit().deposited == 1
    assert victim.read_text() == "precious"
    assert (folder / "rejets.csv").read_text("utf-8") == "file;reason\n"


NOT_REGULAR = "Ce n'est pas un fichier ordinaire mais {} : le dépôt ne l'ouvre pas."


def test_nothing_but_a_regular_file_is_opened_and_each_other_is_named(
    folder: Path, deposit: Deposit, company: Company, tmp_path: Path
) -> None:
    secret = tmp_path / "secret.pdf"
    secret.write_bytes(facturx(company))
    (tmp_path / "others").mkdir()
    (folder / "link.pdf").symlink_to(secret)
    (folder / "link-to-folder.pdf").symlink_to(tmp_path / "others")
    (folder / "link-to-nothing.pdf").symlink_to(tmp_path / "nowhere")
    (folder / "device.pdf").symlink_to("/dev/zero")
    os.mkfifo(folder / "pipe.pdf")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket.pdf"))
        report = deposit()
    assert report.deposited == 0
    assert {each.file: each.reason for each in report.refused} == {
        "link.pdf": NOT_REGULAR.format("un lien symbolique"),
        "link-to-folder.pdf": NOT_REGULAR.format("un lien symbolique"),
        "link-to-nothing.pdf": NOT_REGULAR.format("un lien symbolique"),
        "device.pdf": NOT_REGULAR.format("un lien symbolique"),
        "pipe.pdf": NOT_REGULAR.format("un tube"),
        "socket.pdf": NOT_REGULAR.format("une prise réseau"),
    }


def test_a_file_that_becomes_a_pipe_meanwhile_is_neither_read_nor_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"%PDF-")
    os.mkfifo(tmp_path / "pipe")
    seen = os.lstat(tmp_path / "file")
    monkeypatch.setattr(os, "lstat", lambda _path: seen)
    with pytest.raises(files.NotRegularError, match="un tube"):
        files.open_regular(tmp_path / "pipe")


def test_a_file_that_becomes_a_link_meanwhile_is_not_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").write_bytes(b"%PDF-")
    (tmp_path / "link").symlink_to(tmp_path / "file")
    seen = os.lstat(tmp_path / "file")
    monkeypatch.setattr(os, "lstat", lambda _path: seen)
    with pytest.raises(OSError, match="symbolic links"):
        files.open_regular(tmp_path / "link")


@pytest.mark.parametrize("target", ["index", "nowhere"])
def test_an_index_that_is_a_link_deposits_nothing(
    target: str, folder: Path, deposit: Deposit, company: Company, tmp_path: Path
) -> None:
    (tmp_path / "index").write_text("file;contract\na.pdf;LLD-1\n", "utf-8")
    (folder / "a.pdf").write_bytes(facturx(company))
    (folder / "index.csv").symlink_to(tmp_path / target)
    with pytest.raises(UnreadableIndexError) as caught:
        deposit()
    assert explain(caught.value).endswith("n'est pas lisible (un lien symbolique).")
    assert Invoice.select().count() == 0


def test_an_index_that_is_a_pipe_is_not_waited_for(folder: Path, deposit: Deposit) -> None:
    os.mkfifo(folder / "index.csv")
    with pytest.raises(UnreadableIndexError) as caught:
        deposit()
    assert explain(caught.value).endswith("n'est pas lisible (un tube).")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"file\n" + b"a\n" * 101, "Ce fichier a plus de 100 lignes."),
        (b"file\n" + b"\n" * 1_100_000, "Ce fichier dépasse 1 Mo."),
    ],
)
def test_an_index_of_more_than_a_deposit_is_not_kept_in_memory(
    app: Flask, folder: Path, deposit: Deposit, content: bytes, words: str
) -> None:
    app.config["DEPOSIT_MAX_DOCUMENTS"] = 100
    (folder / "index.csv").write_bytes(content)
    with pytest.raises(UnreadableIndexError) as caught:
        deposit()
    assert words in explain(caught.value)


def test_the_list_of_rejects_commands_no_terminal(folder: Path, deposit: Deposit) -> None:
    (folder / "a\x1b[2J\n=b\u202e.pdf").write_bytes(b"no PDF")
    deposit()
    written = (folder / "rejets.csv").read_text("utf-8")
    assert written.splitlines()[1].startswith("a\\x1b[2J\\n=b\\u202e.pdf;")


def test_a_lock_that_another_holds_on_the_folder_does_not_stop_the_deposit(
    folder: Path, deposit: Deposit, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rejects_csv, "WAIT_SECONDS", 0.1)
    (folder / "a.pdf").write_bytes(b"no PDF")
    with locked(folder):
        deposit()
    assert "a.pdf" in (folder / "rejets.csv").read_text("utf-8")
