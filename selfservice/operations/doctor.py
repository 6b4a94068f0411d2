"""`selfservice doctor`: the checks of an instance, and how to mend each fault.

The doctor writes a trial file into the folders and changes nothing else. No finding holds a secret.
"""

import os
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

from flask import current_app

from selfservice import clock, config, db, ratelimit
from selfservice.audit import AuditEntry
from selfservice.invoices import storage
from selfservice.invoices.models import Invoice
from selfservice.mail import OutboxMail
from selfservice.operations import (
    health,
    heartbeats,
    purging,
    schema,
    shared_key,
    version,
)
from selfservice.operations.document_names import names_of
from selfservice.operations.findings import Finding, fault, fine, warning
from selfservice.operations.proxies_seen import check_proxies
from selfservice.operations.rights import check_rights, is_open
from selfservice.operations.smtp import check_bounces, check_held_mails, check_mail
from selfservice.queue import queue

MIN_FREE_BYTES = 200 * 1024 * 1024
LOW_FREE_BYTES = 2 * 1024 * 1024 * 1024
FIRST_YEAR, LAST_YEAR = 2026, 2099
MAX_DRIFT = timedelta(minutes=1)
MAX_BACKWARDS = timedelta(minutes=5)
OLD_BACKUP = timedelta(days=2)
REFUSED_SINCE = timedelta(days=7)
SAMPLE_DOCUMENTS = 100
NAMED_DOCUMENTS = 10


def examine_folder(instance: Path) -> Iterator[Finding]:
    """Check what needs no app: the settings and the secret key."""
    yield fine("version", version=version.full())
    for name, nearest in config.unknown_variables():
        yield warning(
            "unknown_variable", variable=name, nearest=nearest or "aucun ne lui ressemble"
        )
    if instance.exists() and not os.access(instance, os.R_OK | os.X_OK):
        yield fault("closed_instance", path=instance)
        return
    try:
        settings = config.load(instance)
    except config.ConfigurationError as error:
        yield fault("configuration", reason=error)
    else:
        yield fine("configuration")
        if not settings["SECRET_KEY"]:
            yield fault("no_key")
    path = instance / config.KEY_NAME
    if path.is_file() and os.access(path, os.R_OK):  # else config.load has told it
        yield fault("open_key", path=path) if is_open(path) else fine("secret_key")
    path = instance / config.SETTINGS_NAME
    if path.is_file() and is_open(path):
        yield fault("open_settings", path=path)


def examine_instance(*, is_complete: bool = False) -> Iterator[Finding]:
    """Check the instance of the current app, from its folders to its mail server.

    `is_complete` reads every document, not only the place of the newest.
    """
    of_host = (check_rights, _disk, _clock, check_mail, _queue, _limits)
    for check in (*of_host, _help_site, _imprint, _public_url, _demo):
        yield from check()
    yield from _database(_every_document if is_complete else _documents)


def _database(check_documents: Callable[[], Iterator[Finding]]) -> Iterator[Finding]:
    """Check the database and, if it is sound and migrated, what it holds."""
    if db.is_sqlite() and not Path(db.database.database).is_file():
        missing = f"{db.database.database} n'existe pas"
        yield fault("database", cause=missing, remedy="lancez « selfservice init »")
        return
    try:
        with db.connection():
            if damage := _damage():
                yield fault("damaged", reason=damage)
            elif error := schema.mismatch():
                yield fine("database")
                yield fault(error.name, **error.facts)
            else:
                yield from (fine("database"), fine("migrations"))
                for check in (
                    _shared_key,
                    check_documents,
                    _journal,
                    _purge,
                    _worker,
                    _backlog,
                    check_held_mails,
                    check_bounces,
                    check_proxies,
                    _backup,
                ):
                    yield from check()
    except db.ERRORS as error:
        refusal = db.explain(error)
        yield fault("database", cause=refusal.cause, remedy=refusal.remedy)


def _shared_key() -> Iterator[Finding]:
    is_shared = shared_key.is_shared(current_app.config)
    yield fine("shared_key") if is_shared else fault("other_key")


def _damage() -> str:
    if not db.is_sqlite():
        return ""
    answer = str(db.database.execute_sql("PRAGMA quick_check(1)").fetchone()[0])
    return "" if answer == "ok" else answer


def _disk() -> Iterator[Finding]:
    for folder in health.folders():
        free = health.free_bytes(Path(folder))
        facts = {"free": _megabytes(free), "path": folder}
        if free < MIN_FREE_BYTES:
            yield fault("disk", **facts)
        elif free < LOW_FREE_BYTES:
            yield warning("low_disk", **facts)
        else:
            yield fine("disk", free=f"{_megabytes(free)} sous {folder}")


def _clock() -> Iterator[Finding]:
    """Compare the clock with that of the database's server, or of the documents' disk."""
    now = clock.now()
    if not FIRST_YEAR <= now.year <= LAST_YEAR:
        yield fault("clock_year", now=f"{now:%d/%m/%Y %H:%M}")
        return
    reference = _reference()
    drift = abs((reference or now) - now)
    if drift > MAX_DRIFT:
        yield fault("clock_drift", seconds=int(drift.total_seconds()))
    else:
        yield fine("clock", now=f"{now:%d/%m/%Y %H:%M}")


def _reference() -> datetime | None:
    try:
        if db.is_sqlite():
            return _time_of_disk(storage.documents_folder())
        with db.connection():
            row = db.database.execute_sql("SELECT now() AT TIME ZONE 'UTC'").fetchone()
        return datetime.fromisoformat(str(row[0]))
    except OSError:
        return None  # the checks of folders tell it
    except db.FAULTS:
        return None  # the check of the database tells it


def _time_of_disk(folder: Path) -> datetime:
    trial = folder / ".doctor"
    trial.touch()
    written = trial.stat().st_mtime
    trial.unlink()
    return datetime.fromtimestamp(written, UTC).replace(tzinfo=None)


def _journal() -> Iterator[Finding]:
    newest = AuditEntry.select().order_by(AuditEntry.at.desc()).first()
    if newest and newest.at > clock.now() + MAX_BACKWARDS:
        yield fault("clock_back", newest=f"{newest.at:%d/%m/%Y %H:%M}")


def _purge() -> Iterator[Finding]:
    if believed_at := purging.leapt_since():
        yield fault(
            "clock_leapt",
            now=f"{clock.now():%d/%m/%Y}",
            days=purging.LONGEST_LEAP.days,
            last=f"{believed_at:%d/%m/%Y}",
        )


def _documents() -> Iterator[Finding]:
    newest = Invoice.select(Invoice.sha256).order_by(Invoice.id.desc()).limit(SAMPLE_DOCUMENTS)
    names = [row.sha256 for row in newest]
    missing = [name for name in names if not storage.path_of(name).is_file()]
    if missing:
        yield fault("documents", count=len(missing), example=storage.path_of(missing[0]))
    else:
        yield fine("documents", count=len(names))


def _every_document() -> Iterator[Finding]:
    """Read each document and compare it with its hash."""
    hashes = [row.sha256 for row in Invoice.select(Invoice.sha256).distinct()]
    lost = [sha256 for sha256 in hashes if not storage.is_intact(sha256)]
    if lost:
        shown = ", ".join(names_of(lost[:NAMED_DOCUMENTS]))
        more = ", …" if len(lost) > NAMED_DOCUMENTS else ""
        yield fault("lost_documents", count=len(lost), names=shown + more)
    else:
        yield fine("every_document", count=len(hashes))


def _worker() -> Iterator[Finding]:
    age = heartbeats.age(heartbeats.WORKER)
    if age is None:
        yield fault("no_worker")
    elif age > health.LATE_WORKER:
        yield fault("late_worker", age=_duration(age))
    else:
        yield fine("worker", age=_duration(age))


def _backlog() -> Iterator[Finding]:
    found: list[Finding] = []
    if count := health.overdue_mails():
        found.append(fault("overdue_mails", count=count))
    if count := health.unannounced_documents():
        found.append(fault("unannounced", count=count))
    since = clock.now() - REFUSED_SINCE
    refused = OutboxMail.state.in_(("returned", "failed", "dropped")) & (
        OutboxMail.created_at > since
    )
    if count := OutboxMail.select().where(refused).count():
        found.append(warning("failed_mails", count=count))
    yield from found or [fine("backlog")]


def _queue() -> Iterator[Finding]:
    error, url = queue.fault(), current_app.config["QUEUE_URL"]
    if error is None:
        yield fine("queue")
    elif url.startswith(config.SQLITE):
        refusal = db.explain(error, url.removeprefix(config.SQLITE))
        yield fault("queue", cause=refusal.cause, remedy=refusal.remedy)
    else:
        remedy = "vérifiez QUEUE_URL et que ce service tourne"
        yield fault("queue", cause="injoignable", remedy=remedy)


def _limits() -> Iterator[Finding]:
    """Where limits count in the database, its own check tells."""
    if current_app.config["RATELIMIT_STORAGE_URI"] != ratelimit.DATABASE:
        yield fine("limits") if ratelimit.is_reachable() else fault("limits")


def _backup() -> Iterator[Finding]:
    age, partial = heartbeats.age(heartbeats.BACKUP), heartbeats.age(heartbeats.PARTIAL_BACKUP)
    if partial is not None and (age is None or partial < age):
        whole = f"il y a {_duration(age)}" if age is not None else "jamais"
        yield warning("partial_backup", age=_duration(partial), whole=whole)
    elif age is None:
        yield warning("no_backup")
    else:
        is_old = age > OLD_BACKUP
        yield (warning if is_old else fine)(
            "old_backup" if is_old else "backup", age=_duration(age)
        )


def _help_site() -> Iterator[Finding]:
    folder = current_app.config["HELP_SITE_DIR"]
    is_built = (folder / "index.html").is_file()
    yield fine("help_site") if is_built else fault("help_site", path=folder)


def _imprint() -> Iterator[Finding]:
    """Look for what the legal notice owes to its readers (law of 21 June 2004, article 1-1)."""
    names = ("PUBLISHER_NAME", "PUBLISHER_SEAT", "PUBLISHER_PHONE", "HOSTED_BY")
    empty = [name for name in names if not current_app.config[name]]
    if empty and not current_app.config["DEMO"]:
        yield warning("imprint", names=", ".join(empty))
    else:
        yield fine("imprint")


def _public_url() -> Iterator[Finding]:
    url = current_app.config["PUBLIC_URL"]
    if url.startswith("https"):
        is_alone = not current_app.config["PROXY_COUNT"]
        yield fault("no_proxy_count") if is_alone else fine("public_url", url=url)
    elif urlsplit(url).hostname in config.LOOPBACK:
        yield warning("local_address", url=url)
    else:
        yield fault("public_url_plain", url=url)


def _demo() -> Iterator[Finding]:
    settings = current_app.config
    if not settings["DEMO"]:
        yield fine("demo")
    elif urlsplit(settings["PUBLIC_URL"]).hostname not in config.LOOPBACK:
        yield fault("public_demo", url=settings["PUBLIC_URL"])
    else:
        yield warning("demo")


def _megabytes(size: int) -> str:
    return f"{size // (1024 * 1024)} Mo"


def _duration(age: timedelta) -> str:
    """Return an age in its largest whole unit, « 3 jours »."""
    minutes = int(age.total_seconds()) // 60
    for size, unit in ((1440, "jour"), (60, "heure"), (1, "minute")):
        if minutes >= size:
            count = minutes // size
            return f"{count} {unit}{'s' if count > 1 else ''}"
    return "moins d'une minute"
