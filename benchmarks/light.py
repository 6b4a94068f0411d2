"""What a first view weighs, and how long the help site takes to build."""

import gzip
import re
import tempfile
import time
import urllib.request
from contextlib import ExitStack
from pathlib import Path

from benchmarks import instances, servers
from benchmarks.table import Line, thousands
from docs_tools import build
from tests.nginx import unverified

GOAL_BYTES = 20_000
GOAL_REQUESTS = 4
GOAL_SECONDS = 3.0
LOADED = re.compile(r'<(?:link|script|img)\b[^>]*\s(?:href|src)="([^"]+)"')


def weigh_and_build() -> list[Line]:
    """Build the site, then weigh what the portal serves with it behind nginx."""
    with tempfile.TemporaryDirectory() as name:
        started = time.perf_counter()
        build.build(Path(name))
        seconds = time.perf_counter() - started
        instance = instances.instance_of(10_000)
        with ExitStack() as stack:
            portal = stack.enter_context(servers.portal(instance, HELP_SITE_DIR=name))
            proxy = stack.enter_context(servers.nginx(portal))
            cookie = servers.sign_in(portal, instances.LOGIN, field="login")
            lines = [
                _weigh("Première vue, page de connexion", f"{proxy}/connexion", ""),
                _weigh("Première vue, liste de 50 documents", f"{proxy}/factures", cookie),
            ]
    built = f"{seconds:.1f} s".replace(".", ",")
    site = Line("Construction du site d'aide", "—", built, "≤ 3 s", seconds <= GOAL_SECONDS)
    return [*lines, site]


def _weigh(work: str, address: str, cookie: str) -> Line:
    page, size = _fetch(address, cookie)
    root = "/".join(address.split("/")[:3])
    addresses = set(LOADED.findall(page.decode()))  # a logo stands in the page and as its icon
    loaded = [_fetch(root + each, cookie)[1] for each in addresses]
    total, requests = size + sum(loaded), 1 + len(loaded)
    return Line(
        work,
        f"page {thousands(size)} octets, le reste {thousands(sum(loaded))}",
        f"{thousands(total)} octets, {requests} requêtes",
        "≤ 20 ko, ≤ 4 requêtes",
        total <= GOAL_BYTES and requests <= GOAL_REQUESTS,
    )


def _fetch(address: str, cookie: str) -> tuple[bytes, int]:
    """Return a body, and its size as it travels."""
    asked = urllib.request.Request(
        address, headers={"Cookie": cookie, "Accept-Encoding": "gzip, deflate, br"}
    )
    with urllib.request.urlopen(asked, context=unverified()) as answer:
        body: bytes = answer.read()
        is_packed = answer.headers["Content-Encoding"] == "gzip"
    return gzip.decompress(body) if is_packed else body, len(body)
