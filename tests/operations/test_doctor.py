"""The doctor names each fault in one line with its remedy, and nothing that is secret."""

import os
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session
from flask import Flask

from selfservice import audit, clock, db
from selfservice.audit import AuditEntry
from selfservice.mail import delivery, outbox
from selfservice.mail.outbox import OutboxMail
from selfservice.operations import doctor, health, heartbeats, messages
from selfservice.operations.findings import Finding, Level
from tests.conftest import free_port
from tests.factories import People, make_company, make_invoice, make_supplier
from tests.processes import command
from tests.smtp import Postbox, listening, queue_one


def found(name: str) -> Finding:
    (finding,) = [each for each in doctor.examine_instance() if each.name == name]
    return finding


def names(level: Level) -> set[str]:
    return {each.name for each in doctor.examine_instance() if each.level is level}


def test_cared_for_instance_has_no_fault(app: Flask, tmp_path: Path) -> None:
    app.config["HELP_SITE_DIR"] = tmp_path
    (tmp_path / "index.html").touch()
    heartbeats.beat()
    heartbeats.note(heartbeats.BACKUP)
    assert names(Level.FAULT) == set()
    assert names(Level.WARNING) <= {"imprint", "low_disk", "local_address", "mails_to_folder"}


def test_command_tells_all_it_finds_on_stdout_and_ends_with_1(app: Flask, instance: Path) -> None:
    done = command(instance, "doctor")
    assert done.returncode == 1
    assert "défaut\tProcessus de fond : jamais vu ; lancez « selfservice worker »." in done.stdout
    assert "ok\tBase de données" in done.stdout
    assert done.stderr == ""


def test_it_runs_where_the_configuration_is_wrong(app: Flask, instance: Path) -> None:
    done = command(instance, "doctor", MAIL_PORT="beaucoup", SECRET_KEY="s" * 40)
    assert done.returncode == 1
    assert "SELFSERVICE_MAIL_PORT" in done.stdout
    assert "ssss" not in done.stdout + done.stderr


def test_it_runs_where_nothing_is_installed(tmp_path: Path) -> None:
    done = command(tmp_path / "absent", "doctor")
    assert done.returncode == 1
    assert "selfservice init" in done.stdout
    assert not (tmp_path / "absent").exists()


@pytest.mark.parametrize("name", ["secret_key", "config.toml"])
def test_key_and_settings_that_others_read_are_faults(
    app: Flask, instance: Path, name: str
) -> None:
    secret = "#" * 40
    path = instance / name
    path.write_text(secret)
    path.chmod(0o600)
    assert Level.FAULT not in {each.level for each in doctor.examine_folder(instance)}
    path.chmod(0o640)
    (finding,) = [each for each in doctor.examine_folder(instance) if each.level is Level.FAULT]
    assert f"chmod 600 {path}" in finding.line
    assert secret not in finding.line


def test_folders_that_others_read_or_write_are_told(app: Flask, instance: Path) -> None:
    assert found("permissions")
    instance.chmod(0o755)
    assert found("readable_folder").level is Level.FAULT
    instance.chmod(0o777)
    assert found("open_folder").level is Level.FAULT


@pytest.mark.sqlite
def test_missing_and_damaged_databases_are_told(app: Flask, instance: Path) -> None:
    db.database.close()
    path = instance / "portal.db"
    content = path.read_bytes()
    path.write_bytes(b"no database at all" * 1000)
    assert "n'est pas une base ; restaurez la dernière" in found("database").line
    path.unlink()
    assert "portal.db" in found("database").line
    assert not path.exists()
    path.write_bytes(content)


def test_pending_migration_is_told(app: Flask) -> None:
    db.database.execute_sql("DELETE FROM schema_migration")
    assert "selfservice init" in found("migrations").line


def test_little_disk_is_told(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(health, "free_bytes", lambda _folder: 50 * 1024 * 1024)
    assert {"disk"} <= names(Level.FAULT)
    monkeypatch.setattr(health, "free_bytes", lambda _folder: 500 * 1024 * 1024)
    assert {"low_disk"} <= names(Level.WARNING)


@pytest.mark.parametrize(
    ("shift", "name"),
    [(timedelta(days=-9000), "clock_year"), (timedelta(hours=2), "clock_drift")],
)
def test_wrong_clock_is_told(
    shift: timedelta, name: str, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = clock.now()
    monkeypatch.setattr(clock, "now", lambda: now + shift)
    assert name in names(Level.FAULT)


def test_clock_that_went_back_is_told(app: Flask) -> None:
    audit.record("test")
    AuditEntry.update(at=clock.now() + timedelta(days=1)).execute()
    assert found("clock_back").level is Level.FAULT


def test_missing_documents_are_told(app: Flask) -> None:
    invoice = make_invoice(make_company(make_supplier()))
    assert invoice.sha256 in found("documents").line


def test_late_worker_backlog_and_backup_are_told(app: Flask) -> None:
    outbox.enqueue(
        "password_changed",
        to_address="a@example.com",
        address_key="a@example.com",
        context={"login": "alice", "supplier": "Diac", "home_url": "/", "link_url": "/"},
    )
    late = clock.now() - timedelta(hours=1)
    OutboxMail.update(due_at=late).execute()
    make_invoice(make_company(make_supplier()), deposited_at=late)
    heartbeats.Heartbeat.insert_many(
        [{"name": name, "at": late - timedelta(days=3)} for name in ("worker", "backup")]
    ).execute()
    assert {"late_worker", "overdue_mails", "unannounced"} <= names(Level.FAULT)
    assert {"old_backup"} <= names(Level.WARNING)
    OutboxMail.update(state="failed").execute()
    assert {"failed_mails"} <= names(Level.WARNING)


@pytest.mark.parametrize(
    ("keys", "name", "level"),
    [
        ({"PUBLIC_URL": "http://factures.example.com"}, "public_url_plain", Level.FAULT),
        ({"PUBLIC_URL": "https://factures.example.com"}, "no_proxy_count", Level.FAULT),
        ({"PUBLIC_URL": "https://f.example", "PROXY_COUNT": "1"}, "public_url", Level.FINE),
        ({"DEMO": "true", "PUBLIC_URL": "http://127.0.0.1:8000"}, "demo", Level.WARNING),
        (
            {"DEMO": "true", "DEMO_ANYWAY": "true", "PUBLIC_URL": "https://factures.example.com"},
            "public_demo",
            Level.FAULT,
        ),
        ({"HELP_SITE_DIR": "/nowhere"}, "help_site", Level.FAULT),
        ({"QUEUE_URL": "redis://127.0.0.1:1"}, "queue", Level.FAULT),
    ],
)
def test_settings_that_do_not_fit_are_told(
    keys: dict[str, str],
    name: str,
    level: Level,
    configure: Callable[..., None],
    make_app: Callable[[], Flask],
) -> None:
    configure(**keys)
    make_app()
    assert found(name).level is level


class Picky:
    """A mail server that refuses one sender."""

    async def handle_MAIL(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("intruder"):
            return "553 5.7.1 not your address"
        envelope.mail_from = address
        return "250 OK"

    async def handle_DATA(  # noqa: N802 (aiosmtpd's name)
        self, server: SMTP, session: Session, envelope: Envelope
    ) -> str:
        raise AssertionError("the doctor sends no mail")


@pytest.fixture
def mail_server(configure: Callable[..., None]) -> Iterator[None]:
    port = free_port()
    controller = Controller(Picky(), hostname="127.0.0.1", port=port)
    controller.start()
    configure(MAIL_TRANSPORT="smtp", MAIL_SERVER="127.0.0.1", MAIL_PORT=str(port))
    yield
    controller.stop()


def test_mail_server_is_spoken_to_up_to_the_sender(
    mail_server: None, configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    configure(MAIL_DEFAULT_SENDER="facture@portail.test")
    make_app()
    assert found("smtp").level is Level.FINE
    configure(MAIL_DEFAULT_SENDER="intruder@portail.test")
    make_app()
    assert "553 5.7.1 not your address" in found("smtp_sender").line
    configure(MAIL_USE_TLS="true")
    make_app()
    assert found("smtp_connection").level is Level.FAULT, "no STARTTLS there"
    configure(MAIL_USE_TLS="false", MAIL_USERNAME="portal", MAIL_PASSWORD="hunter2-hunter2")
    make_app()
    line = next(each.line for each in doctor.examine_instance() if each.name.startswith("smtp"))
    assert "hunter2" not in line


@pytest.mark.parametrize(
    ("stage", "answer", "name"),
    [
        ("hello", "550 5.7.1 bad name", "smtp_hello"),
        ("sender", "530 5.7.0 Must issue a STARTTLS command first", "smtp_encryption"),
        ("sender", "450 4.7.1 too much mail from 192.0.2.1", "smtp_quota"),
        ("recipient", "504 5.5.2 <portal>: Helo command rejected: no", "smtp_hello"),
        ("recipient", "554 5.7.1 Client host rejected: Access denied", "smtp_host"),
        ("recipient", "553 5.7.1 Sender address rejected: not owned", "smtp_sender"),
        ("recipient", "550 5.7.23 SPF fail", "smtp_domain"),
        ("recipient", "530 5.7.0 Authentication required", "smtp_login"),
        ("recipient", "421 4.3.2 shutting down", "smtp_busy"),
    ],
)
def test_mail_server_that_refuses_the_portal_is_told_with_the_remedy(
    stage: str, answer: str, name: str, use_smtp: Callable[..., Flask]
) -> None:
    box = Postbox()
    box.always[stage] = answer
    with listening(box) as port:
        use_smtp(port, MAIL_DEFAULT_SENDER="facture@portail.test")
        line = found(name).line
    assert answer in line
    assert " ; " in line
    assert not box.mails


def test_mail_server_that_relays_nothing_is_told(use_smtp: Callable[..., Flask]) -> None:
    box = Postbox()
    box.rule = lambda address: None if "portail.test" in address else "554 5.7.1 Relay denied"
    with listening(box) as port:
        use_smtp(port, MAIL_DEFAULT_SENDER="facture@portail.test")
        assert found("smtp_relay").level is Level.FAULT


@pytest.mark.parametrize(
    "answer", ["550 5.1.1 unknown", "450 4.2.0 Greylisted", "550 5.1.4 reserved by RFC 2606"]
)
def test_what_the_server_says_of_the_doctors_recipients_is_no_fault(
    answer: str, use_smtp: Callable[..., Flask]
) -> None:
    box = Postbox()
    box.always["recipient"] = answer
    with listening(box) as port:
        use_smtp(port, MAIL_DEFAULT_SENDER="facture@portail.test")
        assert found("smtp").level is Level.FINE


def test_mails_refused_after_their_text_are_told_until_one_passes(
    use_smtp: Callable[..., Flask],
) -> None:
    box = Postbox()
    box.always["message"] = "550 5.7.60 SMTP; Client does not have permissions"
    with listening(box) as port:
        use_smtp(port, MAIL_DEFAULT_SENDER="facture@portail.test")
        queue_one()
        queue_one("b@example.com")
        delivery.deliver_due()
        assert found("smtp").level is Level.FINE, "up to RCPT it accepts all"
        line = found("held_mails").line
        assert "2 en attente" in line and "5.7.60" in line and "MAIL_DEFAULT_SENDER" in line
        del box.always["message"]
        delivery.deliver_due()
        assert "held_mails" not in names(Level.FAULT)


def test_dead_mail_server_and_example_sender_are_told(
    configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    configure(MAIL_TRANSPORT="smtp", MAIL_PORT=str(free_port()))
    make_app()
    assert {"smtp_connection", "example_sender"} <= names(Level.FAULT)


def test_mail_server_whose_name_is_no_name_is_told(
    configure: Callable[..., None], make_app: Callable[[], Flask]
) -> None:
    configure(MAIL_TRANSPORT="smtp", MAIL_SERVER="smtp..example.com")
    make_app()
    assert "smtp_connection" in {found.name for found in doctor.examine_instance()}


def test_every_fault_has_its_remedy() -> None:
    for what, remedy in (messages.FAULTS | messages.WARNINGS).values():
        assert what and remedy and "\n" not in what + remedy


@pytest.mark.sqlite
def test_what_commands_write_is_for_their_account_alone(tmp_path: Path) -> None:
    place = tmp_path / "new"
    before = os.umask(0)
    try:
        assert command(place, "init", MAIL_TRANSPORT="file").returncode == 0
    finally:
        os.umask(before)
    assert {each.name for each in place.rglob("*") if each.stat().st_mode & 0o077} == set()


def test_a_box_of_returned_mails_is_opened(
    configure: Callable[..., None], make_app: Callable[[], Flask], tmp_path: Path
) -> None:
    configure(MAIL_BOUNCES=str(tmp_path))
    make_app()
    assert f"{tmp_path} : ce fichier ou ce dossier n'existe pas" in found("bounces").line
    for name in ("new", "cur"):
        (tmp_path / name).mkdir()
    assert found("bounces").level is Level.FINE


def test_command_speaks_to_the_server_as_mails_do_that_return(
    app: Flask, instance: Path, tmp_path: Path
) -> None:
    box = Postbox()
    with listening(box) as port:
        keys = {"MAIL_TRANSPORT": "smtp", "MAIL_SERVER": "127.0.0.1", "MAIL_PORT": str(port)}
        done = command(instance, "doctor", MAIL_BOUNCES=str(tmp_path), **keys)
    assert done.stderr == ""
    assert "ok\tServeur de mail" in done.stdout
    assert "+0-0-" in box.senders[0]


def test_registered_addresses_that_receive_no_more_are_counted(people: People) -> None:
    def ends(address: str, state: str, reason: str = "") -> None:
        one = queue_one(address)
        OutboxMail.update(state=state, reason=reason).where(OutboxMail.id == one.id).execute()

    for number in range(3):
        make_company(people.supplier, email="deux@example.com", name=f"Deux {number}")
    make_company(people.supplier, email="plein@example.com")
    make_company(people.supplier, email="spam@example.com")
    ends("alice@example.com", "returned", "unknown_address")
    ends("deux@example.com", "returned", "unknown_address")
    ends("plein@example.com", "failed", "mailbox_full")
    ends("spam@example.com", "returned", "spam")
    ends("parti@example.com", "returned", "unknown_address")
    assert "3 adresse(s) enregistrée(s) ne reçoivent plus" in found("faulty_addresses").line
    ends("alice@example.com", "sent")
    ends("deux@example.com", "queued")
    assert "2 adresse(s)" in found("faulty_addresses").line


def test_legal_notice_is_asked_for_while_it_is_empty(app: Flask) -> None:
    finding = found("imprint")
    assert finding.level is Level.WARNING
    assert "PUBLISHER_NAME" in finding.line and "HOSTED_BY" in finding.line
    for name in ("PUBLISHER_NAME", "PUBLISHER_SEAT", "PUBLISHER_PHONE", "HOSTED_BY"):
        app.config[name] = "Martin"
    assert found("imprint").level is Level.FINE
