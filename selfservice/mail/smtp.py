"""Flask-Mail's SMTP connection, with verified TLS, a timeout, and what the server answers."""

import smtplib
import ssl
from base64 import b64encode
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from socket import socket
from typing import Any, cast

from flask import current_app
from flask_mail import Connection, Message

from selfservice.mail.answers import Answers
from selfservice.mail.errors import DeferredError, RefusedError, SendingError, UnreachableError
from selfservice.mail.replies import (
    GREETING,
    HELLO,
    LOGIN,
    MESSAGE,
    PASSING,
    PORTAL,
    RECIPIENT,
    SENDER,
    TLS,
    Reply,
)

ACCEPTED = (250, 251)
GO_ON = 334
SIGNED_IN = 235
NO_MECHANISM = 504
GOING_AWAY = 421
MAX_REPLY_BYTES = 64 * 1024
MAX_DIGITS = 20  # RFC 1870
PART_BYTES = 64 * 1024
# A server looks through a text before it answers: whoever gives up sooner sends again what it has.
# RFC 5321 (4.5.3.2.6) asks for ten minutes, in which nothing else would leave.
TEXT_SECONDS = 300
# Which command smtplib tells by which error, while a conversation begins; STARTTLS by none.
STAGES = (
    (smtplib.SMTPConnectError, GREETING),
    (smtplib.SMTPHeloError, HELLO),
    (smtplib.SMTPAuthenticationError, LOGIN),
)


class _Bounded(smtplib.SMTP):
    """Bounds what each answer may take; if `is_patient`, that to a text has TEXT_SECONDS."""

    is_patient = is_text_sent = False

    def send(self, s: Any) -> None:
        """Send in parts, each in its time: a slow line takes a long text in minutes."""
        self.is_text_sent = isinstance(s, bytes)  # commands are str
        for place in range(0, len(s), PART_BYTES):
            super().send(s[place : place + PART_BYTES])

    def getreply(self) -> tuple[int, bytes]:
        if self.file is None:
            seconds = current_app.config["MAIL_TIMEOUT_SECONDS"]
            self.file = Answers(cast(socket, self.sock), seconds=seconds, max_bytes=MAX_REPLY_BYTES)
        self.file.begin(seconds=TEXT_SECONDS if self.is_text_sent and self.is_patient else 0)
        return super().getreply()


class _BoundedFromTheFirstByte(_Bounded, smtplib.SMTP_SSL):
    pass


class DroppedError(UnreachableError):
    """The server left before it took a sender: a new connection may be all that is needed."""


class VerifiedConnection(Connection):
    """One connection for a batch, opened by the first mail, and again after a drop."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        """Greet the server, encrypt and sign in. Raises UnreachableError."""
        settings = current_app.config
        # Reading the machine's certificates takes as long as sending several mails.
        context = ssl.create_default_context() if self.mail.use_ssl or self.mail.use_tls else None
        kind = partial(_BoundedFromTheFirstByte, context=context) if self.mail.use_ssl else _Bounded
        with _refusals_of_the_portal():
            host = kind(
                self.mail.server,
                self.mail.port,
                local_hostname=settings["MAIL_EHLO_NAME"],
                timeout=settings["MAIL_TIMEOUT_SECONDS"],
            )
            try:
                if self.mail.use_tls:
                    host.starttls(context=context)
                host.ehlo_or_helo_if_needed()
                if self.mail.username and self.mail.password:
                    _sign_in(host, self.mail.username, self.mail.password)
            except BaseException:
                host.close()
                raise
        return host

    def deliver(self, message: Message, sender: str, is_patient: bool) -> str:
        """Send a mail to its one recipient and return the answer. Raises a SendingError.

        `sender` is whom servers tell what becomes of it. `is_patient` waits long for the last one.
        """
        is_fresh = self.host is None
        try:
            return self._converse(message, sender, is_patient=is_patient)
        except DroppedError:  # servers drop an idle connection, or close one after so many mails
            if is_fresh:
                raise
        return self._converse(message, sender, is_patient=is_patient)

    def close(self) -> None:
        if self.host is None:
            return
        try:
            self.host.quit()
        except OSError:  # smtplib's errors are among them
            self.host.close()
        self.host = None

    def probe(self, recipient: str, sender: str) -> None:
        """Do all of a delivery from `sender` but the text, and have the server forget it.

        Raises a SendingError, for what it thinks of the recipient too.
        """
        host = self.host = self.host or self.configure_host()
        self._ask(SENDER, partial(host.mail, sender))
        self._ask(RECIPIENT, partial(host.rcpt, recipient))
        self._reset()

    def _converse(self, message: Message, sender: str, *, is_patient: bool) -> str:
        host = self.host = cast(_Bounded, self.host or self.configure_host())
        host.is_patient = is_patient
        content = message.as_bytes()
        limit = _announced_limit(host)
        if limit and len(content) > limit:
            raise RefusedError(f"SIZE {limit} < {len(content)}", "too_large")
        size = [f"size={len(content)}"] if host.has_extn("size") else []
        self._ask(SENDER, partial(host.mail, sender, size))
        self._ask(RECIPIENT, partial(host.rcpt, str(message.recipients[0])))
        return self._ask(MESSAGE, partial(host.data, content))

    def _ask(self, stage: str, command: Callable[[], tuple[int, bytes]]) -> str:
        """Give a command and return the answer of a server that accepts it."""
        words: bytes | str
        try:
            code, words = command()
            is_accepted = code in ACCEPTED
        except smtplib.SMTPDataError as error:  # it does not want the text
            code, words, is_accepted = error.smtp_code, error.smtp_error, False
        except OSError as error:
            self.close()
            raise _fault_of_loss(stage, _told(error)) from error
        reply = Reply(stage, code, _decoded(words))
        if is_accepted:
            return str(reply)
        if code == GOING_AWAY and stage == SENDER:
            self.close()
            raise DroppedError(str(reply), reply.reason)
        self._reset()
        raise _fault_of(reply)

    def _reset(self) -> None:
        """Have the server forget what it accepted of a refused mail."""
        try:
            cast(smtplib.SMTP, self.host).rset()
        except OSError:
            self.close()


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"


@contextmanager
def _refusals_of_the_portal() -> Iterator[None]:
    """Tell why no conversation begins."""
    try:
        yield
    except ssl.SSLCertVerificationError as error:
        raise UnreachableError(error.verify_message, "certificate") from error
    except smtplib.SMTPResponseException as error:
        stage = next((stage for kind, stage in STAGES if isinstance(error, kind)), TLS)
        reply = Reply(stage, error.smtp_code, _decoded(error.smtp_error))
        raise UnreachableError(str(reply), reply.reason) from error
    # « smtp..example.com » is no name of a host, « 334 !a » asks for nothing in base64.
    except (OSError, ValueError) as error:
        raise UnreachableError(_told(error), "unreachable") from error


def _sign_in(host: smtplib.SMTP, username: str, password: str) -> None:
    """Sign in; smtplib itself writes a name and a password in ASCII only."""
    is_ascii = username.isascii() and password.isascii()
    spoken = ("CRAM-MD5", "PLAIN", "LOGIN") if is_ascii else ("PLAIN", "LOGIN")
    offered = host.esmtp_features.get("auth", "").upper().split()
    common = [mechanism for mechanism in spoken if mechanism in offered]
    if not common:
        answer = f"AUTH offered: {' '.join(offered)}; spoken: {' '.join(spoken)}"
        raise smtplib.SMTPAuthenticationError(NO_MECHANISM, answer)
    if is_ascii:
        host.login(username, password)
        return
    if common[0] == "PLAIN":  # RFC 4616: in UTF-8
        code, words = host.docmd("AUTH", f"PLAIN {_coded(chr(0), username, chr(0), password)}")
    else:
        code, words = host.docmd("AUTH", f"LOGIN {_coded(username)}")
        if code == GO_ON:
            code, words = host.docmd(_coded(password))
    if code != SIGNED_IN:
        raise smtplib.SMTPAuthenticationError(code, words)


def _coded(*texts: str) -> str:
    return b64encode("".join(texts).encode()).decode()


def _announced_limit(host: smtplib.SMTP) -> int:
    """Return the size of the largest mail that the server says it takes, 0 where it does not."""
    limit = host.esmtp_features.get("size", "")
    is_number = limit.isdecimal() and limit.isascii() and len(limit) <= MAX_DIGITS
    return int(limit) if is_number else 0


def _fault_of(reply: Reply) -> SendingError:
    """Tell a mail that is refused from a portal that is: the latter holds up every mail.

    What a server says of the portal once it knows the recipient or has read the mail may have to
    do with these: another mail is tried first.
    """
    reason = reply.reason
    if reason in PORTAL:
        is_mail_suspect = reply.stage in (RECIPIENT, MESSAGE)
        return UnreachableError(str(reply), reason, is_mail_suspect=is_mail_suspect)
    is_final = reply.is_permanent and reason not in PASSING
    return (RefusedError if is_final else DeferredError)(str(reply), reason)


def _fault_of_loss(stage: str, answer: str) -> SendingError:
    if stage == MESSAGE:  # it may have arrived
        return DeferredError(answer, "unconfirmed", is_mail_suspect=True)
    fault = DroppedError if stage == SENDER else UnreachableError
    return fault(answer, "unreachable", is_mail_suspect=True)


def _decoded(words: bytes | str) -> str:
    return words if isinstance(words, str) else words.decode("utf-8", "replace")
