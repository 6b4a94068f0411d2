"""How a mail leaves: Flask-Mail over a verified, patient SMTP connection, or a file per mail."""

import re
import smtplib
import ssl
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC
from pathlib import Path
from typing import Protocol, cast

from email_validator import EmailNotValidError, validate_email
from flask import Flask, current_app
from flask_mail import Connection, Mail

from selfservice import clock
from selfservice.mail import mime
from selfservice.mail.mime import Letter
from selfservice.mail.replies import Reply

ACCEPTED = (250, 251)
GO_ON = 354
GOING_AWAY = 421
# In ASCII, and nothing in it that ends an address: for all others the library's far slower rules.
ORDINARY_ADDRESS = re.compile(r"[!-;=?A-~]+@[!-;=?A-~]+")
# What each command before a text is about, the replies it wants, how many others are behind it.
STEPS = (("sender", ACCEPTED, 2), ("recipient", ACCEPTED, 1), ("message", (GO_ON,), 0))


@dataclass(frozen=True)
class Message:
    """A written mail and its addresses, in ASCII."""

    sender: str
    recipient: str
    content: bytes


class TransportError(Exception):
    """The mail did not leave; `answer` is the server's own words, `reason` one of ours."""

    def __init__(self, answer: str, reason: str) -> None:
        super().__init__(answer)
        self.answer = answer
        self.reason = reason


class RefusedError(TransportError):
    """For good: trying again cannot help."""


class DeferredError(TransportError):
    """For now: this mail may pass later."""


class UnreachableError(TransportError):
    """The server cannot be spoken to, or refuses the portal; no other mail would pass either.

    `is_mail_suspect` where it broke off in the middle of this mail, which may be why.
    """

    def __init__(self, answer: str, reason: str, *, is_mail_suspect: bool = False) -> None:
        super().__init__(answer, reason)
        self.is_mail_suspect = is_mail_suspect


class RefusedReplyError(Exception):
    """The server said no to one command; the connection is still good."""

    def __init__(self, reply: Reply) -> None:
        super().__init__(str(reply))
        self.reply = reply


class LostConnectionError(Exception):
    """The server went away; at the stage « message » the whole mail may have arrived before."""

    def __init__(self, stage: str, answer: str) -> None:
        super().__init__(answer)
        self.stage = stage


class Carrier(Protocol):
    def send(self, letter: Letter) -> str:
        """Send one letter and return the answer. Raises a TransportError."""


class VerifiedConnection(Connection):
    """Flask-Mail's connection with what it lacks (0.10): verified TLS, a timeout, the answer."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        timeout = current_app.config["MAIL_TIMEOUT_SECONDS"]
        # Reading the machine's certificates takes as long as sending fifty mails.
        context = ssl.create_default_context() if self.mail.use_ssl or self.mail.use_tls else None
        host: smtplib.SMTP | smtplib.SMTP_SSL
        if self.mail.use_ssl:
            host = smtplib.SMTP_SSL(
                self.mail.server, self.mail.port, timeout=timeout, context=context
            )
        else:
            host = smtplib.SMTP(self.mail.server, self.mail.port, timeout=timeout)
        try:
            if self.mail.use_tls:
                host.starttls(context=context)
            if self.mail.username and self.mail.password:
                host.login(self.mail.username, self.mail.password)
            host.ehlo_or_helo_if_needed()
        except BaseException:
            host.close()
            raise
        return host

    def deliver(self, message: Message) -> str:
        """Send one message to its one recipient and return what the server said after it.

        What comes before its text goes at once where the server takes it so (RFC 2920): half the
        journeys. Raises RefusedReplyError, LostConnectionError.
        """
        commands = self._commands(message)
        is_at_once = self._smtp.has_extn("pipelining")
        stage = "sender"
        try:
            if is_at_once:
                self._smtp.send("\r\n".join([*commands, ""]))
            for command, (stage, wanted, unread) in zip(commands, STEPS, strict=True):
                if not is_at_once:
                    self._smtp.putcmd(command)
                self._read_reply(stage, wanted, unread=unread if is_at_once else 0)
            self._smtp.send(message.content.replace(b"\n.", b"\n..") + b".\r\n")
            return self._read_reply(stage, ACCEPTED)
        except (smtplib.SMTPServerDisconnected, OSError) as error:
            raise LostConnectionError(stage, f"{type(error).__name__}: {error}") from error

    def close(self) -> None:
        if self.host is None:
            return
        try:
            self.host.quit()
        except (smtplib.SMTPException, OSError):
            self.host.close()

    @property
    def _smtp(self) -> smtplib.SMTP:
        return cast(smtplib.SMTP, self.host)

    def _commands(self, message: Message) -> tuple[str, str, str]:
        size = f" size={len(message.content)}" if self._smtp.has_extn("size") else ""
        return (
            f"MAIL FROM:<{message.sender}>{size}",
            f"RCPT TO:<{message.recipient}>",
            "DATA",
        )

    def _read_reply(self, stage: str, wanted: Sequence[int], *, unread: int = 0) -> str:
        code, words = self._smtp.getreply()
        reply = Reply(stage, code, words.decode("utf-8", "replace"))
        if code in wanted:
            return str(reply)
        if code == GOING_AWAY and stage == "sender":
            raise LostConnectionError(stage, str(reply))
        try:
            self._pass_over(unread)
            self._smtp.rset()
        except (smtplib.SMTPException, OSError):
            self._smtp.close()
        raise RefusedReplyError(reply)

    def _pass_over(self, unread: int) -> None:
        """Read the replies to what went at once with a refused command.

        A server that asks for the text all the same gets none, for nobody.
        """
        for _ in range(unread):
            code, _words = self._smtp.getreply()
            if code == GO_ON:
                self._smtp.send(".\r\n")
                self._smtp.getreply()


class SmtpCarrier:
    """Opens one connection for a batch, at the first letter, and again after a drop."""

    def __init__(self, mail: Mail) -> None:
        self._mail = mail
        self._connection: VerifiedConnection | None = None

    def send(self, letter: Letter) -> str:
        message = build_message(letter)
        is_fresh = self._connection is None
        try:
            return self._deliver(message)
        except LostConnectionError as error:
            if is_fresh or error.stage != "sender":
                raise _fault_of_loss(error) from error
        try:  # a server may drop an idle connection, or close one after so many mails
            return self._deliver(message)
        except LostConnectionError as error:
            raise _fault_of_loss(error) from error

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _deliver(self, message: Message) -> str:
        connection = self._open()
        try:
            return connection.deliver(message)
        except RefusedReplyError as error:
            raise _fault_of(error.reply) from error
        except LostConnectionError:
            self.close()
            raise

    def _open(self) -> VerifiedConnection:
        if self._connection is None:
            connection = VerifiedConnection(self._mail)
            try:
                connection.host = connection.configure_host()
            except ssl.SSLCertVerificationError as error:
                raise UnreachableError(str(error), "certificate") from error
            except smtplib.SMTPAuthenticationError as error:
                raise UnreachableError(str(error), "authentication") from error
            except (smtplib.SMTPException, OSError, UnicodeError) as error:  # no name of a host
                answer = f"{type(error).__name__}: {error}"
                raise UnreachableError(answer, "unreachable") from error
            self._connection = connection
        return self._connection


class FileCarrier:
    """Writes each mail as one .eml named by its Message-ID: sent twice, it is one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, letter: Letter) -> str:
        content = build_message(letter).content
        name = letter.message_id.partition("@")[0]
        aside = self._folder / f".{name}.part"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(content)
            aside.replace(self._folder / f"{name}.eml")
        except OSError as error:
            answer = f"{self._folder} : {error.strerror}"
            raise UnreachableError(answer, "unreachable") from error
        return "file"


@contextmanager
def carrier() -> Iterator[Carrier]:
    """Give the configured carrier for one batch."""
    if current_app.config["MAIL_TRANSPORT"] == "file":
        yield FileCarrier(mail_folder(current_app))
        return
    smtp = SmtpCarrier(current_app.extensions["mail"])
    try:
        yield smtp
    finally:
        smtp.close()


def mail_folder(app: Flask) -> Path:
    """Return where the `file` transport writes."""
    return cast(Path, app.config["INSTANCE"]) / "mail"


def build_message(letter: Letter) -> Message:
    """Write a letter from the portal's own address.

    The domain goes out in IDNA 2008. Raises RefusedError for an address that cannot be written in
    ASCII, an attachment that is gone and a header that is none, DeferredError.
    """
    sender = current_app.config["MAIL_DEFAULT_SENDER"]
    recipient = _in_ascii(letter.to_address)
    at = clock.now().replace(tzinfo=UTC)
    pdf = _attachment(letter)
    try:
        content = mime.write(letter, sender=sender, recipient=recipient, at=at, pdf=pdf)
    except ValueError as error:
        raise RefusedError(f"{type(error).__name__}: {error}", "bad_header") from error
    return Message(sender, recipient, content)


def _in_ascii(address: str) -> str:
    if ORDINARY_ADDRESS.fullmatch(address):
        return address
    try:
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise RefusedError(str(error), "unwritable_address") from error
    return str(found.ascii_email)


def _attachment(letter: Letter) -> bytes | None:
    if letter.attachment_path is None:
        return None
    try:
        return Path(letter.attachment_path).read_bytes()
    except FileNotFoundError as error:
        raise RefusedError(str(error.filename), "attachment_gone") from error
    except OSError as error:
        answer = f"{error.filename}: {error.strerror}"
        raise DeferredError(answer, "attachment_unreadable") from error


def _fault_of(reply: Reply) -> TransportError:
    """Tell a mail that is refused from a portal that is: the latter holds up every mail."""
    reason = reply.reason
    if reason == "relay_denied":
        return UnreachableError(str(reply), reason, is_mail_suspect=True)
    if reason == "sender_refused" or (reply.stage == "sender" and not reply.is_permanent):
        return UnreachableError(str(reply), reason)
    fault = RefusedError if reply.is_permanent else DeferredError
    return fault(str(reply), reason)


def _fault_of_loss(error: LostConnectionError) -> TransportError:
    if error.stage == "message":
        return DeferredError(str(error), "unconfirmed")
    return UnreachableError(str(error), "unreachable", is_mail_suspect=True)
