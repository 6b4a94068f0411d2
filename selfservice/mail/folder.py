"""Mails as files, one .eml each, for demonstrations and trials (MAIL_TRANSPORT `file`).

A mail to REFUSING_DOMAIN, which nobody can own, is refused as a mail server would.
"""

from pathlib import Path
from typing import cast

from flask import Flask, current_app
from flask_mail import Message

from selfservice import system_errors
from selfservice.files import written_aside
from selfservice.mail.errors import RefusedError, UnreachableError

REFUSING_DOMAIN = "refus.example"


def mail_folder(app: Flask) -> Path:
    """Return where the `file` transport writes."""
    return cast(Path, app.config["INSTANCE"]) / "mail"


def write(message: Message, _sender: str, _is_patient: bool) -> str:
    """Write a mail under the name of its Message-ID: sent twice, it is one file.

    Raises RefusedError for an address at REFUSING_DOMAIN, UnreachableError where none can be
    written.
    """
    for address in map(str, message.send_to):
        if address.endswith(f"@{REFUSING_DOMAIN}"):
            answer = f"550 5.1.1 <{address}>: Recipient address rejected: User unknown"
            raise RefusedError(answer, "unknown_address")
    folder = mail_folder(current_app)
    name = message.msgId.strip("<>").partition("@")[0]
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with written_aside(folder / f"{name}.eml", aside=f".{name}.part", is_synced=False) as file:
            file.write(message.as_bytes())
    except OSError as error:
        raise UnreachableError(
            f"{folder} : {system_errors.explain(error)}", "unreachable"
        ) from error
    return "file"
