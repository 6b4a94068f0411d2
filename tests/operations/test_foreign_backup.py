"""A backup may come from anybody: its settings lead nowhere else before somebody agrees."""

import io
import json
import os
import pty
import resource
import sqlite3
import subprocess
import tarfile
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from flask import Flask

from selfservice import db
from selfservice.notifications import send
from selfservice.operations.backup import make_backup
from selfservice.operations.errors import OperationError
from selfservice.operations.restore import restore
from tests.factories import make_company, make_invoice, make_supplier
from tests.processes import SELFSERVICE, command, environment

pytestmark = [pytest.mark.sqlite, pytest.mark.slow]
Rebuild = Callable[[str], Path]


@pytest.fixture
def saved(app: Flask, instance: Path, tmp_path: Path) -> Rebuild:
    """Make a backup of an instance with such settings."""

    def make(settings: str) -> Path:
        (instance / "config.toml").write_text(settings)
        make_backup(tmp_path / "backup.tar")
        return tmp_path / "backup.tar"

    return make


def settings_that_lead_away(place: Path) -> dict[str, str]:
    return {
        "DATABASE_URL": f"sqlite:///{place}/other.db",
        "DOCUMENTS_DIR": str(place / "documents"),
        "QUEUE_URL": "redis://queue.example.com/0",
        "RATELIMIT_STORAGE_URI": "redis://limits.example.com/0",
        "MAIL_BOUNCES": f"{place}/Maildir",
    }


@pytest.mark.parametrize("name", settings_that_lead_away(Path()))
def test_a_setting_that_leads_away_is_refused_without_a_terminal_and_taken_by_yes(
    name: str, saved: Rebuild, tmp_path: Path
) -> None:
    away = tmp_path / "away"
    value = settings_that_lead_away(away)[name]
    path, copy = saved(f'{name} = "{value}"\n'), tmp_path / "copy"
    done = command(copy, "restore", str(path))
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert f"ou publie ({name} = {value.removeprefix('sqlite:///')})" in line
    assert not copy.exists()
    assert not away.exists()
    assert command(copy, "restore", "--yes", str(path)).returncode == 0
    assert (copy / "secret_key").is_file()


def test_a_setting_pushes_no_other_off_the_screen(saved: Rebuild, tmp_path: Path) -> None:
    newlines, long = r"\n" * 50, "x" * 5000
    path = saved(f'QUEUE_URL = "redis://evil.example/0"\nMAIL_BOUNCES = "/a{newlines}{long}"')
    done = command(tmp_path / "copy", "restore", str(path))
    (line,) = done.stderr.splitlines()
    assert "QUEUE_URL = redis://evil.example/0, MAIL_BOUNCES = /a" in line
    assert len(line) < 1000


@pytest.mark.parametrize("where", ["{}/papers", "papers", "./a/../papers"])
def test_what_the_settings_do_is_shown_and_nothing_asked_where_they_stay_inside(
    where: str, saved: Rebuild, tmp_path: Path
) -> None:
    copy = tmp_path / "copy"
    path = saved(f'DEMO = true\nDOCUMENTS_DIR = "{where.format(copy)}"\n')
    done = command(copy, "restore", str(path))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.splitlines()[0] == (
        f"Base : {copy}/portal.db ; documents : {copy}/papers ; démonstration : oui."
    )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("QUEUE_URL", "sqlite:///documents/ab/{sha256}.pdf"),
        ("HELP_SITE_DIR", "."),
        ("HELP_SITE_DIR", "documents"),
    ],
)
def test_what_the_portal_runs_or_shows_is_asked_about_inside_the_instance_too(
    name: str, value: str, saved: Rebuild, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SELFSERVICE_HELP_SITE_DIR")  # the tests' own would decide
    value, copy = value.format(sha256="ab" * 32), tmp_path / "copy"
    done = command(copy, "restore", str(saved(f'{name} = "{value}"\n')))
    place = os.path.normpath(copy / value.removeprefix("sqlite:///"))
    assert done.returncode == 1
    assert f"à ce qu'elle exécute ou publie ({name} = {place})" in done.stderr
    assert not copy.exists()


@pytest.mark.parametrize(
    "settings",
    [
        'DOCUMENTS_DIR = "."\nACCEL_REDIRECT_PREFIX = "/_documents/"',
        'DOCUMENTS_DIR = "secret_key"',
        'DATABASE_URL = "sqlite:///config.toml"',
        'DATABASE_URL = "sqlite:///documents/aa/portal.db"',
    ],
)
def test_no_part_takes_the_place_of_another_or_holds_it(
    settings: str, saved: Rebuild, tmp_path: Path
) -> None:
    done = command(tmp_path / "copy", "restore", "--yes", str(saved(settings)))
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert "donnez à la base et aux documents des places à part" in line
    assert not (tmp_path / "copy").exists()


def test_a_server_of_mails_that_would_be_told_our_password_is_asked_about(
    saved: Rebuild, tmp_path: Path
) -> None:
    path, copy = saved('MAIL_SERVER = "smtp.example.net"\n'), tmp_path / "copy"
    ours = {"MAIL_USERNAME": "portal", "MAIL_PASSWORD": "hush"}
    done = command(copy, "restore", str(path), **ours)
    assert done.returncode == 1
    assert "(MAIL_SERVER = smtp.example.net)" in done.stderr
    assert command(copy, "restore", str(path)).returncode == 0


def test_a_setting_of_the_environment_is_the_operators_own(saved: Rebuild, tmp_path: Path) -> None:
    path = saved(f'DOCUMENTS_DIR = "{tmp_path}/theirs"\n')
    ours = str(tmp_path / "ours")
    assert command(tmp_path / "copy", "restore", str(path), DOCUMENTS_DIR=ours).returncode == 0
    assert not (tmp_path / "theirs").exists()


@pytest.mark.parametrize(("answer", "status"), [(b"n\n", 1), (b"oui\n", 0)])
def test_a_terminal_is_asked(answer: bytes, status: int, saved: Rebuild, tmp_path: Path) -> None:
    path, copy = saved(f'DOCUMENTS_DIR = "{tmp_path}/theirs"\n'), tmp_path / "copy"
    ours, terminal = pty.openpty()
    os.write(ours, answer)
    done = subprocess.run(
        [*SELFSERVICE, "restore", str(path)],
        env=environment(copy),
        stdin=terminal,
        capture_output=True,
        text=True,
        timeout=60,
    )
    os.close(terminal)
    os.close(ours)
    assert "Restaurer ainsi, oui ou non ?" in done.stdout
    assert done.returncode == status
    assert copy.exists() == (status == 0)


def test_no_password_is_shown(saved: Rebuild, tmp_path: Path) -> None:
    path = saved('QUEUE_URL = "redis://user:hush@queue.example.com/0"\n')
    done = command(tmp_path / "copy", "restore", str(path))
    assert "redis://queue.example.com/0" in done.stderr
    assert "hush" not in done.stderr + done.stdout


# Rows without an end, which would fill the disk.
ENDLESS = """DROP TABLE help_vote;
CREATE VIEW help_vote (id, page, voted_on, is_useful, votes) AS
WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n)
SELECT i, printf('%0190d', i), '2026-01-01', 1, 1 FROM n"""


def require_refused(change: str, told: str, saved: Rebuild, *, copy: Path) -> None:
    """Change the base, and check that a restore refuses its backup and leaves nothing behind."""
    with closing(sqlite3.connect(db.database.database)) as file:
        file.executescript(change)
    done = command(copy, "restore", str(saved("")))
    (line,) = done.stderr.splitlines()
    assert done.returncode == 1
    assert told in line
    assert not copy.exists()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE supplier SET name = x'fffe'", "supplier, bytes pour varchar(200)"),
        ("UPDATE supplier SET opened_on = 'demain'", "supplier, Invalid isoformat string"),
        ("CREATE TABLE s2 AS SELECT * FROM supplier; DROP TABLE supplier", "supplier"),
        (ENDLESS, "help_vote"),
    ],
)
def test_a_base_whose_values_no_page_can_show_is_refused_in_one_line(
    change: str, told: str, saved: Rebuild, tmp_path: Path
) -> None:
    make_supplier("vendeur")
    require_refused(change, told, saved, copy=tmp_path / "copy")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ("UPDATE invoice SET sha256 = '../' || sha256", "Invoice.sha256"),
        ("UPDATE supplier SET logo_sha256 = '/etc/passwd'", "Supplier.logo_sha256"),
        ("UPDATE outbox_mail SET attachment_path = '/etc/passwd'", "OutboxMail.attachment_path"),
        ("UPDATE outbox_mail SET attachment_path = '../secret_key'", "OutboxMail.attachment_path"),
    ],
)
def test_a_row_that_names_a_file_of_the_host_is_refused_in_one_line(
    change: str, told: str, saved: Rebuild, tmp_path: Path
) -> None:
    """The portal would send it by mail, or show it as a logo to everybody."""
    make_invoice(make_company(make_supplier("vendeur"), email="a@x.fr", notification="attached"))
    send.send_due()
    require_refused(change, told, saved, copy=tmp_path / "copy")


def test_an_unknown_format_is_refused(saved: Rebuild, tmp_path: Path) -> None:
    path = saved("")
    with tarfile.open(path) as tar:
        members = {each.name: tar.extractfile(each).read() for each in tar}  # type: ignore[union-attr]
    manifest = json.loads(members["manifest.json"]) | {"format": 2}
    members["manifest.json"] = json.dumps(manifest).encode()
    with tarfile.open(path, "w") as tar:
        for name, content in members.items():
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))
    with pytest.raises(OperationError, match="unknown_format"):
        restore(path, tmp_path / "copy")
    assert not (tmp_path / "copy").exists()


def of_zeros(size: int) -> bytes:
    """The heading of a file of so many zeros, of which the archive holds none (GNU, « S »)."""
    heading = bytearray(tarfile.TarInfo("portal.db").tobuf(tarfile.GNU_FORMAT)[:512])
    heading[156:157] = b"S"
    heading[386:410] = b"%011o\0%011o\0" % (size, 0)
    heading[483:495] = b"%011o\0" % size
    heading[148:156] = b" " * 8
    heading[148:156] = b"%06o\0 " % sum(heading)
    return bytes(heading)


def heading(kind: bytes, size: int) -> bytes:
    member = tarfile.TarInfo("portal.db")
    member.type, member.size = kind, size
    return member.tobuf(tarfile.GNU_FORMAT)


def sparse_without_a_map() -> bytes:
    member = tarfile.TarInfo("portal.db")
    member.size = 2
    member.pax_headers = {"GNU.sparse.major": "1", "GNU.sparse.minor": "0"}
    return member.tobuf(tarfile.PAX_FORMAT) + b"zz".ljust(512, b"\0")


@pytest.mark.parametrize(
    "content",
    [
        of_zeros(2**32),
        heading(tarfile.XHDTYPE, -512),
        heading(tarfile.GNUTYPE_LONGNAME, 2**60),
        heading(tarfile.GNUTYPE_LONGNAME, 1) * 3000,
        sparse_without_a_map(),
    ],
)
def test_an_archive_that_asks_for_the_impossible_is_refused_and_fills_no_disk(
    content: bytes, tmp_path: Path
) -> None:
    (tmp_path / "backup.tar").write_bytes(content + bytes(1024))
    limits = (resource.RLIMIT_FSIZE, (2**20, 2**20))
    done = subprocess.run(
        [*SELFSERVICE, "restore", str(tmp_path / "backup.tar")],
        env=environment(tmp_path / "copy"),
        capture_output=True,
        text=True,
        check=False,
        preexec_fn=lambda: resource.setrlimit(*limits),
    )
    (line,) = done.stderr.splitlines()
    assert "n'est pas une sauvegarde intacte" in line
    assert not (tmp_path / "copy").exists()
