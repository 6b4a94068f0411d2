"""The journal: who, when, from where, what, with which result; and no secret (ASVS 16)."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
import time_machine
from flask import Flask

from selfservice import audit, clock
from selfservice.accounts import users
from selfservice.accounts.models import User
from selfservice.audit import AuditEntry
from selfservice.db import database
from selfservice.deposits.deposit import deposit_folder
from selfservice.invoices.models import Invoice
from selfservice.notifications import direct_links
from tests.accounts.test_recovery import NEW, ask, choose, mailed_path
from tests.administration.test_add_user import ADD, fields
from tests.conftest import Browser
from tests.factories import PASSWORD, People, make_invoice, make_profile
from tests.papers import cii, client_number, pdf

ORIGIN = "203.0.113.9"


def entry(event: str) -> AuditEntry:
    found: AuditEntry = AuditEntry.get(AuditEntry.event == event)
    return found


@pytest.fixture
def from_afar(app: Flask, people: People) -> Browser:
    client = app.test_client()
    client.environ_base["REMOTE_ADDR"] = ORIGIN
    return Browser(client)


def test_an_entry_says_who_when_from_where_what_and_how_it_ended(from_afar: Browser) -> None:
    with time_machine.travel("2026-03-02T23:30:00Z", tick=False):
        from_afar.sign_in("alice", "faux")
        from_afar.sign_in("alice", PASSWORD)
    for event in ("sign_in.failed", "sign_in.done"):
        row = entry(event)
        assert (row.actor, row.origin) == ("alice", ORIGIN)
        assert row.at.isoformat() == "2026-03-02T23:30:00", "UTC"
        assert row.company_id
        assert row.user_id


def test_who_tries_what_is_not_theirs_is_kept(people: People, alice: Browser, bob: Browser) -> None:
    User.update(is_administrator=True).where(User.login == "bob").execute()
    foreign = make_invoice(people.alice.company, sha256="a" * 64)
    tried = (
        f"/factures/{foreign.id}.pdf",
        f"/factures/{foreign.id}.xml",
        f"/factures/archive.zip?id={foreign.id}",
        f"/administration/utilisateurs/{people.alice.id}",
        f"/administration/profils/{make_profile(people.alice.company, 'A', 'C-1').id}",
    )
    for path in (*tried, "/factures/999999.pdf", "/factures/archive.zip?id=999999"):
        assert bob.get(path).status_code == 404
    denials = AuditEntry.select().where(AuditEntry.event == "access.denied")
    kept = [(row.actor, row.details["path"]) for row in denials.order_by(AuditEntry.id)]
    assert kept == [("bob", path.partition("?")[0]) for path in tried]


def test_what_is_refused_keeps_nobody_from_what_is_theirs(
    app: Flask, alice: Browser, new_browser: Callable[[], Browser]
) -> None:
    """A page of another site brings a thousand refusals about in a minute, in its reader's name."""
    app.config |= {"LIMIT_JOURNAL_USER": "3/hour", "LIMIT_DENIAL_IP": "2/hour"}
    for _ in range(5):
        assert alice.get("/conseil").status_code == 404
    assert AuditEntry.select().where(AuditEntry.event == "access.denied").count() == 2
    signed_in = new_browser().sign_in("alice", PASSWORD)
    assert signed_in.headers["Location"].endswith("/factures")


def test_every_kind_of_event_is_kept_without_a_secret(
    from_afar: Browser, people: People, app: Flask, tmp_path: Path
) -> None:
    _deposit(people, tmp_path)
    from_afar.sign_in("alice", "Faux-secret-1")
    from_afar.sign_in("alice", PASSWORD)
    invoice = Invoice.get()
    from_afar.get(f"/factures/{invoice.id}.pdf")
    link = direct_links.issue(invoice, str(people.alice.email_key))
    from_afar.get(f"/telechargement/{link}")
    from_afar.submit(ADD, fields(people))
    from_afar.submit("/profil/compte", {"last_name": "Durand"})
    typed = {"current": "Faux-secret-2", "password": NEW, "confirmation": NEW}
    from_afar.submit("/profil/mot-de-passe", typed)
    from_afar.submit("/profil/mot-de-passe", typed | {"current": PASSWORD})
    from_afar.submit("/deconnexion", {}, page="/profil/compte")
    ask(from_afar, "alice@example.com")
    secret = mailed_path().rpartition("/")[2]
    from_afar.get(mailed_path())
    choose(from_afar, "Vielle-roue-7")
    ask(from_afar, "personne@example.com")
    users.give_password(users.by_login("bob"), "Musette-rouge4")
    from_afar.sign_in("bob", "Musette-rouge4")
    from_afar.get("/administration/utilisateurs")
    from_afar.client.post("/profil/compte", data={})
    users.close_login("bob")
    app.config["LIMIT_SIGN_IN_IP"] = "1/hour"
    for _ in range(2):
        from_afar.sign_in("alice", "x")
    assert {row.event for row in AuditEntry.select()} >= {
        "access.denied",
        "form.refused",
        "invoice.fetched",
        "invoice.opened",
        "invoices.deposited",
        "limit.reached",
        "password.changed",
        "password.given",
        "password.refused",
        "recovery.requested",
        "recovery.unknown",
        "sign_in.done",
        "sign_in.failed",
        "sign_out",
        "user.added",
        "user.closed",
        "user.coordinates",
    }
    kept = " ".join(str(row.__data__) for row in AuditEntry.select())
    passwords = (PASSWORD, NEW, "Faux-secret", "Vielle-roue", "Musette", "personne@")
    for hidden in (*passwords, secret, link):
        assert hidden not in kept


def _deposit(people: People, tmp_path: Path) -> None:
    folder = tmp_path / "deposit"
    folder.mkdir()
    buyer = client_number(people.alice.company.client_number)
    (folder / "a.pdf").write_bytes(pdf(cii(number="F-1", buyer=buyer)))
    assert deposit_folder(people.supplier, folder).refused == []


@pytest.mark.parametrize("text", ["a\r\nb", "a\nsign_in.done", "a\u2028b", "a\x1b[2Jb", "a\x00b"])
def test_a_line_feed_can_forge_no_line(text: str, app: Flask) -> None:
    audit.record("test", actor=text, login=text)
    row = AuditEntry.get()
    assert row.actor.isprintable()
    assert row.facts.isprintable()


def test_an_unknown_address_is_a_keyed_fingerprint(
    from_afar: Browser, app: Flask, people: People
) -> None:
    ask(from_afar, "personne@example.com")
    fingerprint = audit.pseudonym("personne@example.com", key=app.config["SECRET_KEY"])
    assert fingerprint in entry("recovery.unknown").facts
    assert fingerprint != audit.pseudonym("personne@example.com", key="another")


def test_an_undone_change_leaves_no_entry(app: Flask, people: People) -> None:
    with pytest.raises(ZeroDivisionError), database.atomic():
        audit.record("test")
        raise ZeroDivisionError
    assert AuditEntry.select().where(AuditEntry.event == "test").count() == 0


def test_the_journal_is_kept_apart(app: Flask, people: People) -> None:
    audit.record("test", company_id=people.alice.company_id, user_id=people.alice.id)
    people.alice.delete_instance()
    assert entry("test").user_id == people.alice.id
    assert entry("test").at <= clock.now() + timedelta(seconds=1)
