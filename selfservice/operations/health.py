"""The state of the instance at a glance: a few indexed reads and one small write."""

import os
import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from flask import current_app

from selfservice import clock, db, ratelimit
from selfservice.invoices.models import Invoice
from selfservice.mail import OutboxMail
from selfservice.operations import heartbeats, schema
from selfservice.queue import queue

# With less, SQLite may fail to commit.
LEAST_FREE_BYTES = 20 * 1024 * 1024
LATE_WORKER = timedelta(minutes=10)
LATE_BACKLOG = timedelta(minutes=15)


@dataclass(frozen=True)
class Health:
    """`fault` is empty for a healthy instance, else the name of what stops it.

    A late worker, a queue out of reach: the pages go on, it is among the details only.
    """

    fault: str
    free_bytes: int
    worker_age_seconds: int | None = None
    is_queue_reachable: bool = True
    overdue_mails: int = 0
    unannounced_documents: int = 0


def examine() -> Health:
    """Look at database, migrations, disk, worker and backlog. Needs an open connection."""
    free = least_free_bytes()
    try:
        if error := schema.mismatch():
            return Health(error.name, free)
        age = heartbeats.age(heartbeats.WORKER)
        mails, documents = overdue_mails(), unannounced_documents()
    except db.FAULTS:
        return Health("database", free)
    seconds = int(age.total_seconds()) if age is not None else None
    return Health(_fault(free), free, seconds, queue.is_reachable(), mails, documents)


def _fault(free: int) -> str:
    if not os.access(current_app.config["DOCUMENTS_DIR"], os.R_OK | os.X_OK):
        return "documents"
    if free < LEAST_FREE_BYTES:
        return "disk"
    if not is_writable():
        return "read-only"
    return "" if ratelimit.is_reachable() else "limits"


def folders() -> Iterable[Path]:
    """Return the folders that the portal writes into."""
    return [current_app.config["INSTANCE"], current_app.config["DOCUMENTS_DIR"]]


def least_free_bytes() -> int:
    return min(free_bytes(folder) for folder in folders())


def free_bytes(folder: Path) -> int:
    """Return the free space under a folder, 0 where there is none."""
    try:
        return shutil.disk_usage(folder).free
    except OSError:
        return 0


def is_writable() -> bool:
    """Tell whether the database takes a row; the time of this trial is what it writes."""
    try:
        with db.database.atomic():
            heartbeats.note(heartbeats.HEALTH)
    except db.FAULTS:
        db.drop()
        db.ensure_open()
        return False
    return True


def overdue_mails() -> int:
    """Count the mails that should have left a while ago."""
    late = clock.now() - LATE_BACKLOG
    query = OutboxMail.select().where(OutboxMail.state == "queued", OutboxMail.due_at < late)
    return int(query.count())


def unannounced_documents() -> int:
    """Count the documents deposited a while ago that no notification has looked at."""
    late = clock.now() - LATE_BACKLOG
    query = Invoice.select().where(Invoice.announced_at.is_null(), Invoice.deposited_at < late)
    return int(query.count())
