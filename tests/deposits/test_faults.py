"""kill -9, two deposits at once, a full disk: the deposit ends right all the same."""

import errno
import fcntl
import hashlib
import os
import random
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from flask import Flask
from peewee import IntegrityError

from selfservice import clock, config, db
from selfservice.audit import AuditEntry
from selfservice.deposits import deposit as deposit_module
from selfservice.deposits.deposit import DepositReport, deposit_folder
from selfservice.deposits.errors import DepositError, DocumentsNotWrittenError
from selfservice.deposits.messages import explain
from selfservice.invoices import storage
from selfservice.invoices.models import Credited, Invoice
from selfservice.operations import installation
from selfservice.suppliers.models import Company, Supplier
from tests import papers
from tests.factories import make_company, make_invoice, make_supplier
from tests.forked import Forked
from tests.processes import command, environment, start

pytestmark = pytest.mark.slow

DEPOSIT = ("invoices", "deposit", "vendeur")


@pytest.fixture(scope="session")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """1,000 documents for ten customers, two of them with the same number."""
    folder = tmp_path_factory.mktemp("thousand")
    for each in range(1000):
        xml = papers.cii(
            number=f"F-{each}" if each != 777 else "F-776",
            buyer=papers.client_number(f"C-{each % 10}"),
            gross=f"{each}.{each % 100:02d}",
            issued=f"{clock.today():%Y%m%d}",
            type_code="381" if each % 10 == 0 else "380",
            preceding=papers.preceding(f"F-{each + 1}"),
        )
        (folder / f"{each:04}.pdf").write_bytes(papers.pdf(xml))
    return folder


@pytest.fixture
def prepare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[[str], Path]:
    """Make an instance with the supplier and its customers."""

    def make(name: str) -> Path:
        instance = tmp_path / name
        for name, value in environment(instance).items():
            monkeypatch.setenv(name, value)
        installation.install(instance)
        with db.connection():
            supplier = make_supplier("vendeur")
            for each in range(10):
                make_company(supplier, client_number=f"C-{each}")
        return instance

    return make


def rows(instance: Path) -> list[tuple[object, ...]]:
    columns = "id number company kind issued_on gross_cents state sha256 size_bytes has_xml"
    db.configure(config.load(instance, environment(instance))["DATABASE_URL"])
    with db.connection():
        fields = [getattr(Invoice, name) for name in columns.split()]
        return list(Invoice.select(*fields).order_by(Invoice.id).tuples())


def credited(instance: Path) -> list[tuple[object, ...]]:
    db.configure(config.load(instance, environment(instance))["DATABASE_URL"])
    with db.connection():
        fields = (Credited.id, Credited.invoice, Credited.number)
        return list(Credited.select(*fields).order_by(Credited.id).tuples())


def files(instance: Path) -> dict[str, bytes]:
    documents = instance / "documents"
    return {
        str(path.relative_to(documents)): path.read_bytes()
        for path in documents.rglob("*")
        if path.is_file()
    }


def kill_at_random(process: Forked, instance: Path, within: float) -> bool:
    """Kill the deposit some time after it began to write; say whether it was still at work."""
    incoming = instance / "documents" / "incoming"
    before = set(incoming.glob("*"))
    while process.poll() is None and not set(incoming.glob("*")) - before:
        pass
    try:
        process.wait(timeout=random.uniform(0, within))
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGKILL)
        process.wait()
        return True
    return False


@pytest.mark.parametrize("times", [6, pytest.param(100, marks=pytest.mark.soak)])
def test_killed_at_random_and_run_again_ends_as_one_run(
    times: int, thousand: Path, prepare: Callable[[str], Path]
) -> None:
    quiet = prepare("quiet")
    started = clock.now()
    done = command(quiet, *DEPOSIT, str(thousand))
    took = (clock.now() - started).total_seconds()
    assert done.returncode == 1
    assert "999 document(s) déposé(s), 0 déjà déposé(s), 1 refusé(s)" in done.stdout
    rejects = (thousand / "rejets.csv").read_bytes()

    disturbed = prepare("disturbed")
    kills = 0
    for _ in range(times):
        process = start(disturbed, *DEPOSIT, str(thousand))
        kills += kill_at_random(process, disturbed, took / times)
    assert kills, "every run ended before it could be killed"
    assert command(disturbed, *DEPOSIT, str(thousand)).returncode == 1
    assert rows(disturbed) == rows(quiet)
    assert credited(disturbed) == credited(quiet)
    assert len(credited(quiet)) == 100
    assert files(disturbed) == files(quiet)
    assert list((disturbed / "documents" / "incoming").iterdir()) == []
    assert (thousand / "rejets.csv").read_bytes() == rejects
    assert sorted(path.name for path in thousand.iterdir() if path.suffix != ".pdf") == [
        "rejets.csv"
    ]


def test_two_deposits_at_once_end_as_one(
    thousand: Path, folder: Path, tmp_path: Path, prepare: Callable[[str], Path]
) -> None:
    instance = prepare("both")
    for path in sorted(thousand.glob("*.pdf"))[600:]:
        (folder / path.name).hardlink_to(path)
    outputs = [tmp_path / "first", tmp_path / "second"]
    both = [start(instance, *DEPOSIT, str(folder), stdout=output) for output in outputs]
    assert [process.wait() for process in both] == [1, 1]
    deposited = [int(output.read_text().split(" ", 1)[0]) for output in outputs]
    assert sum(deposited) == 399
    numbers = [row[1] for row in rows(instance)]
    assert len(numbers) == len(set(numbers)) == 399
    assert len(files(instance)) == 399
    assert list((instance / "documents" / "incoming").iterdir()) == []


def test_two_folders_that_share_numbers_end_as_one_after_the_other(
    tmp_path: Path, prepare: Callable[[str], Path]
) -> None:
    """Thirty numbers are in both: every other one with the same content."""
    instance = prepare("both")
    folders = [tmp_path / "first", tmp_path / "second"]
    for first, folder in zip((0, 30), folders, strict=True):
        folder.mkdir()
        for each in range(first, first + 60):
            buyer, contract = papers.client_number("C-1"), folder.name if each % 2 else ""
            xml = papers.cii(number=f"F-{each}", buyer=buyer, contract=contract)
            (folder / f"{each}.pdf").write_bytes(papers.pdf(xml))
    outputs = [tmp_path / "one", tmp_path / "other"]
    both = [
        start(instance, *DEPOSIT, str(folder), stdout=output)
        for folder, output in zip(folders, outputs, strict=True)
    ]
    assert {process.wait() for process in both} <= {0, 1}
    said = [re.findall(r"\d+", output.read_text()) for output in outputs]
    deposited, already, refused = (sum(map(int, counts)) for counts in zip(*said, strict=True))
    assert (deposited, already, refused) == (90, 15, 15)
    assert {row[1] for row in rows(instance)} == {f"F-{each}" for each in range(90)}
    assert len(files(instance)) == 90
    rejects = [len((folder / "rejets.csv").read_text().splitlines()) - 1 for folder in folders]
    assert sum(rejects) == 15


def test_the_exit_status_is_zero_only_when_everything_went_in(
    folder: Path, prepare: Callable[[str], Path]
) -> None:
    """The installed command, as an operator starts it."""
    prepare("one")
    selfservice = Path(sys.executable).with_name("selfservice")
    (folder / "a.pdf").write_bytes(papers.pdf(papers.cii(buyer=papers.client_number("C-1"))))
    for name, status in (("", 0), ("note.txt", 1)):
        if name:
            (folder / name).write_text("Bonjour")
        done = subprocess.run([selfservice, *DEPOSIT, folder], capture_output=True)
        assert done.returncode == status


def test_a_reader_that_outlives_its_killed_run_writes_nowhere(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    abandoned = storage.documents_folder() / "incoming" / "dead"
    abandoned.mkdir(parents=True)
    remove = shutil.rmtree

    def remove_while_it_writes(folder: Path, **options: bool) -> None:
        with pytest.raises(FileNotFoundError):
            (abandoned / "late").write_bytes(b"%PDF")
        remove(folder, **options)

    monkeypatch.setattr(shutil, "rmtree", remove_while_it_writes)
    with storage.Incoming():
        assert len(list(abandoned.parent.iterdir())) == 1


def test_what_a_dead_process_left_aside_is_removed(app: Flask) -> None:
    abandoned = storage.documents_folder() / "incoming" / "dead"
    abandoned.mkdir(parents=True)
    (abandoned / "half").write_bytes(b"%PDF")
    stray = storage.documents_folder() / "incoming" / "notes.txt"
    stray.write_text("not ours")
    with storage.Incoming():
        assert not abandoned.exists() and stray.exists()


def test_what_a_living_process_holds_aside_stays(app: Flask) -> None:
    with storage.Incoming() as first:
        Path(first.path("1")).write_bytes(b"x")
        with storage.Incoming():
            pass
        with storage.exclusive():
            first.sync([first.path("1")])
            first.publish({first.path("1"): "a" * 64})
    assert storage.path_of("a" * 64).read_bytes() == b"x"


def test_files_reach_the_disk_before_their_rows(
    folder: Path,
    supplier: Supplier,
    company: Company,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """A row without its file would be an invoice that nobody can open."""
    (folder / "a.pdf").write_bytes(papers.facturx(company))

    def stop(written: list[dict[str, str]]) -> None:
        assert storage.path_of(written[0]["sha256"]).is_file()
        raise KeyboardInterrupt

    monkeypatch.setattr(Invoice, "insert_many", stop)
    with pytest.raises(KeyboardInterrupt):
        deposit_folder(supplier, folder)
    monkeypatch.undo()
    assert Invoice.select().count() == 0
    assert deposit_folder(supplier, folder).deposited == 1


def test_every_file_is_brought_to_the_disk_and_its_name_under_the_lock(
    folder: Path, supplier: Supplier, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without the lock a rival's conflict would leave a file that no row names."""
    (folder / "a.pdf").write_bytes(papers.facturx(company))
    documents, synced = storage.documents_folder(), list[Path]()

    def note(name: str) -> None:
        path = Path(name)
        assert path.exists()
        synced.append(path)
        if path.parent.parent.name == "incoming":
            return
        rival = os.open(documents, os.O_RDONLY)
        with pytest.raises(BlockingIOError):
            fcntl.flock(rival, fcntl.LOCK_EX | fcntl.LOCK_NB)
        os.close(rival)

    monkeypatch.setattr(storage, "sync", note)
    assert deposit_folder(supplier, folder).deposited == 1
    stored = storage.path_of(Invoice.get().sha256)
    assert synced[0].parent.parent.name == "incoming"
    assert set(synced[1:]) == {stored.parent, documents}


def test_a_full_disk_is_one_clear_error_and_the_next_run_completes(
    folder: Path, supplier: Supplier, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    (folder / "a.pdf").write_bytes(papers.facturx(company))

    def full(_descriptor: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(storage.os, "fsync", full)
    with pytest.raises(DocumentsNotWrittenError):
        deposit_folder(supplier, folder)
    monkeypatch.undo()
    assert Invoice.select().count() == 0
    assert list((storage.documents_folder() / "incoming").iterdir()) == []
    assert deposit_folder(supplier, folder).deposited == 1


def test_where_locks_do_not_hold_the_schema_decides(
    folder: Path, supplier: Supplier, company: Company, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another host deposits the same numbers between the look and the insert."""
    same, other = papers.facturx(company, number="F-1"), papers.facturx(company, number="F-2")
    (folder / "1.pdf").write_bytes(same)
    (folder / "2.pdf").write_bytes(other)
    (folder / "3.pdf").write_bytes(papers.facturx(company, number="F-3"))
    publish = storage.Incoming.publish

    def overtaken(incoming: storage.Incoming, asides: Mapping[str, str]) -> None:
        publish(incoming, asides)
        make_invoice(company, number="F-1", sha256=hashlib.sha256(same).hexdigest())
        make_invoice(company, number="F-2", sha256="f" * 64)

    monkeypatch.setattr(storage.Incoming, "publish", overtaken)
    report = deposit_folder(supplier, folder)
    assert (report.deposited, report.already) == (1, 1)
    assert [refused.file for refused in report.refused] == ["2.pdf"]
    assert Invoice.select().count() == 3


def test_the_schema_allows_one_number_once_per_supplier(company: Company) -> None:
    make_invoice(company, number="F-1")
    with pytest.raises(IntegrityError):
        make_invoice(make_company(company.supplier), number="F-1")


def test_a_document_that_is_lost_or_damaged_comes_back_by_depositing_it_again(
    deposit: Callable[[], DepositReport], folder: Path, company: Company
) -> None:
    for name in "ab":
        (folder / f"{name}.pdf").write_bytes(papers.facturx(company, number=f"F-{name}"))
    deposit()
    lost, damaged = (storage.path_of(row.sha256) for row in Invoice.select())
    lost.unlink()
    damaged.write_bytes(b"x" * damaged.stat().st_size)
    assert deposit().already == 2
    assert all(storage.is_intact(path.stem) for path in (lost, damaged))


def test_a_second_run_finds_everything_already_deposited(
    deposit: Callable[[], DepositReport], folder: Path, company: Company
) -> None:
    (folder / "a.pdf").write_bytes(papers.facturx(company))
    (folder / "b.pdf").write_bytes((folder / "a.pdf").read_bytes())
    first, second = deposit(), deposit()
    assert (first.deposited, first.already) == (1, 1)
    assert (second.deposited, second.already, second.refused) == (0, 2, [])
    assert Invoice.select().count() == 1


def test_each_batch_leaves_one_line_in_the_journal(
    deposit: Callable[[], DepositReport],
    folder: Path,
    company: Company,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(deposit_module, "BATCH_DOCUMENTS", 2)
    for number in range(3):
        (folder / f"{number}.pdf").write_bytes(papers.facturx(company, number=f"F-{number}"))
    assert deposit().deposited == 3
    deposit()
    facts = [entry.facts for entry in AuditEntry.select().where(AuditEntry.event ** "invoices%")]
    assert len(facts) == 2
    assert '"deposited": 2' in facts[0] and '"deposited": 1' in facts[1]


def test_progress_counts_every_file(
    supplier: Supplier, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deposit_module, "BATCH_DOCUMENTS", 2)
    for name in ("a", "b", "c", "index.csv", "notes.CSV"):
        (folder / name).write_text("file\n")
    (folder / "sub").mkdir()
    steps: list[list[str]] = []

    def note(outcomes: list[deposit_module.Outcome]) -> None:
        steps.append([outcome.file for outcome in outcomes])

    deposit_folder(supplier, folder, on_progress=note)
    assert steps == [["a", "b"], ["c"], ["sub"]]
    assert deposit_module.count_candidates(folder) == 3


@pytest.mark.parametrize(
    "content",
    [
        b"\xff\xfe",
        b"",
        b"client_number\nC-1\n",
        b"file,client_number\n",
        b"file;file\n",
        b"file;client\n",
        b'file;contract\na.pdf;"' + b"x" * 200_000,
    ],
    ids=["not-utf-8", "empty", "no-file", "commas", "twice", "unknown", "endless"],
)
def test_an_index_that_cannot_be_used_stops_everything(
    deposit: Callable[[], DepositReport], folder: Path, company: Company, content: bytes
) -> None:
    (folder / "a.pdf").write_bytes(papers.facturx(company))
    (folder / "index.csv").write_bytes(content)
    with pytest.raises(DepositError) as caught:
        deposit()
    assert explain(caught.value).startswith(f"{folder / 'index.csv'} : index illisible")
    assert Invoice.select().count() == 0


def test_an_absent_folder_is_one_error(supplier: Supplier, tmp_path: Path) -> None:
    with pytest.raises(DepositError) as caught:
        deposit_folder(supplier, tmp_path / "nowhere")
    assert "nowhere : dossier illisible" in explain(caught.value)


def test_a_pipe_is_refused_rather_than_waited_for(
    deposit: Callable[[], DepositReport], folder: Path
) -> None:
    os.mkfifo(folder / "pipe.pdf")
    (refused,) = deposit().refused
    assert (
        refused.reason
        == "Ce n'est pas un fichier ordinaire mais un tube : le dépôt ne l'ouvre pas."
    )


def test_a_name_that_is_not_utf8_is_refused_like_another(
    deposit: Callable[[], DepositReport], folder: Path
) -> None:
    (folder / os.fsdecode(b"\xe9t\xe9.pdf")).write_bytes(b"x")
    assert len(deposit().refused) == 1
    assert "\ufffdt\ufffd.pdf;" in (folder / "rejets.csv").read_text("utf-8")
