"""What a server of mails answers, within bounds of time and size: smtplib and imaplib have none.

They wait for each byte anew, and keep whatever comes.
"""

from socket import socket
from time import monotonic

BLOCK_BYTES = 16 * 1024


class Answers:
    """What a socket receives, as the file that those libraries read it from.

    An answer comes whole within `seconds`, in `max_bytes`. Reading raises OSError beyond.
    """

    def __init__(self, sock: socket, *, seconds: float, max_bytes: int) -> None:
        self._sock, self._seconds, self._max_bytes = sock, seconds, max_bytes
        self._held = bytearray()
        self.begin()

    def begin(self, *, seconds: float = 0) -> None:
        """Let another answer begin, which may take longer than the others."""
        self._until, self._left = monotonic() + max(seconds, self._seconds), self._max_bytes

    def readline(self, size: int) -> bytes:
        while b"\n" not in self._held and len(self._held) < size and self._receive():
            pass
        return self._take(min(size, self._held.find(b"\n") + 1 or size))

    def read(self, size: int) -> bytes:
        while len(self._held) < size and self._receive():
            pass
        return self._take(size)

    def close(self) -> None:
        """Leave the socket to its owner."""

    def _receive(self) -> bool:
        """Wait for more; return False where the server has ended."""
        seconds = self._until - monotonic()
        if seconds <= 0:
            raise TimeoutError("no whole answer in time")
        try:
            self._sock.settimeout(seconds)
            found = self._sock.recv(BLOCK_BYTES)
        finally:
            self._sock.settimeout(self._seconds)
        self._left -= len(found)
        if self._left < 0:
            raise OSError(f"an answer of more than {self._max_bytes} bytes")
        self._held += found
        return bool(found)

    def _take(self, size: int) -> bytes:
        taken = bytes(self._held[:size])
        del self._held[:size]
        return taken
