"""Real SMTP servers on loopback: one that can be told what to answer, and some that misbehave."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, Envelope, Session

from selfservice import mail
from selfservice.mail import OutboxMail
from tests.conftest import free_port

Rule = Callable[[str], str | None]


class Postbox:
    """What the server received; `answers` are given to RCPT in order, before what `rule` says.

    `always` holds what each stage answers to everybody, by its name.
    """

    def __init__(self) -> None:
        self.always: dict[str, str] = {}
        self.names: list[str] = []
        self.announced_size = ""
        self.mails: list[EmailMessage] = []
        self.recipients: list[str] = []
        self.answers: list[str] = []
        self.senders: list[str] = []
        self.sender_answers: list[str] = []
        self.sender_options: list[str] = []
        self.data_answers: list[str] = []
        self.rule: Rule = lambda _address: None
        self.seconds = 0.0
        self.connections: set[int] = set()

    def ids(self) -> list[str]:
        return [str(mail["Message-ID"]) for mail in self.mails]

    async def handle_EHLO(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, _envelope: Envelope, name: str, replies: list[str]
    ) -> list[str]:
        session.host_name = name
        self.names.append(name)
        if refusal := self.always.get("hello"):
            return [refusal]
        size = f"250-SIZE {self.announced_size}"
        return [size if reply.startswith("250-SIZE") else reply for reply in replies]

    async def handle_HELO(  # noqa: N802
        self, _server: SMTP, session: Session, _envelope: Envelope, name: str
    ) -> str:
        session.host_name = name
        return self.always.get("hello", "250 here")

    async def handle_MAIL(  # noqa: N802 - aiosmtpd's name
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        self.connections.add(id(session))
        self.sender_options += options
        self.senders.append(address)
        usual = self.always.get("sender", "250 OK")
        answer = self.sender_answers.pop(0) if self.sender_answers else usual
        if answer.startswith("250"):
            envelope.mail_from = address
        return answer

    async def handle_RCPT(  # noqa: N802
        self, _server: SMTP, session: Session, envelope: Envelope, address: str, _options: list[str]
    ) -> str:
        self.recipients.append(address)
        usual = self.rule(address) or self.always.get("recipient", "250 OK")
        answer = self.answers.pop(0) if self.answers else usual
        if answer.startswith("250"):
            envelope.rcpt_tos.append(address)
        return answer

    async def handle_DATA(  # noqa: N802
        self, _server: SMTP, _session: Session, envelope: Envelope
    ) -> str:
        await asyncio.sleep(self.seconds)
        usual = self.always.get("message", "250 queued")
        answer = self.data_answers.pop(0) if self.data_answers else usual
        if answer.startswith("250"):
            assert isinstance(envelope.content, bytes)
            mail = message_from_bytes(envelope.content, policy=policy.default)
            self.mails.append(mail)  # type: ignore[arg-type]
        return answer


@contextmanager
def listening(box: Postbox, tls: ssl.SSLContext | None = None, **options: Any) -> Iterator[int]:
    """Let a postbox listen, with STARTTLS where it has a certificate, and give its port.

    `options` are aiosmtpd's.
    """
    controller = Controller(
        box,
        hostname="127.0.0.1",
        port=free_port(),
        server_hostname="mail.test",  # asked of no resolver
        tls_context=tls,
        require_starttls=bool(tls),
        **options,
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
