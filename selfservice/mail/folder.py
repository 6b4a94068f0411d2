"""Mails as files, one .eml each, for demonstrations and trials (MAIL_TRANSPORT `file`)."""

from pathlib import Path
from typing import cast

from flask import Flask, current_app
from flask_mail import Message

from selfservice import system_errors
from selfservice.files import written_aside
from selfservice.mail.errors import UnreachableError


def mail_folder(app: Flask) -> Path:
    """Return where the `file` transport writes."""
    return cast(Path, app.config["INSTANCE"]) / "mail"


def write(message: Message) -> str:
    """Write a mail under the name of its Message-ID: sent twice, it is one file."""
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
