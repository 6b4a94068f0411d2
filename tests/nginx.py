"""nginx by the example of deploy/, on ports and in a folder of its own."""

import os
import re
import shutil
import ssl
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfservice.config import REPOSITORY

EXAMPLE = REPOSITORY / "deploy/nginx.conf"
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
    folder: Path, instance: Path, *, tls: int, plain: int, portal: int, beside: int | None = None
) -> Path:
    """Write the whole configuration around the example for these ports, and return its path.

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
        "# server 127.0.0.1:8001;": f"server 127.0.0.1:{beside};" if beside else "",
    }.items():
        assert old in text, old
        text = text.replace(old, new)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};\n"
        for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    main = folder / "nginx.conf"
    main.write_text(
        f"user root;\npid {folder}/pid;\nerror_log {folder}/error.log;\ndaemon off;\n"
        f"events {{}}\nhttp {{\n{temporary}{text}}}\n"
    )
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
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
