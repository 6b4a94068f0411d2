"""The files of deploy/ pass their own tools, and nginx does before the portal what it is for."""

import gzip
import json
import os
import re
import shutil
import socket
import ssl
import subprocess
import urllib.error
import urllib.request
from hashlib import sha256
from pathlib import Path

import pytest
from flask import Flask

from selfservice.config import REPOSITORY
from selfservice.connections import CROWD_SILENCE_SECONDS
from selfservice.invoices import storage
from selfservice.logs import SECRET_ARGUMENTS
from tests import nginx
from tests.conftest import Browser, free_port
from tests.factories import PASSWORD, People, make_invoice
from tests.nginx import NAME, TOOLS
from tests.processes import START_SECONDS, serving, wait_until

pytestmark = pytest.mark.system

DEPLOY = REPOSITORY / "deploy"
UNITS = sorted(path.name for path in DEPLOY.glob("selfservice-*"))
MAX_EXPOSURE = 1.5


def needs(tool: str) -> pytest.MarkDecorator:
    return pytest.mark.skipif(shutil.which(tool, path=TOOLS) is None, reason=f"needs {tool}")


def run(*words: str | Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(words, capture_output=True, text=True, timeout=60, check=False)


@needs("systemd-analyze")
def test_units_are_understood_by_systemd(tmp_path: Path) -> None:
    for name in UNITS:
        text = (DEPLOY / name).read_text("utf-8")
        # The command is not on this machine: any that is does as well.
        (tmp_path / _named(name)).write_text(
            text.replace("/opt/selfservice/.venv/bin/selfservice", "/bin/true")
        )
    units = [tmp_path / _named(name) for name in UNITS]
    done = run("systemd-analyze", "verify", "--man=no", *units)
    ours = [line for line in done.stderr.splitlines() if "selfservice" in line]
    assert (done.returncode, ours) == (0, [])


def _named(unit: str) -> str:
    """Return the name under which a template unit runs."""
    return unit.replace("@.", "@8000.")


@needs("systemd-analyze")
@pytest.mark.parametrize("name", [name for name in UNITS if name.endswith(".service")])
def test_units_are_hardened(name: str) -> None:
    done = run("systemd-analyze", "security", "--offline=true", "--no-pager", DEPLOY / name)
    found = re.search(r"Overall exposure level.*?: ([\d.]+)", done.stdout)
    assert found, done.stderr
    assert float(found[1]) <= MAX_EXPOSURE


@pytest.mark.parametrize("name", ["selfservice-web@.service", "selfservice-worker.service"])
def test_unit_that_cannot_start_gives_up_and_is_told(name: str) -> None:
    """systemd's own limit, five starts in ten seconds, is never reached by one each two seconds."""
    unit = dict(re.findall(r"^(\w+)=(\d+)$", (DEPLOY / name).read_text("utf-8"), re.MULTILINE))
    start_seconds = 8  # on a busy host
    tried = int(unit["StartLimitBurst"]) * (int(unit["RestartSec"]) + start_seconds)
    assert tried < int(unit["StartLimitIntervalSec"])


def test_what_waits_for_its_reader_is_on_the_disk() -> None:
    """Debian 13 keeps /tmp in memory: one reader's archives took half of it."""
    unit = (DEPLOY / "selfservice-web@.service").read_text("utf-8")
    assert re.search(r"^Environment=.*\bTMPDIR=/var/tmp$", unit, re.MULTILINE)
    assert "\nPrivateTmp=yes\n" in unit, "or else others' files are there, too"


@pytest.mark.parametrize("name", ["nginx.conf", "several-hosts/upstream.conf"])
def test_nginx_gives_an_idle_connection_up_before_the_portal_does(name: str) -> None:
    """A form sent as the portal closes is lost, and of several hosts, nginx leaves that one."""
    text = (DEPLOY / name).read_text("utf-8")
    upstream = re.search(r"(?ms)^upstream portal {.*?^}$", text)
    assert upstream
    found = re.search(r"^    keepalive_timeout (\d+)s;$", upstream[0], re.MULTILINE)
    assert found
    assert int(found[1]) < CROWD_SILENCE_SECONDS


@needs("caddy")
def test_caddyfile_is_understood_by_caddy(tmp_path: Path) -> None:
    text = (DEPLOY / "Caddyfile").read_text("utf-8").replace("/var/log/caddy", str(tmp_path))
    (tmp_path / "Caddyfile").write_text(text)
    done = run("caddy", "validate", "--adapter", "caddyfile", "--config", tmp_path / "Caddyfile")
    assert done.returncode == 0, done.stderr


@pytest.fixture
def site(tmp_path: Path, instance: Path) -> tuple[Path, int, int]:
    """nginx's whole configuration around the example: (file, its TLS port, the portal's port)."""
    tls, plain, portal = free_port(), free_port(), free_port()
    return nginx.configure(tmp_path, instance, tls=tls, plain=plain, portal=portal), tls, portal


@needs("nginx")
@needs("openssl")
def test_example_is_understood_by_nginx(site: tuple[Path, int, int]) -> None:
    done = run(nginx.command(), "-t", "-c", site[0])
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize(
    ("example", "pattern"),
    [("nginx.conf", r'~\*(\S+) "'), ("Caddyfile", r'uri regexp "(\S+)" ')],
)
def test_no_example_logs_what_follows_the_fixed_part_of_a_link(
    example: str, pattern: str, app: Flask
) -> None:
    found = re.search(pattern, (DEPLOY / example).read_text("utf-8"))
    assert found
    hidden = re.compile(found[1].replace("?<", "?P<"), re.IGNORECASE)
    links = [rule.rule for rule in app.url_map.iter_rules() if SECRET_ARGUMENTS & rule.arguments]
    assert len(links) >= 4
    for link in links:
        match = hidden.search(link.partition("<")[0] + "S3cr3t")
        assert match and "S3cr3t" not in match[1], link


@needs("nginx")
@needs("openssl")
def test_nginx_hides_secrets_drops_lies_and_waits_for_slow_bodies(
    site: tuple[Path, int, int], app: Flask, instance: Path, tmp_path: Path
) -> None:
    main, tls, portal = site
    with serving(instance, portal, **nginx.PORTAL), nginx.proxied(main):
        wait_until(lambda: _listens(tls))
        slow = [_slow_body(tls) for _ in range(80)]
        lie = {"Host": NAME, "X-Forwarded-For": "127.0.0.1", "X-Request-ID": "visitors-own-id"}
        health = _get(tls, "/sante", lie)
        _get(tls, "/telechargement/S3cr3t?more=S3cr3t", {"Host": NAME})
        for connection in slow:
            connection.close()
    assert json.loads(health) == {"status": "ok"}, "who comes through a proxy gets no details"
    log = (tmp_path / "portal.log").read_text("utf-8")
    lines = [json.loads(line) for line in log.splitlines()]
    assert "S3cr3t" not in log
    assert "/telechargement/-" in [line["path"] for line in lines]
    assert "visitors-own-id" not in log


@needs("nginx")
@needs("openssl")
def test_nginx_sends_a_document_once_the_portal_allows_it_and_never_by_itself(
    site: tuple[Path, int, int], browser: Browser, people: People, instance: Path
) -> None:
    main, tls, portal = site
    content = os.urandom(300_000)
    path = storage.path_of(sha256(content).hexdigest())
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    invoice = make_invoice(people.alice.company, sha256=path.stem)
    browser.sign_in("alice", PASSWORD)
    cookie = browser.client.get_cookie("session")
    assert cookie
    signed_in = {"Host": NAME, "Cookie": f"__Host-session={cookie.value}"}
    with (
        serving(instance, portal, ACCEL_REDIRECT_PREFIX="/_documents/", **nginx.PORTAL),
        nginx.proxied(main),
    ):
        wait_until(lambda: _listens(tls))
        document = f"/factures/{invoice.id}.pdf"
        assert _get(tls, document, signed_in) == content
        assert _get(tls, document, signed_in | {"Range": "bytes=7-99"}) == content[7:100]
        assert content not in _get(tls, document, {"Host": NAME})
        inside = f"/_documents/{path.parent.name}/{path.name}"
        assert b"404 Not Found" in _get(tls, inside, signed_in)


@needs("nginx")
@needs("openssl")
def test_nginx_compresses_pages_whose_size_tells_nothing(
    site: tuple[Path, int, int], app: Flask, instance: Path
) -> None:
    main, tls, portal = site
    taken = {"Host": NAME, "Accept-Encoding": "gzip"}
    with serving(instance, portal, **nginx.PORTAL), nginx.proxied(main):
        wait_until(lambda: _listens(tls))
        pages = [_get(tls, "/connexion", taken) for _ in range(12)]
        plain = _get(tls, "/connexion", {"Host": NAME})
    assert len({len(page) for page in pages}) > 4, "each is padded by a length of its own"
    assert "Mot de passe" in gzip.decompress(pages[0]).decode()
    assert len(pages[0]) < len(plain) / 2


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


def _slow_body(port: int) -> ssl.SSLSocket:
    connection = socket.create_connection(("127.0.0.1", port), timeout=START_SECONDS)
    wrapped = nginx.unverified().wrap_socket(connection, server_hostname=NAME)
    wrapped.sendall(
        f"POST /connexion HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 1000\r\n\r\nlogin=".encode()
    )
    return wrapped


def _get(port: int, path: str, headers: dict[str, str]) -> bytes:
    request = urllib.request.Request(f"https://127.0.0.1:{port}{path}", headers=headers)
    try:
        with urllib.request.urlopen(
            request, timeout=START_SECONDS, context=nginx.unverified()
        ) as answer:
            body: bytes = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.read()
    return body
