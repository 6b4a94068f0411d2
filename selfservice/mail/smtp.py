"""Flask-Mail's SMTP connection, with verified TLS, a timeout, and what the server answers."""

import smtplib
import ssl
from collections.abc import Callable
from functools import partial
from typing import cast

from flask import current_app
from flask_mail import Connection, Message

from selfservice.mail.errors import DeferredError, RefusedError, SendingError, UnreachableError
from selfservice.mail.replies import Reply

ACCEPTED = (250, 251)
GOING_AWAY = 421


class DroppedError(UnreachableError):
    """The server left before it took a sender: a new connection may be all that is needed."""


class VerifiedConnection(Connection):
    """One connection for a batch, opened by the first mail, and again after a drop."""

    def configure_host(self) -> smtplib.SMTP | smtplib.SMTP_SSL:
        timeout = current_app.config["MAIL_TIMEOUT_SECONDS"]
        # Reading the machine's certificates takes as long as sending several mails.
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
        """Send a mail to its one recipient and return the answer. Raises a SendingError."""
        is_fresh = self.host is None
        try:
            return self._converse(message)
        except DroppedError:  # servers drop an idle connection, or close one after so many mails
            if is_fresh:
                raise
        return self._converse(message)

    def close(self) -> None:
        if self.host is None:
            return
        try:
            self.host.quit()
        except OSError:  # smtplib's errors are among them
            self.host.close()
        self.host = None

    def _converse(self, message: Message) -> str:
        host = self.host = self.host or self._open()
        content = message.as_bytes()
        size = [f"size={len(content)}"] if host.has_extn("size") else []
        self._ask("sender", partial(host.mail, self.mail.default_sender, size))
        self._ask("recipient", partial(host.rcpt, str(message.recipients[0])))
        return self._ask("message", partial(host.data, content))

    def _open(self) -> smtplib.SMTP:
        try:
            return self.configure_host()
        except ssl.SSLCertVerificationError as error:
            raise UnreachableError(str(error), "certificate") from error
        except smtplib.SMTPAuthenticationError as error:
            raise UnreachableError(str(error), "authentication") from error
        except (OSError, UnicodeError) as error:  # « smtp..example.com » is no name of a host
            raise UnreachableError(_told(error), "unreachable") from error

    def _ask(self, stage: str, command: Callable[[], tuple[int, bytes]]) -> str:
        """Give a command and return the answer of a server that accepts it."""
        try:
            code, words = command()
            is_accepted = code in ACCEPTED
        except smtplib.SMTPDataError as error:  # it does not want the text
            code, words, is_accepted = error.smtp_code, cast(bytes, error.smtp_error), False
        except OSError as error:
            self.close()
            raise _fault_of_loss(stage, _told(error)) from error
        reply = Reply(stage, code, words.decode("utf-8", "replace"))
        if is_accepted:
            return str(reply)
        if code == GOING_AWAY and stage == "sender":
            self.close()
            raise _fault_of_loss(stage, str(reply))
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


def _fault_of(reply: Reply) -> SendingError:
    """Tell a mail that is refused from a portal that is: the latter holds up every mail."""
    reason = reply.reason
    if reason == "relay_denied":
        return UnreachableError(str(reply), reason, is_mail_suspect=True)
    if reason == "sender_refused" or (reply.stage == "sender" and not reply.is_permanent):
        return UnreachableError(str(reply), reason)
    fault = RefusedError if reply.is_permanent else DeferredError
    return fault(str(reply), reason)


def _fault_of_loss(stage: str, answer: str) -> SendingError:
    if stage == "message":  # it may have arrived
        return DeferredError(answer, "unconfirmed")
    fault = DroppedError if stage == "sender" else UnreachableError
    return fault(answer, "unreachable", is_mail_suspect=True)
