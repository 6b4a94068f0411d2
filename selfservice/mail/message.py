"""A mail of the outbox as Flask-Mail's `Message`."""

from collections.abc import Iterator
from datetime import UTC
from email import charset, quoprimime
from email.header import Header
from email.utils import encode_rfc2231

from email_validator import EmailNotValidError, validate_email
from flask import current_app
from flask_mail import Attachment, Message
from werkzeug.http import dump_options_header

from selfservice import clock, system_errors
from selfservice.mail.errors import DeferredError, RefusedError
from selfservice.mail.outbox import OutboxMail, sending_of
from selfservice.mail.signed_sender import signed

# Flask-Mail asks for texts of 8 bits, whose lines may be of any length; not all servers take those.
charset.add_charset("utf-8", charset.SHORTEST, charset.QP, "utf-8")


class OutboxMessage(Message):
    """Flask-Mail's, with one recipient and the number that the outbox gave it.

    Flask-Mail's own constructor would ask the resolver for this machine's name to number it, which
    takes 5 s a mail where none answers.
    """

    def __init__(self, mail: OutboxMail) -> None:
        # Folded here: Python 3.11 damages long words when `as_bytes` folds them.
        self.subject = Header(mail.subject, "utf-8", header_name="Subject").encode(linesep="\r\n")
        self.sender = ("", _mailbox(mail.sender_name, current_app.config["MAIL_DEFAULT_SENDER"]))
        self.recipients = [_in_ascii(mail.to_address)]
        self.body = mail.body_text
        self.alts = {"html": mail.body_html}
        self.attachments = list(_attachments(mail))
        self.date = clock.now().replace(tzinfo=UTC).timestamp()
        self.msgId = f"<{mail.message_id}>"
        # The second keeps Exchange from answering with an absence or a receipt (MS-OXCMAIL
        # 2.2.3.2.14); « All » would keep it from telling that a mail comes back, too.
        self.extra_headers = {
            "Auto-Submitted": "auto-generated",
            "X-Auto-Response-Suppress": "DR, RN, NRN, OOF, AutoReply",
        }
        self.charset = None
        self.reply_to = _in_ascii(mail.reply_to) if mail.reply_to else None
        self.cc, self.bcc, self.mail_options, self.rcpt_options = [], [], [], []


def build(mail: OutboxMail) -> Message:
    """Write a mail, from the portal's own address.

    Raises RefusedError for an address that cannot be written in ASCII, an attachment that is
    gone and a header of several lines, DeferredError for an attachment that cannot be read now.
    """
    _refuse_several_lines(mail)
    return OutboxMessage(mail)


def envelope_sender(mail: OutboxMail) -> str:
    """Return whom servers tell what became of a mail: signed, where such answers are read."""
    address: str | None = current_app.config["MAIL_RETURN_ADDRESS"]
    if address is None:
        return str(current_app.config["MAIL_DEFAULT_SENDER"])
    return signed(
        address, mail_id=mail.id, sending=sending_of(mail), address_key=str(mail.address_key)
    )


def sample_sender() -> str:
    """Return an envelope sender as mails have it, for a trial. No database is asked."""
    address: str | None = current_app.config["MAIL_RETURN_ADDRESS"]
    if address is None:
        return str(current_app.config["MAIL_DEFAULT_SENDER"])
    return signed(address, mail_id=0, sending=0, address_key="")


def _refuse_several_lines(mail: OutboxMail) -> None:
    """Check the headers that hold words from elsewhere: a second line could be another header."""
    words = f"{mail.subject}{mail.sender_name}{mail.to_address}{mail.attachment_name}"
    words += mail.reply_to
    if "\r" in words or "\n" in words:
        raise RefusedError("a header of several lines", "bad_header")


def _mailbox(name: str, address: str) -> str:
    """Return « name <address> », folded; Flask-Mail takes it as an address without a name."""
    if not name:
        return address
    header = Header(name, "utf-8", header_name="From")
    header.append(f"<{address}>", "us-ascii")
    return header.encode(linesep="\r\n")


def _in_ascii(address: str) -> str:
    """Return an address with its domain in IDNA 2008."""
    try:
        found = validate_email(address, check_deliverability=False, allow_smtputf8=False)
    except EmailNotValidError as error:
        raise RefusedError(str(error), "unwritable_address") from error
    return str(found.ascii_email)


def _attachments(mail: OutboxMail) -> Iterator[Attachment]:
    if mail.attachment_path is None:
        return
    try:
        content = (current_app.config["DOCUMENTS_DIR"] / mail.attachment_path).read_bytes()
    except FileNotFoundError as error:
        raise RefusedError(mail.attachment_path, "attachment_gone") from error
    except OSError as error:
        answer = f"{mail.attachment_path} : {system_errors.explain(error)}"
        raise DeferredError(answer, "attachment_unreadable") from error
    name = str(mail.attachment_name)
    # Flask-Mail's own would call the charset « UTF8 », a name that no standard knows.
    coded = {"filename*": encode_rfc2231(name, "utf-8")}
    options = {"filename": name} if name.isascii() else coded
    headers = {"Content-Disposition": dump_options_header("attachment", options)}
    # Outlook and some webmails read no other form of a name than this one (RFC 2047).
    shown = name if name.isascii() else quoprimime.header_encode(name.encode(), "utf-8")
    content_type = dump_options_header("application/pdf", {"name": shown})
    yield Attachment(content_type=content_type, data=content, headers=headers)
