"""The ZIP of 100 documents: its first byte, and what it takes of memory."""

import http.client
import os
import statistics
import time
from pathlib import Path
from urllib.parse import urlsplit

from benchmarks import instances, servers
from benchmarks.table import Line

GOAL_MS = 10.0
GOAL_MEGABYTES = 2.0
DOCUMENTS = 100
LAST = 10_000


def measure_archive(*, rounds: int) -> list[Line]:
    """Ask one worker for the newest documents, again and again."""
    instance = instances.instance_of(10_000)
    ids = "&".join(f"id={LAST - each}" for each in range(DOCUMENTS))
    with servers.portal(instance, workers=1) as address:
        cookie = servers.sign_in(address, instances.LOGIN, field="login")
        port = urlsplit(address).port or 0
        path = f"/factures/archive.zip?choix=coches&{ids}"
        _first_byte_ms(port, path, cookie)
        idle = _memory(port)
        firsts = [_first_byte_ms(port, path, cookie) for _ in range(rounds * 3)]
        grown = (_memory(port) - idle) / 1024 / 1024
    ms = statistics.median(firsts)
    result = f"{ms:.1f} ms, {grown:.1f} Mo".replace(".", ",")
    is_reached = ms <= GOAL_MS and grown <= GOAL_MEGABYTES
    measured = "premier octet ; mémoire de plus qu'au repos"
    return [Line("ZIP de 100 documents", measured, result, "≤ 10 ms, ≤ 2 Mo", is_reached)]


def _first_byte_ms(port: int, path: str, cookie: str) -> float:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("GET", path, headers={"Cookie": cookie})
    started = time.perf_counter()
    answer = connection.getresponse()
    beginning = answer.read(4)
    ms = (time.perf_counter() - started) * 1000
    if beginning != b"PK\x03\x04":
        raise SystemExit(f"archive : {answer.status} {answer.getheader('Location')}")
    answer.read()
    connection.close()
    return ms


def _memory(port: int) -> int:
    """Return what the server on a port and its workers hold, in bytes."""
    found = 0
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"--port\0{port}\0".encode() in (folder / "cmdline").read_bytes():
                found += int((folder / "statm").read_text().split()[1])
        except OSError:
            continue
    return found * os.sysconf("SC_PAGESIZE")
