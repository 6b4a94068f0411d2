"""What the server itself refuses, before the portal sees a request."""

import os
import re
import resource
import signal
import socket
import sqlite3
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager, suppress
from pathlib import Path
from time import sleep

import pytest
from flask import Flask

from selfservice.connections import CONNECTIONS, MOST_AHEAD, MOST_OF_A_VISITOR
from tests.conftest import free_port
from tests.processes import (
    SELFSERVICE,
    START_SECONDS,
    answers,
    environment,
    said,
    seconds_of,
    servers,
    serving,
    wait_until,
)

Ask = Callable[[str], str]
FORM = "POST /connexion HTTP/1.1\r\nHost: 127.0.0.1\r\n"
OLD_FORM = FORM.replace("1.1", "1.0")


@pytest.fixture
def port() -> int:
    return free_port()


@pytest.fixture
def ask(app: Flask, instance: Path, port: int) -> Iterator[Ask]:
    """Send a request as it is, and return all that comes back until the server closes."""

    def send(request: str) -> str:
        with socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS) as connection:
            connection.sendall(request.encode("latin-1"))
            received = b""
            with suppress(ConnectionResetError):  # of what the server would not read to its end
                while part := connection.recv(65536):
                    received += part
        return received.decode("utf-8", "replace")

    with serving(instance, port):
        yield send


def test_what_can_be_read_in_two_ways_is_refused_and_closed(ask: Ask) -> None:
    for request in (
        f"{FORM}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        f"{FORM}Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
        f"{FORM}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
        f"{FORM}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        f"{OLD_FORM}Connection: keep-alive\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        f"{FORM}X: a\r\n Content-Length: 3\r\n\r\nabc",
        f"{FORM}X: a\r\n\tTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        f"{FORM}Host: 127.0.0.1\r\nContent-Length: 0\r\n\r\n",
        "GET /connexion HTTP/1.1\r\n\r\n",
        "GET /connexion HTTP/1.0\r\n\r\n",
    ):
        answer = ask(request + "GET /sante HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert answer.startswith(("HTTP/1.1 400", "HTTP/1.0 400")), request
        assert answer.count("HTTP/1.") == 1, "what follows is no request any more"
        assert "frame-ancestors 'none'" in answer
        assert "Cache-Control: no-store" in answer


def test_headers_beyond_a_measure_are_refused(ask: Ask) -> None:
    answer = ask(f"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX: {'a' * 50_000}\r\n\r\n")
    assert answer.startswith("HTTP/1.") and " 431 " in answer.splitlines()[0]


def test_no_line_of_a_request_takes_long_to_read(ask: Ask, port: int) -> None:
    """The one thread that reads requests reads them for everybody."""
    room = 32_000
    for line, header in (
        ("GET / HTTP/1.1", f"X: {' ' * room}x"),
        ("GET / HTTP/1.1", f"X:{chr(9) * room}x\0"),
        ("GET / HTTP/1.1", f"X: {'a ' * (room // 2)}\0"),
        ("GET / HTTP/1.1", f"{'X' * room}"),
        (f"GET a://{'1' * room} x", "X: x"),
        (f"GET a://{'1' * room} HTTP/1.1.", "X: x"),
        (f"GET a://{'1' * room}", "X: x"),
        (f"GET {'a:/' * (room // 3)} HTTP/1.1", "X: x"),
    ):
        before = seconds_of(port)
        answer = ask(f"{line}\r\nHost: 127.0.0.1\r\nConnection: close\r\n{header}\r\n\r\n")
        assert answer.startswith("HTTP/1."), (line[:40], header[:40])
        assert seconds_of(port) - before < 0.5, (line[:40], header[:40])


def test_no_line_of_a_chunked_body_is_held_without_end(ask: Ask) -> None:
    chunked = f"{FORM}Transfer-Encoding: chunked\r\n\r\n"
    for held in ("1" * 5000, f"1;{'a' * 5000}", f"1\r\na\r\n{'1' * 5000}", f"0\r\n{'X' * 5000}"):
        answer = ask(chunked + held)  # without an end: nothing else would make the server answer
        assert answer.startswith("HTTP/1.1 400"), held[:20]
        assert answer.count("HTTP/1.") == 1


def test_no_body_is_awaited_where_none_is_announced_or_read(ask: Ask) -> None:
    """Each that waits holds a connection, which Caddy opens for whoever asks."""
    expecting = "Host: 127.0.0.1\r\nExpect: 100-continue\r\nConnection: close\r\n"
    assert ask(f"GET /connexion HTTP/1.1\r\n{expecting}\r\n").startswith("HTTP/1.1 200")
    for size in ("Content-Length: 0", "Content-Length: x", "Content-Length: 2000000", "Host: x"):
        answer = ask(f"POST /connexion HTTP/1.1\r\n{expecting}{size}\r\n\r\n")
        assert answer.startswith("HTTP/1.1 4") and answer.count("HTTP/1.") == 1, size


@pytest.fixture
def behind_proxy(app: Flask, instance: Path, port: int) -> Iterator[Path]:
    """Serve behind a proxy whose part the test plays; give where each request is logged."""
    with serving(instance, port, PROXY_COUNT="1", LOG_LEVEL="info"):
        yield said(instance)


def of_visitor(
    number: int, *, port: int, method: str = "GET", path: str = "/connexion"
) -> socket.socket:
    """Begin to ask for a page in the name of a visitor; do not read it."""
    return of_address(f"192.0.2.{number}", port=port, method=method, path=path)


def of_address(
    address: str, *, port: int, method: str = "GET", path: str = "/connexion"
) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS)
    origin = f"X-Forwarded-For: {address}\r\n"
    head = f"{method} {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{origin}"
    form = "Content-Type: application/x-www-form-urlencoded\r\nContent-Length: 3\r\n\r\na=b"
    connection.sendall((head + (form if method == "POST" else "\r\n")).encode())
    return connection


def answered(log: Path, number: int) -> int:
    return log.read_text().count(f'"origin": "192.0.2.{number}"')


def test_what_its_sender_has_given_up_is_not_done(behind_proxy: Path, port: int) -> None:
    """A proxy counts a request no more that its visitor has left."""
    with ExitStack() as leaving:
        for _ in range(300):
            leaving.enter_context(of_visitor(1, port=port))
    with of_visitor(2, port=port) as staying:
        assert staying.recv(20).startswith(b"HTTP/1.1 200")
    assert answered(behind_proxy, 1) < 200


def test_what_is_sent_after_a_request_keeps_no_sender_there(behind_proxy: Path, port: int) -> None:
    with ExitStack() as leaving:
        many = [leaving.enter_context(of_visitor(1, port=port)) for _ in range(90)]
        wait_until(lambda: answered(behind_proxy, 1) > 3)  # so the server has read the others
        for each in many:
            with suppress(OSError):  # answered already
                each.sendall(b"G")
    with of_visitor(1, port=port) as last:
        assert last.recv(20).startswith(b"HTTP/1.1 200")
    assert answered(behind_proxy, 1) < 70


def test_who_sends_many_requests_waits_for_himself(behind_proxy: Path, port: int) -> None:
    with ExitStack() as open_ones:
        for _ in range(MOST_OF_A_VISITOR):
            open_ones.enter_context(of_visitor(1, port=port))
        with of_visitor(2, port=port) as other:
            assert other.recv(20).startswith(b"HTTP/1.1 200")
        assert answered(behind_proxy, 1) < MOST_OF_A_VISITOR


def test_the_networks_of_one_customer_wait_together(behind_proxy: Path, port: int) -> None:
    """A /48 of IPv6 holds 256 networks of the limits, and may be one customer's."""
    with ExitStack() as open_ones:
        for number in range(256):
            address = f"2001:db8:7:{number << 8:x}::1"
            open_ones.enter_context(of_address(address, port=port))
        with of_visitor(2, port=port) as other:
            assert other.recv(20).startswith(b"HTTP/1.1 200")
        assert behind_proxy.read_text().count('"origin": "2001:db8:7:') < 200


@contextmanager
def nobody_writes(instance: Path) -> Iterator[None]:
    with closing(sqlite3.connect(instance / "portal.db")) as held:
        held.execute("BEGIN IMMEDIATE")
        yield


def is_waiting(form: socket.socket) -> bool:
    """Tell whether a form has no answer yet."""
    form.setblocking(False)
    try:
        form.recv(20)
    except BlockingIOError:
        return True
    return False


@pytest.mark.sqlite
def test_no_visitor_has_all_threads(behind_proxy: Path, instance: Path, port: int) -> None:
    """Others have their pages, whatever his own requests wait for."""
    with ExitStack() as waiting:
        waiting.enter_context(nobody_writes(instance))
        for _ in range(8):
            form = waiting.enter_context(of_visitor(1, method="POST", port=port))
        sleep(0.5)  # until each thread that takes them waits, 2 s at most
        with of_visitor(2, port=port) as other:
            other.settimeout(1)
            assert other.recv(20).startswith(b"HTTP/1.1 200")
        assert is_waiting(form)


@pytest.mark.sqlite
def test_a_page_passes_the_forms_of_its_visitor_that_wait(
    app: Flask, instance: Path, port: int
) -> None:
    """An office behind one address reads on while a colleague's form waits for its turn."""
    with serving(instance, port, "--threads", "2", PROXY_COUNT="1"), ExitStack() as waiting:
        waiting.enter_context(nobody_writes(instance))
        waiting.enter_context(of_visitor(1, method="POST", port=port))
        sleep(0.5)  # until it waits, 2 s at most
        form = waiting.enter_context(of_visitor(2, method="POST", port=port))
        with of_visitor(2, port=port) as page:
            page.settimeout(1)
            assert page.recv(20).startswith(b"HTTP/1.1 200")
        assert is_waiting(form)


def test_too_many_requests_of_one_network_are_refused(behind_proxy: Path, port: int) -> None:
    """Caddy has no such limit; of IPv4, a network is one address."""
    with ExitStack() as open_ones:
        many = [
            open_ones.enter_context(of_visitor(1, port=port)) for _ in range(4 * MOST_OF_A_VISITOR)
        ]
        with of_visitor(2, port=port) as other:
            assert other.recv(20).startswith(b"HTTP/1.1 200")
        statuses = [each.recv(20)[9:12] for each in many]
    assert set(statuses) == {b"200", b"429"}
    with of_visitor(1, port=port) as later:
        assert later.recv(20).startswith(b"HTTP/1.1 200")


@pytest.mark.sqlite
def test_who_has_waited_long_is_refused(app: Flask, instance: Path, port: int) -> None:
    """nginx would take a host that answers one visitor too late for a silent one."""
    impatient = "from selfservice import cli, connections as c; c.WAITING_SECONDS = 1; cli.main()"
    words = [sys.executable, "-c", impatient, "serve", "--port", str(port)]
    process = subprocess.Popen(words, env=environment(instance, PROXY_COUNT="1"))
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/sante"))
        with ExitStack() as waiting:
            waiting.enter_context(nobody_writes(instance))
            for _ in range(2):
                waiting.enter_context(of_visitor(1, method="POST", port=port))
            sleep(0.5)  # until both have a thread, for 2 s
            late = waiting.enter_context(of_visitor(1, method="POST", port=port))
            assert late.recv(20).startswith(b"HTTP/1.1 429")
        with of_visitor(1, port=port) as later:
            assert later.recv(20).startswith(b"HTTP/1.1 200")
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def test_answers_that_nobody_reads_keep_no_neighbour_out(
    app: Flask, instance: Path, port: int, tmp_path: Path
) -> None:
    """An office has one address: of whoever in it reads nothing, the oldest answer is given up."""
    (tmp_path / "large.bin").write_bytes(bytes(8 * 1024 * 1024))
    keys = {"PROXY_COUNT": "1", "HELP_SITE_DIR": str(tmp_path)}
    with serving(instance, port, **keys), ExitStack() as open_ones:
        for _ in range(MOST_OF_A_VISITOR + 5):
            unread = open_ones.enter_context(of_visitor(1, port=port, path="/aide/large.bin"))
            assert unread.recv(20).startswith(b"HTTP/1.1 200")
        with of_visitor(1, port=port) as neighbour:
            assert neighbour.recv(20).startswith(b"HTTP/1.1 200")


def test_a_proxy_finds_the_portal_while_a_crowd_waits(
    app: Flask, instance: Path, port: int
) -> None:
    """Past the system's queue, the proxy answered 502 to others while one's flood lasted."""
    files = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (files[1], files[1]))
    with serving(instance, port), ExitStack() as crowd:
        os.kill(servers[port], signal.SIGSTOP)
        try:
            for _ in range(1500):
                crowd.enter_context(socket.create_connection(("127.0.0.1", port), timeout=2))
        finally:
            os.kill(servers[port], signal.SIGCONT)
            resource.setrlimit(resource.RLIMIT_NOFILE, files)


def test_who_asks_on_before_he_is_answered_is_closed(ask: Ask) -> None:
    request = "GET /connexion HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
    last = request.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    assert ask(request * (MOST_AHEAD - 1) + last).count("HTTP/1.1 200") == MOST_AHEAD
    assert ask(request * 100).count("HTTP/1.1 200") <= 1


def test_a_crowd_leaves_files_to_open(app: Flask, instance: Path, port: int) -> None:
    """Of a service, systemd lets 1024 be opened, and permits it to ask for many more."""
    words = ["sh", "-c", 'ulimit -S -n 1024; exec "$@"', "sh", *SELFSERVICE, "serve"]
    process = subprocess.Popen([*words, "--port", str(port)], env=environment(instance))
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/sante"))
        found = re.search(r"Max open files +(\d+)", Path(f"/proc/{process.pid}/limits").read_text())
        assert found and int(found[1]) > 2 * CONNECTIONS
    finally:
        process.terminate()
        process.wait(timeout=START_SECONDS)


def test_an_announced_body_is_asked_for(ask: Ask) -> None:
    form = f"{FORM}Expect: 100-continue\r\nConnection: close\r\nContent-Length: 3\r\n\r\nabc"
    answer = ask(form)
    assert answer.startswith("HTTP/1.1 100 Continue") and "</html>" in answer


def test_a_chunked_body_passes(ask: Ask) -> None:
    chunked = f"{FORM}Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n"
    parts = f"1388;{'b' * 1000}\r\n{'a' * 5000}\r\n0\r\nX: {'c' * 1000}\r\n\r\n"
    assert "</html>" in ask(chunked + parts), "a page of the portal answers the form"


def test_what_the_server_stumbles_at_is_refused(ask: Ask) -> None:
    for request in (
        f"{FORM}Content-Length: {'1' * 5000}\r\n\r\n",
        "GET http://[ HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
        "GET //?\xff HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",  # no address has such a byte as it is
    ):
        assert ask(request).startswith(("HTTP/1.1 400", "HTTP/1.0 400")), request[:80]


def test_spaces_around_a_value_are_none_of_it(ask: Ask) -> None:
    answer = ask("GET /connexion HTTP/1.1\r\nHost:\t 127.0.0.1 \t\r\nConnection:close\r\n\r\n")
    assert answer.startswith("HTTP/1.1 200")


def test_a_plain_request_passes(ask: Ask) -> None:
    answer = ask("GET /connexion HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n")
    assert answer.startswith("HTTP/1.1 200")
