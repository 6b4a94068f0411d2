"""Code and database of different versions: one line says which is older, and nothing is touched."""

import os
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
from flask import Flask

from selfservice import config, db
from selfservice.config import REPOSITORY
from selfservice.operations import (
    backup_file,
    doctor,
    health,
    installation,
    messages,
    schema,
    version,
)
from selfservice.operations.backup import make_backup
from selfservice.operations.errors import OperationError
from selfservice.operations.restore import restore
from tests.conftest import Browser
from tests.factories import make_company, make_supplier
from tests.processes import command

DIFFERENCES = {
    "migrations": "DELETE FROM schema_migration",
    "newer_base": "INSERT INTO schema_migration (name, applied)"
    " VALUES ('9999_later', '2099-01-01 00:00:00')",
    "other_tables": "ALTER TABLE company DROP COLUMN is_second_factor_required",
}


@pytest.fixture(params=sorted(DIFFERENCES))
def differing(request: pytest.FixtureRequest, app: Flask) -> str:
    db.database.execute_sql(DIFFERENCES[request.param])
    return str(request.param)


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A version of the portal with one migration more."""
    folder = tmp_path / "migrations"
    shutil.copytree(db.MIGRATIONS, folder)
    (folder / "0002_later.py").write_text(
        "def up(migrator, db):\n    db.execute_sql('CREATE TABLE later (id INTEGER)')\n"
    )
    for module in (db, import_module("selfservice.db.database")):
        monkeypatch.setattr(module, "MIGRATIONS", folder)


@pytest.fixture(autouse=True)
def nothing_kept() -> Iterator[None]:
    version.commit.cache_clear()
    yield
    version.commit.cache_clear()


def told(name: str) -> str:
    return messages.FAULTS[name][1]


@pytest.mark.slow
@pytest.mark.parametrize("words", ["users list", "mail deliver", "serve", "worker"])
def test_command_on_another_version_is_refused_in_one_line(
    words: str, differing: str, instance: Path
) -> None:
    done = command(instance, *words.split())
    assert (done.returncode, done.stdout) == (1, "")
    (line,) = done.stderr.splitlines()
    assert told(differing) in line


@pytest.mark.slow
@pytest.mark.parametrize("differing", ["newer_base", "other_tables"], indirect=True)
def test_init_refuses_a_base_that_no_migration_brings_to_this_version(
    differing: str, instance: Path
) -> None:
    before = db.applied_migrations()
    done = command(instance, "init")
    assert done.returncode == 1
    assert told(differing) in done.stderr
    assert db.applied_migrations() == before


def test_doctor_and_sante_name_it_and_a_backup_is_made_all_the_same(
    differing: str, app: Flask, tmp_path: Path
) -> None:
    assert differing in {each.name for each in doctor.examine_instance()}
    assert health.examine().fault == differing
    make_backup(tmp_path / "backup.tar")
    assert (tmp_path / "backup.tar").stat().st_size


@pytest.mark.sqlite
def test_backup_works_on_a_base_without_a_table(app: Flask, instance: Path, tmp_path: Path) -> None:
    make_supplier("diac")
    db.database.execute_sql("PRAGMA foreign_keys = OFF")
    for table in set(db.database.get_tables()) - {"supplier", "sqlite_sequence"}:
        db.database.execute_sql(f"DROP TABLE {table}")
    done = command(instance, "backup", str(tmp_path / "backup.tar"))
    assert (done.returncode, done.stderr) == (0, "")
    folder = tmp_path / "unpacked"
    folder.mkdir()
    backup_file.unpack(tmp_path / "backup.tar", folder)
    with closing(sqlite3.connect(folder / backup_file.SQLITE)) as copy:
        assert copy.execute("SELECT slug FROM supplier").fetchall() == [("diac",)]


@pytest.mark.sqlite
def test_init_keeps_the_base_as_it_was_before_a_migration(
    app: Flask, instance: Path, later: None
) -> None:
    make_company(make_supplier("diac"))
    installed = installation.install(instance)
    assert installed.migrations == ["0002_later"]
    assert installed.copy and installed.copy.name.startswith("before-0002_later-")
    with closing(sqlite3.connect(installed.copy)) as copy:
        assert copy.execute("SELECT slug FROM supplier").fetchall() == [("diac",)]
        tables = {name for (name,) in copy.execute("SELECT name FROM sqlite_master")}
    assert "later" not in tables
    with db.connection():
        assert "later" in db.database.get_tables()
    assert installation.install(instance).copy is None
    assert [each.name for each in instance.glob("*before-*")] == [installed.copy.name]


@pytest.mark.postgresql
def test_init_keeps_a_dump_of_postgresql(app: Flask, instance: Path, later: None) -> None:
    installed = installation.install(instance)
    assert installed.copy and installed.copy.suffix == ".dump"
    assert installed.copy.read_bytes().startswith(b"PGDMP")


def test_new_instance_leaves_no_copy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SELFSERVICE_DATABASE_URL", raising=False)
    assert installation.install(tmp_path / "new").copy is None


@pytest.mark.sqlite
def test_archive_of_other_tables_is_refused(app: Flask, tmp_path: Path) -> None:
    db.database.execute_sql(DIFFERENCES["other_tables"])
    make_backup(tmp_path / "backup.tar")
    with pytest.raises(OperationError, match="other_tables"):
        restore(tmp_path / "backup.tar", tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def test_base_with_a_column_of_another_version_is_refused_too(app: Flask) -> None:
    """One that must be filled and that this code does not know: no row could be written."""
    db.database.execute_sql("ALTER TABLE company ADD COLUMN former INTEGER NOT NULL DEFAULT 0")
    error = schema.mismatch()
    assert error
    assert (error.name, error.facts) == ("other_tables", {"example": "company.former"})


def test_base_of_this_version_is_told_fine(app: Flask) -> None:
    assert schema.mismatch() is None


def test_version_is_told_by_command_doctor_and_sante_on_the_host_only(
    app: Flask, browser: Browser, instance: Path
) -> None:
    full = version.full()
    assert full.startswith(f"{version.number()} (")
    done = command(instance, "--version")
    assert (done.returncode, done.stdout) == (0, f"selfservice {full}\n")
    assert f"ok\tVersion : {full}." in command(instance, "doctor").stdout
    assert browser.get("/sante").json["version"] == full  # type: ignore[index]
    elsewhere = browser.get("/sante", environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert "version" not in elsewhere.json  # type: ignore[operator]


def test_version_is_in_a_backup(app: Flask, tmp_path: Path) -> None:
    make_backup(tmp_path / "backup.tar")
    folder = tmp_path / "unpacked"
    folder.mkdir()
    assert backup_file.unpack(tmp_path / "backup.tar", folder).version == version.full()


def test_version_is_told_before_anything_is_installed(tmp_path: Path) -> None:
    done = command(tmp_path / "absent", "--version")
    assert (done.returncode, done.stderr) == (0, "")


def test_tree_without_git_tells_the_commit_that_was_installed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(version, "REPOSITORY", tmp_path)
    monkeypatch.setattr(version, "INSTALLED", tmp_path / ".commit")
    monkeypatch.setattr(version, "number", lambda: "0.1.0")
    assert version.full() == "0.1.0"
    version.commit.cache_clear()
    (tmp_path / ".commit").write_text("abc1234\n")
    assert version.full() == "0.1.0 (abc1234)"


def test_unpacked_archive_tells_its_commit(tmp_path: Path) -> None:
    git = ["git", "-c", f"safe.directory={REPOSITORY}", "-C", str(REPOSITORY)]
    if subprocess.run([*git, "rev-parse"], capture_output=True, check=False).returncode:
        pytest.skip("no clone")
    source = "selfservice/operations/version.py"
    words = [*git, "archive", "--worktree-attributes", "HEAD", source]
    archive = subprocess.run(words, capture_output=True, check=True).stdout
    short = [*git, "rev-parse", "--short", "HEAD"]
    commit = subprocess.run(short, capture_output=True, check=True).stdout
    assert b'ARCHIVED = "' + commit.strip() + b'"' in archive


def test_first_release_is_in_the_changelog_with_its_date() -> None:
    text = (config.REPOSITORY / "CHANGELOG.md").read_text("utf-8")
    assert f"## {version.number()} (20" in text
    assert "unreleased" not in text


def make(folder: Path, *words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["make", *words], cwd=folder, capture_output=True, text=True, check=True, timeout=60
    )


@pytest.mark.skipif(shutil.which("make") is None, reason="needs make")
def test_install_looks_at_contents_and_not_at_dates(tmp_path: Path) -> None:
    for name in ("Makefile", "requirements.txt", "pyproject.toml"):
        (tmp_path / name).write_bytes((REPOSITORY / name).read_bytes())
    python = tmp_path / ".venv" / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text('#!/bin/sh\necho "$@" >> installed.log\n')
    python.chmod(0o755)

    def installed() -> int:
        make(tmp_path, "install")
        log = tmp_path / "installed.log"
        return len(log.read_text().splitlines()) if log.exists() else 0

    assert installed() == 2
    (tmp_path / "requirements.txt").touch()
    assert installed() == 2
    with (tmp_path / "pyproject.toml").open("a") as file:
        file.write("# changed\n")

    os.utime(tmp_path / "pyproject.toml", (0, 0))
    assert installed() == 4
