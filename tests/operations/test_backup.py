"""A backup taken at any moment restores to a consistent instance, or says in one line why not."""

import errno
import hashlib
import io
import json
import os
import shutil
import sqlite3
import stat
import tarfile
from collections.abc import Callable
from contextlib import closing
from importlib import import_module
from pathlib import Path

import pytest
from flask import Flask

from selfservice import clock, config, db
from selfservice.accounts import sessions
from selfservice.accounts.models import User
from selfservice.deposits.deposit import deposit_folder
from selfservice.invoices import storage, tombstones
from selfservice.invoices.models import Invoice
from selfservice.mail.outbox import OutboxMail
from selfservice.operations import backup, backup_file, heartbeats, postgresql
from selfservice.operations.backup import make_backup
from selfservice.operations.errors import OperationError
from selfservice.operations.restore import restore
from selfservice.suppliers.models import Company, Supplier
from tests import papers
from tests.factories import make_company, make_supplier, make_user
from tests.postgresql import url_for
from tests.processes import command, running, wait_until
from tests.smtp import queue_one

pytestmark = pytest.mark.slow


@pytest.fixture
def supplier(app: Flask) -> Supplier:
    supplier = make_supplier("vendeur")
    make_company(supplier, client_number="C-1")
    return supplier


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "depot"
    path.mkdir()
    return path


def fill(folder: Path, count: int) -> None:
    for each in range(count):
        xml = papers.cii(
            number=f"F-{each}",
            buyer=papers.client_number("C-1"),
            issued=f"{clock.today():%Y%m%d}",
            type_code="381",
            preceding=papers.preceding(f"F-OLD-{each}"),
        )
        (folder / f"{each:04}.pdf").write_bytes(papers.pdf(xml))


@pytest.fixture
def filled(supplier: Supplier, folder: Path) -> Supplier:
    fill(folder, 3)
    assert deposit_folder(supplier, folder).deposited == 3
    return supplier


def rows(instance: Path) -> dict[str, str]:
    with closing(sqlite3.connect(instance / "portal.db")) as database:
        return dict(database.execute("SELECT number, sha256 FROM invoice"))


def crediting(instance: Path) -> int:
    """Return how many documents are known to credit others."""
    with closing(sqlite3.connect(instance / "portal.db")) as database:
        query = "SELECT COUNT(DISTINCT invoice_id) FROM credited"
        return int(database.execute(query).fetchone()[0])


def documents(instance: Path) -> dict[str, str]:
    found = (instance / "documents").glob("[0-9a-f][0-9a-f]/*.pdf")
    return {path.stem: hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.mark.slow
@pytest.mark.sqlite
def test_backups_during_a_deposit_restore_to_whole_instances(
    supplier: Supplier, folder: Path, instance: Path, tmp_path: Path
) -> None:
    fill(folder, 400)
    made = []
    with running(instance, "invoices", "deposit", "vendeur", str(folder)) as process:
        wait_until(lambda: Invoice.select().count() > 0)
        while process.poll() is None:
            made.append(tmp_path / f"{len(made)}.tar")
            make_backup(made[-1])
        assert process.returncode == 0
    sizes = []
    for path in made:
        copy = tmp_path / f"from-{path.stem}"
        restore(path, copy)
        numbers = rows(copy)
        assert set(numbers.values()) == set(documents(copy))
        assert all(name == content for name, content in documents(copy).items())
        assert numbers.items() <= rows(instance).items()
        assert crediting(copy) == len(numbers)
        sizes.append(len(numbers))
    assert sizes == sorted(sizes)
    assert 0 < sizes[0] < 400, "the first was taken under way"


@pytest.mark.sqlite
def test_restored_instance_works_and_holds_all_that_matters(
    filled: Supplier, instance: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    logo = b"\x89PNG\r\n\x1a\n of a kind"
    name = hashlib.sha256(logo).hexdigest()
    (instance / "documents" / "logos").mkdir()
    (instance / "documents" / "logos" / name).write_bytes(logo)
    (instance / "config.toml").write_text('PUBLIC_URL = "https://factures.example.com"\n')
    path, copy = tmp_path / "backup.tar", tmp_path / "copy"
    done = command(instance, "backup", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    done = command(copy, "restore", str(path))
    assert done.returncode == 0, done.stderr
    assert "4 fichier(s)" in done.stdout
    assert rows(copy) == rows(instance)
    assert documents(copy) == documents(instance)
    assert (copy / "documents" / "logos" / name).read_bytes() == logo
    for file in ("config.toml", "secret_key"):
        assert (copy / file).read_bytes() == (instance / file).read_bytes()
    assert stat.S_IMODE((copy / "secret_key").stat().st_mode) == 0o600
    assert command(copy, "mail", "list").returncode == 0
    left = [path.name for path in tmp_path.iterdir() if path.name.startswith(".")]
    assert left == []


def test_key_and_settings_behind_links_come_back(
    filled: Supplier, instance: Path, tmp_path: Path
) -> None:
    (instance / "config.toml").write_text("RETENTION_MONTHS = 12\n")
    kept = {}
    for name in ("config.toml", "secret_key"):
        elsewhere = (instance / name).rename(tmp_path / name)
        (instance / name).symlink_to(elsewhere)
        kept[name] = elsewhere.read_bytes()
    make_backup(tmp_path / "a.tar")
    copy = tmp_path / "copy"
    restore(tmp_path / "a.tar", copy)
    assert {name: (copy / name).read_bytes() for name in kept} == kept
    assert not any((copy / name).is_symlink() for name in kept)


def test_who_was_signed_in_when_the_backup_was_made_signs_in_again(
    filled: Supplier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    user = make_user(Company.get(), "alice")
    with db.database.atomic():
        secret = sessions.open_session(user, origin="", browser="")
    make_backup(tmp_path / "backup.tar")
    assert sessions.load(secret) == user
    copy = tmp_path / "copy"
    if not db.is_sqlite():
        monkeypatch.setenv("SELFSERVICE_DATABASE_URL", url_for(copy))
    restore(tmp_path / "backup.tar", copy)
    db.configure(config.load(copy)["DATABASE_URL"])
    with db.connection():
        assert User.get() == user
        assert sessions.load(secret) is None


def test_backup_is_known_to_the_doctor(filled: Supplier, tmp_path: Path) -> None:
    make_backup(tmp_path / "backup.tar")
    assert heartbeats.age(heartbeats.BACKUP) is not None


@pytest.mark.sqlite
def test_instance_that_is_not_empty_is_refused_in_one_line(
    filled: Supplier, instance: Path, tmp_path: Path
) -> None:
    path = tmp_path / "backup.tar"
    make_backup(path)
    before = rows(instance)
    done = command(instance, "restore", str(path))
    assert done.returncode == 1
    assert "n'est pas vide" in done.stderr
    assert len(done.stderr.strip().splitlines()) == 1
    assert rows(instance) == before
    again = command(instance, "backup", str(path))
    assert "existe déjà" in again.stderr


@pytest.mark.sqlite
def test_instance_is_restored_by_an_account_that_owns_nothing_around_it(
    filled: Supplier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(tmp_path / "backup.tar")
    copy = tmp_path / "lib" / "copy"
    copy.mkdir(parents=True)
    may = os.access  # root may write anywhere
    monkeypatch.setattr(os, "access", lambda path, mode: path != copy.parent and may(path, mode))
    places: list[Path] = []
    unpack = backup_file.unpack

    def unpack_and_tell(path: Path, folder: Path) -> backup_file.Manifest:
        places.append(folder.parent)
        return unpack(path, folder)

    monkeypatch.setattr(backup_file, "unpack", unpack_and_tell)
    restore(tmp_path / "backup.tar", copy)
    assert places == [copy]
    assert len(documents(copy)) == len(rows(copy)) == 3
    assert [path for path in copy.iterdir() if path.name.startswith(".")] == []
    assert stat.S_IMODE((copy / "documents").stat().st_mode) == 0o700


def damage_document(members: dict[str, bytes]) -> None:
    name = next(name for name in members if name.startswith("documents/"))
    members[name] = b"x" * len(members[name])


def damage_database(members: dict[str, bytes]) -> None:
    members["portal.db"] = members["portal.db"].replace(b"F-1", b"F-9")


def lose_document(members: dict[str, bytes]) -> None:
    del members[next(name for name in members if name.startswith("documents/"))]


def lose_manifest(members: dict[str, bytes]) -> None:
    del members["manifest.json"]


def escape(members: dict[str, bytes]) -> None:
    members["../escaped"] = b"x"


def escape_behind_a_document(members: dict[str, bytes]) -> None:
    name = f"documents/ab/{hashlib.sha256(b'x').hexdigest()}.pdf"
    members[f"{name}/../../../../escaped"] = b"x"


def forge_manifest(members: dict[str, bytes]) -> None:
    members["manifest.json"] = json.dumps(
        json.loads(members["manifest.json"]) | {"migrations": None}
    ).encode()


def forge_a_name_in_manifest(members: dict[str, bytes]) -> None:
    members["manifest.json"] = json.dumps(
        json.loads(members["manifest.json"]) | {"migrations": [["0001_tables"]]}
    ).encode()


def nest_manifest(members: dict[str, bytes]) -> None:
    members["manifest.json"] = b"[" * 200_000


@pytest.mark.sqlite
@pytest.mark.parametrize(
    "harm",
    [
        forge_manifest,
        forge_a_name_in_manifest,
        nest_manifest,
        damage_document,
        damage_database,
        lose_document,
        lose_manifest,
        escape,
        escape_behind_a_document,
    ],
)
def test_harmed_archive_leaves_nothing_behind(
    harm: Callable[[dict[str, bytes]], None], filled: Supplier, tmp_path: Path
) -> None:
    path, copy = tmp_path / "backup.tar", tmp_path / "copies" / "copy"
    make_backup(path)
    with tarfile.open(path) as tar:
        members = {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]
    harm(members)
    with tarfile.open(tmp_path / "harmed.tar", "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(OperationError):
        restore(tmp_path / "harmed.tar", copy)
    assert list(copy.parent.iterdir()) == []


@pytest.mark.parametrize("kept", [0, 100, 5_000, 0.5, 0.99])
def test_truncated_archive_is_refused(kept: float, filled: Supplier, tmp_path: Path) -> None:
    path = tmp_path / "backup.tar"
    make_backup(path)
    content = path.read_bytes()
    size = int(kept * len(content)) if kept < 1 else int(kept)
    path.write_bytes(content[: min(size, content.index(b"manifest.json"))])
    with pytest.raises(OperationError):
        restore(path, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


@pytest.mark.sqlite
def test_document_purged_meanwhile_is_no_fault(
    filled: Supplier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    purged = Invoice.select().first()
    queue_one(cause=f"document:{purged.id}")
    copy_database = backup._copy_database

    def purge_after_copy(folder: Path) -> Path:
        copy = copy_database(folder)
        purged.delete_instance()
        storage.path_of(purged.sha256).unlink()
        return copy

    monkeypatch.setattr(backup, "_copy_database", purge_after_copy)
    assert make_backup(tmp_path / "backup.tar").missing == []
    restore(tmp_path / "backup.tar", tmp_path / "copy")
    assert len(rows(tmp_path / "copy")) == 2
    assert purged.number not in rows(tmp_path / "copy")
    db.configure(f"sqlite:///{tmp_path / 'copy' / 'portal.db'}")
    db.ensure_open()
    assert tombstones.buried(purged.supplier_id, [purged.number]) == {purged.number}
    mail = OutboxMail.get(OutboxMail.cause == f"document:{purged.id}")
    assert (mail.state, mail.body_text) == ("dropped", "")


@pytest.mark.postgresql
def test_dump_keeps_to_the_options_of_the_address(database_url: str, tmp_path: Path) -> None:
    postgresql.dump(f"{database_url}?sslmode=disable", tmp_path / "dump")
    for option in ("sslmode=verify-full", "sslmode=require"):  # the tests' server speaks no TLS
        with pytest.raises(OperationError) as refused:
            postgresql.dump(f"{database_url}?{option}", tmp_path / "never")
        assert "SSL" in str(refused.value.facts["reason"])


@pytest.mark.postgresql
def test_document_purged_while_postgresql_is_saved_is_no_fault(
    filled: Supplier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    purged = Invoice.select().first()
    dump = postgresql.dump

    def purge_after_dump(url: str, target: Path) -> None:
        dump(url, target)
        purged.delete_instance()
        storage.path_of(purged.sha256).unlink()

    monkeypatch.setattr(postgresql, "dump", purge_after_dump)
    assert make_backup(tmp_path / "backup.tar").missing == []
    monkeypatch.setenv("SELFSERVICE_DATABASE_URL", url_for(tmp_path / "copy"))
    restore(tmp_path / "backup.tar", tmp_path / "copy")
    with db.connection():
        assert purged.number not in {row.number for row in Invoice.select()}
        assert Invoice.select().count() == 2


@pytest.mark.sqlite
def test_lost_document_is_told_and_the_rest_is_saved(
    filled: Supplier, instance: Path, tmp_path: Path
) -> None:
    lost = Invoice.select().first()
    storage.path_of(lost.sha256).unlink()
    done = command(instance, "backup", str(tmp_path / "backup.tar"))
    assert done.returncode == 1
    assert lost.sha256 in done.stderr
    restore(tmp_path / "backup.tar", tmp_path / "copy")
    assert len(documents(tmp_path / "copy")) == 2
    assert len(rows(tmp_path / "copy")) == 3


def test_full_disk_leaves_no_half_file(
    filled: Supplier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    target = tmp_path / "backups"
    target.mkdir()
    monkeypatch.setattr(backup_file.Writer, "add_document", full)
    with pytest.raises(OSError, match="No space"):
        make_backup(target / "backup.tar")
    assert list(target.iterdir()) == []
    assert heartbeats.age(heartbeats.BACKUP) is None


@pytest.mark.parametrize("free_blocks", [[5], [50, 5]], ids=["already", "meanwhile"])
def test_backup_leaves_room_on_the_disk_of_the_portal(
    filled: Supplier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free_blocks: list[int]
) -> None:
    """The portal writes nothing on a full disk: it would answer 503 until the backup fails."""
    target = tmp_path / "backups"
    target.mkdir()
    block = 2**20
    free = [os.statvfs_result((block, block, 100, each, each, *[0] * 6)) for each in free_blocks]
    monkeypatch.setattr(os, "statvfs", lambda _path: free.pop(0) if free[1:] else free[0])
    with pytest.raises(OperationError, match="no_room"):
        make_backup(target / "backup.tar")
    assert list(target.iterdir()) == []
    monkeypatch.setattr(backup, "_is_on_disk_of_portal", lambda _folder: False)
    assert make_backup(target / "backup.tar").documents, "nothing else needs that one"


@pytest.mark.sqlite
def test_older_archive_is_migrated_and_a_newer_one_refused(
    filled: Supplier, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(tmp_path / "older.tar")
    later = tmp_path / "migrations"
    shutil.copytree(db.MIGRATIONS, later)
    (later / "0002_later.py").write_text("def up(migrator, db):\n    pass\n")
    for module in (db, import_module("selfservice.db.database")):
        monkeypatch.setattr(module, "MIGRATIONS", later)
    assert restore(tmp_path / "older.tar", tmp_path / "copy").migrations == ["0002_later"]
    db.configure(f"sqlite:///{tmp_path / 'copy' / 'portal.db'}")
    db.ensure_open()
    db.migrate()
    monkeypatch.setattr(db, "applied_migrations", lambda: ["0001_tables", "9999_from_the_future"])
    make_backup(tmp_path / "newer.tar")
    with pytest.raises(OperationError, match="newer_archive"):
        restore(tmp_path / "newer.tar", tmp_path / "other")


@pytest.mark.sqlite
def test_documents_go_where_the_settings_say(
    filled: Supplier, instance: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(tmp_path / "backup.tar")
    elsewhere = tmp_path / "srv" / "documents"
    monkeypatch.setenv("SELFSERVICE_DOCUMENTS_DIR", str(elsewhere))
    restore(tmp_path / "backup.tar", tmp_path / "copy")
    assert len(list(elsewhere.glob("*/*.pdf"))) == 3
    assert not (tmp_path / "copy" / "documents").exists()
    with pytest.raises(OperationError, match="not_empty"):
        restore(tmp_path / "backup.tar", tmp_path / "third")
    assert not (tmp_path / "third").exists()
    assert (tmp_path / "copy" / config.KEY_NAME).is_file()
