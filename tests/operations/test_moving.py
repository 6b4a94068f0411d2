"""Nothing that an instance keeps says where it lies: moved whole, it goes on."""

import shutil
from collections.abc import Callable
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from flask import Flask

from selfservice import config, db
from selfservice.deposits.deposit import deposit_folder
from selfservice.invoices.models import Invoice
from selfservice.mail import delivery
from selfservice.notifications import send
from selfservice.operations import installation
from selfservice.operations.backup import make_backup
from selfservice.operations.restore import restore
from selfservice.suppliers.models import Supplier
from tests import papers
from tests.factories import make_company, make_supplier

pytestmark = pytest.mark.slow

Configure = Callable[..., None]


def deposit_one(folder: Path) -> bytes:
    supplier = make_supplier("vendeur")
    company = make_company(supplier, email="pierre@example.com", notification="attached")
    content = papers.facturx(company)
    folder.mkdir()
    (folder / "a.pdf").write_bytes(content)
    assert deposit_folder(supplier, folder).deposited == 1
    return content


def test_no_row_says_where_the_instance_lies(app: Flask, instance: Path, tmp_path: Path) -> None:
    content = deposit_one(tmp_path / "depot")
    send.send_due()
    document = next((instance / "documents").glob("*/*.pdf"))
    document.unlink()
    delivery.deliver_due()  # what failed is told too
    assert content
    for table in db.database.get_tables():
        for row in db.database.execute_sql(f'SELECT * FROM "{table}"').fetchall():
            assert str(instance.parent) not in repr(row), table


def move(instance: Path, target: Path) -> None:
    db.database.close()
    shutil.move(instance, target)


def save_and_restore(instance: Path, target: Path) -> None:
    archive = target.with_suffix(".tar")
    make_backup(archive)
    db.database.close()
    shutil.rmtree(instance)
    restore(archive, target)


@pytest.mark.parametrize("go", [move, save_and_restore])
def test_what_waits_when_an_instance_moves_leaves_from_its_new_place(
    go: Callable[[Path, Path], None],
    make_app: Callable[[], Flask],
    instance: Path,
    configure: Configure,
    database_url: str | None,
    tmp_path: Path,
) -> None:
    make_app()
    content = deposit_one(tmp_path / "depot")
    send.send_due()
    moved = tmp_path / "ailleurs"
    if database_url and go is save_and_restore:
        pytest.skip("a restore needs an empty database, and the tests have one")
    go(instance, moved)
    configure(INSTANCE=str(moved))
    make_app()
    delivery.deliver_due()
    letters = [
        message_from_bytes(path.read_bytes(), policy=policy.default)
        for path in (moved / "mail").glob("*.eml")
    ]
    attached = [part.get_content() for each in letters for part in each.iter_attachments()]
    assert attached == [content]


def test_a_relative_setting_begins_at_the_instance_wherever_a_command_is_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir("/")
    (tmp_path / "config.toml").write_text(
        'DOCUMENTS_DIR = "papiers"\nDATABASE_URL = "sqlite:///bases/portail.db"\n'
        'QUEUE_URL = "sqlite:///../file.db"\nHELP_SITE_DIR = "/srv/aide"\n'
    )
    settings = config.load(tmp_path, {})
    assert settings["DOCUMENTS_DIR"] == tmp_path / "papiers"
    assert settings["DATABASE_URL"] == f"sqlite:///{tmp_path}/bases/portail.db"
    assert settings["QUEUE_URL"] == f"sqlite:///{tmp_path.parent}/file.db"
    assert settings["HELP_SITE_DIR"] == Path("/srv/aide")


@pytest.mark.parametrize("name", ["E-Facture #1", "factures?an=2026", "100 % été", "a;b&c"])
def test_an_instance_lies_in_a_folder_of_any_name(
    name: str,
    make_app: Callable[[], Flask],
    configure: Configure,
    database_url: str | None,
    tmp_path: Path,
) -> None:
    folder = tmp_path / name
    configure(INSTANCE=str(folder))
    installation.install(folder)
    make_app()
    deposit_one(tmp_path / "depot")
    db.database.close()
    assert {each.name for each in tmp_path.iterdir()} == {name, "depot"}
    assert database_url or (folder / config.DEFAULT_DATABASE_NAME).is_file()
    db.configure(config.load(folder)["DATABASE_URL"])
    with db.connection():
        assert (Supplier.select().count(), Invoice.select().count()) == (1, 1)
