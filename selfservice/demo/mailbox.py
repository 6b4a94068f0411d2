"""« Boîte mail de démonstration »: the .eml files that the `file` transport writes."""

from dataclasses import dataclass
from datetime import UTC, datetime
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from email.utils import parsedate_to_datetime
from pathlib import Path


class UnknownMailError(Exception):
    """No mail has this name."""


@dataclass(frozen=True)
class Mail:
    """One mail; `sent_at` is a naive UTC instant, `html` empty where it has none."""

    name: str
    subject: str
    sender: str
    recipient: str
    sent_at: datetime
    text: str
    html: str
    attachments: tuple[tuple[str, bytes], ...] = ()

    @property
    def has_html(self) -> bool:
        return bool(self.html)


def list_mails(folder: Path) -> list[Mail]:
    """Return every mail, newest first."""
    mails = [_read(path) for path in folder.glob("[!.]*.eml")]
    return sorted(mails, key=lambda mail: (mail.sent_at, mail.name), reverse=True)


def read_mail(folder: Path, name: str) -> Mail:
    """Return a mail by its file name without « .eml »; raises UnknownMailError."""
    for path in folder.glob("[!.]*.eml"):
        if path.stem == name:
            return _read(path)
    raise UnknownMailError(name)


def _read(path: Path) -> Mail:
    message = message_from_bytes(path.read_bytes(), policy=default)
    return Mail(
        name=path.stem,
        subject=str(message["Subject"] or ""),
        sender=str(message["From"] or ""),
        recipient=str(message["To"] or ""),
        sent_at=_sent_at(message, path),
        text=_part(message, "plain"),
        html=_part(message, "html"),
        attachments=tuple(
            (part.get_filename() or "document", part.get_content())
            for part in message.iter_attachments()
        ),
    )


def _sent_at(message: EmailMessage, path: Path) -> datetime:
    try:
        sent_at = parsedate_to_datetime(str(message["Date"]))
    except (TypeError, ValueError):
        sent_at = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    return sent_at.astimezone(UTC).replace(tzinfo=None)


def _part(message: EmailMessage, subtype: str) -> str:
    part = message.get_body((subtype,))
    return "" if part is None else str(part.get_content())
