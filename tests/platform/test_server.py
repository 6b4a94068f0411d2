"""The real server, and the real worker process."""

import re
import socket
import time
import urllib.error
import urllib.parse
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from http.client import HTTPResponse
from http.cookiejar import CookieJar
from pathlib import Path

import pytest
from flask import Flask

from selfservice import db
from selfservice.accounts import passwords, recovery
from selfservice.accounts.models import User, UserSession
from selfservice.connections import CROWD, SILENCE_SECONDS
from selfservice.mail.outbox import OutboxMail
from selfservice.queue import queue
from selfservice.tokens import Token
from tests.conftest import free_port
from tests.factories import PASSWORD, People, make_company, make_invoice, make_supplier, make_user
from tests.processes import START_SECONDS, command, running, serving, wait_until

TOKEN = re.compile(r'name="csrf_token"[^>]*value="([^"]+)"')


class Visitor:
    """A browser without script, over a real socket.

    Whoever meets too many that hash at once sends the form again a little later. `refusal` is the
    page of the last answer that was an error.
    """

    refusal = ""

    def __init__(self, address: str) -> None:
        self.address = address
        self.cookies = CookieJar()
        self.opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(self.cookies))

    def get(self, path: str) -> str:
        with self._open(path) as response:
            text: str = response.read().decode()
        return text

    def post(self, path: str, fields: dict[str, str]) -> str:
        body = urllib.parse.urlencode(fields).encode()
        while True:
            try:
                with self._open(path, body) as response:
                    address: str = response.geturl()
            except urllib.error.HTTPError as error:
                if error.headers["Retry-After"] != str(passwords.WAIT_SECONDS):
                    raise
                time.sleep(0.1)
            else:
                return address

    def _open(self, path: str, body: bytes | None = None) -> HTTPResponse:
        try:
            response: HTTPResponse = self.opener.open(
                self.address + path, body, timeout=START_SECONDS
            )
        except urllib.error.HTTPError as error:
            with error:
                self.refusal = error.read().decode()
            raise
        return response


@pytest.mark.slow
def test_sign_in_works_across_threads(app: Flask, instance: Path, people: People) -> None:
    with serving(instance, free_port()) as address:
        visitor = Visitor(address)
        token = TOKEN.search(visitor.get("/connexion"))
        assert token
        fields = {"csrf_token": token[1], "login": "alice", "password": PASSWORD}
        assert visitor.post("/connexion", fields) == f"{address}/factures"
        for _ in range(8):
            assert "Atelier Alice" in visitor.get("/profil/compte")


@pytest.mark.slow
def test_slow_bodies_cost_the_others_nothing(app: Flask, instance: Path) -> None:
    port = free_port()
    with serving(instance, port) as address, ExitStack() as stack:
        for _ in range(200):
            slow = stack.enter_context(slow_body(port))
        for _ in range(8):
            assert "Connexion" in Visitor(address).get("/")
        slow.settimeout(0.1)
        with pytest.raises(TimeoutError):
            slow.recv(1)


@pytest.mark.soak
def test_slow_body_is_closed_after_a_while(app: Flask, instance: Path) -> None:
    port = free_port()
    with serving(instance, port), slow_body(port) as connection:
        connection.settimeout(2 * SILENCE_SECONDS)
        assert connection.recv(1) == b""


@pytest.mark.slow
def test_of_a_crowd_that_says_nothing_each_is_closed_soon(app: Flask, instance: Path) -> None:
    port = free_port()
    with serving(instance, port), ExitStack() as stack:
        silent = [stack.enter_context(slow_body(port)) for _ in range(CROWD + 10)]
        begun = time.monotonic()
        silent[-1].settimeout(SILENCE_SECONDS)
        assert silent[-1].recv(1) == b""
        assert time.monotonic() - begun < SILENCE_SECONDS / 2


def slow_body(port: int) -> socket.socket:
    """Begin to send a form, and say no more."""
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(
        b"POST /connexion HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000\r\n"
        b"Content-Type: application/x-www-form-urlencoded\r\n\r\nlogin="
    )
    return connection


def test_form_broken_off_on_its_way_does_nothing(
    app: Flask, instance: Path, people: People
) -> None:
    port = free_port()
    with serving(instance, port) as address:
        visitor = Visitor(address)
        token = TOKEN.search(visitor.get("/connexion"))
        assert token
        cookies = "; ".join(f"{each.name}={each.value}" for each in visitor.cookies)
        form = urllib.parse.urlencode(
            {"csrf_token": token[1], "login": "alice", "password": PASSWORD}
        )
        head = (
            "POST /connexion HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Cookie: {cookies}\r\nContent-Type: application/x-www-form-urlencoded\r\n"
        )
        with socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS) as connection:
            announced = f"{head}Content-Length: {len(form) + 20}\r\n\r\n{form}"
            connection.sendall(announced.encode())
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1000) == b"", "closed without an answer"
        assert UserSession.select().count() == 0
        with socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS) as connection:
            connection.sendall(f"{head}Content-Length: {len(form)}\r\n\r\n{form}".encode())
            assert connection.recv(1000).startswith(b"HTTP/1.1 302"), "whole, it signs in"


@pytest.mark.parametrize("logins", [1, 3])
@pytest.mark.slow
def test_twenty_uses_of_one_link_at_once_set_one_password(
    logins: int, app: Flask, instance: Path, people: People
) -> None:
    for number in range(1, logins):
        company = make_company(people.other_supplier, email="alice@example.com")
        make_user(company, f"alice_{number}", email="alice@example.com", is_from_activation=True)
    recovery.request_link("alice@example.com", origin="192.0.2.1")
    path = re.search(r"/reinitialisation/\S+", OutboxMail.get().body_text)
    assert path
    with serving(instance, free_port()) as address:
        visitors = []
        for _ in range(20):
            visitor = Visitor(address)
            token = TOKEN.search(visitor.get(path[0]))
            assert token
            visitors.append((visitor, token[1]))

        def use(number: int) -> str | None:
            visitor, token = visitors[number]
            password = f"Cabrette-verte{number}"
            fields = {"csrf_token": token, "password": password, "confirmation": password}
            fields["user_id"] = str(recovery.ALL_LOGINS)
            try:
                end = visitor.post("/reinitialisation", fields)
            except urllib.error.HTTPError as error:
                assert error.code == 410
                return None
            return password if end.endswith("/connexion") else None

        with ThreadPoolExecutor(20) as pool:
            winners = [password for password in pool.map(use, range(20)) if password]
    assert len(winners) == 1
    assert Token.select().where(Token.used_at.is_null(False)).count() == 1
    assert OutboxMail.select().where(OutboxMail.kind == "password_changed").count() == 1
    owned = list(User.select().where(User.email == "alice@example.com"))
    assert len(owned) == logins
    assert all(passwords.is_password_of(user, winners[0]) for user in owned)


def test_taken_port_and_missing_migrations_are_refused_in_one_line(
    app: Flask, instance: Path, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        refused = command(instance, "serve", "--port", str(port))
    assert refused.returncode == 1
    assert "déjà prise" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1
    db.database.execute_sql("DELETE FROM schema_migration")
    refused = command(instance, "serve", "--port", str(free_port()))
    assert refused.returncode == 1
    assert "selfservice init" in refused.stderr
    assert len(refused.stderr.strip().splitlines()) == 1


def test_worker_sends_what_a_deposit_causes_within_seconds(app: Flask, instance: Path) -> None:
    company = make_company(make_supplier(), email="pierre@example.com")
    with running(instance, "worker"):
        time.sleep(1)
        make_invoice(company)
        queue.wake()
        wait_until(lambda: list((instance / "mail").glob("*.eml")))
    (mail,) = OutboxMail.select()
    assert (mail.kind, mail.state, mail.to_address) == ("activation", "sent", "pierre@example.com")


@pytest.mark.parametrize("words", [("mail", "list"), ("users", "list"), ("routes",)])
def test_commands_that_look_end_with_0(
    words: tuple[str, ...], app: Flask, instance: Path, people: People
) -> None:
    done = command(instance, *words)
    assert (done.returncode, done.stderr) == (0, "")


def test_header_with_an_underscore_passes_for_no_other(app: Flask, instance: Path) -> None:
    with serving(instance, free_port(), PROXY_COUNT="1") as address:
        forged = urllib.request.Request(
            f"{address}/sante", headers={"X_Forwarded_For": "127.0.0.1"}
        )
        with urllib.request.urlopen(forged, timeout=START_SECONDS) as answer:
            assert b"free_bytes" in answer.read(), "no proxy has spoken"


def test_large_file_and_interrupted_visitors_leave_the_site_well(
    app: Flask, instance: Path, tmp_path: Path
) -> None:
    site = tmp_path / "site"
    site.mkdir()
    content = bytes(range(256)) * 20_000
    (site / "large.bin").write_bytes(content)
    port = free_port()
    with serving(instance, port, HELP_SITE_DIR=str(site)) as address:
        for _ in range(20):
            leaving = socket.create_connection(("127.0.0.1", port))
            leaving.sendall(b"GET /aide/large.bin HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert leaving.recv(1000)
            leaving.close()
        with urllib.request.urlopen(f"{address}/aide/large.bin", timeout=START_SECONDS) as answer:
            assert answer.read() == content
        head = urllib.request.Request(f"{address}/aide/large.bin", method="HEAD")
        with urllib.request.urlopen(head, timeout=START_SECONDS) as answer:
            assert answer.headers["Content-Length"] == str(len(content))
