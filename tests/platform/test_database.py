"""Migrations make the tables that the models describe; transactions end with the request."""

from collections.abc import Callable

import pytest
from flask import Flask
from peewee import Database, Model, SqliteDatabase
from playhouse.schema_diff import diff_models

from selfservice import db, ratelimit, submissions, tokens
from selfservice.accounts.models import (
    Activation,
    Profile,
    ProfileContract,
    RescueCode,
    SecondFactor,
    User,
    UserSession,
)
from selfservice.audit import AuditEntry
from selfservice.feedback.models import Call, HelpVote, MissedSearch
from selfservice.invoices.models import Credited, Invoice, Opening, Tombstone
from selfservice.mail.backoff import MailPause
from selfservice.mail.outbox import OutboxAttempt, OutboxMail
from selfservice.operations.heartbeats import Heartbeat
from selfservice.operations.shared_key import KeyFingerprint
from selfservice.requests.models import CustomerRequest
from selfservice.suppliers.models import Company, RegisterChange, Supplier
from tests.factories import make_company, make_invoice, make_supplier

TABLES: list[type[Model]] = [
    Supplier,
    Company,
    RegisterChange,
    Profile,
    ProfileContract,
    User,
    Activation,
    UserSession,
    SecondFactor,
    RescueCode,
    Invoice,
    Opening,
    Credited,
    Tombstone,
    CustomerRequest,
    OutboxMail,
    OutboxAttempt,
    MailPause,
    tokens.Token,
    AuditEntry,
    ratelimit.RateCounter,
    submissions.Kept,
    Heartbeat,
    KeyFingerprint,
    HelpVote,
    Call,
    MissedSearch,
]


def test_migrations_make_the_tables_of_the_models(app: Flask) -> None:
    difference = diff_models(db.database.obj, TABLES)
    assert not difference, difference


@pytest.mark.sqlite
def test_migrations_make_each_column_as_its_model_says(app: Flask) -> None:
    """Lengths, absent values and what a deletion takes along: `diff_models` compares none."""
    memory = SqliteDatabase(":memory:")
    with memory.bind_ctx(TABLES):
        memory.create_tables(TABLES)
    made = _statements(memory)
    assert {name: each for name, each in _statements(db.database).items() if name in made} == made
    memory.close()


def _statements(database: Database) -> dict[str, list[str]]:
    """Return what made each table and index, in parts that stand in no order."""
    found = database.execute_sql("SELECT name, sql FROM sqlite_master WHERE sql IS NOT NULL")
    return {name: sorted(sql.replace(" AUTOINCREMENT", "").split(", ")) for name, sql in found}


def test_every_model_is_compared() -> None:
    assert set(TABLES) == set(db.BaseModel.__subclasses__())


def test_an_id_is_never_given_twice(app: Flask) -> None:
    invoice = make_invoice(make_company(make_supplier()))
    invoice.delete_instance()
    assert make_invoice(invoice.company).id > invoice.id


def test_migrating_again_does_nothing(app: Flask) -> None:
    assert db.pending_migrations() == []
    assert db.migrate() == []


def test_names_come_in_the_order_of_a_french_reader(app: Flask) -> None:
    names = ["Abel", "élan", "Élan", "Etoile", "Œuvres", "Zoé"]
    supplier = make_supplier()
    for name in reversed(names):
        make_company(supplier, name=name)
    sorted_names = Company.select().order_by(Company.name.collate(db.FRENCH))
    assert [company.name for company in sorted_names] == names


@pytest.mark.sqlite
def test_sqlite_waits_for_writers_and_keeps_its_promises(app: Flask) -> None:
    pragma = lambda name: db.database.execute_sql(f"PRAGMA {name}").fetchone()[0]  # noqa: E731
    assert pragma("journal_mode") == "wal"
    assert pragma("foreign_keys") == 1
    assert pragma("synchronous") == 1
    with db.durable():
        assert pragma("synchronous") == 2
    assert pragma("busy_timeout") == db.LOCK_TIMEOUT_SECONDS * 1000


def test_release_leaves_no_transaction_behind(app: Flask) -> None:
    db.database.begin()
    db.database.push_transaction(object())
    db.release()
    assert not db.database.in_transaction()
    with db.database.atomic():
        assert Supplier.select().count() == 0


@pytest.mark.sqlite
def test_unwritable_database_answers_503(make_app: Callable[[], Flask]) -> None:
    client = make_app().test_client()
    db.database.execute_sql("PRAGMA query_only = 1")
    page = client.get("/recuperation").text
    token = page.split('name="csrf_token"')[1].split('value="')[1].split('"')[0]
    response = client.post("/recuperation", data={"csrf_token": token, "email": "a@example.com"})
    assert response.status_code == 503
    refused = client.post("/connexion", data={"login": "alice"})
    assert refused.status_code == 400, "a refusal that cannot be journalled stays a refusal"
    db.database.execute_sql("PRAGMA query_only = 0")
    assert client.get("/sante").status_code == 200
