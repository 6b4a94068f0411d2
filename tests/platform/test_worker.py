"""The worker as a process: mails within seconds, two of them at once, stopped and killed."""

import shutil
import signal
import subprocess
from collections.abc import Callable, Iterator
from datetime import date, timedelta
from itertools import count
from pathlib import Path

import pytest
from flask import Flask

from selfservice import clock, worker
from selfservice.accounts import activation
from selfservice.accounts.models import Activation
from selfservice.db import database
from selfservice.invoices.models import Invoice
from selfservice.mail.outbox import OutboxMail
from selfservice.notifications import reminders, send
from selfservice.operations import heartbeats
from selfservice.queue import ASKED, queue
from selfservice.suppliers.models import Company
from tests.conftest import free_port
from tests.factories import make_company, make_invoice, make_supplier
from tests.nginx import make_certificate
from tests.processes import running, wait_until
from tests.smtp import Postbox, listening, queue_one

PATIENCE = 90.0  # with machines that are busy; the tests end as soon as it has come


@pytest.fixture
def box(use_smtp: Callable[..., Flask]) -> Iterator[tuple[Postbox, dict[str, str]]]:
    """A real SMTP server, and the settings by which a worker finds it."""
    postbox = Postbox()
    with listening(postbox) as port:
        use_smtp(port)
        keys = {"MAIL_TRANSPORT": "smtp", "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(port)}
        yield postbox, keys


def sent() -> int:
    count: int = OutboxMail.select().where(OutboxMail.state == "sent").count()
    return count


def test_one_wake_up_serves_however_many_mails(app: Flask) -> None:
    with database.atomic():
        for _ in range(3):
            queue_one()
        assert queue.huey.pending_count() == 0, "not before the commit"
    queue_one()
    assert queue.huey.pending_count() == 1
    queue.huey.execute(queue.huey.dequeue())
    queue_one()
    assert queue.huey.pending_count() == 1, "what comes after its beginning asks again"


@pytest.mark.slow
def test_who_writes_into_the_queue_runs_no_code(
    box: tuple[Postbox, dict[str, str]], instance: Path, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    queue.huey.storage.enqueue(b"cbuiltins\nopen\n(V%s\nVw\ntR." % bytes(ran))  # a pickle
    queue_one()
    with running(instance, "worker", **box[1]):
        wait_until(lambda: sent() == 1, seconds=PATIENCE)
        wait_until(lambda: queue.huey.pending_count() == 0, seconds=PATIENCE)
    assert not ran.exists()


@pytest.mark.slow
def test_a_wake_up_that_a_killed_worker_has_lost_keeps_none_from_the_next(
    box: tuple[Postbox, dict[str, str]], instance: Path
) -> None:
    queue_one()
    queue.huey.flush()
    queue.huey.put(ASKED, True)
    with running(instance, "worker", **box[1]):
        wait_until(lambda: not queue.huey.get(ASKED, peek=True), seconds=PATIENCE)


def test_mail_of_an_undone_cause_wakes_nobody(app: Flask) -> None:
    with pytest.raises(ZeroDivisionError), database.atomic():
        queue_one()
        raise ZeroDivisionError
    assert queue.huey.pending_count() == 0
    queue_one()
    assert queue.huey.pending_count() == 1


def test_queue_out_of_reach_costs_no_mail(
    configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    configure(QUEUE_URL=f"redis://127.0.0.1:{free_port()}/0")
    make_app()
    queue_one()
    assert OutboxMail.select().count() == 1


@pytest.mark.slow
def test_two_workers_send_each_mail_and_each_digest_once(
    box: tuple[Postbox, dict[str, str]], instance: Path
) -> None:
    postbox, keys = box
    supplier = make_supplier()
    keys |= {"DIGEST_TIME": "00:00"}
    companies = [
        make_company(supplier, email=f"user{number}@example.com", notification=mode)
        for number, mode in enumerate(("link", "daily") * 6)
    ]
    with running(instance, "worker", **keys), running(instance, "worker", **keys):
        for company in companies:
            make_invoice(company)
            queue.wake()
        wait_until(lambda: sent() == 24, seconds=PATIENCE)
    assert len(postbox.mails) == len(set(postbox.ids())) == 24
    assert OutboxMail.select().where(OutboxMail.kind == "digest").count() == 6
    assert OutboxMail.select().where(OutboxMail.attempts == 1).count() == 24


@pytest.mark.slow
def test_killed_worker_leaves_its_work_to_the_other(
    box: tuple[Postbox, dict[str, str]], instance: Path
) -> None:
    postbox, keys = box
    postbox.seconds = 0.1
    for number in range(20):
        queue_one(f"user{number}@example.com")
    with running(instance, "worker", **keys) as first:
        wait_until(lambda: len(postbox.mails) >= 2, seconds=PATIENCE)
        with running(instance, "worker", **keys):
            first.send_signal(signal.SIGKILL)
            first.wait()
            queue.wake()
            wait_until(lambda: sent() == 20, seconds=PATIENCE)
    ids = postbox.ids()
    assert len(set(ids)) == 20
    assert len(ids) <= 21, "at most the one that was leaving is doubled, with the same id"


def test_asked_to_stop_a_worker_ends_between_two_mails(
    box: tuple[Postbox, dict[str, str]], instance: Path
) -> None:
    postbox, keys = box
    postbox.seconds = 0.2
    for number in range(60):
        queue_one(f"user{number}@example.com")
    with running(instance, "worker", **keys) as worker:
        wait_until(lambda: len(postbox.mails) >= 2, seconds=PATIENCE)
        worker.send_signal(signal.SIGTERM)
        worker.wait(timeout=PATIENCE)
    assert OutboxMail.select().where(OutboxMail.state == "sending").count() == 0
    assert sent() == len(postbox.mails) < 60


def test_long_delivery_shows_that_the_worker_lives_once_a_minute(
    box: tuple[Postbox, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(6):
        queue_one(f"user{number}@example.com")
    seconds = count(0, 20)  # each mail takes that long
    monkeypatch.setattr(worker, "monotonic", lambda: next(seconds))
    beats = list[int]()
    monkeypatch.setattr(heartbeats, "beat", lambda: beats.append(sent()))
    worker._notify_and_deliver()
    assert beats == [0, 3, 6]


def test_mails_leave_while_others_are_prepared(
    box: tuple[Postbox, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    supplier = make_supplier()
    for number in range(3):
        make_invoice(make_company(supplier, email=f"owner{number}@example.com"))
    queue_one()
    seconds = count(0, worker.DELIVERY_SECONDS)  # each company takes that long
    monkeypatch.setattr(worker, "monotonic", lambda: next(seconds))
    announce, sent_before = send._announce, list[int]()

    def note(company: Company) -> send.SendReport:
        sent_before.append(sent())
        return announce(company)

    monkeypatch.setattr(send, "_announce", note)
    worker._notify_and_deliver()
    assert sent_before == [0, 2, 3]
    assert sent() == 4


def test_mails_leave_while_companies_are_reminded(
    box: tuple[Postbox, dict[str, str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    supplier = make_supplier()
    for number in range(3):
        mode = {"notification": "link", "email": f"owner{number}@example.com"}
        company = make_company(supplier, **mode)
        activation.activate(company)
        issued_on = clock.add_months(clock.today(), -24) + timedelta(days=30)
        make_invoice(company, issued_on=issued_on, announced_at=clock.now())
    Activation.update(activated_at=clock.now() - reminders.NEWCOMER_FOR).execute()
    queue_one()
    seconds = count(0, worker.DELIVERY_SECONDS)  # each company takes that long
    monkeypatch.setattr(worker, "monotonic", lambda: next(seconds))
    remind, sent_before = reminders._remind, list[int]()

    def note(company: Company, *, on: date) -> send.SendReport:
        sent_before.append(sent())
        return remind(company, on=on)

    monkeypatch.setattr(reminders, "_remind", note)
    worker._remind_companies()
    assert sent_before == [0, 2, 3]


@pytest.mark.system
@pytest.mark.parametrize("scheme", ["redis", "rediss"])
def test_worker_wakes_by_a_real_redis(
    scheme: str,
    instance: Path,
    tmp_path: Path,
    configure: Callable[..., None],
    make_app: Callable[[], Flask],
) -> None:
    if not shutil.which("redis-server"):
        pytest.skip("needs Debian's redis-server")
    port = free_port()
    words = f"--port {port} --bind 127.0.0.1 --save  --dir {tmp_path}"
    url = f"{scheme}://127.0.0.1:{port}/0"
    if scheme == "rediss":
        certificate, key = make_certificate(tmp_path)
        words = f"{words.replace('--port', '--port 0 --tls-port')} --tls-auth-clients no"
        words += f" --tls-cert-file {certificate} --tls-ca-cert-file {certificate}"
        words += f" --tls-key-file {key}"
        url += "?ssl_cert_reqs=none"
    redis = subprocess.Popen(["redis-server", *words.split(" ")], stdout=subprocess.DEVNULL)
    try:
        configure(QUEUE_URL=url)
        make_app()
        company = make_company(make_supplier(), email="pierre@example.com")
        with running(instance, "worker", QUEUE_URL=url) as worker:
            wait_until(lambda: _is_listening(url), seconds=PATIENCE)
            make_invoice(company)
            queue.wake()
            wait_until(lambda: sent() == 1, seconds=PATIENCE)
            assert worker.poll() is None
        assert Invoice.get().announced_at is not None
    finally:
        redis.terminate()
        redis.wait()


def _is_listening(url: str) -> bool:
    """Tell whether the worker has begun to wait for tasks."""
    from redis import Redis
    from redis.exceptions import ConnectionError as RedisDownError

    try:
        with Redis.from_url(url) as client:
            return any(each["cmd"] == "brpop" for each in client.client_list())
    except RedisDownError:
        return False
