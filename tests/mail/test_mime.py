"""The bytes of a mail say what was written, to whoever reads them by the standard's rules."""

from datetime import UTC, datetime
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from selfservice.mail import mime

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)
WORDS = st.text(st.characters(exclude_categories=("C", "Z")), max_size=120)
LINES = st.lists(st.text(st.characters(exclude_categories=("C", "Zl", "Zp")))).map("\n".join)


def letter(**fields: Any) -> mime.Letter:
    given = {
        "message_id": "1@example.com",
        "to_address": "pierre@example.com",
        "sender_name": "",
        "subject": "Vos documents",
        "body_text": "Bonjour",
        "body_html": "<p>Bonjour</p>",
    }
    return mime.Letter(**(given | fields))


def write(**fields: Any) -> bytes:
    pdf = fields.pop("pdf", None)
    written = letter(**fields)
    return mime.write(
        written, sender="facture@example.com", recipient=written.to_address, at=NOON, pdf=pdf
    )


def read(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert not [part.defects for part in mail.walk() if part.defects]
    return mail


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").removesuffix("\n")


def sender(content: bytes) -> tuple[str, str]:
    name, address = parseaddr(message_from_bytes(content)["From"])
    return str(make_header(decode_header(name))), address


@given(words=st.lists(WORDS, max_size=4), name=WORDS, text=LINES, html=LINES)
def test_whatever_is_written_is_read_again(
    words: list[str], name: str, text: str, html: str
) -> None:
    subject = " ".join(words).strip()
    content = write(subject=subject, sender_name=name, body_text=text, body_html=html)
    mail = read(content)
    if "=?" not in subject + name:
        assert mail["Subject"] == subject
        assert sender(content) == (name, "facture@example.com")
    assert body(mail, "plain") == text.removesuffix("\n")
    assert body(mail, "html") == html.removesuffix("\n")


@given(subject=st.text("é /=?", max_size=400), text=st.text("é .=\r\n", max_size=3000))
def test_every_line_is_short_ascii_and_ended_as_smtp_wants(subject: str, text: str) -> None:
    content = write(subject=subject, body_text=text, body_html=text, pdf=text.encode())
    assert content.isascii()
    assert content.endswith(b"\r\n")
    lines = content.split(b"\r\n")
    assert not [line for line in lines if b"\r" in line or b"\n" in line]
    assert max(map(len, lines)) <= 998
    assert max(map(len, content.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76


@pytest.mark.parametrize("name", ["FA-1.pdf", 'FA "1".pdf', "FA-n°1.pdf", "FA;=1.pdf"])
def test_the_document_is_attached_under_its_name_byte_for_byte(name: str) -> None:
    pdf = bytes(range(256)) * 900
    mail = read(write(attachment_name=name, pdf=pdf))
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == name
    assert attached.get_content_type() == "application/pdf"
    assert attached.get_content() == pdf
    assert body(mail, "plain") == "Bonjour"


@pytest.mark.parametrize("field", ["subject", "sender_name", "to_address", "attachment_name"])
@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
def test_no_header_brings_another_along(field: str, line_end: str) -> None:
    with pytest.raises(ValueError, match="several lines"):
        write(**{field: f"a@example.com{line_end}Bcc: b@example.com"}, pdf=b"")
