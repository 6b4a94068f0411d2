"""One JSON line a request: enough to follow a visitor's fault, no secret, no forged line."""

import json
import logging
import socket
import struct
import time
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from peewee import OperationalError

from selfservice import logs
from selfservice.accounts import recovery
from selfservice.audit import AuditEntry
from selfservice.mail import outbox
from tests.conftest import Browser, free_port
from tests.factories import People
from tests.processes import running, said, serving, wait_until


@pytest.fixture
def lines(app: Flask, caplog: pytest.LogCaptureFixture) -> Callable[[], list[dict[str, Any]]]:
    """The lines that requests have logged so far, as a reader of the log gets them."""
    caplog.set_level(logging.INFO, "selfservice.requests")
    formatter = logs.JsonFormatter()
    return lambda: [
        json.loads(formatter.format(record))
        for record in caplog.records
        if record.name == "selfservice.requests"
    ]


def test_each_request_has_one_line(
    lines: Callable[[], list[dict[str, Any]]], alice: Browser, people: People
) -> None:
    before = len(lines())
    response = alice.get("/profil/compte?q=secret")
    (line,) = lines()[before:]
    assert line["request_id"] == response.headers["X-Request-ID"]
    assert (line["method"], line["path"], line["status"]) == ("GET", "/profil/compte", 200)
    assert line["bytes"] == len(response.data)
    assert line["user_id"] == people.alice.id
    assert line["origin"] == "127.0.0.1"
    assert line["ms"] > 0
    assert line["at"].endswith("+00:00")
    assert "secret" not in json.dumps(line)


def test_static_files_have_a_line_too(
    lines: Callable[[], list[dict[str, Any]]], browser: Browser
) -> None:
    browser.get("/static/portal.css")
    assert lines()[-1]["path"] == "/static/portal.css"


@pytest.mark.parametrize(
    "path",
    [
        "/reinitialisation/S3cr3t-token",
        "/telechargement/S3cr3t-token",
        "/telechargement/S3cr3t-token/",
        "/x//telechargement/S3cr3t-token",
        "/Reinitialisation/x/S3cr3t-token",
        "/demandes//preuve/S3cr3t-token",
    ],
)
def test_a_link_ends_at_its_token(
    path: str, lines: Callable[[], list[dict[str, Any]]], browser: Browser
) -> None:
    browser.get(path)
    assert "S3cr3t" not in json.dumps(lines())
    assert lines()[-1]["path"].endswith("/…")


def test_journal_and_faults_hold_no_token(
    app: Flask, people: People, caplog: pytest.LogCaptureFixture
) -> None:
    app.test_client().post("/telechargement/S3cr3t-token", data={"x": "y"})
    assert AuditEntry.select().where(AuditEntry.facts.contains("S3cr3t")).count() == 0
    recovery.request_link("alice@example.com", origin="192.0.2.1")
    assert outbox.mails().count() == 1
    assert "S3cr3t" not in caplog.text


def test_no_visitor_forges_a_line() -> None:
    record = logging.makeLogRecord({"msg": "a\r\n{}\x1b[2J", "facts": {"path": "/\n\u2028é"}})
    line = logs.JsonFormatter().format(record)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["path"] == "/\n\u2028é"


def test_number_of_a_proxy_is_kept_only_behind_one(
    configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    sent = {"X-Request-ID": "0123456789abcdef"}
    assert make_app().test_client().get("/sante", headers=sent).headers["X-Request-ID"] != sent
    configure(PROXY_COUNT="1")
    client = make_app().test_client()
    assert client.get("/sante", headers=sent).headers["X-Request-ID"] == "0123456789abcdef"
    forged = client.get("/sante", headers={"X-Request-ID": 'x"; forged line'})
    assert "forged" not in forged.headers["X-Request-ID"]


def test_server_writes_only_json_lines(app: Flask, instance: Path) -> None:
    port = free_port()
    address = f"http://127.0.0.1:{port}"
    keys = {"PUBLIC_URL": address, "LOG_LEVEL": "info"}
    with running(instance, "serve", "--port", str(port), **keys):
        wait_until(lambda: _answers(f"{address}/connexion?next=/secret"))
    lines = [json.loads(each) for each in said(instance).read_text("utf-8").splitlines()]
    line = next(each for each in lines if "path" in each)
    assert (line["path"], line["status"]) == ("/connexion", 200)
    assert line["ms"] > 0


def _answers(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as response:
            return bool(response.headers["X-Request-ID"])
    except OSError:
        return False


def told(once: logs.Once, count: int, error: Exception, *, message: str = "company %s") -> int:
    """Log what an error causes so many times, and return how many lines were written of it."""
    lines = 0
    for number in range(count):
        record = logging.makeLogRecord({"msg": message, "levelno": logging.ERROR, "name": "portal"})
        record.args, record.exc_info = (number,), (type(error), error, None)
        lines += once.filter(record)
    return lines


def test_server_cuts_the_link_of_who_leaves_meanwhile(app: Flask, instance: Path) -> None:
    port, at_once = free_port(), struct.pack("ii", 1, 0)
    with serving(instance, port, LOG_LEVEL="info"):
        for number in range(3000):
            with socket.create_connection(("127.0.0.1", port), timeout=10) as leaving:
                leaving.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, at_once)
                head = "GET /reinitialisation/aBcDeFgH HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
                leaving.sendall(head.encode())
                time.sleep(number % 60 / 10_000)
            if "Client disconnected" in said(instance).read_text():
                break
    told = said(instance).read_text()
    assert "Client disconnected while serving /reinitialisation/" in told
    assert "aBcDeFgH" not in told


def test_a_fault_is_told_once_whoever_meets_it(monkeypatch: pytest.MonkeyPatch) -> None:
    once = logs.Once()
    now = [1000.0]
    monkeypatch.setattr(logs.time, "monotonic", lambda: now[0])
    assert told(once, 10_000, OperationalError("database or disk is full")) == 1
    assert told(once, 100, OperationalError("database is locked")) == 1, "another fault"
    away = ConnectionError("Error 111 connecting to 127.0.0.1:6379"), ConnectionError("Connection")
    assert [told(once, 10, error) for error in away] == [1, 0], "one server away, told in two ways"
    assert told(once, 10, away[0], message="Error reading schedule %s") == 0, (
        "by another of its readers"
    )
    for _minute in range(59):
        now[0] += 60
        assert told(once, 1, away[0]) == 0
    now[0] += 60
    assert told(once, 2, away[0]) == 1, "it has lasted an hour"
    now[0] += logs.QUIET_SECONDS
    assert told(once, 2, away[0]) == 1, "it has come back"


def test_an_unexpected_error_of_a_request_is_always_told(app: Flask) -> None:
    once = logs.Once()
    error = ZeroDivisionError()
    record = logging.makeLogRecord({"msg": "request", "levelno": logging.ERROR})
    record.exc_info = (type(error), error, None)
    with app.test_request_context():
        assert [once.filter(record), once.filter(record)] == [True, True]
    assert [once.filter(record), once.filter(record)] == [True, False]


def test_what_is_not_a_fault_is_always_told() -> None:
    once = logs.Once()
    record = logging.makeLogRecord({"msg": "request", "levelno": logging.INFO})
    assert [once.filter(record), once.filter(record)] == [True, True]
