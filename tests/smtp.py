"""Real SMTP servers on loopback: one that can be told what to answer, and some that misbehave."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from selfservice import mail
from selfservice.mail import OutboxMail
from tests.conftest import free_port

Rule = Callable[[str], str | None]


class Postbox:
    """What the server received; `answers` are given to RCPT in order, before what `rule` says."""

    def __init__(self) -> None:
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answers: list[str] = []
        self.sender_answers: list[str] = []
        self.sender_options: list[str] = []
        self.data_answers: list[str] = []
        self.rule: Rule = lambda _address: None
        self.seconds = 0.0
        self.connections: set[int] = set()

    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.mails]

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.connections.add(id(session))
        self.sender_options += options
        answer = self.sender_answers.pop(0) if self.sender_answers else "250 OK"
        if answer.startswith("250"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.recipients.append(address)
        answer = self.answers.pop(0) if self.answers else self.rule(address) or "250 OK"
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        await asyncio.sleep(self.seconds)
        answer = self.data_answers.pop(0) if self.data_answers else "250 queued"
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=policy.default)
            self.mails.append(mail)  # type: ignore[arg-type]
        return answer


@contextmanager
def listening(box: Postbox, tls: ssl.SSLContext | None = None) -> Iterator[int]:
    """Let a postbox listen, with STARTTLS where it has a certificate, and give its port."""
    controller = Controller(
        box, hostname="127.0.0.1", port=free_port(), tls_context=tls, require_starttls=bool(tls)
    )
    controller.start()
    try:
        yield controller.port
    finally:
        controller.stop()


@contextmanager
def misbehaving(talk: Callable[[socket.socket], None]) -> Iterator[int]:
    """Answer each connection by a function of the test, and give the port."""

    def serve() -> None:
        while True:
            try:
                connection, _address = listener.accept()
            except OSError:
                return
            with connection:
                talk(connection)

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            listener.shutdown(socket.SHUT_RDWR)
    thread.join(timeout=10)


def queue_one(address: str = "pierre@example.com", **fields: object) -> OutboxMail:
    context = {
        "logins": [{"login": "pierre", "company_name": "Durand"}],
        "changed_at": None,
        "portal_url": "http://127.0.0.1:8000/",
        "recovery_url": "http://127.0.0.1:8000/recuperation",
    }
    return mail.enqueue(
        "password_changed",
        context,
        to_address=address,
        address_key=address,
        sender_name="Diac, Société d'été",
        **fields,  # type: ignore[arg-type]
    )
