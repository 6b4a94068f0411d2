"""nginx by the example of deploy/, on ports and in a folder of its own."""

import http.client
import os
import re
import shutil
import socket
import ssl
import subprocess
import urllib.parse
from collections.abc import Iterator
from contextlib import closing, contextmanager
from http.cookies import SimpleCookie
from pathlib import Path

from selfservice.config import REPOSITORY

EXAMPLE = REPOSITORY / "deploy/nginx.conf"
GUIDE = REPOSITORY / "site_docs/exploitation/installer.md"
NAME = "factures.example.com"
TOOLS = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin"  # where Debian keeps nginx
PORTAL = {"PUBLIC_URL": f"https://{NAME}", "PROXY_COUNT": "1", "TRUSTED_HOSTS": "127.0.0.1"}


def command() -> str:
    return str(shutil.which("nginx", path=TOOLS))


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Sign a certificate for NAME oneself, and return its path and that of its key."""
    key, certificate = folder / "key.pem", folder / "certificate.pem"
    subject = ("-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME}")
    request = ("req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "1")
    subprocess.run(
        ["openssl", *request, *subject, "-keyout", key, "-out", certificate],
        capture_output=True,
        check=True,
    )
    return certificate, key


def configure(
    folder: Path,
    instance: Path,
    *,
    tls: int,
    plain: int,
    portal: int = 0,
    upstream: str = "",
    beside: int | None = None,
) -> Path:
    """Write the whole configuration around the example for these ports, and return its path.

    It is Debian's, with its own site, changed as the guide says.
    `upstream` takes the place of its own, which names one portal.

    A second portal listens `beside` the first, if any. The documents are those of the instance;
    the logs go to `folder`.
    """
    certificate, key = make_certificate(folder)
    text = re.sub(r"\n.*listen \[::\].*", "", EXAMPLE.read_text("utf-8"))
    for old, new in {
        "listen 443": f"listen 127.0.0.1:{tls}",
        "listen 80": f"listen 127.0.0.1:{plain}",
        "127.0.0.1:8000": f"127.0.0.1:{portal}",
        f"/etc/letsencrypt/live/{NAME}/fullchain.pem": str(certificate),
        f"/etc/letsencrypt/live/{NAME}/privkey.pem": str(key),
        "/var/log/nginx": str(folder),
        "/var/lib/selfservice/documents": f"{instance}/documents",
        "# server 127.0.0.1:8001 max_fails=0;": (
            f"server 127.0.0.1:{beside} max_fails=0;" if beside else ""
        ),
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    if upstream:
        text, count = re.subn(r"upstream portal {.*?\n}\n", upstream, text, flags=re.DOTALL)
        assert count == 1
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    debian = folder / "sites-enabled/default"
    debian.parent.mkdir(exist_ok=True)
    debian.write_text(
        f"server {{\n\tlisten 127.0.0.1:{plain} default_server;\n\troot {folder};\n}}\n"
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"user root;\npid {folder}/pid;\nerror_log {folder}/error.log;\ndaemon off;\n"
        f"events {{\n\tworker_connections 768;\n}}\n"  # Debian's
        f"http {{\naccess_log {folder}/access.log;\n{temporary}"
        f"set_real_ip_from 127.0.0.1;\nreal_ip_header X-From;\n{text}"
        f"include {debian.parent}/*;\n}}\n"
    )
    lines = re.findall(r"^(?:sed|rm) .*/etc/nginx/.*$", GUIDE.read_text("utf-8"), re.MULTILINE)
    for line in lines:
        subprocess.run(["sh", "-c", line.replace("/etc/nginx", str(folder))], check=True)
    return main


@contextmanager
def proxied(main: Path) -> Iterator[None]:
    process = subprocess.Popen([command(), "-c", main], stderr=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.terminate()
        process.wait(timeout=10)


def unverified() -> ssl.SSLContext:
    # Not the default one: to read the machine's certificates takes 30 ms, two hundred times a test.
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context


class Visitor:
    """Someone who comes through the proxy, by the name of the portal."""

    def __init__(self, port: int = 443) -> None:
        self._port = port
        self._cookies: dict[str, str] = {}

    def ask(self, path: str, fields: dict[str, str] | None = None) -> bytes:
        """Ask for a page, follow where it leads, and return it."""
        connection = http.client.HTTPConnection(NAME)
        here = socket.create_connection(("127.0.0.1", self._port), timeout=60)
        connection.sock = unverified().wrap_socket(here, server_hostname=NAME)
        cookie = "; ".join(f"{name}={value}" for name, value in self._cookies.items())
        headers = {
            "Cookie": cookie,
            "Content-Type": "application/x-www-form-urlencoded",
            "Referer": f"https://{NAME}/",
        }
        body = urllib.parse.urlencode(fields) if fields else None
        with closing(connection):
            connection.request("POST" if fields else "GET", path, body, headers)
            answer = connection.getresponse()
            content = answer.read()
        for header in answer.msg.get_all("Set-Cookie", []):
            self._cookies |= {name: each.value for name, each in SimpleCookie(header).items()}
        if location := answer.headers["Location"]:
            return self.ask(urllib.parse.urlsplit(location).path)
        assert answer.status == 200, (path, answer.status, content[:2000])
        return content

    def submit(self, path: str, *, action: str = "", **fields: str) -> bytes:
        """Fill in the form of a page and send it, to the same address by default."""
        page = self.ask(path).decode()
        token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page)
        assert token, page
        return self.ask(action or path, {"csrf_token": token[1], **fields})
