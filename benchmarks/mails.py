"""Mails of the outbox to a server on loopback, beside smtplib sending one message built before."""

import os
import smtplib
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path
from statistics import median

from benchmarks.servers import free_port
from benchmarks.table import Line, of_rates
from selfservice import db, mail
from selfservice.app import create_app
from selfservice.operations import installation

MAILS = 300
GOAL_RATE = 100
DOCUMENT = {
    "kind": "Facture",
    "number": "FA-2026-0001234",
    "issued_on": "1er mars 2026",
    "gross": "1 234,50 €",
    "link_url": "https://factures.example.com/telechargement/" + "x" * 43,
}
DIGEST = {
    "supplier_name": "Fournitures du Banc",
    "company_name": "Société du Banc",
    "client_number": "C-00001",
    "on": "1er mars 2026",
    "documents": [DOCUMENT] * 3,
    "more_count": 0,
    "link_days": 90,
    "retention_months": 24,
    "portal_url": "https://factures.example.com",
    "faq_url": "https://factures.example.com/aide/",
}


def compare_mails(*, rounds: int) -> Line:
    with _sink() as port, tempfile.TemporaryDirectory() as name:
        os.environ |= {
            "SELFSERVICE_INSTANCE": name,
            "SELFSERVICE_MAIL_TRANSPORT": "smtp",
            "SELFSERVICE_MAIL_PORT": str(port),
        }
        installation.install(Path(name))
        rates: dict[str, list[float]] = {"smtplib": [], "outbox": []}
        with create_app().app_context(), db.connection():
            for _ in range(rounds):
                message = _queue()
                rates["smtplib"].append(MAILS / _send(port, message))
                rates["outbox"].append(MAILS / _deliver())
    ours, built = median(rates["outbox"]), median(rates["smtplib"])
    work = f"{MAILS} mails, une connexion, face à smtplib et un message déjà écrit"
    line = of_rates(work, ours, built, goal=0.10, is_met=ours >= GOAL_RATE)
    return line._replace(goal=f"{line.goal}, ≥ {GOAL_RATE}/s")


def _queue() -> EmailMessage:
    """Queue mails and return the last as a message that is ready to leave."""
    with db.database.atomic():
        for each in range(MAILS):
            to = f"client{each}@example.com"
            queued = mail.enqueue("digest", to_address=to, address_key=to, context=DIGEST)
    message = EmailMessage()
    message["Subject"], message["From"], message["To"] = queued.subject, "portail@example.com", to
    message.set_content(queued.body_text)
    message.add_alternative(queued.body_html, subtype="html")
    return message


def _send(port: int, message: EmailMessage) -> float:
    content = message.as_bytes(policy=SMTP)
    started = time.perf_counter()
    with smtplib.SMTP("127.0.0.1", port) as connection:
        for _ in range(MAILS):
            connection.sendmail("portail@example.com", "client@example.com", content)
    return time.perf_counter() - started


def _deliver() -> float:
    started = time.perf_counter()
    report = mail.deliver_due()
    assert report.sent == MAILS, report
    return time.perf_counter() - started


@contextmanager
def _sink() -> Iterator[int]:
    """Run an SMTP server that takes everything and keeps nothing, in a process of its own."""
    port = free_port()
    words = ["aiosmtpd", "--nosetuid", "--listen", f"127.0.0.1:{port}"]
    words += ["--class", "aiosmtpd.handlers.Sink"]
    process = subprocess.Popen([sys.executable, "-m", *words])
    try:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            with socket.socket() as probe:
                if probe.connect_ex(("127.0.0.1", port)) == 0:
                    break
            time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        process.wait()
