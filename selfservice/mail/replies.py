"""What the replies of SMTP servers mean: codes of RFC 5321 and RFC 3463, and their usual words.

Every fault has one reason here; `notifications.messages` says each in French.
"""

import re
from dataclasses import dataclass

PERMANENT = 500
REASONS = (
    "unknown_address",
    "mailbox_full",
    "mailbox_disabled",
    "spam",
    "too_large",
    "refused",
    "greylisted",
    "later",
    "unconfirmed",
    "sender_refused",
    "relay_denied",
    "unreachable",
    "certificate",
    "authentication",
    "unwritable_address",
    "bad_header",
    "attachment_gone",
    "attachment_unreadable",
    "surprise",
    "late",
)

_ENHANCED = re.compile(r"\b[45]\.(\d{1,3})\.(\d{1,3})\b")
_BY_DETAIL = {
    (1, 1): "unknown_address",
    (1, 2): "unknown_address",
    (1, 3): "unknown_address",
    (1, 6): "unknown_address",
    (1, 10): "unknown_address",
    (1, 7): "sender_refused",
    (1, 8): "sender_refused",
    (2, 1): "mailbox_disabled",
    (2, 2): "mailbox_full",
    (2, 3): "too_large",
    (3, 4): "too_large",
}
_SECURITY = 7
_WORDS = (
    ("mailbox_full", re.compile(r"quota|(mailbox|inbox)( is)? full", re.IGNORECASE)),
    ("spam", re.compile(r"spam|blacklist|blocklist|dnsbl|reputation", re.IGNORECASE)),
)
_GREYLISTED = re.compile(r"gr[ae]y-?list", re.IGNORECASE)
_RELAY = re.compile(r"\brelay", re.IGNORECASE)
_BY_CODE = {
    ("recipient", 550): "unknown_address",
    ("recipient", 551): "unknown_address",
    ("recipient", 552): "mailbox_full",
    ("recipient", 553): "unknown_address",
    ("message", 550): "spam",
    ("message", 552): "mailbox_full",
    ("message", 554): "spam",
}


@dataclass(frozen=True)
class Reply:
    """A server's refusal; `stage` is the command refused: sender, recipient or message."""

    stage: str
    code: int
    words: str

    def __str__(self) -> str:
        return f"{self.code} {self.words}".strip()

    @property
    def is_permanent(self) -> bool:
        return self.code >= PERMANENT

    @property
    def reason(self) -> str:
        return self._permanent_reason() if self.is_permanent else self._passing_reason()

    def _passing_reason(self) -> str:
        """Return « later » for a domain in trouble; what ails one mailbox need not hold its others.

        Greylisting too looks at each recipient by itself.
        """
        if _GREYLISTED.search(self.words):
            return "greylisted"
        known = self._by_detail() or self._by_words()
        return known if known in ("mailbox_full", "mailbox_disabled") else "later"

    def _permanent_reason(self) -> str:
        if self.stage == "recipient" and _RELAY.search(self.words):
            return "relay_denied"
        known = self._by_detail() or self._by_words()
        if self.stage == "sender":
            return "too_large" if known == "too_large" or self.code == 552 else "sender_refused"
        return known or _BY_CODE.get((self.stage, self.code), "refused")

    def _by_detail(self) -> str | None:
        found = _ENHANCED.search(self.words)
        if found is None:
            return None
        subject, detail = int(found[1]), int(found[2])
        return "spam" if subject == _SECURITY else _BY_DETAIL.get((subject, detail))

    def _by_words(self) -> str | None:
        return next((reason for reason, words in _WORDS if words.search(self.words)), None)
