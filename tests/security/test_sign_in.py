"""What must hold of passwords and sign-in (ASVS 6.2, 6.3)."""

import statistics
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import time_machine
from argon2 import PasswordHasher, extract_parameters
from flask import Flask
from peewee import IntegrityError

from selfservice import config
from selfservice.accounts.models import User
from selfservice.accounts.passwords import MAXIMUM_LENGTH
from selfservice.db import database
from tests.accounts.test_recovery import ask, choose, mailed_path
from tests.conftest import Browser, free_port
from tests.factories import PASSWORD, People, make_people, make_user
from tests.platform.test_server import TOKEN, Visitor
from tests.processes import serving

LONGEST = "Ab1! é漢" + "x" * (MAXIMUM_LENGTH - 7)


@pytest.mark.parametrize("password", [" Cabrette-verte9 ", "Cab rette\t9-", LONGEST])
def test_nothing_of_a_password_is_trimmed_or_cut(
    password: str, browser: Browser, people: People
) -> None:
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    assert choose(browser, password).status_code == 302
    for wrong in (password.strip(), password[:-1], password + "x", password[:72]):
        if wrong != password:
            assert browser.sign_in("alice", wrong).status_code == 200, wrong
    assert browser.sign_in("alice", password).status_code == 302


def test_one_character_more_than_the_longest_is_refused(browser: Browser, people: People) -> None:
    ask(browser, "alice@example.com")
    browser.get(mailed_path())
    assert f"pas dépasser {MAXIMUM_LENGTH}" in choose(browser, LONGEST + "x").text


def test_passwords_are_hashed_by_argon2id_at_the_recommended_cost(
    configure: Callable[..., None], make_app: Callable[[], Flask], tmp_path: Path
) -> None:
    shipped = config.load(tmp_path, {})
    assert 19_456 <= shipped["PASSWORD_HASH_MEMORY_KIB"] <= 47_104
    assert 2 <= shipped["PASSWORD_HASH_ITERATIONS"] <= 3
    configure(
        PASSWORD_HASH_MEMORY_KIB=str(shipped["PASSWORD_HASH_MEMORY_KIB"]),
        PASSWORD_HASH_ITERATIONS=str(shipped["PASSWORD_HASH_ITERATIONS"]),
    )
    make_app()
    kept = extract_parameters(str(make_people().alice.password_hash))
    assert kept.type.name == "ID"
    assert (kept.memory_cost, kept.time_cost, kept.parallelism) == (19_456, 2, 1)


def test_no_account_is_shipped(app: Flask) -> None:
    assert User.select().count() == 0


@pytest.mark.parametrize("kind", ["unknown", "wrong", "switched off", "closed", "no password"])
def test_the_same_hashing_runs_whatever_fails(
    kind: str, browser: Browser, people: People, monkeypatch: pytest.MonkeyPatch
) -> None:
    changes: dict[str, dict[str, object]] = {
        "switched off": {"is_active": False},
        "closed": {"closed_at": people.alice.created_at},
        "no password": {"password_hash": None},
    }
    User.update(changes.get(kind, {"phone": ""})).where(User.id == people.alice.id).execute()
    browser.sign_in("warm-up", "x")
    costs: list[tuple[int, int]] = []
    real = PasswordHasher.verify

    def verify(hasher: PasswordHasher, known: str, password: bytes) -> bool:
        cost = extract_parameters(known)
        costs.append((cost.memory_cost, cost.time_cost))
        return real(hasher, known, password)

    monkeypatch.setattr(PasswordHasher, "verify", verify)
    browser.sign_in("personne" if kind == "unknown" else "alice", "Autre-chose1")
    assert costs == [(8, 1)]


def test_a_limit_of_attempts_heals_by_itself(browser: Browser, people: People) -> None:
    with time_machine.travel("2026-03-02T10:00:00Z", tick=False) as machine:
        for _ in range(11):
            refused = browser.sign_in("alice", "faux")
        assert refused.status_code == 429
        machine.shift(timedelta(seconds=int(refused.headers["Retry-After"])))
        assert browser.sign_in("alice", PASSWORD).status_code == 302


@pytest.mark.parametrize("typed", ["ÉLISE", " élise ", "e\u0301lise", "Ｅ\u0301lise"])
def test_a_login_is_known_by_its_normal_form(typed: str, browser: Browser, people: People) -> None:
    make_user(people.alice.company, "élise")
    assert browser.sign_in(typed, PASSWORD).status_code == 302
    with pytest.raises(IntegrityError), database.atomic():
        make_user(people.bob.company, typed)


@pytest.mark.soak
def test_every_failure_takes_the_same_time_within_ten_percent(
    configure: Callable[..., None], make_app: Callable[[], Flask], instance: Path, tmp_path: Path
) -> None:
    shipped = config.load(tmp_path, {})
    keys = {
        name: str(shipped[name])
        for name in ("PASSWORD_HASH_MEMORY_KIB", "PASSWORD_HASH_ITERATIONS")
    }
    limits = ("LIMIT_SIGN_IN_LOGIN", "LIMIT_SIGN_IN_LOGIN_ALL", "LIMIT_SIGN_IN_IP")
    keys |= dict.fromkeys(limits, "100000/hour")
    configure(**keys)
    make_app()
    people = make_people()
    User.update(is_active=False).where(User.id == people.bob.id).execute()
    times: dict[str, list[float]] = {"personne": [], "alice": [], "bob": []}
    with serving(instance, free_port(), **keys) as address:
        visitor = Visitor(address)
        token = TOKEN.search(visitor.get("/connexion"))
        assert token
        for number in range(210):
            for login, taken in times.items():
                # Not the same form twice: that gets its first answer again.
                fresh = f"{number}{token[1]}"
                fields = {"csrf_token": fresh, "login": login, "password": "Autre-chose1"}
                begin = time.perf_counter()
                visitor.post("/connexion", fields)
                if number >= 10:
                    taken.append(time.perf_counter() - begin)
    medians = {login: statistics.median(taken) for login, taken in times.items()}
    assert max(medians.values()) <= 1.1 * min(medians.values()), medians


def test_a_password_serves_as_long_as_its_owner_likes(browser: Browser, people: People) -> None:
    with time_machine.travel(datetime.now(UTC) + timedelta(days=3650)):
        answer = browser.sign_in("alice", PASSWORD)
        assert (answer.status_code, answer.headers["Location"]) == (302, "/factures")
