"""Long files through the real server: whatever their readers do, its memory stays flat."""

import io
import os
import socket
import time
import urllib.request
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, closing
from hashlib import sha256
from http.client import HTTPConnection, HTTPResponse
from itertools import chain
from pathlib import Path

import pytest
from flask import Flask
from openpyxl import load_workbook

from selfservice.connections import CROWD, SILENCE_SECONDS, UNREAD_SECONDS
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from selfservice.invoices.places import MOST_OF_A_USER
from tests.conftest import Browser, free_port
from tests.factories import PASSWORD, People, make_invoice
from tests.processes import said, servers, serving, wait_until

pytestmark = pytest.mark.slow

MEBIBYTE = 1024 * 1024
CONTENT = os.urandom(MEBIBYTE) * 20
READERS = 30


@pytest.fixture
def document(people: People) -> str:
    """The path of a heavy document of alice's."""
    path = storage.path_of(sha256(CONTENT).hexdigest())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(CONTENT)
    return f"/factures/{make_invoice(people.alice.company, sha256=path.stem).id}.pdf"


@pytest.fixture
def cookie(browser: Browser, people: People) -> str:
    """The session of alice, opened on the same instance."""
    browser.sign_in("alice", PASSWORD)
    session = browser.client.get_cookie("session")
    assert session
    return f"session={session.value}"


def test_slow_readers_of_a_heavy_document_cost_little_memory_and_no_descriptor(
    instance: Path, document: str, cookie: str
) -> None:
    port = free_port()
    with serving(instance, port) as address:
        for _ in range(4):
            answer = ask(port, "GET", document, Cookie=cookie)
            assert answer.read() == CONTENT
        before = memory(port)
        slow = [begin(port, document, cookie) for _ in range(READERS)]
        visit(address)
        assert memory(port) - before < 60 * MEBIBYTE
        assert descriptors(port, storage.documents_folder()) == READERS
        for connection in slow:
            connection.close()
        wait_until(lambda: not descriptors(port, storage.documents_folder()))
    assert "Traceback" not in said(instance).read_text()


def test_slow_reader_gets_the_whole_document_for_one_line_of_log(
    instance: Path, document: str, cookie: str
) -> None:
    port = free_port()
    with (
        serving(instance, port, LOG_LEVEL="info"),
        begin(port, document, cookie) as connection,
    ):
        connection.settimeout(20)
        received = bytearray()
        while not received.endswith(CONTENT[-1000:]) or len(received) < len(CONTENT):
            part = connection.recv(MEBIBYTE)
            assert part, "cut"
            received += part
        assert received.partition(b"\r\n\r\n")[2] == CONTENT
        wait_until(lambda: document in said(instance).read_text(), seconds=20)
    (line,) = [each for each in said(instance).read_text().splitlines() if document in each]
    assert f'"bytes": {len(CONTENT)},' in line


def test_a_slow_line_behind_a_proxy_gets_the_whole_document(
    instance: Path, document: str, cookie: str
) -> None:
    """What a proxy holds of it already, its reader takes for longer than we see nothing taken."""
    port = free_port()
    with serving(instance, port), begin(port, document, cookie) as connection:
        time.sleep(SILENCE_SECONDS + 5)
        connection.settimeout(20)
        received = bytearray()
        while part := connection.recv(MEBIBYTE):
            received += part
            if len(received) > len(CONTENT) and received.endswith(CONTENT[-1000:]):
                break
    assert received.partition(b"\r\n\r\n")[2] == CONTENT


def test_who_reads_nothing_of_a_heavy_document_is_closed_where_many_are_open(
    instance: Path, document: str, cookie: str
) -> None:
    port = free_port()
    with serving(instance, port), ExitStack() as stack:
        stack.enter_context(begin(port, document, cookie))
        assert descriptors(port, storage.documents_folder()) == 1
        for _ in range(CROWD + 10):
            stack.enter_context(closing(socket.create_connection(("127.0.0.1", port))))
        wait_until(lambda: not descriptors(port, storage.documents_folder()), seconds=15)
    assert "Traceback" not in said(instance).read_text()


@pytest.mark.soak
def test_who_reads_nothing_of_a_heavy_document_is_closed_in_the_end(
    instance: Path, document: str, cookie: str
) -> None:
    port = free_port()
    with serving(instance, port), begin(port, document, cookie):
        wait_until(
            lambda: not descriptors(port, storage.documents_folder()), seconds=UNREAD_SECONDS + 10
        )
    assert "Traceback" not in said(instance).read_text()


def test_head_of_a_heavy_document_tells_its_size_only(
    instance: Path, document: str, cookie: str
) -> None:
    port = free_port()
    with serving(instance, port), closing(HTTPConnection("127.0.0.1", port, timeout=20)) as line:
        for method, body in (("HEAD", b""), ("GET", CONTENT), ("HEAD", b"")):
            line.request(method, document, headers={"Cookie": cookie})
            answer = line.getresponse()
            assert answer.read() == body
            assert answer.status == 200
            assert answer.headers["Content-Type"] == "application/pdf"
            assert answer.headers.get_all("Content-Length") == [str(len(CONTENT))]


def test_parts_of_a_heavy_file(app: Flask, instance: Path, tmp_path: Path) -> None:
    site = tmp_path / "site"
    site.mkdir()
    (site / "large.bin").write_bytes(CONTENT)
    size = len(CONTENT)
    parts = {"1000-": (1000, size), "-400000": (size - 400_000, size), "3-8": (3, 9)}
    parts |= {"3-2000002": (3, 2_000_003), "5-99999999": (5, size)}
    port = free_port()
    with serving(instance, port, HELP_SITE_DIR=str(site)):
        for asked, (start, end) in parts.items():
            answer = ask(port, "GET", "/aide/large.bin", Range=f"bytes={asked}")
            assert answer.read() == CONTENT[start:end]
            assert answer.status == 206
            assert answer.headers["Content-Range"] == f"bytes {start}-{end - 1}/{size}"
            assert answer.headers["Content-Length"] == str(end - start)


@pytest.fixture
def archive(people: People) -> str:
    """The path of an archive of a hundred documents of alice's, 20 MiB in all."""
    company = people.alice.company
    for each in range(100):
        content = each.to_bytes(4, "big") + CONTENT[: MEBIBYTE // 5]
        path = storage.path_of(sha256(content).hexdigest())
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
        make_invoice(company, sha256=path.stem, size_bytes=len(content))
    return "/factures/archive.zip?choix=tout"


def test_an_archive_arrives_whole_with_its_size(instance: Path, archive: str, cookie: str) -> None:
    port = free_port()
    with serving(instance, port):
        for _ in range(3):
            answer = ask(port, "GET", archive, Cookie=cookie)
            content = answer.read()
            assert answer.headers.get_all("Content-Length") == [str(len(content))]
            with zipfile.ZipFile(io.BytesIO(content)) as made:
                assert made.testzip() is None and len(made.namelist()) == 102
        head = ask(port, "HEAD", archive, Cookie=cookie)
        assert head.headers["Content-Length"] == str(len(content))
    assert "Traceback" not in said(instance).read_text()


def test_slow_readers_of_archives_cost_little_memory_and_leave_nothing_behind(
    instance: Path,
    archive: str,
    cookie: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    port, folder = free_port(), tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    with serving(instance, port) as address:
        for _ in range(6):
            assert ask(port, "GET", archive, Cookie=cookie).read()
            visit(address)
        before = memory(port)
        slow = [begin(port, archive, cookie) for _ in range(MOST_OF_A_USER)]
        visit(address)
        assert memory(port) - before < 20 * MEBIBYTE
        assert descriptors(port, folder) >= len(slow)
        for connection in slow:
            connection.close()
        wait_until(lambda: not descriptors(port, folder))
        wait_until(lambda: not descriptors(port, storage.documents_folder()))
        assert list(folder.iterdir()) == []
    assert "Traceback" not in said(instance).read_text()


def test_a_long_register_lets_others_pass_and_arrives_whole(
    instance: Path, people: People, cookie: str
) -> None:
    one = make_invoice(people.alice.company).__data__
    del one["id"]
    Invoice.insert_many([one | {"number": f"F-{each}"} for each in range(2999)]).execute()
    port = free_port()
    with serving(instance, port):
        answer = ask(port, "GET", "/factures/registre.csv", Cookie=cookie)
        body = answer.read()
        assert body.count(b"\r\n") == 3001
        assert answer.headers["Content-Length"] == str(len(body)), "or a cut one would seem whole"
        answer = ask(port, "GET", "/factures/registre.xlsx", Cookie=cookie)
        body = answer.read()
        assert answer.headers["Content-Length"] == str(len(body))
        (sheet,) = load_workbook(io.BytesIO(body)).worksheets
        assert sheet.max_row == 3003  # headings, a blank line, totals


def visit(address: str) -> None:
    for _ in range(20):
        with urllib.request.urlopen(f"{address}/connexion", timeout=20) as page:
            assert b"Connexion" in page.read()


def ask(port: int, method: str, path: str, **headers: str) -> HTTPResponse:
    connection = HTTPConnection("127.0.0.1", port, timeout=20)
    connection.request(method, path, headers=headers | {"Connection": "close"})
    return connection.getresponse()


def begin(port: int, path: str, cookie: str) -> socket.socket:
    """Ask for a file, see its first bytes and leave them there."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 64 * 1024)
    connection.settimeout(20)
    connection.connect(("127.0.0.1", port))
    connection.sendall(
        f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nCookie: {cookie}\r\n\r\n".encode()
    )
    assert connection.recv(1000, socket.MSG_PEEK).startswith(b"HTTP/1.1 200")
    return connection


def memory(port: int) -> int:
    """Return what the server on a port and its workers hold of memory, in bytes."""
    pages = sum(int((each / "statm").read_text().split()[1]) for each in family(port))
    return pages * os.sysconf("SC_PAGESIZE")


def descriptors(port: int, folder: Path) -> int:
    """Count what the server on a port holds open of a folder, deleted files included."""
    opened = chain.from_iterable((each / "fd").iterdir() for each in family(port))
    return sum(_is_open_in(folder, each) for each in opened)


def _is_open_in(folder: Path, descriptor: Path) -> bool:
    try:
        return descriptor.readlink().is_relative_to(folder)
    except FileNotFoundError:  # closed meanwhile
        return False


def family(port: int) -> Iterator[Path]:
    """Give the folders under /proc of the server and of the processes it started."""
    return offspring(str(servers[port]))


def offspring(pid: str) -> Iterator[Path]:
    yield Path("/proc", pid)
    for children in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            yield from offspring(child)
