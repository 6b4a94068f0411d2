"""The doctor's check of the mail server: it speaks to it up to the sender, and sends no mail."""

import smtplib
import ssl
from collections.abc import Iterator

from flask import current_app

from selfservice import system_errors
from selfservice.mail import VerifiedConnection, mail_folder
from selfservice.operations.findings import Finding, fault, fine, warning

EXAMPLES = ("example.com", "example.org", "example.net")
ACCEPTED = 250


def check_mail() -> Iterator[Finding]:
    """Speak EHLO, STARTTLS, AUTH, MAIL FROM, RSET as a delivery would, or try the folder."""
    if current_app.config["MAIL_TRANSPORT"] == "file":
        yield _check_folder()
        return
    sender = current_app.config["MAIL_DEFAULT_SENDER"]
    if sender.rpartition("@")[2] in EXAMPLES:
        yield fault("example_sender", sender=sender)
    yield _converse(sender)


def _check_folder() -> Finding:
    folder = mail_folder(current_app)
    trial = folder / ".doctor"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError:
        return fault("mail_folder", folder=folder)
    if current_app.config["DEMO"]:
        return fine("mail_folder", folder=folder)
    return warning("mails_to_folder", folder=folder)


def _converse(sender: str) -> Finding:
    server = f"{current_app.config['MAIL_SERVER']}:{current_app.config['MAIL_PORT']}"
    connection = VerifiedConnection(current_app.extensions["mail"])
    try:
        connection.host = host = connection.configure_host()
        code, answer = host.mail(sender)
        host.rset()
    except ssl.SSLCertVerificationError as error:
        return fault("smtp_certificate", server=server, reason=error.verify_message)
    except smtplib.SMTPAuthenticationError as error:
        return fault("smtp_login", server=server, reason=error.smtp_code)
    except OSError as error:  # smtplib's errors are among them
        return fault("smtp_connection", server=server, reason=system_errors.cause(error))
    except UnicodeError as error:  # « smtp..example.com »
        return fault("smtp_connection", server=server, reason=error)
    finally:
        connection.close()
    if code != ACCEPTED:
        words = answer.decode("utf-8", "replace")
        return fault("smtp_sender", server=server, sender=sender, reason=f"{code} {words}")
    return fine("smtp", server=server, sender=sender)
