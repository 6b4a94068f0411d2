"""What stands in a folder beside documents: nothing is passed over in silence."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from selfservice.deposits import folder as folders
from selfservice.deposits.deposit import DepositReport
from selfservice.deposits.errors import SeveralIndexesError
from selfservice.deposits.messages import explain
from selfservice.invoices.models import Invoice
from selfservice.suppliers.models import Company
from tests import papers
from tests.papers import facturx
from tests.processes import command

Deposit = Callable[[], DepositReport]

LEFT = [
    ".DS_Store", "._a.pdf", "Icon\r", "Thumbs.db", "thumbs.db:encryptable", "ehthumbs_vista.db",
    "Desktop.INI", ".directory", ".nfs000001", ".fuse_hidden01", "~$a.docx", ".~lock.index.csv#",
    "a.pdf.part", "a.pdf.filepart", "a.PDF.PART", "a.pdf.crdownload", "a.tmp", "a.pdf~",
    ".a.pdf.x8Yz0Q",
]  # fmt: skip
LEFT_FOLDERS = ["__MACOSX", ".Trash-1000", "$RECYCLE.BIN", "System Volume Information", "@eaDir"]
CANDIDATES = [
    *("A.PDF", "a.pdf", "a", "a.pdf.txt", "facture.zip", "part", "index.csv.pdf", ".pdf"),
    *("~a.pdf", "DS_Store", "Thumbs.db.pdf", "index.xlsx", "a.csv.pdf"),
]


def test_names_are_told_apart_in_any_case(tmp_path: Path) -> None:
    for name in (*LEFT, *CANDIDATES, "Index.CSV", "rejets.csv", "clients.csv", "NOTES.Csv"):
        (tmp_path / name).touch()
    for name in (*LEFT_FOLDERS, "archives", "a.pdf.d", "x.csv", ".cache"):
        (tmp_path / name).mkdir()
    found = folders.look(tmp_path)
    assert found.candidates == sorted(CANDIDATES)
    assert found.folders == [".cache", "a.pdf.d", "archives", "x.csv"]
    assert found.passed_over == sorted([*LEFT, *LEFT_FOLDERS, "clients.csv", "NOTES.Csv"])


def test_a_document_in_capitals_is_deposited(
    folder: Path, deposit: Deposit, company: Company
) -> None:
    (folder / "FACTURE.PDF").write_bytes(facturx(company, number="F-1"))
    (folder / "sans-extension").write_bytes(facturx(company, number="F-2"))
    assert (deposit().deposited, deposit().already) == (2, 2)


def test_a_folder_inside_is_a_refusal_and_the_documents_beside_it_go_in(
    folder: Path, deposit: Deposit, company: Company
) -> None:
    (folder / "octobre").mkdir()
    (folder / "octobre" / "b.pdf").write_bytes(facturx(company, number="F-2"))
    (folder / "a.pdf").write_bytes(facturx(company))
    papers.index(folder, {"file": "octobre", "contract": "C"})
    report = deposit()
    assert report.deposited == 1
    ((name, reason),) = [(each.file, each.reason) for each in report.refused]
    assert name == "octobre" and reason.startswith("C'est un dossier") and "à part" in reason
    assert "octobre;C'est un dossier" in (folder / "rejets.csv").read_text("utf-8")


def test_a_row_for_what_is_passed_over_says_so(folder: Path, deposit: Deposit) -> None:
    (folder / "a.pdf.part").write_bytes(b"%PDF-")
    papers.index(folder, {"file": "a.pdf.part"}, {"file": "b.pdf"})
    reasons = {each.file: each.reason for each in deposit().refused}
    assert "à la ligne 2 de index.csv, porte le nom" in reasons["a.pdf.part"]
    assert "à la ligne 3 de index.csv, n'est pas dans le dossier" in reasons["b.pdf"]


@pytest.mark.parametrize("name", ["INDEX.CSV", "Index.csv"])
def test_the_index_is_known_in_any_case(
    folder: Path, deposit: Deposit, company: Company, name: str
) -> None:
    (folder / "a.pdf").write_bytes(facturx(company))
    (folder / name).write_text("FILE;Contract\na.pdf;LLD-1\n", "utf-8")
    assert deposit().deposited == 1
    assert Invoice.get().contract == "LLD-1"


def test_two_indexes_deposit_nothing(folder: Path, deposit: Deposit, company: Company) -> None:
    (folder / "a.pdf").write_bytes(facturx(company))
    for name in ("index.csv", "INDEX.csv"):
        (folder / name).write_text("file;contract\na.pdf;LLD-1\n", "utf-8")
    with pytest.raises(SeveralIndexesError) as caught:
        deposit()
    assert "plusieurs index (INDEX.csv, index.csv)" in explain(caught.value)
    assert Invoice.select().count() == 0


def test_what_a_system_leaves_is_named_once_and_no_failure(ready: Path, folder: Path) -> None:
    (folder / "a.pdf").write_bytes(papers.pdf(papers.cii(buyer=papers.client_number("C-1"))))
    for name in (".DS_Store", "Thumbs.db", "b.pdf.part", "clients.csv"):
        (folder / name).write_bytes(b"x")
    done = command(ready, "invoices", "deposit", "vendeur", str(folder))
    assert done.returncode == 0, done.stderr
    assert done.stdout == "1 document(s) déposé(s), 0 déjà déposé(s), 0 refusé(s).\n"
    told = "Non regardé(s), sans faute : .DS_Store, Thumbs.db, b.pdf.part, clients.csv.\n"
    assert done.stderr == told

    (folder / "sub").mkdir()
    done = command(ready, "invoices", "deposit", "vendeur", str(folder), "--json")
    *files, summary = map(json.loads, done.stdout.splitlines())
    assert done.returncode == 1 and len(done.stderr.splitlines()) == 2
    assert {each["file"]: each["outcome"] for each in files} == {
        "a.pdf": "already",
        "sub": "refused",
    }
    assert summary["passed_over"] == [".DS_Store", "Thumbs.db", "b.pdf.part", "clients.csv"]
