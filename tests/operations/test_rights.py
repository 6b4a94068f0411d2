"""An instance is one account's: no command by another, and nginx reads documents alone."""

import os
import pwd
import shlex
import stat
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from flask import Flask

from selfservice.deposits.deposit import deposit_folder
from selfservice.operations import doctor, rights
from selfservice.operations.backup import make_backup
from selfservice.operations.findings import Level
from tests import papers
from tests.factories import make_company, make_supplier
from tests.processes import command

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")


def nobody() -> int:
    return pwd.getpwnam("nobody").pw_uid


def faults() -> dict[str, str]:
    found = doctor.examine_instance()
    return {each.name: each.line for each in found if each.level is Level.FAULT}


@needs_root
@pytest.mark.parametrize(
    "words",
    [
        ("init",),
        ("users", "list"),
        ("serve",),
        ("invoices", "deposit", "diac", "à côté"),
        ("demo",),
    ],
)
def test_command_by_an_account_that_does_not_own_the_instance_is_refused_with_the_line_to_type(
    words: tuple[str, ...], app: Flask, instance: Path
) -> None:
    os.chown(instance, nobody(), -1)
    done = command(instance, *words)
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert "est au compte nobody, et vous êtes root" in line
    typed = shlex.split(line.partition("« ")[2].rpartition(" »")[0])
    assert typed[:4] == ["runuser", "-u", "nobody", "--"]
    assert f"SELFSERVICE_INSTANCE={instance}" in typed
    assert tuple(typed[-len(words) :]) == words


@needs_root
def test_folder_that_an_account_may_not_enter_is_of_its_owner() -> None:
    with TemporaryDirectory() as folder:
        instance = Path(folder, "instance")
        instance.mkdir(mode=0o700)
        Path(folder).chmod(0o755)
        os.seteuid(nobody())
        try:
            assert rights.owner_of(instance) == 0
        finally:
            os.seteuid(0)


@needs_root
def test_projects_own_instance_is_of_the_account_of_its_first_command(tmp_path: Path) -> None:
    instance = tmp_path / "instance"
    instance.mkdir()
    (instance / ".gitkeep").touch()
    for each in (instance, instance / ".gitkeep"):
        os.chown(each, nobody(), -1)  # who has cloned the project
    for _ in range(2):
        assert command(instance, "init").returncode == 0
    os.chown(instance / "secret_key", nobody(), -1)
    assert "est au compte nobody" in command(instance, "init").stderr


@needs_root
def test_help_and_the_doctor_are_for_any_account(app: Flask, instance: Path) -> None:
    os.chown(instance, nobody(), -1)
    assert command(instance, "users", "--help").returncode == 0
    assert "nobody" in command(instance, "doctor").stdout + command(instance, "doctor").stderr


@needs_root
def test_doctor_names_what_another_account_owns_below_documents_too(
    app: Flask, instance: Path
) -> None:
    assert "other_owner" not in faults()
    folder = instance / "documents" / "ab"
    folder.mkdir()
    (folder / "left.pdf").touch()
    os.chown(folder / "left.pdf", nobody(), -1)
    assert f"dont {folder / 'left.pdf'}" in faults()["other_owner"]
    assert "chown -R root: " in faults()["other_owner"]
    os.chown(folder / "left.pdf", os.geteuid(), -1)
    assert "other_owner" not in faults()
    os.chown(instance / "secret_key", nobody(), -1)
    assert "secret_key" in faults()["other_owner"]


def modes(instance: Path) -> dict[Path, int]:
    """Return the rights of all but the documents."""
    found = instance.rglob("*")
    return {path: path.stat().st_mode for path in found if "documents" not in path.parts}


def test_group_of_nginx_reads_the_documents_it_sends_and_nothing_else(
    configure: Callable[..., None], instance: Path, make_app: Callable[[], Flask], tmp_path: Path
) -> None:
    company = None
    before = os.umask(0o077)
    try:
        for number, keys in enumerate(({}, {"ACCEL_REDIRECT_PREFIX": "/_documents/"})):
            configure(**keys)
            make_app()
            company = company or make_company(make_supplier())
            folder = tmp_path / f"depot-{number}"
            folder.mkdir()
            (folder / "f.pdf").write_bytes(papers.facturx(company, number=f"F-{number}"))
            if number:
                (instance / "documents").chmod(0o700)
                others = modes(instance)
                assert "selfservice init" in faults()["closed_to_proxy"]
                assert command(instance, "init", **keys).returncode == 0
            assert deposit_folder(company.supplier, folder).deposited == 1
            assert "closed_to_proxy" not in faults()
        make_backup(tmp_path / "backup.tar")
        copy = tmp_path / "copy"
        restored = command(copy, "restore", str(tmp_path / "backup.tar"), **keys)
        assert restored.returncode == 0, restored.stderr
    finally:
        os.umask(before)
    assert {each.stat().st_mode & 0o777 for each in copy.glob("documents/??/*.pdf")} == {0o640}
    assert copy.stat().st_mode & 0o077 == 0o010
    assert stat.S_IMODE(instance.stat().st_mode) & 0o077 == 0o010, "it passes through"
    documents = instance / "documents"
    stored = list(documents.glob("??/*.pdf"))
    assert len(stored) == 2
    for path in (documents, *stored, *(each.parent for each in stored)):
        assert stat.S_IMODE(path.stat().st_mode) == (0o750 if path.is_dir() else 0o640)
    assert modes(instance).items() >= others.items()
