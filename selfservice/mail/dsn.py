"""What a returned mail says: a report of RFC 3464, or the plain words of qmail and Exim.

Nothing here knows whose mail it was.
"""

import re
from collections.abc import Iterator
from email import message_from_bytes, message_from_string
from email.message import Message
from email.policy import Compat32
from itertools import islice
from typing import NamedTuple

from selfservice.mail.replies import MESSAGE, PASSING, PORTAL, RECIPIENT, Reply

MAX_BYTES = 100_000  # read of a report, which stands before the copy of what we sent
MAX_LINES = 1000
MAX_PARTS = 100
MAX_BOUNDARIES = 8  # read of a report: its own, and those of the copy
MAX_FIELD = 1000  # characters read of a header
MAX_TEXT = 8000  # characters read of a report in plain words
MAX_WORDS = 1000  # kept of a diagnostic
REPORTS = ("message/delivery-status", "message/global-delivery-status")
# A server that gave up after days of these has not answered.
_UNANSWERED = PASSING | {"later", "server_busy"}

_BOUNDARY = re.compile(rb"boundary", re.IGNORECASE)
_STATUS = re.compile(r"[45]\.\d{1,3}\.\d{1,3}")
_CODE = re.compile(r"(?<![\w.\[])([45]\d\d)[ -]+")
_DAEMON = re.compile(r"mailer-?daemon|postmaster|mail delivery", re.IGNORECASE)
_FAILURE = re.compile(
    r"qmail-send program|(not|wasn.t able to|could not be|cannot be) deliver"
    r"|deliver\w{0,8}\b.{0,20}\bfail|undeliver|failure notice|returned mail|returning message"
    r"|n.a (pas )?pu être (remis|transmis|délivré|distribué)|non[ -]remis|échec de",
    re.IGNORECASE,
)
_DELAY = re.compile(
    r"not yet been delivered|delayed \d|delivery delay|delivery is delayed|will continue"
    r"|will keep trying|remise retardée|nouvelles? tentatives?",
    re.IGNORECASE,
)
# What both write before the reason: the address, alone on its line.
_ADDRESS_LINE = re.compile(r"^[ \t]*<?[^\s@<>]+@[^\s@<>]+>?:?[ \t]*$", re.MULTILINE)
_COPY = re.compile(r"^-{3,}", re.MULTILINE)


class ShortFields(Compat32):
    """Cuts each header: the library divides its parameters in quadratic time."""

    def header_source_parse(self, sourcelines: list[str]) -> tuple[str, str]:
        return super().header_source_parse(["".join(sourcelines)[:MAX_FIELD]])


SHORT_FIELDS = ShortFields()


class Notice(NamedTuple):
    """A server gave a mail up (`is_final`), or still tries; `reply` is what it was told."""

    is_final: bool
    reply: Reply

    @property
    def reason(self) -> str:
        if not self.is_final:
            return "delayed"
        found = self.reply.reason
        if found in _UNANSWERED:
            return "unanswered"
        # The recipient's own server, this time: what it says of ours stays in the answer.
        return "refused_there" if found in PORTAL else found


def read(content: bytes) -> Notice | None:
    """Return what a server reports; None for what tells neither a failure nor a delay.

    An absence, a receipt and a mail from a person are none. `content` may be cut anywhere. Whoever
    got a mail of ours may have written it: the library reads some texts in quadratic time, hence
    the cuts.
    """
    try:
        message = message_from_bytes(_cut(content[:MAX_BYTES]), policy=SHORT_FIELDS)
        parts = list(islice(message.walk(), MAX_PARTS))
        return _reported(parts) or _told(message, parts)
    # Hundreds of mails, one inside the other; parameters that the library cannot put in order.
    except (RecursionError, TypeError, ValueError):
        return None


def _cut(content: bytes) -> bytes:
    """Cut what has too many lines, or nests too deep.

    The library holds each line against the boundaries around it, and makes a message of each blank
    line of a report.
    """
    content = b"\n".join(content.splitlines()[:MAX_LINES])
    beyond = next(islice(_BOUNDARY.finditer(content), MAX_BOUNDARIES, None), None)
    return content[: beyond.start()] if beyond else content


def _reported(parts: list[Message]) -> Notice | None:
    """Read a report for programs: of several recipients, the first that failed."""
    blocks = [block for part in parts for block in _blocks(part)]
    for action in ("failed", "delayed"):
        for block in blocks:
            if _field(block, "Action").lower().startswith(action):
                reply = _reply(_field(block, "Diagnostic-Code"), _field(block, "Status"))
                return Notice(action == "failed", reply)
    return None


def _blocks(part: Message) -> Iterator[Message]:
    """Yield the groups of fields of a report, one for each recipient among them."""
    payload = part.get_payload() if part.get_content_type() in REPORTS else ()
    for block in payload if isinstance(payload, list) else ():
        if isinstance(block, Message):
            yield block
            # The library cuts into groups what is named delivery-status, and nothing else.
            for group in _text(block).split("\n\n")[:MAX_PARTS]:
                yield message_from_string(group, policy=SHORT_FIELDS)


def _told(message: Message, parts: list[Message]) -> Notice | None:
    """Read a report in plain words, only from what says to be a mail server."""
    if "report" in message.get_content_type():  # another kind: a receipt, a complaint
        return None
    text = next((_text(part) for part in parts if part.get_content_type() == "text/plain"), "")
    before_copy = _COPY.split(text, maxsplit=1)[0]
    heading = f"{_field(message, 'Subject')}\n{before_copy}"
    is_delayed = bool(_DELAY.search(heading))
    is_report = message["X-Failed-Recipients"] or (
        _DAEMON.search(_field(message, "From")) and (is_delayed or _FAILURE.search(heading))
    )
    if not is_report:
        return None
    place = _ADDRESS_LINE.search(before_copy)
    words = before_copy[place.end() :] if place else before_copy
    code = _CODE.search(words)
    reply = _reply(words[code.start() :] if code else words, "")
    return Notice(not is_delayed, reply)


def _reply(diagnostic: str, status: str) -> Reply:
    """Return the answer of an SMTP server as a report quotes it: « smtp; 550-5.1.1 no such… »."""
    words = " ".join(diagnostic[: 2 * MAX_WORDS].split())
    words = re.sub(r"^[\w.-]+ ?; ?", "", words)
    quoted, told = _CODE.match(words), _STATUS.match(status)
    code = int(quoted[1]) if quoted else int(f"{told[0][0] if told else 5}50")
    # Each line of a long answer begins with its code.
    words = re.sub(rf"(?<!\S){code}[ -]+", "", words) if quoted else words
    if told and not words.startswith(("4.", "5.", "#")) and not told[0].endswith(".0.0"):
        words = f"{told[0]} {words}"
    stage = MESSAGE if "end of data" in words.lower() else RECIPIENT
    return Reply(stage, code, words[:MAX_WORDS].strip())


def _field(message: Message, name: str) -> str:
    return str(message[name] or "")[:MAX_FIELD].strip()


def _text(part: Message) -> str:
    payload = part.get_payload(decode=True)
    return payload[:MAX_TEXT].decode("utf-8", "replace") if isinstance(payload, bytes) else ""
