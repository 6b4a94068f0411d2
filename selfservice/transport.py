"""How a mail leaves: Flask-Mail over a verified, patient SMTP connection, or a file per mail."""

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol, cast

from email_validator import EmailNotValidError, validate_email
from flask import Flask, current_app
from flask_mail import Attachment, BadHeaderError, Connection, Mail, Message

PERMANENT = 500


@dataclass(frozen=True)
class Letter:
    """What is to be sent; `message_id` without angle brackets, at most one attachment."""

    message_id: str
    to_address: str
    sender_name: str
    subject: str
    body_text: str
    body_html: str
    attachment_path: str | None = None
    attachment_name: str | None = None


class TransportError(Exception):
    """The mail did not leave; `answer` is the server's own words."""

    def __init__(self, answer: str) -> None:
        super().__init__(answer)
        self.answer = answer


class RefusedError(TransportError):
    """For good: trying again cannot help."""


class DeferredError(TransportError):
    """For now: this mail may pass later."""


class UnreachableError(TransportError):
    """The server cannot be spoken to; no other mail would pass either."""


class Carrier(Protocol):
    def send(self, letter: Letter) -> str:
        """Send one letter and return the answer. Raises a TransportError."""


class VerifiedConnection(Connection):
    """Flask-Mail's connection with verified TLS and a timeout, which it lacks (0.10)."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        timeout = current_app.config["MAIL_TIMEOUT_SECONDS"]
        context = ssl.create_default_context()
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
        except BaseException:
            host.close()
            raise
        return host

    def close(self) -> None:
        if self.host is None:
            return
        try:
            self.host.quit()
        except (smtplib.SMTPException, OSError):
            self.host.close()


class SmtpCarrier:
    """Opens one connection for a batch, at the first letter, and again after a drop."""

    def __init__(self, mail: Mail) -> None:
        self._mail = mail
        self._connection: VerifiedConnection | None = None

    def send(self, letter: Letter) -> str:
        message = build_message(letter)
        connection = self._open()
        try:
            connection.send(message)
        except (BadHeaderError, ValueError) as error:
            raise RefusedError(f"en-tête mal formé : {error}") from error
        except smtplib.SMTPRecipientsRefused as error:
            self.close()
            code, answer = next(iter(error.recipients.values()))
            raise _verdict(code, answer) from error
        except smtplib.SMTPSenderRefused as error:
            self.close()  # it is the portal that is refused, not this mail
            raise UnreachableError(str(_verdict(error.smtp_code, error.smtp_error))) from error
        except smtplib.SMTPResponseException as error:
            self.close()
            raise _verdict(error.smtp_code, error.smtp_error) from error
        except (smtplib.SMTPException, OSError) as error:
            self.close()
            raise DeferredError(f"{type(error).__name__}: {error}") from error
        return "250"

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _open(self) -> VerifiedConnection:
        if self._connection is None:
            connection = VerifiedConnection(self._mail)
            try:
                connection.host = connection.configure_host()
            except (smtplib.SMTPException, OSError) as error:
                raise UnreachableError(f"{type(error).__name__}: {error}") from error
            self._connection = connection
        return self._connection


class FileCarrier:
    """Writes each mail as one .eml named by its Message-ID: sent twice, it is one file."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def send(self, letter: Letter) -> str:
        content = build_message(letter).as_bytes()
        name = letter.message_id.partition("@")[0]
        aside = self._folder / f".{name}.part"
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            aside.write_bytes(content)
            aside.replace(self._folder / f"{name}.eml")
        except OSError as error:
            raise UnreachableError(f"{self._folder} : {error.strerror}") from error
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
    """Return the Flask-Mail message of a letter, its own Message-ID and auto-reply guard set.

    The domain goes out in IDNA 2008: Flask-Mail's own coding (2003) would take « ß » for « ss »,
    another domain. Raises RefusedError for an address that cannot be written in ASCII.
    """
    address = current_app.config["MAIL_DEFAULT_SENDER"]
    try:
        recipient = validate_email(
            letter.to_address, check_deliverability=False, allow_smtputf8=False
        ).ascii_email
    except EmailNotValidError as error:
        raise RefusedError(f"adresse impossible : {error}") from error
    message = Message(
        subject=letter.subject,
        recipients=[str(recipient)],
        body=letter.body_text,
        html=letter.body_html,
        sender=address,
        attachments=_attachments(letter),
        extra_headers={"Auto-Submitted": "auto-generated"},
    )
    if letter.sender_name:
        message.sender = (letter.sender_name, address)  # as a pair: a comma in a name is legal
    message.msgId = f"<{letter.message_id}>"
    return message


def _attachments(letter: Letter) -> list[Attachment]:
    if letter.attachment_path is None:
        return []
    try:
        content = Path(letter.attachment_path).read_bytes()
    except FileNotFoundError as error:
        raise RefusedError("la pièce jointe n'existe plus") from error
    except OSError as error:
        raise DeferredError(f"pièce jointe : {error.strerror}") from error
    return [Attachment(letter.attachment_name, "application/pdf", content)]


def _verdict(code: int, answer: bytes | str) -> TransportError:
    words = answer.decode("utf-8", "replace") if isinstance(answer, bytes) else answer
    text = f"{code} {words}".strip()
    return RefusedError(text) if code >= PERMANENT else DeferredError(text)
