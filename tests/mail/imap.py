"""A small IMAP server on loopback, over TLS: one folder of mails, their flags, and its refusals."""

import base64
import re
import socketserver
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

PASSWORD = "p@ss/é"


class Folder:
    """What the server holds, by number; `refusing` names the command that it refuses.

    To the command that `endless` names, it answers without an end, before the one that
    `rambling` names by what no grammar has. `is_asking_again`: it asks who signs in without an end.
    """

    def __init__(self) -> None:
        self.mails: dict[int, bytes] = {}
        self.flags: dict[int, set[str]] = {}
        self.refusing = ""
        self.endless = ""
        self.is_asking_again = False
        self.rambling: dict[str, bytes] = {}
        self.selected = ""

    def put(self, content: bytes) -> int:
        number = len(self.flags) + 1
        self.mails[number], self.flags[number] = content, set()
        return number


class Conversation(socketserver.StreamRequestHandler):
    server: "Server"

    def handle(self) -> None:
        self._say("* OK [CAPABILITY IMAP4rev1 AUTH=PLAIN] here")
        while line := self.rfile.readline().decode().strip():
            tag, command, *rest = line.split(" ", 2)
            words = f"{command} {rest[0] if rest else ''}"
            while self.server.folder.endless and self.server.folder.endless in words:
                self._say("\r\n".join(["* 1 EXISTS"] * 1000))
            for beginning, answer in self.server.folder.rambling.items():
                if beginning in words:
                    self._say(answer)
            if self.server.folder.refusing and self.server.folder.refusing in words:
                self._say(f"{tag} NO [ALERT] not now")
            else:
                self._answer(words)
                self._say(f"{tag} OK done")

    def _say(self, line: str | bytes) -> None:
        self.wfile.write((line.encode() if isinstance(line, str) else line) + b"\r\n")

    def _answer(self, words: str) -> None:
        folder = self.server.folder
        if words.startswith("CAPABILITY"):
            self._say("* CAPABILITY IMAP4rev1 AUTH=PLAIN")
        elif words.startswith("AUTHENTICATE"):
            self._say("+ ")
            while self.server.folder.is_asking_again and self.rfile.readline():
                self._say("+ ")
            given = base64.b64decode(self.rfile.readline()).decode()
            assert given == f"\0retours@example.com\0{PASSWORD}"
        elif words.startswith("SELECT"):
            folder.selected = words.split('"')[1]
            self._say(f"* {len(folder.mails)} EXISTS")
        elif "SEARCH" in words:
            unseen = [str(each) for each in folder.mails if not folder.flags[each]]
            if unseen:  # some say nothing of none
                self._say(f"* SEARCH {' '.join(unseen)}")
        elif words.startswith("EXPUNGE"):
            for each in [n for n, flags in folder.flags.items() if "Deleted" in flags]:
                folder.mails.pop(each, None)
        elif found := re.search(r"(?:FETCH|STORE) (\d+)", words):
            self._answer_of(int(found[1]), words)

    def _answer_of(self, number: int, words: str) -> None:
        folder = self.server.folder
        if "FETCH" in words:
            length = int(re.findall(r"<0\.(\d+)>", words)[0])
            content = folder.mails[number][:length]
            self._say(f"* {number} FETCH (UID {number} BODY[]<0> {{{len(content)}}}")
            self._say(content + b")")
        else:
            folder.flags[number] |= set(re.findall(r"\\(\w+)", words))


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True
    block_on_close = False

    def __init__(self, folder: Folder, context: ssl.SSLContext) -> None:
        self.folder, self._context = folder, context
        super().__init__(("127.0.0.1", 0), Conversation)

    def get_request(self) -> tuple[ssl.SSLSocket, object]:
        connection, address = super().get_request()
        return self._context.wrap_socket(connection, server_side=True), address

    def handle_error(self, request: object, client_address: object) -> None:
        """Leave what a client that went away brings about."""


@contextmanager
def serving_imap(folder: Folder, place: Path) -> Iterator[int]:
    """Serve a folder with a certificate for localhost, left in `place`, and give the port."""
    key, certificate = place / "key.pem", place / "certificate.pem"
    words = f"req -x509 -newkey rsa:2048 -nodes -days 2 -subj /CN=localhost -keyout {key}"
    subprocess.run(
        ["openssl", *words.split(), "-addext", "subjectAltName=DNS:localhost", "-out", certificate],
        check=True,
        capture_output=True,
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    with Server(folder, context) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server.server_address[1]
        finally:
            server.shutdown()
