"""Behind proxies of every kind a visitor is himself, and a wrong PROXY_COUNT is told."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from selfservice import proxies, ratelimit
from selfservice.audit import AuditEntry
from selfservice.operations import proxies_seen
from selfservice.operations.heartbeats import Heartbeat
from tests.conftest import Browser

ADDRESSES = {
    "203.0.113.9": "203.0.113.9",
    "203.0.113.9:51234": "203.0.113.9",  # Azure's gateway
    "[2001:db8::1]": "2001:db8::1",
    "[2001:db8::1]:4711": "2001:db8::1",
    '"[2001:db8::1]:4711"': "2001:db8::1",  # RFC 7239
    "2001:DB8:0::1": "2001:db8::1",
    "fe80::1%eth0": "fe80::1",
    "::ffff:203.0.113.9": "203.0.113.9",
    "[::ffff:203.0.113.9]:80": "203.0.113.9",
    "unknown": "unknown",
    "_hidden:80": "_hidden:80",
}


@pytest.mark.parametrize("entry", ADDRESSES)
def test_an_entry_is_read_as_its_address(entry: str) -> None:
    assert proxies.address_in(entry) == ADDRESSES[entry]


@given(text=st.text(max_size=100))
def test_any_entry_gives_something_short(text: str) -> None:
    assert 0 < len(proxies.address_in(text)) <= proxies.MAX_CHARACTERS


def test_what_a_visitor_wrote_before_is_not_read() -> None:
    read = proxies.entries("::," * 10_000 + "203.0.113.9")
    assert read == [*["::"] * 5, "203.0.113.9"]


PAIRS = [
    ("203.0.113.9:51234", "203.0.113.10:51234"),
    ("[2001:db8:1::1]:443", "[2001:db8:2::1]:443"),
    ("unknown-1", "unknown-2"),
    ("_a", "_b"),
    ("203.0.113.9.", "203.0.113.10."),
]


@pytest.mark.parametrize(("one", "other"), PAIRS)
@pytest.mark.parametrize("claimed", ["", '"', '"\\', "192.0.2.1, ", '"192.0.2.1, "', ",,"])
def test_two_visitors_share_no_limit_whatever_one_claims(
    one: str,
    other: str,
    claimed: str,
    configure: Callable[..., None],
    make_app: Callable[[], Flask],
) -> None:
    configure(PROXY_COUNT="1", LIMIT_SIGN_IN_IP="1 per minute")
    app = make_app()
    codes = []
    for entry in (one, one, other):
        browser = Browser(app.test_client())
        browser.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"{claimed}, {entry}"
        codes.append(browser.sign_in("nobody", "nothing").status_code)
    assert (codes[0], codes[1], codes[2]) == (200, 429, 200)
    origins = {entry.origin for entry in AuditEntry.select()}
    assert origins == {proxies.address_in(one), proxies.address_in(other)}


@pytest.mark.parametrize(("one", "other"), [("x" * 80, "y" * 80), ("a b", "a c")])
def test_what_is_no_address_is_a_network_of_its_own(one: str, other: str) -> None:
    assert ratelimit.network_of(one) != ratelimit.network_of(other)


def seen(app: Flask, *headers: str) -> list[tuple[str, dict[str, object]]]:
    client = app.test_client()
    for header in headers:
        given = {"X-Forwarded-For": header} if header else {}
        given |= {"Host": "factures.example.com", "X-Forwarded-Host": "factures.example.com"}
        client.get("/connexion", headers=given)
    return [(found.level.value, found.facts) for found in proxies_seen.check_proxies()]


@pytest.fixture
def behind(configure: Callable[..., None], make_app: Callable[[], Flask]) -> Callable[[int], Flask]:
    def build(count: int) -> Flask:
        configure(PROXY_COUNT=str(count), PUBLIC_URL="https://factures.example.com")
        return make_app()

    return build


@pytest.mark.parametrize(
    ("count", "headers", "least"),
    [
        (0, ["203.0.113.9"], 1),
        (1, ["203.0.113.9, 10.0.0.1", "1.1.1.1, 203.0.113.8, 10.0.0.1"], 2),
        (2, ["203.0.113.9", "1.1.1.1, 203.0.113.8"], 1),
        (1, ["203.0.113.9", ""], 0),
        (5, ["1.1.1.1," * 90], 6),
    ],
)
def test_a_wrong_count_of_proxies_is_a_fault(
    count: int, headers: list[str], least: int, behind: Callable[[int], Flask]
) -> None:
    assert seen(behind(count), *headers) == [("défaut", {"count": count, "seen": least})]


def test_a_right_count_is_fine_whatever_a_visitor_adds(behind: Callable[[int], Flask]) -> None:
    app = behind(1)
    assert seen(app, "203.0.113.9", "1.1.1.1, 203.0.113.8") == [("ok", {"count": 1})]


def test_nothing_is_said_of_what_nobody_has_seen_lately(behind: Callable[[int], Flask]) -> None:
    app = behind(2)
    client = app.test_client()
    client.get("/sante", headers={"Host": "factures.example.com"})
    assert list(proxies_seen.check_proxies()) == [], "a monitor comes by another way"
    assert seen(app, "203.0.113.9")
    for row in Heartbeat.select().where(Heartbeat.name.startswith(proxies_seen.PREFIX)):
        row.at -= timedelta(hours=2)
        row.save()
    assert list(proxies_seen.check_proxies()) == []


def test_it_is_noted_once_in_a_while(behind: Callable[[int], Flask]) -> None:
    app = behind(1)
    seen(app, "203.0.113.9")
    Heartbeat.delete().execute()
    assert seen(app, "203.0.113.8", "203.0.113.9") == []
