"""Traps of the libraries that others have met already."""

import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from flask import Flask

from selfservice import db, ratelimit
from selfservice.accounts.models import User
from selfservice.app import create_app
from selfservice.ratelimit import LimitReachedError, RateCounter
from tests.conftest import Browser, sign_in_adviser
from tests.factories import People, make_adviser
from tests.processes import environment

READ_THEN_WRITE = """
from selfservice import db
from selfservice.app import create_app
from selfservice.accounts.models import User
create_app()
db.ensure_open()
for _ in range(50):
    with db.database.atomic():
        user = User.get(User.login == "alice")
        User.update(phone=str(int(user.phone or 0) + 1)).where(User.id == user.id).execute()
"""
HIT = """
from selfservice import db, ratelimit
from selfservice.app import create_app
app = create_app()
db.ensure_open()
with app.app_context():
    for _ in range(20):
        try:
            ratelimit.hit("sign_in_login", "alice")
            print("passed")
        except ratelimit.LimitReachedError:
            pass
"""
HUGE = 2**63


def in_processes(instance: Path, code: str, count: int = 4) -> list[str]:
    """Run a script in several processes at once and return what each printed."""

    def run(_number: int) -> str:
        done = subprocess.run(
            [sys.executable, "-c", code],
            env=environment(instance),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    with ThreadPoolExecutor(count) as pool:
        return list(pool.map(run, range(count)))


@pytest.mark.slow
def test_four_processes_that_read_then_write_lose_nothing(
    app: Flask, instance: Path, people: People
) -> None:
    in_processes(instance, READ_THEN_WRITE)
    assert User.get_by_id(people.alice.id).phone == "200"


@pytest.mark.slow
def test_four_processes_share_one_limit_exactly(app: Flask, instance: Path) -> None:
    passed = "".join(in_processes(instance, HIT)).count("passed")
    assert passed == 10
    assert RateCounter.select().count() == 1


@pytest.mark.parametrize(
    "path",
    ["/factures/{}.pdf", "/factures/{}.xml", "/factures?apres={}", "/factures?page={}"],
)
def test_an_id_beyond_the_database_is_no_error(path: str, alice: Browser) -> None:
    for number in (HUGE, HUGE - 1, -HUGE, 10**40):
        assert alice.get(path.format(number)).status_code in (200, 404)


@pytest.mark.parametrize("act", ["mails/{}", "logins/{}/fermeture", "factures?login={}"])
def test_an_id_beyond_the_database_is_no_error_of_an_adviser(
    act: str, browser: Browser, people: People
) -> None:
    adviser = sign_in_adviser(browser, make_adviser(people.supplier, "nadia"))
    sheet = f"/conseil/{people.alice.company.client_number}"
    assert adviser.get(sheet).status_code == 200
    for number in (HUGE, 10**40):
        assert adviser.get(f"{sheet}/{act.format(number)}").status_code in (200, 302, 404)


def test_an_id_beyond_the_database_in_a_form_is_no_error(alice: Browser) -> None:
    forms = {
        "/reinitialisation": "user_id",
        "/profil/preferences": "display_history_months",
        "/profil/sessions/fermer": "session",
        "/administration/utilisateurs/ajout": "company",
    }
    for path, name in forms.items():
        response = alice.submit(path, {name: str(HUGE)}, page="/profil/compte")
        assert response.status_code in (200, 302, 404), path


def test_no_connection_is_opened_before_the_workers_fork(instance: Path, app: Flask) -> None:
    db.database.close()
    create_app()
    assert db.database.is_closed()
    db.ensure_open()


@pytest.mark.usefixtures("unshared")
def test_a_request_leaves_no_transaction_open(app: Flask, people: People) -> None:
    def abandon() -> str:
        db.database.begin()
        db.database.push_transaction(object())
        User.update(phone="abandoned").execute()
        return "done"

    app.add_url_rule("/abandon", view_func=abandon)
    assert app.test_client().get("/abandon").status_code == 200
    assert not db.database.in_transaction()
    assert User.get_by_id(people.alice.id).phone == ""


def test_a_limit_never_deducts_afterwards(app: Flask) -> None:
    app.config["LIMIT_SIGN_IN_LOGIN"] = "1/hour"
    ratelimit.hit("sign_in_login", "alice")
    with pytest.raises(LimitReachedError):
        ratelimit.hit("sign_in_login", "alice")
    assert RateCounter.get().hits == 2, "counted although refused"
