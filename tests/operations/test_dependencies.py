"""PostgreSQL or Redis gone: a clear answer to who is signed in too, one line, and all by itself."""

import json
import shutil
import subprocess
import urllib.error
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from flask import Flask

from selfservice import db
from selfservice.mail.outbox import OutboxMail
from selfservice.operations import heartbeats
from selfservice.queue import queue
from tests.conftest import free_port
from tests.factories import PASSWORD, make_company, make_invoice, make_people
from tests.platform.test_server import TOKEN, Visitor
from tests.postgresql import server
from tests.processes import answers, command, running, said, serving, wait_until

needs_redis = pytest.mark.skipif(
    not shutil.which("redis-server"), reason="needs Debian's redis-server"
)


class Redis:
    """A server on a port of its own that keeps nothing."""

    def __init__(self) -> None:
        self.port = free_port()
        self.start()

    def start(self) -> None:
        words = ["redis-server", "--port", str(self.port), "--bind", "127.0.0.1", "--save", ""]
        self._process = subprocess.Popen(words, stdout=subprocess.DEVNULL)
        ping = ["redis-cli", "-p", str(self.port), "ping"]
        wait_until(lambda: b"PONG" in subprocess.run(ping, capture_output=True).stdout)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def url(self, number: int) -> str:
        return f"redis://127.0.0.1:{self.port}/{number}"


@pytest.fixture
def redis() -> Iterator[Redis]:
    started = Redis()
    yield started
    started.stop()


def signed_in(address: str) -> Visitor:
    visitor = Visitor(address)
    assert sign_in(visitor).endswith("/factures")
    return visitor


def sign_in(visitor: Visitor) -> str:
    token = TOKEN.search(visitor.get("/connexion"))
    assert token
    fields = {"csrf_token": token[1], "login": "alice", "password": PASSWORD}
    return visitor.post("/connexion", fields)


def refusal(visitor: Visitor, path: str) -> str:
    """Ask for what cannot be had now, and return the page or the JSON."""
    with pytest.raises(urllib.error.HTTPError) as raised:
        visitor.get(path)
    assert raised.value.code == 503, visitor.refusal
    assert raised.value.headers["Retry-After"] or path == "/sante"
    return visitor.refusal


def is_refused(visitor: Visitor, path: str) -> bool:
    try:
        visitor.get(path)
    except urllib.error.HTTPError as error:
        return error.code == 503
    except urllib.error.URLError:
        return True
    return False


def faults(instance: Path) -> list[str]:
    """Return what the processes of an instance have logged."""
    return said(instance).read_text("utf-8").splitlines()


@pytest.mark.postgresql
def test_who_is_signed_in_or_not_reads_that_the_database_is_away(
    instance: Path, make_app: Callable[[], Flask]
) -> None:
    make_app()
    make_people()
    with serving(instance, free_port()) as address:
        alice, anybody = signed_in(address), Visitor(address)
        server().stop()
        try:
            # What served a connection outlives its server for a moment.
            wait_until(lambda: is_refused(anybody, "/connexion"))
            for visitor in (alice, anybody):
                for path in ("/factures", "/profil/compte", "/connexion", "/nulle-part"):
                    page = refusal(visitor, path)
                    assert "momentanément indisponible" in page
                    assert "Atelier Alice" not in page
            assert json.loads(refusal(alice, "/sante"))["fault"] == "database"
            done = command(instance, "doctor")
            assert done.returncode == 1
            assert "personne n'y répond ; lancez PostgreSQL" in done.stdout
        finally:
            server().start()
        assert "Atelier Alice" in alice.get("/profil/compte")
        wait_until(lambda: not is_refused(anybody, "/sante"))
    assert len(faults(instance)) == 1, faults(instance)


@needs_redis
def test_limits_that_nobody_counts_keep_the_doors_shut_and_the_pages_open(
    app: Flask, instance: Path, redis: Redis
) -> None:
    make_people()
    keys = {"RATELIMIT_STORAGE_URI": redis.url(1), "QUEUE_URL": redis.url(0)}
    with serving(instance, free_port(), **keys) as address:
        alice, anybody = signed_in(address), Visitor(address)
        anybody.get("/connexion")
        redis.stop()
        for visitor in (alice, anybody):
            for _each in range(3):
                page = refusal(visitor, "/telechargement/none-of-ours")
                assert "momentanément indisponible" in page
                assert "Atelier Alice" not in page
        with pytest.raises(urllib.error.HTTPError) as raised:
            sign_in(anybody)
        assert raised.value.code == 503
        assert "Atelier Alice" in alice.get("/profil/compte"), "it counts nothing"
        wait_until(lambda: is_refused(anybody, "/sante"))  # an answer is kept for a second
        found = json.loads(refusal(anybody, "/sante"))
        assert (found["fault"], found["is_queue_reachable"]) == ("limits", False)
        done = command(instance, "doctor", **keys)
        for line in ("défaut\tLimites : ", "défaut\tFile d'attente : "):
            assert line in done.stdout + done.stderr
        redis.start()
        assert sign_in(anybody).endswith("/factures")
        wait_until(lambda: not is_refused(anybody, "/sante"))
    assert len(faults(instance)) == 1, faults(instance)


@needs_redis
def test_a_worker_whose_queue_was_away_says_so_once_and_goes_on(
    configure: Callable[..., None],
    instance: Path,
    make_app: Callable[[], Flask],
    redis: Redis,
) -> None:
    configure(QUEUE_URL=redis.url(0))
    make_app()
    company = make_company(make_people().supplier, email="new@example.com")
    with running(instance, "worker", QUEUE_URL=redis.url(0)):
        wait_until(lambda: heartbeats.last(heartbeats.WORKER))
        redis.stop()
        wait_until(lambda: said(instance).exists() and faults(instance))
        make_invoice(company)
        queue.wake()  # says that it could not, and costs the caller nothing
        redis.start()
        queue.wake()
        wait_until(lambda: OutboxMail.select().where(OutboxMail.state == "sent").count())
    told = [json.loads(line) for line in faults(instance)]
    assert len(told) == 1, [line["message"] for line in told]


@needs_redis
def test_services_that_start_before_their_redis_say_so_once_and_go_on(
    configure: Callable[..., None],
    instance: Path,
    make_app: Callable[[], Flask],
    redis: Redis,
) -> None:
    keys = {"RATELIMIT_STORAGE_URI": redis.url(1), "QUEUE_URL": redis.url(0)}
    configure(**keys)
    make_app()
    redis.stop()
    make_invoice(make_company(make_people().supplier, email="new@example.com"))
    address = f"http://127.0.0.1:{(port := free_port())}"
    anybody = Visitor(address)
    with running(instance, "serve", "--port", str(port)) as web, running(instance, "worker"):
        wait_until(lambda: said(instance).exists() and faults(instance))  # the worker's
        wait_until(lambda: answers(f"{address}/connexion"))
        assert "momentanément indisponible" in refusal(anybody, "/telechargement/none-of-ours")
        assert json.loads(refusal(anybody, "/sante"))["fault"] == "limits"
        redis.start()
        queue.wake()
        wait_until(lambda: OutboxMail.select().where(OutboxMail.state == "sent").count())
        signed_in(address)
        wait_until(lambda: not is_refused(anybody, "/sante"))
        assert web.poll() is None
    told = [json.loads(line)["message"] for line in faults(instance)]
    assert len(told) == 2, told


@pytest.mark.postgresql
def test_a_worker_whose_database_was_away_says_so_once_and_goes_on(
    configure: Callable[..., None],
    database_url: str,
    instance: Path,
    make_app: Callable[[], Flask],
) -> None:
    configure(QUEUE_URL=database_url)
    make_app()
    company = make_company(make_people().supplier, email="new@example.com")
    with running(instance, "worker"):
        wait_until(lambda: heartbeats.last(heartbeats.WORKER))
        server().stop()
        try:
            wait_until(lambda: said(instance).exists() and faults(instance))
        finally:
            server().start()
        db.ensure_open()
        make_invoice(company)
        queue.wake()
        wait_until(lambda: OutboxMail.select().where(OutboxMail.state == "sent").count())
    told = [json.loads(line) for line in faults(instance)]
    assert len(told) == 1, [(line["message"], line.get("error", "")[-300:]) for line in told]


@pytest.mark.postgresql
def test_services_that_start_before_their_database_wait_for_it_and_say_so_once(
    instance: Path, make_app: Callable[[], Flask]
) -> None:
    make_app()
    make_people()
    port = free_port()
    db.database.close()
    server().stop()
    with running(instance, "serve", "--port", str(port)) as web, running(instance, "worker"):
        try:
            wait_until(lambda: said(instance).exists() and len(faults(instance)) == 2)
            refused = command(instance, "users", "list")
        finally:
            server().start()
        assert refused.returncode == 1, "a command waits for nobody"
        assert refused.stderr.endswith(" ; lancez PostgreSQL, ou corrigez DATABASE_URL.\n")
        wait_until(lambda: not is_refused(Visitor(f"http://127.0.0.1:{port}"), "/sante"))
        db.ensure_open()
        wait_until(lambda: heartbeats.last(heartbeats.WORKER))
        assert web.poll() is None
    told = [json.loads(line)["message"] for line in faults(instance)]
    assert len(told) == 2, told
    assert all(each.startswith("waiting for the database: ") for each in told)
