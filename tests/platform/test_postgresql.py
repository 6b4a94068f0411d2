"""What a server apart brings: lost connections, hosts side by side, a queue of its own."""

import signal
import zlib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from importlib import import_module
from pathlib import Path

import pytest
from flask import Flask
from huey.api import PostgresHuey
from peewee import OperationalError

from selfservice import db
from selfservice.accounts.models import User
from selfservice.db import postgresql
from selfservice.deposits.deposit import deposit_folder
from selfservice.mail import delivery
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import send
from selfservice.queue import queue
from selfservice.suppliers.models import Company, Supplier
from tests import papers
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_company, make_invoice, make_supplier, make_user
from tests.postgresql import server
from tests.processes import command, running, wait_until

pytestmark = pytest.mark.postgresql


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    path = tmp_path / "depot"
    path.mkdir()
    return path


@pytest.fixture
def neighbour(app: Flask, database_url: str) -> Iterator[postgresql.Postgresql]:
    """Another host's connection to the same database."""
    other = postgresql.Postgresql(database_url, lock_timeout_seconds=1)
    other.connect()
    yield other
    other.close()


def drop_connection() -> None:
    """End the portal's own connection on the server's side."""
    pid = db.database.connection().info.backend_pid
    server().execute(f"SELECT pg_terminate_backend({pid}, 5000)")


def is_free(name: str, neighbour: postgresql.Postgresql) -> bool:
    """Tell whether another host could begin an exclusive work now."""
    query = "SELECT pg_try_advisory_lock(%s), pg_advisory_unlock(%s)"
    key = zlib.crc32(name.encode())
    return bool(neighbour.execute_sql(query, (key, key)).fetchone()[0])


def test_the_main_job_from_a_deposit_to_the_invoices_read(
    app: Flask, instance: Path, folder: Path, browser: Browser
) -> None:
    company = make_company(make_supplier(), email="a@example.com")
    make_user(company, "alice")
    (folder / "f1.pdf").write_bytes(papers.facturx(company, number="F-1"))
    assert deposit_folder(company.supplier, folder).deposited == 1
    assert send.send_due().activated == 1
    assert delivery.deliver_due().sent == 1
    assert len(list((instance / "mail").glob("*.eml"))) == 1
    assert browser.sign_in("alice", PASSWORD).status_code == 302
    assert "F-1" in browser.get("/factures").text


def test_starts_at_the_same_time_migrate_once(instance: Path) -> None:
    with ThreadPoolExecutor(2) as pool:
        ends = list(pool.map(lambda _: command(instance, "init"), range(2)))
    assert [(done.returncode, done.stderr) for done in ends] == [(0, "")] * 2
    assert sum(" 0 migration" in done.stdout for done in ends) == 1


def test_a_connection_dropped_between_requests_is_replaced(app: Flask) -> None:
    drop_connection()
    assert app.test_client().get("/sante").status_code == 200


def test_a_connection_dropped_at_work_answers_503_once(app: Flask) -> None:
    @app.get("/dropped")
    def dropped() -> str:
        with db.database.atomic():
            make_supplier("half-done")
            drop_connection()
            return str(Supplier.select().count())

    client = app.test_client()
    assert client.get("/dropped").status_code == 503
    assert client.get("/sante").status_code == 200
    assert Supplier.select().count() == 0


def test_a_transaction_left_open_on_a_dropped_connection_is_forgotten(app: Flask) -> None:
    db.database.begin()
    db.database.push_transaction(object())
    drop_connection()
    db.release()
    assert app.test_client().get("/sante").status_code == 200


def test_a_server_killed_and_back_needs_no_help(
    instance: Path, make_app: Callable[[], Flask]
) -> None:
    client = make_app().test_client()
    server().stop(signal.SIGKILL)
    # What served a connection outlives its server for a moment.
    wait_until(lambda: client.get("/connexion").status_code == 503)
    refused = command(instance, "mail", "list")
    assert refused.returncode == 1
    assert refused.stderr.startswith("Erreur : Base de données")
    server().start()
    assert client.get("/connexion").status_code == 200


def test_one_transaction_writes_at_a_time(neighbour: postgresql.Postgresql) -> None:
    with db.database.atomic():
        with pytest.raises(OperationalError), neighbour.atomic():
            pass
        assert neighbour.execute_sql("SELECT 1").fetchone() == (1,), "it reads all the same"
    with neighbour.atomic():
        pass


def test_an_exclusive_work_frees_its_place_with_its_holder(
    neighbour: postgresql.Postgresql,
) -> None:
    with pytest.raises(LookupError), db.exclusive("delivery"):
        assert not is_free("delivery", neighbour)
        drop_connection()
        assert is_free("delivery", neighbour)
        raise LookupError("it must not hide behind the lost lock")
    db.ensure_open()
    with db.exclusive("delivery"):
        assert not is_free("delivery", neighbour)
    assert is_free("delivery", neighbour)


def test_nul_is_found_nowhere_and_breaks_nothing(people: People) -> None:
    assert User.get_or_none(User.login == "ali\0ce") is None
    company = make_company(people.supplier, name="Ali\0ce")
    assert Company.get_by_id(company.id).name == "Ali\ufffdce"


def test_workers_wake_by_a_queue_on_postgresql(
    instance: Path,
    database_url: str,
    configure: Callable[..., None],
    make_app: Callable[[], Flask],
) -> None:
    configure(QUEUE_URL=database_url)
    make_app()
    supplier = make_supplier()
    with running(instance, "worker") as one, running(instance, "worker") as two:
        wait_until(lambda: db.database.table_exists("huey_counter"))
        for number in range(5):
            make_invoice(make_company(supplier, email=f"user{number}@example.com"))
            queue.wake()
        wait_until(
            lambda: OutboxMail.select().where(OutboxMail.state == "sent").count() == 5, seconds=60
        )
        assert (one.poll(), two.poll()) == (None, None)
    assert OutboxMail.select().where(OutboxMail.attempts == 1).count() == 5
    queue.huey.storage.close()


def test_one_process_at_a_time_makes_the_tables_of_the_queue(
    neighbour: postgresql.Postgresql, database_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Watched(PostgresHuey):
        def __init__(self, *args: object, **kwargs: object) -> None:
            assert not is_free("queue", neighbour)
            super().__init__(*args, **kwargs)

    monkeypatch.setattr(import_module("huey.api"), "PostgresHuey", Watched)
    queue.configure(database_url)
    assert isinstance(queue.huey, Watched)
    queue.huey.storage.close()
