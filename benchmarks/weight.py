"""What a first view weighs behind nginx, and how long the help site takes to build."""

import gzip
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

from benchmarks import servers
from benchmarks.instances import Instance
from benchmarks.table import Line, number
from selfservice.config import REPOSITORY
from tests.nginx import unverified

GOAL_BYTES, GOAL_REQUESTS, GOAL_SECONDS = 20_000, 4, 5
LOADED = re.compile(r'<(?:link|script|img)\b[^>]*\s(?:href|src)="([^"]+)"')


def weigh_and_build(instance: Instance) -> list[Line]:
    """Build the site, then weigh what the portal serves with it."""
    with tempfile.TemporaryDirectory() as folder:
        name = f"{folder}/site"
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "docs_tools.build", name], cwd=REPOSITORY, check=True)
        seconds = time.perf_counter() - started
        with (
            servers.portal(instance, HELP_SITE_DIR=name) as portal,
            servers.nginx(portal) as proxy,
        ):
            cookie = servers.sign_in(portal, instance.login)
            lines = [
                _weigh("page de connexion", f"{proxy}/connexion", ""),
                _weigh("liste de 50 documents", f"{proxy}/factures", cookie),
            ]
    built = f"{number(seconds, 1)} s"
    is_reached = seconds <= GOAL_SECONDS
    site = Line("Construction du site d'aide", "toutes les pages", built, "≤ 5 s", is_reached)
    return [*lines, site]


def _weigh(view: str, address: str, cookie: str) -> Line:
    page, size = _fetch(address, cookie)
    root = "/".join(address.split("/")[:3])
    addresses = set(LOADED.findall(page.decode()))  # a logo stands in the page and as its icon
    rest = [_fetch(root + each, cookie)[1] for each in addresses]
    total, requests = size + sum(rest), 1 + len(rest)
    return Line(
        f"Première vue derrière nginx, {view}",
        f"page {number(size)} octets, le reste {number(sum(rest))}",
        f"{number(total)} octets, {requests} requêtes",
        f"≤ 20 ko, ≤ {GOAL_REQUESTS} requêtes",
        total <= GOAL_BYTES and requests <= GOAL_REQUESTS,
    )


def _fetch(address: str, cookie: str) -> tuple[bytes, int]:
    """Return a body, and its size as it travels."""
    headers = {"Cookie": cookie, "Accept-Encoding": "gzip, deflate, br"}
    asked = urllib.request.Request(address, headers=headers)
    with urllib.request.urlopen(asked, context=unverified()) as answer:
        body: bytes = answer.read()
        is_packed = answer.headers["Content-Encoding"] == "gzip"
    return gzip.decompress(body) if is_packed else body, len(body)
