"""The doctor's checks of the mail server: it speaks to it up to RCPT, and sends no mail."""

from collections.abc import Iterator
from contextlib import suppress
from urllib.parse import urlsplit

from flask import current_app

from selfservice import mail, system_errors
from selfservice.notifications.messages import REASONS
from selfservice.operations.findings import Finding, fault, fine, warning
from selfservice.operations.messages import FAULTS
from selfservice.suppliers.models import Company

EXAMPLES = ("example.com", "example.org", "example.net")
ELSEWHERE = "postmaster@example.com"  # RFC 2606: nobody's
# What keeps every mail here, by the finding that tells it.
OF_REASON = {
    "unreachable": "smtp_connection",
    "certificate": "smtp_certificate",
    "encryption_required": "smtp_encryption",
    "authentication": "smtp_login",
    "hello_refused": "smtp_hello",
    "host_refused": "smtp_host",
    "sender_refused": "smtp_sender",
    "sender_unproven": "smtp_domain",
    "quota_reached": "smtp_quota",
    "relay_denied": "smtp_relay",
    "server_busy": "smtp_busy",
}


def check_mail() -> Iterator[Finding]:
    """Speak EHLO, STARTTLS, AUTH, MAIL, RCPT, RSET as a delivery would, or try the folder."""
    if current_app.config["MAIL_TRANSPORT"] == "file":
        yield _check_folder()
        return
    sender = current_app.config["MAIL_DEFAULT_SENDER"]
    if sender.rpartition("@")[2] in EXAMPLES:
        yield fault("example_sender", sender=sender)
    yield _converse(sender)


def _check_folder() -> Finding:
    folder = mail.mail_folder(current_app)
    trial = folder / ".doctor"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        trial.touch()
        trial.unlink()
    except OSError as error:
        cause, remedy = system_errors.reason(error)
        return fault("mail_folder", folder=folder, cause=cause, remedy=remedy)
    if current_app.config["DEMO"]:
        return fine("mail_folder", folder=folder)
    return warning("mails_to_folder", folder=folder)


def _converse(sender: str) -> Finding:
    """Ask for two recipients: one whom the server knows, one to whom it has to relay."""
    server = f"{current_app.config['MAIL_SERVER']}:{current_app.config['MAIL_PORT']}"
    connection = mail.VerifiedConnection(current_app.extensions["mail"])
    envelope_sender = mail.sample_sender()
    try:
        for recipient in (sender, ELSEWHERE):
            with suppress(mail.RefusedError, mail.DeferredError):  # about the recipient alone
                connection.probe(recipient, envelope_sender)
    except mail.UnreachableError as error:
        reason: object = error.answer
        if error.reason == "unreachable" and isinstance(error.__cause__, OSError):
            reason = system_errors.cause(error.__cause__)
        return fault(OF_REASON[error.reason], server=server, sender=envelope_sender, reason=reason)
    finally:
        connection.close()
    return fine("smtp", server=server, sender=sender)


def check_held_mails() -> Iterator[Finding]:
    """Tell what the server last said of the portal, after the text of a mail too."""
    refused = mail.last_refusal_of_the_portal()
    if refused:
        yield fault(
            "held_mails",
            count=mail.count_queued(),
            words=REASONS[refused.reason].words,
            answer=refused.answer,
            remedy=FAULTS[OF_REASON[refused.reason]][1],
        )


def check_bounces() -> Iterator[Finding]:
    """Open the box of returned mails, and tell which registered addresses receive no more."""
    if place := current_app.config["MAIL_BOUNCES"]:
        try:
            mail.check_box()
        except mail.BoxError as error:
            yield fault("bounces", reason=error)
        else:
            yield fine("bounces", place=urlsplit(str(place)).hostname or place)
    is_faulty = Company.email_key.in_(mail.faulty_addresses())
    if count := Company.select(Company.email_key).where(is_faulty).distinct().count():
        yield warning("faulty_addresses", count=count)
