"""The name and the account by which the portal presents itself to its SMTP server."""

import socket
from collections.abc import Callable
from pathlib import Path
from unicodedata import normalize

import pytest
from aiosmtpd.smtp import AuthResult, LoginPassword
from flask import Flask

from selfservice import config
from selfservice.mail import delivery, outbox
from selfservice.mail.outbox import OutboxMail
from tests.smtp import Postbox, listening, queue_one

SIGNED = "motdepasse-é€-𝒳"


@pytest.mark.parametrize(
    ("keys", "name"),
    [
        ({"PUBLIC_URL": "https://factures.example.com"}, "factures.example.com"),
        ({"PUBLIC_URL": "https://factures.xn--socit-esab.fr:8443"}, "factures.xn--socit-esab.fr"),
        ({"PUBLIC_URL": "http://192.0.2.7:8000"}, "[192.0.2.7]"),
        ({"PUBLIC_URL": "http://[2001:db8::7]:8000"}, "[IPv6:2001:db8::7]"),
        ({"MAIL_EHLO_NAME": "relais.example.net"}, "relais.example.net"),
        ({"MAIL_EHLO_NAME": "192.0.2.7"}, "[192.0.2.7]"),
    ],
)
def test_the_portal_gives_its_public_name_and_asks_no_resolver_for_one(
    keys: dict[str, str],
    name: str,
    use_smtp: Callable[..., Flask],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    box = Postbox()
    with listening(box) as port:
        use_smtp(port, **keys)
        monkeypatch.setattr(socket, "getfqdn", lambda *_: pytest.fail("5 s where none answers"))
        queue_one()
        assert delivery.deliver_due().sent == 1
    assert box.names == [name]


@pytest.mark.parametrize("name", ["a b", "a..b", "é.fr", "a\nQUIT", "[a]", "", "a.fr:25"])
def test_a_name_that_no_server_could_read_stops_the_start(name: str) -> None:
    with pytest.raises(config.ConfigurationError, match=r"MAIL_EHLO_NAME : [^\n]+$"):
        config.load(Path("/nowhere"), {"SELFSERVICE_MAIL_EHLO_NAME": name})


class Porter:
    """Lets in whoever gives the password in UTF-8."""

    def __init__(self) -> None:
        self.given: list[LoginPassword] = []

    def __call__(self, _server: object, _session: object, *rest: object) -> AuthResult:
        account = rest[-1]
        assert isinstance(account, LoginPassword)
        self.given.append(account)
        return AuthResult(success=account.password == SIGNED.encode(), handled=False)


@pytest.mark.parametrize("without", [[], ["PLAIN"], ["LOGIN"]])
@pytest.mark.parametrize("form", ["NFC", "NFD"])
@pytest.mark.parametrize("username", ["portail", "hélène@société.fr"])
def test_an_account_goes_in_utf_8_whatever_keyboard_typed_it(
    username: str, form: str, without: list[str], use_smtp: Callable[..., Flask]
) -> None:
    box, porter = Postbox(), Porter()
    options = {"auth_require_tls": False, "authenticator": porter}
    with listening(box, auth_exclude_mechanism=without, **options) as port:
        use_smtp(
            port,
            MAIL_USERNAME=normalize(form, username),  # type: ignore[arg-type]
            MAIL_PASSWORD=normalize(form, SIGNED),  # type: ignore[arg-type]
        )
        queue_one()
        assert delivery.deliver_due().sent == 1
    assert porter.given == [LoginPassword(username.encode(), SIGNED.encode())]


@pytest.mark.parametrize(
    ("password", "without", "told"),
    [
        ("faux-é", [], "535 5.7.8"),
        ("faux", [], "535 5.7.8"),
        (SIGNED, ["PLAIN", "LOGIN"], "AUTH offered"),
        ("faux", ["PLAIN", "LOGIN"], "AUTH offered"),
    ],
)
def test_an_account_that_cannot_sign_in_keeps_every_mail_and_says_why(
    password: str, without: list[str], told: str, use_smtp: Callable[..., Flask]
) -> None:
    box, porter = Postbox(), Porter()
    options = {"auth_require_tls": False, "authenticator": porter}
    with listening(box, auth_exclude_mechanism=without, **options) as port:
        use_smtp(port, MAIL_USERNAME="portail", MAIL_PASSWORD=password)
        mail = queue_one()
        assert delivery.deliver_due().failed == 0
    kept = OutboxMail.get_by_id(mail.id)
    assert (kept.state, kept.reason) == ("queued", "authentication")
    assert told in kept.answer
    assert password not in kept.answer
    assert outbox.is_server_paused()


@pytest.mark.parametrize("key", ["MAIL_USERNAME", "MAIL_PASSWORD"])
@pytest.mark.parametrize("value", ["a\0b", "a\udce9"])
def test_what_no_account_can_be_stops_the_start_in_one_line(key: str, value: str) -> None:
    with pytest.raises(config.ConfigurationError, match=f"{key} : [^\n]+$") as caught:
        config.load(Path("/nowhere"), {f"SELFSERVICE_{key}": value})
    assert value not in str(caught.value)
