"""A typed address before it is registered: a slip, and a domain that takes no mail."""

import socket
import threading
from collections.abc import Callable, Iterator

import dns.message
import dns.rcode
import dns.resolver
import dns.rrset
import pytest
from flask import Flask

from selfservice.suppliers import mailboxes
from selfservice.suppliers.mailboxes import near_miss, takes_mail

# What the name server of the tests knows: MX records by domain.
ZONE = {"takes.fr": "10 mx.takes.fr.", "null-mx.fr": "0 ."}


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("p@gmial.com", "p@gmail.com"),
        ("P.Durand@Wanado.fr", "p.durand@wanadoo.fr"),
        ("p@hotmai.fr", "p@hotmail.fr"),
        ("p@gmail.com", ""),
        ("p@gmail.fr", ""),
        ("p@durand-transports.fr", ""),
        ("p@" + "a" * 300, ""),
        ("", ""),
    ],
)
def test_a_slip_is_seen_and_nothing_else(typed: str, meant: str) -> None:
    assert near_miss(typed) == meant


@pytest.fixture
def name_server(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A real name server on loopback, the only one that the portal asks."""
    server = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    server.bind(("127.0.0.1", 0))
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], server.getsockname()[1]
    monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
    thread = threading.Thread(target=_answer, args=(server,))
    thread.start()
    yield
    server.sendto(b"", server.getsockname())
    thread.join()
    server.close()


def _answer(server: socket.socket) -> None:
    while True:
        packet, asker = server.recvfrom(4096)
        if not packet:
            return
        query = dns.message.from_wire(packet)
        answer = dns.message.make_response(query)
        name = query.question[0].name.to_text(omit_final_dot=True)
        kind = dns.rdatatype.to_text(query.question[0].rdtype)
        if name not in ZONE:
            answer.set_rcode(dns.rcode.NXDOMAIN)
        elif kind == "MX":
            answer.answer.append(dns.rrset.from_text(name + ".", 60, "IN", "MX", ZONE[name]))
        server.sendto(answer.to_wire(), asker)


@pytest.fixture
def by_smtp(make_app: Callable[[], Flask], configure: Callable[..., None]) -> Flask:
    configure(MAIL_TRANSPORT="smtp")
    return make_app()


@pytest.mark.parametrize(
    ("address", "is_taking"),
    [("a@takes.fr", True), ("a@null-mx.fr", False), ("a@nowhere.fr", False), ("no address", False)],
)
def test_a_domain_that_says_it_takes_no_mail_is_known(
    by_smtp: Flask, name_server: None, address: str, is_taking: bool
) -> None:
    assert takes_mail(address) == is_taking


def test_a_name_server_that_does_not_answer_hinders_nobody(
    by_smtp: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = dns.resolver.Resolver(configure=False)
    resolver.nameservers, resolver.port = ["127.0.0.1"], 9
    monkeypatch.setattr(dns.resolver, "default_resolver", resolver)
    monkeypatch.setattr("selfservice.suppliers.mailboxes.DNS_SECONDS", 0.2)
    assert takes_mail("a@takes.fr")


def test_name_servers_of_strangers_hold_one_thread_at_most(
    by_smtp: Flask, name_server: None
) -> None:
    with mailboxes.asking.one():
        assert takes_mail("a@nowhere.fr")
    assert not takes_mail("a@nowhere.fr")


def test_a_portal_that_writes_into_a_folder_asks_nobody(app: Flask) -> None:
    assert takes_mail("a@nowhere.invalid-tld")
