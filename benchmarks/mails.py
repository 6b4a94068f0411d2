"""Mails without attachment from the outbox, beside smtplib sending one message it has built."""

import os
import smtplib
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from datetime import timedelta
from pathlib import Path

from benchmarks.table import Line, percent, thousands
from selfservice import clock, db
from selfservice.app import create_app
from selfservice.mail import OutboxMail, deliver_due, message
from selfservice.operations import installation

GOAL, GOAL_A_SECOND = 0.10, 100


def compare_mails(*, rounds: int, count: int = 500) -> list[Line]:
    with _sink() as port, tempfile.TemporaryDirectory() as name:
        os.environ |= {
            "SELFSERVICE_INSTANCE": name,
            "SELFSERVICE_MAIL_TRANSPORT": "smtp",
            "SELFSERVICE_MAIL_PORT": str(port),
        }
        installation.install(Path(name))
        rates: dict[str, list[float]] = {"limit": [], "ours": []}
        with create_app().app_context(), db.connection():
            for _ in range(rounds):
                content = _fill(count)
                rates["limit"].append(count / _send_raw(port, content, count))
                rates["ours"].append(count / _deliver(count))
    limit, ours = (statistics.median(rates[each]) for each in ("limit", "ours"))
    measured = f"{thousands(ours)}/s contre {thousands(limit)}/s"
    line = Line(
        "Mails sans pièce jointe, face à smtplib",
        measured,
        percent(ours / limit),
        f"≥ {percent(GOAL)}, ≥ {GOAL_A_SECOND}/s",
        ours / limit >= GOAL and ours >= GOAL_A_SECOND,
    )
    return [line]


def _fill(count: int) -> bytes:
    """Queue as many mails as a daily digest makes and return one of them as it is sent."""
    now = clock.now()
    body = "Bonjour,\n\n3 nouveaux documents sont disponibles.\n" * 20
    rows = [
        {
            "kind": "digest",
            "to_address": f"client{each}@example.com",
            "address_key": f"client{each}@example.com",
            "domain": "example.com",
            "message_id": f"<{now.timestamp()}.{each}@example.com>",
            "subject": "Vos nouveaux documents",
            "body_text": body,
            "body_html": f"<p>{body}</p>",
            "created_at": now,
            "due_at": now,
            "deadline_at": now + timedelta(days=1),
        }
        for each in range(count)
    ]
    with db.database.atomic():
        OutboxMail.insert_many(rows).execute()
    return message.build(OutboxMail(**rows[0])).as_bytes()


def _send_raw(port: int, content: bytes, count: int) -> float:
    started = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as connection:
        for _ in range(count):
            connection.sendmail("facture@example.com", "client@example.com", content)
    return time.perf_counter() - started


def _deliver(count: int) -> float:
    started = time.perf_counter()
    report = deliver_due()
    if report.sent != count:
        raise SystemExit(f"mails : {report}")
    return time.perf_counter() - started


@contextmanager
def _sink() -> Iterator[int]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", "benchmarks.sink", str(port)])
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with closing(socket.socket()) as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()
