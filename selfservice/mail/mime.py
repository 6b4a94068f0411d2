"""The bytes of a mail, by RFC 5322 and MIME: 7 bits, short lines, each ended by CRLF.

Its one shape written straight: `email` takes twenty times longer to put the same together.
"""

import secrets
from base64 import encodebytes
from binascii import b2a_qp
from dataclasses import dataclass
from datetime import datetime
from email.header import Header
from email.message import Message
from email.utils import format_datetime, formataddr
from functools import lru_cache

SHORT_CHARACTERS = 60


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


def write(
    letter: Letter, *, sender: str, recipient: str, at: datetime, pdf: bytes | None = None
) -> bytes:
    """Return a whole mail; the addresses are in ASCII, `at` knows its time zone.

    Raises ValueError for a header of several lines, which could bring others along, and for what
    no text can be.
    """
    name = letter.attachment_name or ""
    if any("\r" in x or "\n" in x for x in (letter.subject, letter.sender_name, recipient, name)):
        raise ValueError("a header of several lines")
    headers = (
        f"Subject: {_encoded(letter.subject, 'Subject')}\r\n"
        f"From: {_mailbox(letter.sender_name, sender)}\r\n"
        f"To: {recipient}\r\n"
        f"Date: {format_datetime(at)}\r\n"
        f"Message-ID: <{letter.message_id}>\r\n"
        "Auto-Submitted: auto-generated\r\n"
        "MIME-Version: 1.0\r\n"
    ).encode("ascii")
    body = _multipart(
        "alternative", _text("plain", letter.body_text), _text("html", letter.body_html)
    )
    return headers + (body if pdf is None else _multipart("mixed", body, _attached(name, pdf)))


def _encoded(text: str, header: str) -> str:
    if text.isascii() and len(text) <= SHORT_CHARACTERS:
        return text
    return Header(text, header_name=header).encode(linesep="\r\n")


@lru_cache
def _mailbox(name: str, address: str) -> str:
    if name.isascii():
        return formataddr((name, address))
    return f"{_encoded(name, 'From')} <{address}>"


def _multipart(subtype: str, *parts: bytes) -> bytes:
    boundary = secrets.token_hex(12)
    mark = f"--{boundary}".encode()
    lines = [f'Content-Type: multipart/{subtype}; boundary="{boundary}"\r\n'.encode()]
    for part in parts:
        lines += [mark, part]
    return b"\r\n".join([*lines, mark + b"--\r\n"])


def _text(subtype: str, text: str) -> bytes:
    header = (
        f"Content-Type: text/{subtype}; charset=utf-8\r\n"
        "Content-Transfer-Encoding: quoted-printable\r\n\r\n"
    )
    lines = text.replace("\r\n", "\n").replace("\r", "\n").removesuffix("\n") + "\n"
    # The first end of a line tells how to end those that it cuts.
    return header.encode() + b2a_qp(lines.replace("\n", "\r\n").encode(), istext=True)


def _attached(name: str, pdf: bytes) -> bytes:
    part = Message()
    filename = name if name.isascii() else ("utf-8", "", name)
    part.add_header("Content-Disposition", "attachment", filename=filename)
    header = (
        "Content-Type: application/pdf\r\nContent-Transfer-Encoding: base64\r\n"
        f"Content-Disposition: {part['Content-Disposition']}\r\n\r\n"
    )
    return header.encode("ascii") + encodebytes(pdf).replace(b"\n", b"\r\n")
