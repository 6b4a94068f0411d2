"""Backups are told apart and rotated; a document that is lost is found and named."""

import hashlib
import os
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from selfservice import clock
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from selfservice.operations import doctor, heartbeats
from selfservice.operations.backup import make_backup
from selfservice.operations.backup_file import read_manifest
from selfservice.operations.findings import Finding
from selfservice.operations.rotation import keep_newest
from tests.factories import make_company, make_invoice, make_supplier
from tests.processes import command

NIGHTS = [f"nuit-2026-11-{day:02}-0230.tar" for day in range(1, 21)]


def found(name: str, *, is_complete: bool = False) -> Finding:
    findings = doctor.examine_instance(is_complete=is_complete)
    (finding,) = [each for each in findings if each.name == name]
    return finding


@pytest.fixture
def documents(app: Flask) -> list[Invoice]:
    company = make_company(make_supplier())
    made = []
    for number in range(3):
        content = f"document {number}".encode()
        path = storage.path_of(hashlib.sha256(content).hexdigest())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        made.append(make_invoice(company, number=f"F-{number}", sha256=path.stem))
    return made


def lose(invoice: Invoice) -> None:
    storage.path_of(invoice.sha256).unlink()


def touch(folder: Path, *names: str) -> None:
    for name in names:
        (folder / name).touch()


def names(folder: Path) -> set[str]:
    return {path.name for path in folder.iterdir()}


def test_what_a_killed_backup_left_goes_with_a_later_one(app: Flask, tmp_path: Path) -> None:
    """A copy of everybody's data, which nothing else would ever remove."""
    left = {".backup-a1b2c3_d", ".nuit-2026-11-01-0230.tar.part"}
    others = {".backup-a1b2c3_e", ".backup-mine", ".jour-1.tar.part", ".backup-a1b2c3_f"}
    for name in (*left, *others):
        if name.endswith(".part"):
            touch(tmp_path, name)
        else:
            (tmp_path / name).mkdir()
            touch(tmp_path / name, "notes" if name.endswith("e") else "portal.db-journal")
    young = tmp_path / ".nuit-2026-11-19-0230.tar.part"
    for name in (*left, *others - {".backup-a1b2c3_f"}):
        os.utime(tmp_path / name, (0, 0))
    touch(tmp_path, young.name)
    make_backup(tmp_path / NIGHTS[-1])
    assert names(tmp_path) == {*others, young.name, NIGHTS[-1]} | (names(tmp_path) & {"instance"})


def test_rotation_removes_the_oldest_of_its_own_name_only(tmp_path: Path) -> None:
    others = {
        "avant-mise-a-jour.tar",
        "2026-11-01-0230.tar",
        "nuit-2026-11-01-0230.tar.gpg",
        "nuit-2026-11-01.tar",
        "nuit-ancienne.tar",
        "nuit-2026-11-01-0230-essai.tar",
        "nuit-2026-11-premier-0230.tar",
        "Nuit-2026-11-01-0230.tar",
    }
    touch(tmp_path, *others, *NIGHTS)
    removed = keep_newest(tmp_path / NIGHTS[-1], 14)
    assert {path.name for path in removed} == set(NIGHTS[:6])
    assert names(tmp_path) == others | set(NIGHTS[6:])
    assert keep_newest(tmp_path / NIGHTS[-1], 14) == []


def test_age_is_that_of_the_name_and_not_that_of_the_file(tmp_path: Path) -> None:
    touch(tmp_path, *reversed(NIGHTS[:3]))
    assert [path.name for path in keep_newest(tmp_path / NIGHTS[2], 2)] == NIGHTS[:1]


def test_folder_of_such_a_name_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / NIGHTS[0]).mkdir()
    touch(tmp_path, *NIGHTS[1:4])
    keep_newest(tmp_path / NIGHTS[3], 1)
    assert names(tmp_path) == {NIGHTS[0], NIGHTS[3]}


def test_last_whole_backup_stays_however_many_partial_ones_follow(
    documents: list[Invoice], tmp_path: Path
) -> None:
    for night in NIGHTS[:2]:
        make_backup(tmp_path / night)
    lose(documents[0])
    for night in NIGHTS[2:6]:
        make_backup(tmp_path / night)
        keep_newest(tmp_path / night, 2)
    assert names(tmp_path) == {NIGHTS[1], *NIGHTS[4:6]}
    assert read_manifest(tmp_path / NIGHTS[1]).missing == []


@pytest.mark.slow
def test_old_ones_go_also_when_a_document_is_missing(
    documents: list[Invoice], instance: Path, tmp_path: Path
) -> None:
    touch(tmp_path, *NIGHTS[:5])
    lose(documents[0])
    done = command(instance, "backup", str(tmp_path / NIGHTS[5]), "--keep", "3")
    assert done.returncode == 1
    assert "sauvegarde partielle" in done.stdout and "3 ancienne(s)" in done.stdout
    assert "F-0" in done.stderr and documents[0].sha256 in done.stderr
    assert {name for name in names(tmp_path) if name.endswith(".tar")} == set(NIGHTS[3:6])


@pytest.mark.slow
@pytest.mark.sqlite
def test_restoration_names_what_a_partial_backup_lacks(
    documents: list[Invoice], instance: Path, tmp_path: Path
) -> None:
    make_backup(tmp_path / "whole.tar")
    lose(documents[1])
    assert make_backup(tmp_path / "partial.tar").missing == [f"F-1 ({documents[1].sha256})"]
    done = command(tmp_path / "one", "restore", str(tmp_path / "whole.tar"))
    assert (done.returncode, done.stderr) == (0, "")
    assert "sauvegarde entière" in done.stdout
    done = command(tmp_path / "two", "restore", str(tmp_path / "partial.tar"))
    assert "sauvegarde partielle" in done.stdout
    assert "F-1" in done.stderr


def test_doctor_tells_a_partial_backup_from_a_whole_one(
    documents: list[Invoice], tmp_path: Path
) -> None:
    make_backup(tmp_path / "1.tar")
    assert found("backup")
    lose(documents[0])
    make_backup(tmp_path / "2.tar")
    assert "partielle ; dernière entière : il y a" in found("partial_backup").line
    later = clock.now() + timedelta(seconds=1)
    heartbeats.note(heartbeats.BACKUP, later)
    assert found("backup")


def test_doctor_tells_a_first_backup_that_is_partial(
    documents: list[Invoice], tmp_path: Path
) -> None:
    lose(documents[0])
    make_backup(tmp_path / "1.tar")
    assert "dernière entière : jamais" in found("partial_backup").line


def test_complete_examination_reads_each_document_and_names_the_lost(
    documents: list[Invoice], instance: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "SAMPLE_DOCUMENTS", 1)
    assert found("every_document", is_complete=True).facts == {"count": 3}
    lose(documents[0])
    storage.path_of(documents[1].sha256).write_bytes(b"damaged")
    assert found("documents").level is not None
    line = found("lost_documents", is_complete=True).line
    assert "2 perdu(s)" in line and "F-0" in line and "F-1" in line and "F-2" not in line
    done = command(instance, "doctor", "--complet")
    assert done.returncode == 1
    assert "F-1" in done.stdout and "lost" not in done.stdout
