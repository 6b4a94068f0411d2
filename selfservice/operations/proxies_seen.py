"""How many proxies requests went through, as X-Forwarded-For tells; held against PROXY_COUNT.

A visitor can only make it more, by a header of his own: the least of an hour is what is in front.
"""

import time
from collections.abc import Iterator
from contextlib import suppress
from datetime import timedelta

from flask import current_app

from selfservice import clock, db, proxies
from selfservice.operations import heartbeats
from selfservice.operations.findings import Finding, fault, fine
from selfservice.operations.heartbeats import Heartbeat

PREFIX = "proxies:"
NOTED_EVERY_SECONDS = 600
SEEN_WITHIN = timedelta(hours=1)


def note(forwarded_for: str) -> None:
    """Note how many proxies a request went through; a process does it once in a while."""
    count = len(proxies.entries(forwarded_for))
    noted: dict[int, float] = current_app.extensions.setdefault("proxies_seen", {})
    if time.monotonic() - noted.get(count, -NOTED_EVERY_SECONDS) < NOTED_EVERY_SECONDS:
        return
    noted[count] = time.monotonic()
    with suppress(*db.FAULTS):  # a page is not to fail for it
        heartbeats.note(f"{PREFIX}{count}")


def check_proxies() -> Iterator[Finding]:
    since = clock.now() - SEEN_WITHIN
    rows = Heartbeat.select().where(Heartbeat.name.startswith(PREFIX), Heartbeat.at > since)
    counts = [int(row.name.removeprefix(PREFIX)) for row in rows]
    count = current_app.config["PROXY_COUNT"]
    if counts and min(counts) != count:
        yield fault("proxy_count", count=count, seen=min(counts))
    elif counts:
        yield fine("proxy_count", count=count)
