"""Caddy by the example of deploy/, on ports and in a folder of its own."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selfservice.config import REPOSITORY
from tests.nginx import NAME, TOOLS, make_certificate

EXAMPLE = REPOSITORY / "deploy/Caddyfile"
# What the test has otherwise: a certificate of its own, and ports that need no root.
OWN_OPTIONS = "{\n\tadmin off\n\thttps_port %s\n\thttp_port %s\n"


def command() -> str:
    return str(shutil.which("caddy", path=TOOLS))


def configure(folder: Path, *, tls: int, plain: int, portal: int, beside: int) -> Path:
    """Write the example for these ports, two portals behind it, and return its path."""
    certificate, key = make_certificate(folder)
    text = EXAMPLE.read_text("utf-8")
    for old, new in {
        "\n{\n": f"\n{OWN_OPTIONS % (tls, plain)}",
        f"\n{NAME} {{\n": f"\n{NAME} {{\n\ttls {certificate} {key}\n",
        "\treverse_proxy 127.0.0.1:8000 {": (
            f"\treverse_proxy 127.0.0.1:{portal} 127.0.0.1:{beside} {{"
        ),
        "/var/log/caddy": str(folder),
    }.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    assert text.count("# health_") == 3
    text = text.replace("# health_", "health_")
    main = folder / "Caddyfile"
    main.write_text(text)
    return main


@contextmanager
def proxied(main: Path) -> Iterator[None]:
    words = [command(), "run", "--adapter", "caddyfile", "--config", main]
    environment = os.environ | {"HOME": str(main.parent), "XDG_DATA_HOME": str(main.parent)}
    said = main.with_name("caddy.log")
    with said.open("w") as log:
        process = subprocess.Popen(words, stderr=log, stdout=log, env=environment)
        try:
            yield
        finally:
            process.terminate()
            process.wait(timeout=10)
