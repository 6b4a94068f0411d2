"""/sante: 200 or 503 for everybody, what is behind it for who asks on the host."""

import time
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from selfservice import clock, db
from selfservice.operations import health, heartbeats, views
from tests.conftest import Browser
from tests.factories import make_company, make_invoice, make_supplier


@pytest.fixture(autouse=True)
def nothing_cached(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "CACHE_SECONDS", -1.0)


def test_healthy_instance_answers_200(browser: Browser) -> None:
    response = browser.get("/sante", environ_base={"REMOTE_ADDR": "203.0.113.9"})
    assert (response.status_code, response.json) == (200, {"status": "ok"})
    assert response.headers["Cache-Control"] == "no-store"


def test_details_are_for_the_host_only(
    configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    client = make_app().test_client()
    assert client.get("/sante").json.keys() > {"status", "fault", "worker_age_seconds"}  # type: ignore[union-attr]
    for lie in ("X-Forwarded-For", "Forwarded", "Via"):
        answer = client.get("/sante", headers={lie: "127.0.0.1"})
        assert answer.json == {"status": "ok"}, f"{lie}: who comes through a proxy is elsewhere"
    configure(PROXY_COUNT="1")
    behind = make_app().test_client()
    headers = {"X-Forwarded-For": "203.0.113.9, 127.0.0.1"}
    assert behind.get("/sante", headers=headers).json == {"status": "ok"}


def test_pending_migration_answers_503(app: Flask) -> None:
    db.database.execute_sql("DELETE FROM schema_migration")
    response = app.test_client().get("/sante")
    assert (response.status_code, response.json["fault"]) == (503, "migrations")  # type: ignore[index]


def test_full_disk_and_read_only_database_answer_503(
    app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health, "is_writable", lambda: False)
    assert app.test_client().get("/sante").json["fault"] == "read-only"  # type: ignore[index]
    monkeypatch.setattr(health, "free_bytes", lambda _folder: 0)
    assert app.test_client().get("/sante").json["fault"] == "disk"  # type: ignore[index]


def test_documents_that_are_away_answer_503(app: Flask) -> None:
    folder = app.config["DOCUMENTS_DIR"]
    folder.rename(folder.with_name("elsewhere"))
    response = app.test_client().get("/sante")
    assert (response.status_code, response.json["fault"]) == (503, "documents")  # type: ignore[index]
    folder.with_name("elsewhere").rename(folder)


def test_late_worker_and_backlog_are_details(app: Flask) -> None:
    client = app.test_client()
    assert client.get("/sante").json["worker_age_seconds"] is None  # type: ignore[index]
    heartbeats.beat()
    invoice = make_invoice(make_company(make_supplier()))
    invoice.deposited_at -= timedelta(hours=1)
    invoice.save()
    response = client.get("/sante")
    assert response.status_code == 200
    assert response.json["worker_age_seconds"] in (0, 1)  # type: ignore[index]
    assert response.json["unannounced_documents"] == 1  # type: ignore[index]
    assert response.json["overdue_mails"] == 0  # type: ignore[index]


def test_answer_is_kept_for_a_second(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(views, "CACHE_SECONDS", 60.0)
    client = app.test_client()
    assert client.get("/sante").status_code == 200
    db.database.execute_sql("DELETE FROM schema_migration")
    assert client.get("/sante").status_code == 200
    then = time.monotonic() + 61
    monkeypatch.setattr(time, "monotonic", lambda: then)
    assert client.get("/sante").status_code == 503


def test_heartbeats_move_forward(app: Flask) -> None:
    assert heartbeats.age(heartbeats.BACKUP) is None
    heartbeats.note(heartbeats.BACKUP)
    heartbeats.Heartbeat.update(at=clock.now() - timedelta(days=3)).execute()
    assert heartbeats.age(heartbeats.BACKUP) > timedelta(days=2)  # type: ignore[operator]
    heartbeats.note(heartbeats.BACKUP)
    assert heartbeats.age(heartbeats.BACKUP) < timedelta(minutes=1)  # type: ignore[operator]


@pytest.mark.sqlite
def test_what_cannot_be_written_is_not_vouched_for(app: Flask) -> None:
    db.database.execute_sql("PRAGMA query_only = 1")
    found = app.test_client().get("/sante").json
    assert (found["status"], found["fault"]) == ("error", "read-only")  # type: ignore[index]
    assert app.test_client().get("/sante").json["status"] == "ok"  # type: ignore[index]
