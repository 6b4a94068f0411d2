"""Where returned mails wait (MAIL_BOUNCES): a Maildir, or a folder of an IMAP server."""

import imaplib
import os
import ssl
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import unquote, urlsplit

from selfservice import system_errors
from selfservice.files import open_regular
from selfservice.mail.answers import Answers

MAX_BYTES = 1_000_000  # read of one mail: the report stands before the copy of what we sent
PER_READING = 500  # mails; the others wait for the next
IMAPS_PORT = 993
MAX_ANSWER_BYTES = 2 * MAX_BYTES  # to one command: a mail, or the numbers of 200 000


class BoxError(Exception):
    """Why the box, or one mail in it, cannot be read: place, cause and remedy in French."""


class Waiting(NamedTuple):
    """A mail in the box. `settle(is_ours=…)` removes ours and marks any other as seen.

    Both raise BoxError.
    """

    read: Callable[[], bytes]
    settle: Callable[..., None]


class _Imap(imaplib.IMAP4_SSL):
    """A conversation whose every answer is bounded, from the greeting on."""

    def open(
        self, host: str = "", port: int | None = IMAPS_PORT, timeout: float | None = None
    ) -> None:
        super().open(host, port, timeout)
        self.answers = Answers(self.sock, seconds=timeout or 0, max_bytes=MAX_ANSWER_BYTES)

    def send(self, data: Any) -> None:
        self.answers.begin()
        super().send(data)

    def read(self, size: int) -> bytes:
        return self.answers.read(size)

    def readline(self) -> bytes:
        return self.answers.readline(MAX_ANSWER_BYTES)


@contextmanager
def opened(place: Path | str, *, timeout_seconds: int) -> Iterator[Iterator[Waiting]]:
    """Give what waits in a box, oldest first. Raises BoxError."""
    if isinstance(place, Path):
        with _told(str(place)):
            names = sorted(os.listdir(place / "new"))  # noqa: PTH208 (a name, not a path)
            (place / "cur").stat()
        yield (_in_maildir(place, name) for name in names[:PER_READING] if name[0] != ".")
        return
    parts = urlsplit(place)
    folder = unquote(parts.path.strip("/")) or "INBOX"
    shown = f"{parts.hostname}/{folder}"
    with _told(shown):
        client = _Imap(
            parts.hostname or "",
            parts.port or IMAPS_PORT,
            ssl_context=ssl.create_default_context(),
            timeout=timeout_seconds,
        )
    try:
        with _told(shown):
            _sign_in(client, unquote(parts.username or ""), unquote(parts.password or ""))
            quoted = folder.replace("\\", "\\\\").replace('"', '\\"')
            _require(client.select(f'"{quoted}"'))
            found = _require(client.uid("SEARCH", "UNSEEN"))[0] or b""  # None from some, for none
            numbers = found.decode("ascii", "replace").split()
        yield (_in_imap(client, shown, number) for number in numbers[:PER_READING])
        with _told(shown):
            client.expunge()
    finally:
        client.shutdown()


def _in_maildir(folder: Path, name: str) -> Waiting:
    path = folder / "new" / name

    def read() -> bytes:
        with _told(str(path)), open_regular(path) as file:
            return file.read(MAX_BYTES)

    def settle(*, is_ours: bool) -> None:
        with _told(str(path)):
            if is_ours:
                path.unlink(missing_ok=True)
            else:
                path.rename(folder / "cur" / f"{name.partition(':')[0]}:2,S")

    return Waiting(read, settle)


def _in_imap(client: imaplib.IMAP4, shown: str, number: str) -> Waiting:
    def read() -> bytes:
        with _told(shown):
            found = _require(client.uid("FETCH", number, f"(BODY.PEEK[]<0.{MAX_BYTES}>)"))
        # Beside the text of a mail, a server may send what has changed in the folder.
        return next((bytes(each[1]) for each in found if isinstance(each, tuple)), b"")

    def settle(*, is_ours: bool) -> None:
        with _told(shown):
            flags = r"(\Seen \Deleted)" if is_ours else r"(\Seen)"
            _require(client.uid("STORE", number, "+FLAGS", flags))

    return Waiting(read, settle)


def _sign_in(client: imaplib.IMAP4, user: str, password: str) -> None:
    """Sign in; LOGIN takes neither an accent nor a space in a name."""
    if "AUTH=PLAIN" in client.capabilities:
        answers = iter([f"\0{user}\0{password}".encode()])
        client.authenticate("PLAIN", lambda _: _answer_once(answers))
    else:
        client.login(user, password)


def _answer_once(answers: Iterator[bytes]) -> bytes:
    """Answer a server; imaplib would answer one that asks again without an end."""
    for answer in answers:
        return answer
    raise imaplib.IMAP4.error("it asks for more than a name and a password")


def _require(answer: tuple[str, list[Any]]) -> list[Any]:
    kind, found = answer
    if kind != "OK":
        raise imaplib.IMAP4.error(found[0])
    return found


@contextmanager
def _told(place: str) -> Iterator[None]:
    """Tell in one line why a place cannot be read."""
    try:
        yield
    except imaplib.IMAP4.error as error:
        words = error.args[0] if error.args else ""
        answer = words.decode("utf-8", "replace") if isinstance(words, bytes) else str(words)
        raise BoxError(f"{place} : le serveur IMAP répond « {answer.strip()} »") from error
    except OSError as error:
        raise BoxError(f"{place} : {system_errors.explain(error)}") from error
    except ValueError as error:  # no base64, a number without an end
        raise BoxError(f"{place} : réponse illisible ({error})") from error
