"""A backup of SQLite becomes an instance on PostgreSQL, and the other way, row by row the same."""

import sqlite3
from collections.abc import Iterator
from contextlib import ExitStack, closing
from datetime import date, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest

from selfservice import audit, clock, db
from selfservice.accounts.models import Profile
from selfservice.app import create_app
from selfservice.db.database import BaseModel
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from selfservice.operations import installation, postgresql, restore
from selfservice.operations.backup import make_backup
from selfservice.operations.errors import OperationError
from selfservice.suppliers.models import Company, Supplier
from tests.factories import make_company, make_invoice, make_supplier, make_user
from tests.postgresql import url_for
from tests.smtp import queue_one

pytestmark = [pytest.mark.postgresql, pytest.mark.slow]

AWKWARD = "Élan\t« 100 % » \\N \\. \\t d'œuvre\nsur deux lignes\r\nÀ"


def models(base: type[BaseModel] = BaseModel) -> Iterator[type[BaseModel]]:
    for each in base.__subclasses__():
        yield each
        yield from models(each)


def contents() -> dict[str, list[Any]]:
    """Return every row of every table, as Python sees them, in an order of its own."""
    with db.connection():
        return {
            each._meta.table_name: sorted(map(repr, each.select().tuples())) for each in models()
        }


def next_ids() -> tuple[int, ...]:
    """Return the ids that new rows get."""
    with db.connection():
        supplier = make_supplier("suivant")
        return supplier.id, make_company(supplier, client_number="C-999").id


def file_contents(instance: Path) -> dict[str, Any]:
    """Return what a file of SQLite holds to the letter, the times of its migrations apart."""
    with closing(sqlite3.connect(instance / "portal.db")) as file:
        tables = [
            name
            for (name,) in file.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if name not in ("schema_migration", "sqlite_stat1")
        ]
        rows = {name: sorted(map(repr, file.execute(f'SELECT * FROM "{name}"'))) for name in tables}
    rows["sqlite_sequence"] = [each for each in rows["sqlite_sequence"] if "migration" not in each]
    return rows


def fill() -> None:
    """Put awkward values into many tables, and take the newest ids back out."""
    supplier = make_supplier("diac", opened_on=date(2022, 12, 2))
    company = make_company(supplier, client_number="C-1", name="Société " + "é" * 90)
    make_company(make_supplier("martin"), client_number="C-1", email=None)
    user = make_user(company, login="alice", is_administrator=True)
    make_user(company, login="bob", is_active=False)
    Profile.create(company=company, name=AWKWARD[:40])
    for number in range(30):
        content = f"document {number}".encode()
        path = storage.path_of(sha256(content).hexdigest())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        invoice = make_invoice(company, number=f"F-{number}", sha256=path.stem)
    Invoice.update(due_on=None, gross_cents=-(2**40)).where(Invoice.id == invoice.id).execute()
    audit.record("test", actor="system", words=AWKWARD)
    mail = queue_one()
    type(mail).update(
        body_text=AWKWARD, created_at=clock.now().replace(microsecond=600), subject=""
    ).execute()
    user.closed_at = clock.now() - timedelta(days=1)
    user.save()
    make_company(supplier, client_number="gone").delete_instance()
    make_supplier("gone").delete_instance()


@pytest.fixture
def on_sqlite(place: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    """A filled instance on SQLite, beside the one of the test."""
    instance = tmp_path / "sqlite"
    monkeypatch.setenv("SELFSERVICE_INSTANCE", str(instance))
    monkeypatch.delenv("SELFSERVICE_DATABASE_URL", raising=False)
    installation.install(instance)
    with create_app().app_context(), db.connection():
        fill()
        yield instance


def test_sqlite_becomes_postgresql_and_comes_back_the_same(
    on_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before, file_before = contents(), file_contents(on_sqlite)
    make_backup(tmp_path / "first.tar")
    assert len(before["invoice"]) == 30

    monkeypatch.setenv("SELFSERVICE_DATABASE_URL", url_for(tmp_path / "there"))
    there = tmp_path / "there"
    done = restore.restore(tmp_path / "first.tar", there)
    assert (done.documents, done.missing) == (30, [])
    assert not (there / "portal.db").exists()
    assert not db.is_sqlite()
    assert contents() == before

    monkeypatch.setenv("SELFSERVICE_INSTANCE", str(there))
    with create_app().app_context(), db.connection():
        make_backup(tmp_path / "second.tar")
    monkeypatch.delenv("SELFSERVICE_DATABASE_URL")
    back = tmp_path / "back"
    restore.restore(tmp_path / "second.tar", back)
    db.configure(f"sqlite:///{back / 'portal.db'}")
    assert contents() == before
    assert file_contents(back) == file_before


TRIGGERS = {
    True: """CREATE TRIGGER steal AFTER INSERT ON audit_entry
        BEGIN UPDATE company SET email = 'other@example.com'; END""",
    False: """CREATE FUNCTION steal() RETURNS trigger LANGUAGE plpgsql AS
        $$ BEGIN UPDATE company SET email = 'other@example.com'; RETURN NEW; END $$;
        CREATE TRIGGER steal AFTER INSERT ON audit_entry FOR EACH ROW EXECUTE FUNCTION steal();
        CREATE RULE again AS ON INSERT TO tombstone DO ALSO DELETE FROM invoice""",
}
DOING = {
    True: "SELECT count(*) FROM sqlite_master WHERE type = 'trigger'",
    False: "SELECT (SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal)"
    " + (SELECT count(*) FROM pg_rules WHERE schemaname = 'public')"
    " + (SELECT count(*) FROM pg_constraint WHERE condeferrable)",
}


def test_of_a_base_that_does_things_by_itself_the_rows_alone_come_back(
    on_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a trigger does would outlive every new key and password."""
    before = contents()
    stack = ExitStack()
    for number, url in enumerate((None, url_for(tmp_path / "1"), url_for(tmp_path / "2"), None)):
        with db.connection():
            for statement in TRIGGERS[db.is_sqlite()].split(";\n        CREATE"):
                prefix = "" if statement.startswith("CREATE") else "CREATE"
                db.database.execute_sql(prefix + statement)
            assert db.database.execute_sql(DOING[db.is_sqlite()]).fetchone()[0] > 0
            make_backup(tmp_path / f"{number}.tar")
        if url:
            monkeypatch.setenv("SELFSERVICE_DATABASE_URL", url)
        else:
            monkeypatch.delenv("SELFSERVICE_DATABASE_URL", raising=False)
        instance = tmp_path / f"{number}"
        restore.restore(tmp_path / f"{number}.tar", instance)
        monkeypatch.setenv("SELFSERVICE_INSTANCE", str(instance))
        stack.enter_context(create_app().app_context())
        assert contents() == before
        with db.connection():
            assert db.database.execute_sql(DOING[db.is_sqlite()]).fetchone()[0] == 0
    stack.close()


def test_ids_are_given_once_wherever_the_instance_goes(
    on_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(tmp_path / "first.tar")
    gone = [model.select().order_by(model.id.desc()).get().id + 1 for model in (Supplier, Company)]
    monkeypatch.setenv("SELFSERVICE_DATABASE_URL", url_for(tmp_path / "there"))
    restore.restore(tmp_path / "first.tar", tmp_path / "there")
    assert next_ids() == tuple(each + 1 for each in gone)


def test_failed_restoration_leaves_postgresql_empty(
    on_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(tmp_path / "first.tar")
    url = url_for(tmp_path / "there")
    monkeypatch.setenv("SELFSERVICE_DATABASE_URL", url)

    def fail(*_: object) -> None:
        raise OperationError("document_absent", sha256="0")

    with monkeypatch.context() as broken:
        broken.setattr(restore, "names_of", fail)
        with pytest.raises(OperationError, match="document_absent"):
            restore.restore(tmp_path / "first.tar", tmp_path / "there")
    db.configure(url)
    with db.connection():
        assert db.database.get_tables() == []
    assert not (tmp_path / "there").exists()
    assert restore.restore(tmp_path / "first.tar", tmp_path / "there").documents == 30


def test_postgresql_that_holds_something_is_refused(
    on_sqlite: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_backup(tmp_path / "first.tar")
    monkeypatch.setenv("SELFSERVICE_DATABASE_URL", url_for(tmp_path / "there"))
    restore.restore(tmp_path / "first.tar", tmp_path / "there")
    with pytest.raises(OperationError, match="database_not_empty"):
        restore.restore(tmp_path / "first.tar", tmp_path / "again")
    with db.connection():
        assert Invoice.select().count() == 30


def test_dump_without_its_program_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(OperationError, match="no_program"):
        list(postgresql.text_of(tmp_path / "portal.dump"))
