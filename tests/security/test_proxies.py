"""What holds at the portal holds behind the proxies of deploy/ too, two portals behind each."""

import gzip
import os
import re
import shutil
import signal
import socket
import ssl
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection, HTTPResponse
from pathlib import Path
from time import monotonic, sleep
from urllib.parse import parse_qs, urlencode, urlsplit

import pytest
from flask import Flask

from selfservice.invoices import storage
from selfservice.notifications import direct_links
from selfservice.web import HEADERS, HEADERS_OF_HTTPS
from tests import caddy, nginx
from tests.conftest import free_port
from tests.factories import PASSWORD, People, make_invoice
from tests.nginx import NAME, TOOLS
from tests.processes import START_SECONDS, answers, seconds_of, servers, serving, wait_until

pytestmark = [pytest.mark.system, pytest.mark.slow]

FORM = "application/x-www-form-urlencoded"
MARKS = "\u0301\u0316".encode() * 30_000
CONTENT = os.urandom(50_000)
HEAVY = os.urandom(3_000_000)
SLOW_BODIES = 200  # of one visitor, as deploy/nginx.conf says


@dataclass
class Front:
    """A proxy, and the portals behind it; keeps the cookie of its one visitor."""

    tls: int
    plain: int
    portals: tuple[int, int]
    cookie: str = ""

    def ask(
        self, method: str, path: str, body: bytes | None = None, **headers: str
    ) -> tuple[HTTPResponse, bytes]:
        connection = HTTPConnection(NAME)
        plain = socket.create_connection(("127.0.0.1", self.tls), timeout=60)
        connection.sock = nginx.unverified().wrap_socket(plain, server_hostname=NAME)
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        if self.cookie:
            named["Cookie"] = self.cookie
        connection.request(method, path, body, named)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        for cookie in answer.headers.get_all("Set-Cookie", []):
            self.cookie = cookie.partition(";")[0]
        return answer, content

    def begin(self, line: str, *, origin: str = "127.0.0.1", fields: str = "") -> ssl.SSLSocket:
        """Begin a request whose body does not come; tests' nginx believes where it is from."""
        plain = socket.create_connection(("127.0.0.1", self.tls))
        spoken = nginx.unverified().wrap_socket(plain, server_hostname=NAME)
        head = f"{line} HTTP/1.1\r\nHost: {NAME}\r\nX-From: {origin}\r\nContent-Length: 9\r\n"
        spoken.sendall(f"{head}{fields}\r\na".encode())
        return spoken

    def leave_unread(self, path: str) -> ssl.SSLSocket:
        """Ask for a file, and read nothing of it."""
        plain = socket.socket()
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        plain.connect(("127.0.0.1", self.tls))
        spoken = nginx.unverified().wrap_socket(plain, server_hostname=NAME)
        spoken.sendall(f"GET {path} HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode())
        return spoken

    def token(self) -> str:
        found = re.search(rb'name="csrf_token"[^>]*value="([^"]+)"', self.ask("GET", "/")[1])
        assert found
        return found[1].decode()

    def sign_in(self, wanted: str = "") -> str | None:
        """Sign in, and return where that leads."""
        fields = {"csrf_token": self.token(), "login": "alice", "password": PASSWORD}
        answer, _ = self.ask(
            "POST",
            "/connexion",
            urlencode(fields | {"next": wanted}).encode(),
            Content_Type=FORM,
            Referer=f"https://{NAME}/connexion",
        )
        assert answer.status == 302
        return answer.headers["Location"]

    def version(self, version: ssl.TLSVersion, ciphers: str | None = None) -> str | None:
        """Return the version of TLS spoken with a visitor who speaks but this one."""
        context = nginx.unverified()
        context.minimum_version = context.maximum_version = version
        if ciphers:
            context.set_ciphers(ciphers)
        with (
            socket.create_connection(("127.0.0.1", self.tls), timeout=START_SECONDS) as plain,
            context.wrap_socket(plain, server_hostname=NAME) as spoken,
        ):
            return spoken.version()

    def listens(self) -> bool:
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self.tls)) == 0


@pytest.fixture(params=["nginx", "nginx sending documents", "caddy"])
def front(
    request: pytest.FixtureRequest, app: Flask, people: People, instance: Path, tmp_path: Path
) -> Iterator[Front]:
    proxy, _, sends_documents = request.param.partition(" ")
    if shutil.which(proxy, path=TOOLS) is None or shutil.which("openssl") is None:
        pytest.skip(f"needs {proxy} and openssl")
    site = tmp_path / "site"
    site.mkdir()
    (site / "index.html").write_text("<h1>Aide</h1>" * 100, "utf-8")
    (site / "index.html.gz").write_bytes(gzip.compress(b"<h1>Aide</h1>" * 100))
    (site / "404.html").write_text("<h1>Rien ici</h1>", "utf-8")
    (site / "heavy.pdf").write_bytes(HEAVY)
    tls, plain, first, second = (free_port() for _ in range(4))
    keys = {"HELP_SITE_DIR": str(site), **nginx.PORTAL}
    if sends_documents:
        keys["ACCEL_REDIRECT_PREFIX"] = "/_documents/"
    with ExitStack() as stack:
        for port in (first, second):
            stack.enter_context(serving(instance, port, **keys))
        if proxy == "nginx":
            main = nginx.configure(
                tmp_path, instance, tls=tls, plain=plain, portal=first, beside=second
            )
            stack.enter_context(nginx.proxied(main))
        else:
            main = caddy.configure(tmp_path, tls=tls, plain=plain, portal=first, beside=second)
            stack.enter_context(caddy.proxied(main))
        found = Front(tls, plain, (first, second))
        wait_until(found.listens)
        yield found


def test_the_heaviest_texts_and_headers_hold_up_no_page(front: Front) -> None:
    token = front.token().encode()
    posted = {"Content_Type": FORM, "Origin": f"https://{NAME}", "Referer": f"https://{NAME}/"}
    attacks = [
        ("POST", "/connexion", b"csrf_token=%s&password=x&login=%s" % (token, MARKS), posted),
        ("POST", "/avis/recherche", b"q=" + MARKS, posted),
    ]
    for length in (7_000, 20_000, 60_000):
        for heavy in (";q=0,", "gzip ", " ", "gzip;q=0.0"):
            header = (heavy * length)[:length] + "x"
            attacks.append(("GET", "/aide/", None, {"Accept_Encoding": header}))
    before = sum(map(seconds_of, front.portals))
    visits, waits = 0, [0.0]
    with ThreadPoolExecutor(8) as pool:
        under_way = [
            pool.submit(front.ask, method, path, body, **headers)
            for method, path, body, headers in attacks
        ]
        while not all(each.done() for each in under_way):
            started = monotonic()
            answer, page = front.ask("GET", "/connexion")
            waits.append(monotonic() - started)
            assert answer.status == 200 and b"Mot de passe" in page
            visits += 1
    statuses = [each.result()[0].status for each in under_way]
    assert statuses[:2] == [200, 204], "they reached the portal"
    # nginx takes 8 kB a header, the portal 32 kB in all: what is longer is refused.
    assert set(statuses[2:]) <= {200, 400, 431, 502}
    assert 200 in statuses[2:]
    assert max(waits) < 5  # of a machine that may be busy; unbounded, one text takes more
    spent = sum(map(seconds_of, front.portals)) - before
    assert spent < 0.1 * (len(attacks) + visits), spent


def test_each_answer_has_each_header_once(front: Front, people: People) -> None:
    path = storage.path_of(sha256(CONTENT).hexdigest())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(CONTENT)
    invoice = make_invoice(people.alice.company, sha256=path.stem)
    link = f"/telechargement/{direct_links.issue(invoice, 'alice@example.com')}"
    front.sign_in()
    for path_asked, status in {
        "/factures": 200,
        "/profil/compte": 200,
        f"/factures/{invoice.id}.pdf": 200,
        "/factures/999999.pdf": 404,
        link: 200,
        "/telechargement/inconnu": 404,
        "/": 302,
        "/sante": 200,
        "/aide/": 200,
        "/aide": 302,
        "/aide/nulle-part/": 404,
        "/static/portal.css": 200,
        "/fournisseurs/diac/portal.css": 200,
        "/reinitialisation/inconnu": 404,
    }.items():
        answer, content = front.ask("GET", path_asked)
        assert answer.status == status, path_asked
        kind = answer.headers.get("Content-Type", "")
        assert kind or not content, path_asked
        assert not kind.startswith("text/") or "charset=utf-8" in kind.replace('"', ""), path_asked
        assert "Access-Control-Allow-Origin" not in answer.headers
        for name in HEADERS | HEADERS_OF_HTTPS:
            assert len(answer.headers.get_all(name, [])) == 1, (path_asked, name)
        if path_asked.startswith("/telechargement/"):
            assert answer.headers["Referrer-Policy"] == "no-referrer"
            assert answer.headers["X-Robots-Tag"] == "noindex"
        if status == 200 and path_asked in (link, f"/factures/{invoice.id}.pdf"):
            assert content == CONTENT
            assert answer.headers["Cache-Control"] == "no-store"
            assert answer.headers.get("X-Accel-Redirect") is None


def test_the_address_of_a_large_archive_outlives_the_session(front: Front, people: People) -> None:
    wanted = f"/factures/archive.zip?{'&'.join(f'id={number}' for number in range(1000, 1900))}"
    answer, _ = front.ask("GET", wanted)
    assert answer.status == 302
    assert parse_qs(urlsplit(answer.headers["Location"]).query)["next"] == [wanted]
    assert front.sign_in(wanted) == wanted


def test_no_address_makes_the_portal_look_out_of_order(front: Front) -> None:
    """nginx takes an answer of too long a heading for a fault, and leaves a unit aside for it."""
    form = {"csrf_token": front.token(), "next": "/" + "&" * 19_000}
    for _ in front.portals:
        answer, _ = front.ask(
            "POST", "/connexion/code", urlencode(form).encode(), Content_Type=FORM
        )
        assert answer.status == 302
    assert [front.ask("GET", "/connexion")[0].status for _ in front.portals] == [200, 200]


def test_no_refused_body_makes_the_portal_look_out_of_order(front: Front) -> None:
    """nginx, cut off while it sends one, takes it for a fault too."""
    head = f"POST /\xff HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 299000\r\n\r\n".encode(
        "latin-1"
    )

    def send(_number: int) -> bytes:
        with (
            socket.create_connection(("127.0.0.1", front.tls), timeout=START_SECONDS) as plain,
            nginx.unverified().wrap_socket(plain, server_hostname=NAME) as spoken,
        ):
            with suppress(OSError):
                spoken.sendall(head + b"a" * 299_000)
            return spoken.recv(10)

    with ThreadPoolExecutor(4) as visitors:
        assert set(visitors.map(send, range(60))) == {b"HTTP/1.1 4"}
    assert [front.ask("GET", "/connexion")[0].status for _ in front.portals] == [200, 200]


def test_a_portal_that_is_stopped_is_asked_no_more(front: Front) -> None:
    stopped, _ = front.portals
    os.kill(servers[stopped], signal.SIGTERM)
    wait_until(lambda: not answers(f"http://127.0.0.1:{stopped}/sante"))
    sleep(7)  # Caddy looks every five seconds
    form = urlencode({"csrf_token": "old"}).encode()
    for _ in range(15):
        assert front.ask("GET", "/connexion")[0].status == 200
        assert front.ask("POST", "/connexion", form, Content_Type=FORM)[0].status == 400


def test_a_visitors_own_claims_are_dropped(front: Front) -> None:
    lie = {"X_Forwarded_For": "203.0.113.66", "X_Forwarded_Host": "evil.example"}
    answer, page = front.ask("GET", "/factures/", X_Forwarded_Proto="http", **lie)
    assert answer.status in (302, 308)
    assert b"evil.example" not in page and "evil.example" not in str(answer.headers)


@pytest.mark.parametrize("front", ["nginx"], indirect=True)  # Caddy gives a request 15 s in all
def test_slow_bodies_of_one_address_leave_room_for_others(front: Front) -> None:
    with ExitStack() as slow:
        for _ in range(SLOW_BODIES):
            slow.enter_context(front.begin("POST /connexion"))
        wait_until(lambda: front.ask("POST", "/connexion", b"a=b")[0].status == 429)
        assert front.ask("GET", "/connexion")[0].status == 200
    wait_until(lambda: front.ask("POST", "/connexion", b"a=b")[0].status == 400)


@pytest.mark.parametrize("front", ["nginx"], indirect=True)
def test_the_addresses_of_one_customer_are_one_visitor(front: Front) -> None:
    def status(origin: str) -> int:
        return front.ask("POST", "/connexion", b"a=b", X_From=origin)[0].status

    with ExitStack() as slow:
        for number in range(SLOW_BODIES):
            origin = f"2001:db8:7:1{number % 256:02x}:{number + 1:x}::1"  # of one /56
            slow.enter_context(front.begin("POST /connexion", origin=origin))
        wait_until(lambda: status("2001:db8:7:1ff::1") == 429)
        assert status("2001:db8:7:2ff::1") == status("2001:db8:7::1") == 400
    with ExitStack() as slow:
        for number in range(SLOW_BODIES):
            slow.enter_context(front.begin("POST /connexion", origin=f"2001:db9::{number + 1:x}"))
        wait_until(lambda: status("2001:db9::1:0:0:ff") == 429)


@pytest.mark.parametrize("front", ["nginx"], indirect=True)  # Caddy counts none
def test_a_flood_of_one_address_reaches_neither_the_portal_nor_the_log(
    front: Front, tmp_path: Path
) -> None:
    def status(origin: str) -> int:
        return front.ask("GET", "/static/icon.svg", X_From=origin)[0].status

    def flood(origin: str) -> set[int]:
        lines = f"GET /static/icon.svg HTTP/1.1\r\nHost: {NAME}\r\nX-From: {origin}\r\n\r\n"
        with (
            socket.create_connection(("127.0.0.1", front.tls), timeout=60) as plain,
            nginx.unverified().wrap_socket(plain, server_hostname=NAME) as spoken,
        ):
            spoken.sendall(lines.encode() * 200)
            spoken.settimeout(2)
            said = b""
            with suppress(OSError):
                while part := spoken.recv(100_000):
                    said += part
        return {int(each) for each in re.findall(rb"HTTP/1.1 (\d{3})", said)}

    def flooded(origins: list[str]) -> set[int]:
        with ThreadPoolExecutor(len(origins)) as visitors:
            return set().union(*visitors.map(flood, origins))

    assert flooded([f"2001:db8:7:1{number:02x}::1" for number in range(8)]) == {200, 429}
    assert status("192.0.2.7") == status("2001:db8:8::1") == 200
    assert flooded([f"2001:db8:9:{number}00::1" for number in range(10, 26)]) == {200, 429}
    assert flooded(["192.0.2.8"] * 8) == {200, 429}
    assert status("192.0.2.9") == status("2001:db8:8::1") == 200
    wait_until(lambda: status("192.0.2.8") == 200)
    assert front.ask("GET", f"/{'%01' * 1290}")[0].status == 404
    assert front.ask("M" * 8000, "/connexion")[0].status == 405
    assert status("192.0.2.9") == 200  # by then the line of the one before is written
    log = (tmp_path / "portal.log").read_text("utf-8")
    assert '"status":404' in log and '"status":429' not in log
    assert max(map(len, log.splitlines())) < 900, "six letters for each of 100"


@pytest.mark.parametrize("front", ["nginx"], indirect=True)
@pytest.mark.parametrize("host", [NAME, "192.0.2.1"])  # of the latter, Debian has a site of its own
def test_what_comes_without_tls_fills_no_log(host: str, front: Front, tmp_path: Path) -> None:
    """No limit counts it. A proof that is not here was told in twice the bytes of its request."""
    asked = (f"/.well-known/acme-challenge/{'x' * 900}", f"/{'x' * 900}")
    with closing(HTTPConnection("127.0.0.1", front.plain, timeout=60)) as plain:
        for path in asked * 2:
            plain.request("GET", path, headers={"Host": host})
            answer = plain.getresponse()
            answer.read()
            assert answer.status == (404 if "acme" in path else 301)
    assert not [each for each in tmp_path.glob("*.log") if "xxx" in each.read_text("utf-8")]


@pytest.mark.parametrize("front", ["nginx", "caddy"], indirect=True)
def test_no_proxy_speaks_http_2(front: Front) -> None:
    """By it, one visitor had Caddy take all memory, and nginx all of the disk.

    Caddy goes on with what is given up at once, nginx counts no body that tells no length.
    """
    context = nginx.unverified()
    context.set_alpn_protocols(["h2", "http/1.1"])
    plain = socket.create_connection(("127.0.0.1", front.tls), timeout=60)
    with context.wrap_socket(plain, server_hostname=NAME) as spoken:
        assert spoken.selected_alpn_protocol() == "http/1.1"
    answer, _ = front.ask("GET", "/connexion")
    assert (answer.status, answer.getheader("Alt-Svc")) == (200, None)


@pytest.mark.skipif(shutil.which("nginx", path=TOOLS) is None, reason="needs nginx")
def test_sessions_of_tls_fill_no_log(instance: Path, tmp_path: Path) -> None:
    """No limit counts them. One that found no room among those kept was told in a line."""
    tls, plain, absent = (free_port() for _ in range(3))
    front = Front(tls, plain, (absent, absent))
    main = nginx.configure(tmp_path, instance, tls=tls, plain=plain, portal=absent)
    text = main.read_text("utf-8")
    assert "portal_tls:5m" in text
    main.write_text(text.replace("portal_tls:5m", "portal_tls:32k"))
    context = nginx.unverified()
    with nginx.proxied(main):
        wait_until(front.listens)
        for number in range(500):
            name = ".".join(["a" * 50] * (number % 5)) or NAME
            with (
                socket.create_connection(("127.0.0.1", tls), timeout=60) as connection,
                context.wrap_socket(connection, server_hostname=name) as spoken,
            ):
                assert spoken.version()
        assert front.ask("GET", "/")[0].status == 502
    logs = {path.name: path.read_text("utf-8") for path in tmp_path.glob("*.log")}
    assert logs.keys() >= {"portal.log", "portal-error.log", "error.log"}
    assert not [name for name, text in logs.items() if "could not allocate" in text]


@pytest.mark.parametrize("front", ["caddy"], indirect=True)
def test_a_long_head_is_refused_before_its_body(front: Front) -> None:
    """Caddy holds thirty times what short fields take: a hundred of a megabyte took all memory."""
    fields = "".join(f"X{number}:\r\n" for number in range(8000))
    with front.begin("POST /", fields=fields) as spoken:
        spoken.settimeout(10)
        assert spoken.recv(12) == b"HTTP/1.1 431"
    with socket.create_connection(("127.0.0.1", front.plain), timeout=10) as plain:
        plain.sendall(f"GET / HTTP/1.1\r\nHost: {NAME}\r\n{fields}".encode())
        assert plain.recv(12) == b"HTTP/1.1 431"


@pytest.mark.parametrize("front", ["caddy"], indirect=True)
def test_the_journal_of_the_system_holds_nothing_of_visitors(front: Front, tmp_path: Path) -> None:
    """One who sends what the portal never sees would drive all else out of it."""
    log = tmp_path / "portal.log"
    assert front.ask("GET", "/by/another/name", Host="192.0.2.1")[0].status == 200  # Caddy's own
    assert front.ask("POST", "/too/long", b"a" * 400_000)[0].status == 502
    assert front.ask("GET", "/nowhere")[0].status == 404
    for path in ("/by/another/name", "/too/long", "/nowhere"):
        wait_until(lambda path=path: f'"uri":"{path}"' in log.read_text("utf-8"))
    _ask_for_proofs(front)
    said = ("looking up info for HTTP challenge", "tls-alpn challenge")
    for words in said:
        wait_until(lambda words=words: words in log.read_text("utf-8"))
    journal = (tmp_path / "caddy.log").read_text("utf-8")
    assert not [words for words in ('"uri"', *said) if words in journal]
    assert "certificate maintenance" in journal


def _ask_for_proofs(front: Front) -> None:
    """Ask as those do who give certificates, by HTTP and by TLS."""
    front.ask("GET", "/.well-known/acme-challenge/none")
    context = nginx.unverified()
    context.set_alpn_protocols(["acme-tls/1"])
    with (
        socket.create_connection(("127.0.0.1", front.tls), timeout=10) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname=NAME)


@pytest.mark.parametrize("front", ["nginx", "caddy"], indirect=True)
def test_unread_answers_keep_nobody_behind_the_same_address_out(front: Front) -> None:
    """The portal gives up the oldest of a crowd; a proxy that held and counted them would not."""
    with ExitStack() as unread:
        for _ in range(120):
            unread.enter_context(front.leave_unread("/aide/heavy.pdf"))
        sleep(1)
        assert front.ask("GET", "/connexion")[0].status == 200
        assert front.ask("GET", "/factures/archive.zip")[0].status == 302
        assert front.ask("GET", "/aide/heavy.pdf")[1] == HEAVY


@pytest.mark.parametrize("front", ["nginx", "caddy"], indirect=True)
def test_connections_without_a_request_leave_room_for_others(front: Front) -> None:
    """Neither counts them by address: there must be more than one opens without effort."""
    with ExitStack() as begun:
        for number in range(900):
            plain = begun.enter_context(socket.create_connection(("127.0.0.1", front.tls)))
            plain.sendall(b"\x16\x03\x01")  # of a TLS greeting
            if number % 50 == 0:  # nginx closes those of which it has read nothing yet
                sleep(0.05)
        assert front.ask("GET", "/connexion")[0].status == 200


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")  # it is to be refused
def test_only_recommended_encryption_is_spoken(front: Front) -> None:
    assert front.version(ssl.TLSVersion.TLSv1_3) == "TLSv1.3"
    assert front.version(ssl.TLSVersion.TLSv1_2) == "TLSv1.2"
    assert front.version(ssl.TLSVersion.TLSv1_2, "ECDHE+AESGCM") == "TLSv1.2"
    for version, ciphers in (
        (ssl.TLSVersion.TLSv1_1, "ALL:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1, "ALL:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_2, "AES256-SHA:AES128-SHA:AES128-SHA256:@SECLEVEL=0"),
        (ssl.TLSVersion.TLSv1_2, "kRSA+AESGCM:@SECLEVEL=0"),
    ):
        with pytest.raises((ssl.SSLError, ConnectionResetError)):
            front.version(version, ciphers)


@pytest.mark.parametrize("proxy", ["nginx", "caddy"])
def test_no_log_holds_the_secret_of_a_link_that_no_portal_answers(
    proxy: str, instance: Path, tmp_path: Path
) -> None:
    if shutil.which(proxy, path=TOOLS) is None or shutil.which("openssl") is None:
        pytest.skip(f"needs {proxy} and openssl")
    tls, plain, absent = (free_port() for _ in range(3))
    front = Front(tls, plain, (absent, absent))
    if proxy == "nginx":
        main = nginx.configure(tmp_path, instance, tls=tls, plain=plain, portal=absent)
        proxied = nginx.proxied(main)
    else:
        main = caddy.configure(tmp_path, tls=tls, plain=plain, portal=absent, beside=absent)
        proxied = caddy.proxied(main)
    links = ("/telechargement/S3cr3t?more=S3cr3t", "/demandes//preuve/S3cr3t")
    with proxied:
        wait_until(front.listens)
        for link in links:
            assert front.ask("GET", link, Referer=link)[0].status in (502, 503)
    logs = [path.read_text("utf-8") for path in tmp_path.glob("*.log")]
    assert any('/telechargement/-"' in log for log in logs)
    assert not any("S3cr3t" in log for log in logs)
