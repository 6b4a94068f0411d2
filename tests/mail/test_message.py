"""The bytes of a mail say what was written, to whoever reads them by the standard's rules."""

from collections.abc import Iterator
from email import message_from_bytes, policy
from email.header import decode_header, make_header
from email.message import EmailMessage
from email.utils import parseaddr
from pathlib import Path
from typing import Any

import pytest
from flask import Flask, current_app
from flask_mail import Mail
from hypothesis import given
from hypothesis import strategies as st

from selfservice.mail import message
from selfservice.mail.errors import RefusedError
from selfservice.mail.outbox import OutboxMail

SENDER = "ne-pas-repondre@facturation.example.com"
MESSAGE_ID = f"20261128193000.{'0' * 24}@facturation.entreprise-au-nom-assez-long.example.com"
WORDS = st.text(st.characters(exclude_categories=("C", "Z")), max_size=120)
LINES = st.lists(st.text(st.characters(exclude_categories=("C", "Zl", "Zp")))).map("\n".join)


@pytest.fixture(autouse=True, scope="module")
def _sender() -> Iterator[None]:
    app = Flask(__name__)
    app.config["MAIL_DEFAULT_SENDER"] = SENDER
    Mail(app)
    with app.app_context():
        yield


def write(**fields: Any) -> bytes:
    given = {
        "message_id": MESSAGE_ID,
        "to_address": "pierre@example.com",
        "subject": "Vos documents",
        "body_text": "Bonjour",
        "body_html": "<p>Bonjour</p>",
    }
    return message.build(OutboxMail(**(given | fields))).as_bytes()


def read(content: bytes) -> EmailMessage:
    mail = message_from_bytes(content, policy=policy.default)
    assert isinstance(mail, EmailMessage)
    assert not [part.defects for part in mail.walk() if part.defects]
    return mail


def body(mail: EmailMessage, kind: str) -> str:
    part = mail.get_body((kind,))
    assert part is not None
    return str(part.get_content()).replace("\r\n", "\n").removesuffix("\n")


def sender(mail: EmailMessage) -> tuple[str, str]:
    """Read who writes by RFC 2047: Python 3.11's address parser puts spaces into long names."""
    name, address = parseaddr(message_from_bytes(mail.as_bytes())["From"])
    return str(make_header(decode_header(name))), address


@given(words=st.lists(WORDS, max_size=4), names=st.lists(WORDS, max_size=4), text=LINES)
@pytest.mark.slow
def test_whatever_is_written_is_read_again(words: list[str], names: list[str], text: str) -> None:
    subject, name = " ".join(words).strip(), " ".join(names).strip()
    html = f"<p>{text}"
    mail = read(write(subject=subject, sender_name=name, body_text=text, body_html=html))
    if "=?" not in subject + name:
        assert (mail["Subject"] or "") == subject
        assert sender(mail) == (name, SENDER)
    assert body(mail, "plain") == text.removesuffix("\n")
    assert body(mail, "html") == html.removesuffix("\n")
    assert mail["To"] == "pierre@example.com"
    assert mail["Message-ID"] == f"<{MESSAGE_ID}>"


@pytest.mark.parametrize(
    "name",
    [
        "Diac, Société d'été",
        'Fournitures <Martin> "Frères"',
        f"{'A' * 70}, B",
        "Diac / Diac Location · Fournitures, Martin & Cie · Énergies d'été",
        "Société, " * 12 + "fin",
    ],
)
def test_a_long_name_stays_one_name_before_one_address(name: str) -> None:
    mail = read(write(sender_name=name, subject=name))
    assert sender(mail) == (name, SENDER)
    assert mail["Subject"] == name


@given(subject=st.text("é /=?", max_size=400), text=st.text("é .=\r\n", max_size=3000))
def test_every_line_is_short_ascii_and_ended_as_smtp_wants(subject: str, text: str) -> None:
    content = write(subject=subject, body_text=text, body_html=text)
    assert content.isascii()
    assert content.endswith(b"\r\n")
    lines = content.split(b"\r\n")
    assert not [line for line in lines if b"\r" in line or b"\n" in line]
    assert max(map(len, lines)) <= 998
    assert max(map(len, content.partition(b"\r\n\r\n")[2].split(b"\r\n"))) <= 76


@pytest.mark.parametrize(
    "name", ["FA-1.pdf", 'FA "1".pdf', "FA-n°1.pdf", "FA;=1.pdf", f"{'FA-n°' * 30}.pdf"]
)
def test_the_document_is_attached_under_its_name_byte_for_byte(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pdf = bytes(range(256)) * 900
    (tmp_path / "document").write_bytes(pdf)
    monkeypatch.setitem(current_app.config, "DOCUMENTS_DIR", tmp_path)
    mail = read(write(attachment_path="document", attachment_name=name))
    (attached,) = mail.iter_attachments()
    assert attached.get_filename() == name
    assert attached.get_content_type() == "application/pdf"
    older = str(make_header(decode_header(str(attached.get_param("name", unquote=True)))))
    assert older == name, "for readers that know RFC 2047 only"
    assert attached.get_content() == pdf
    assert body(mail, "plain") == "Bonjour"


@pytest.mark.parametrize("field", ["subject", "sender_name", "to_address", "attachment_name"])
@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r"])
def test_no_header_brings_another_along(field: str, line_end: str) -> None:
    with pytest.raises(RefusedError, match="several lines"):
        write(**{field: f"a@example.com{line_end}Bcc: b@example.com"})
