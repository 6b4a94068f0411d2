"""What the server takes for a request: waitress's parser, made strict."""

import re

from waitress.parser import HTTPRequestParser, ParsingError
from waitress.receiver import ChunkedReceiver
from waitress.task import ErrorTask
from waitress.utilities import BadRequest

from selfservice.web import HEADERS

MAX_CHUNK_LINE_BYTES = 4 * 1024  # between the parts of a body, and after the last
# Who reads the same request in two ways lets one visitor's pass for another's.
AMBIGUOUS = "two readers could take this request for different ones"
LENGTH = re.compile(rb"(?i)content-length:[ \t]?([0-9]{1,9})")
REQUEST_LINE = re.compile(rb"[!-~]+ [!-~]+ HTTP/[0-9]\.[0-9]")


class StrictParser(HTTPRequestParser):
    """Refuses what two servers could read in two ways, and what waitress is slow to read.

    Its patterns try each way to divide a run of spaces before a value, and the digits of an
    address in a line that is no request line: 30 kB of either would stop every page for minutes.
    """

    body_bytes = unread_bytes = 0  # what the request announces, and what of it a refusal waits for

    def received(self, data: bytes) -> int:
        if self.unread_bytes:
            return self._pass_over(data)
        consumed: int = super().received(data)
        if self.error and self.completed and self.body_bytes:
            self.unread_bytes, self.body_bytes, self.completed = self.body_bytes, 0, False
        if self.error or self.body_rcv is None:
            self.expect_continue = False  # waitress would wait for a body that does not come
        # At each read, waitress searches again all that it holds of a line without an end.
        body = self.body_rcv
        held = body.control_line + body.trailer if isinstance(body, ChunkedReceiver) else b""
        if len(held) > MAX_CHUNK_LINE_BYTES:
            self.error = BadRequest("a line of a chunked body is too long")  # type: ignore[assignment]
            self.completed = True
        return consumed

    def _pass_over(self, data: bytes) -> int:
        """Read the body of what is refused: cut off in it, nginx takes the portal for broken."""
        passed = min(len(data), self.unread_bytes)
        self.unread_bytes -= passed
        self.completed = not self.unread_bytes
        return passed

    def parse_header(self, header_plus: bytes) -> None:
        request_line, *lines = header_plus.rstrip(b"\r\n").split(b"\r\n")
        self.body_bytes = min(_announced(lines), self.adj.max_request_body_size)
        is_folded = any(line.startswith((b" ", b"\t")) for line in lines)
        if is_folded or not REQUEST_LINE.fullmatch(request_line):
            raise ParsingError(AMBIGUOUS)
        try:
            super().parse_header(b"\r\n".join([request_line, *map(_without_spaces, lines), b""]))
        except ValueError as error:  # « http://[ » for an address, a length of 5000 digits
            raise ParsingError(str(error)[:100]) from error
        if self.header_bytes_received >= self.adj.max_request_header_size:
            return  # refused already
        names = [line.partition(b":")[0].lower() for line in lines]
        sizes = names.count(b"content-length") + names.count(b"transfer-encoding")
        is_chunked_too_early = b"transfer-encoding" in names and self.version != "1.1"
        if sizes > 1 or names.count(b"host") != 1 or is_chunked_too_early:
            raise ParsingError(AMBIGUOUS)


def _announced(lines: list[bytes]) -> int:
    """Return the length of the body that comes by itself; 0 where none or several is told."""
    if any(line.lower().startswith(b"expect:") for line in lines):
        return 0  # it comes once it is asked for
    found = [LENGTH.fullmatch(line) for line in lines]
    lengths = [int(each[1]) for each in found if each]
    return lengths[0] if len(lengths) == 1 else 0


def _without_spaces(line: bytes) -> bytes:
    name, colon, value = line.partition(b":")
    return name + colon + value.strip(b" \t")


class RefusalTask(ErrorTask):
    """Answers what is no request, with the headers of every answer."""

    def execute(self) -> None:
        self.response_headers.extend(HEADERS.items())
        super().execute()
