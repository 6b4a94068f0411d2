"""What the replies of SMTP servers mean: whom each is about, and why.

One table reads them all: enhanced codes first (RFC 3463, RFC 7372, IANA's registry, and those that
Exchange and Gmail add), the basic code after that, words where a server gives no precise code, and
at last what a command refused without a reason means. Every fault has one reason here;
`notifications.messages` says each in French.
"""

import re
from collections.abc import Collection
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

PERMANENT = 500
LONGEST_READ = 1000

# The server refuses the portal, or cannot be spoken to: no other mail would pass either.
PORTAL = {
    "unreachable",
    "certificate",
    "encryption_required",
    "authentication",
    "hello_refused",
    "host_refused",
    "sender_refused",
    "sender_unproven",
    "quota_reached",
    "relay_denied",
    "server_busy",
}
# These pass by themselves, whatever the code says.
PASSING = {"greylisted", "mailbox_busy"}
# About the address itself: no other mail to it would arrive either.
ADDRESS = {"unknown_address", "mailbox_disabled", "mailbox_full", "unwritable_address"}
REASONS = (
    *sorted(PORTAL),
    *sorted(PASSING),
    *sorted(ADDRESS),
    "spam",
    "too_large",
    "without_attachment",
    "refused",
    "later",
    "unconfirmed",
    "delayed",
    "unanswered",
    "refused_there",
    "bad_header",
    "attachment_gone",
    "attachment_unreadable",
    "surprise",
    "late",
)
# A code of 4xx about an address or a domain: it may be right later.
_FOR_NOW = {"unknown_address": "mailbox_busy", "refused": "later"}

# At the start of the words (RFC 2034), or « (#5.1.1) »; never a part of an address or a version.
_ENHANCED = re.compile(r"(?<![\w.])([45])\.(\d)\.(\d{1,3})(?!\.?\w)")
# « <relay@spam.example> » says whose mail it is, not why it is refused.
_NAMES = re.compile(r"<[^>]*>|\S+@\S+|https?://\S+")

# The commands refused. A reply to one of the first five can only be about the portal.
GREETING, TLS, HELLO, LOGIN, SENDER = "greeting", "tls", "hello", "login", "sender"
RECIPIENT, MESSAGE = "recipient", "message"
_BEFORE = (GREETING, TLS, HELLO, LOGIN, SENDER)
_AFTER = (RECIPIENT, MESSAGE)


class Rule(NamedTuple):
    """A reply that meets all that is given means `reason`.

    `details` are enhanced codes, `x` for 4 or 5, the last number a range if need be.
    """

    reason: str
    details: str = ""
    stages: Collection[str] = ()
    codes: Collection[int] = ()
    words: str = ""

    def fits(self, reply: "Reply") -> bool:
        return (
            (not self.stages or reply.stage in self.stages)
            and (not self.codes or reply.code in self.codes)
            and (not self.details or any(map(reply.has, self.details.split())))
            and (not self.words or bool(re.search(self.words, reply.read, re.IGNORECASE)))
        )


_LIMITED = (
    r"\b(sen[dt]|sending|submission|submit\w*|outgoing|outbound|relay|envoi\w*|envoy\w+|émission|rate"
    r"|hour\w*|24-hour|daily|per day|per minute|heure|jour|minute|quotidien\w*|threshold)\b"
)
_PASSED = (
    r"(quota|limit|exceed|too many|maximum|dépass|depass|attein|trop de|reached|threshold|restrict)"
)
_MAILBOX = (
    r"(recipient|mail ?box|inbox|maildir|user|account|address|destinataire|bo[iî]te|adresse|compte)"
)

TABLE = (
    # Enhanced codes that serve twice: the words say which.
    Rule("quota_reached", "x.2.1", words=r"relay limit"),
    Rule("mailbox_busy", "x.2.1", _AFTER, words=r"\brate\b|too quickly|receiv"),
    Rule("quota_reached", "x.2.2-3 x.2.0", words=r"submission|sender'?s?\b|sending"),
    Rule("quota_reached", "x.7.0-1", words=r"quota"),
    Rule("sender_refused", "x.5.3", words=r"not owned|sender"),
    Rule("mailbox_full", "x.1.0-1", _AFTER, words=r"full|quota|pleine"),
    Rule("mailbox_busy", "4.3.2 x.3.2", _AFTER, words=r"recipient|storedrv\.deliver"),
    Rule("quota_reached", "4.3.1-2 4.4.2 x.7.700-749", words=_PASSED),
    Rule("host_refused", "x.7.23 x.7.27", words=r"\bptr\b|reverse dns"),
    Rule("encryption_required", "x.7.3 x.7.29", words=r"\b(start)?tls\b"),
    Rule("relay_denied", "x.4.1", words=r"relay"),
    # Enhanced codes that say it all.
    Rule("too_large", "x.2.3 x.3.4 x.7.16"),
    Rule("sender_refused", "x.1.7-8 x.2.252 x.7.27 x.7.60 x.7.501-503 x.7.511 x.7.750"),
    Rule("sender_unproven", "x.7.20-24 x.7.26 x.7.29-30 x.7.32 x.7.509 x.7.515"),
    Rule("quota_reached", "x.1.90 5.4.5 x.5.3 x.7.28 x.7.508"),
    Rule("hello_refused", "x.7.506"),
    Rule("host_refused", "x.7.25 x.7.51 x.7.510 x.7.606-649 x.7.700-749 4.7.501-699 4.7.850-899"),
    Rule("relay_denied", "x.7.54 x.7.64 x.7.367"),
    Rule("encryption_required", "x.7.10-11"),
    Rule("authentication", "x.7.3-4 x.7.8-9 x.7.57 x.7.139"),
    Rule("server_busy", "x.3.1-2 x.3.5 4.4.2 4.4.5 4.7.500"),
    Rule("later", "x.4.7 x.4.300 x.4.312 x.4.316-317", _AFTER),
    Rule("mailbox_full", "x.2.2", _AFTER),
    Rule("mailbox_busy", "x.2.121-122", _AFTER),
    Rule("mailbox_disabled", "x.2.1", _AFTER),
    Rule("unknown_address", "x.1.1-6 x.1.10 5.4.1 5.4.4 5.4.310", _AFTER),
    Rule(
        "refused",
        "x.7.2 x.7.12-13 x.7.17-19 x.7.124-136 x.7.504-505 x.7.507 x.7.513 x.7.900-999",
        _AFTER,
    ),
    # Basic codes that say it all.
    Rule("encryption_required", codes=(530, 550, 554), words=r"starttls|must.*\b(tls|ssl)\b"),
    Rule("encryption_required", codes=(523, 538)),
    Rule("authentication", codes=(525, 530, 534, 535)),
    # Words, beginning with those that name whom they are about. Codes such as x.7.1 tell nothing.
    Rule("greylisted", stages=_AFTER, words=r"gr[ae]y-?list|postgrey|liste grise"),
    Rule("mailbox_busy", stages=_AFTER, words=r"receiving (mail|messages?)|can receive"),
    Rule(
        "refused",
        stages=_AFTER,
        words=r"(block|reject|refus|deni)\w* by (the )?(recipient|user|owner)|members?[ -]only"
        r"|(does not|doesn.t|not) accept(ing)? (e-?mails?|messages) from|resolver\.rst",
    ),
    Rule("sender_unproven", words=r"\b(spf|dkim|dmarc)\b"),
    Rule(
        "mailbox_full",
        stages=_AFTER,
        words=rf"{_MAILBOX}\b.{{0,40}}\b(full|pleine|over ?quota)|\bfull {_MAILBOX}"
        rf"|disk ?quota|is over quota|storage (limit|quota)|{_MAILBOX} size",
    ),
    Rule(
        "too_large",
        words=r"\b(message|mail|e-?mail|courriel)\b.{0,40}(too (large|big)|volumineux)"
        r"|\bsize\b.{0,40}(limit|exceed|maxim)|(limit|exceed|maxim)\w*.{0,40}\bsize\b|\btaille\b",
    ),
    Rule("quota_reached", words=rf"{_LIMITED}.{{0,80}}{_PASSED}|{_PASSED}.{{0,80}}{_LIMITED}"),
    Rule(
        "quota_reached",
        words=r"too (many|much) (connections?|(e-?)?mails?|messages?|recipients?)"
        r"|trop de (connexions?|mails?|messages?|courriels?|destinataires)"
        r"|messaging limit|rate.?limit|throttl",
    ),
    Rule("mailbox_full", stages=_AFTER, words=r"quota"),
    Rule("hello_refused", words=r"\b(helo|ehlo)\b"),
    Rule(
        "authentication",
        words=r"\b(auth|authenticat\w+|authentification)\b.{0,40}\b(required|requise?|needed|first)\b"
        r"|must (first )?(authenticate|log ?in)|not (been )?(authenticated|logged in)|log ?in first"
        r"|smtp[ -]auth|pop.before.smtp|unauthenticated|authentifi|credentials",
    ),
    Rule("relay_denied", words=r"\brelay|rcpthosts|not permitted to send to"),
    Rule(
        "spam",
        stages=_AFTER,
        words=r"\b(ur[il]s?|links?|content|body|lien|contenu)\b.{0,40}\b(black|block|deny)"
        r"|\bblack.?listed (ur[il]|link|domain in)",
    ),
    Rule(
        "host_refused",
        words=r"client host|(your|sending|source|client|host|from this|from your|adresse) ip\b"
        r"|\bip\b.{0,40}(block|bloqu|refus|reject|denied|ban|not (allowed|authori))"
        r"|(your|this|client|remote) ?(host|server|network)\b.{0,40}(block|refus|reject|denied|ban)"
        r"|dnsbl|\brbl\b|black-?list|block-?list|spamhaus|spamcop|barracuda|reputation|reverse dns"
        r"|\bptr\b|cannot find your|dynamic (ip|host)|generic (dns|ptr)",
    ),
    Rule(
        "sender_refused",
        words=r"\bsender\b.{0,60}\b(reject|refus|denied|block|invalid|unknown|banned|fail|not )"
        r"|\b(invalid|unknown|bad|banned|forbidden) (envelope )?sender|not owned by|\bsend ?as\b"
        r"|sendasdenied|\bmail from\b.{0,60}(reject|refus|not )|\bfrom address\b.{0,40}not "
        r"|([eé]metteur|exp[eé]diteur)\b.{0,60}\b(invalid|refus|interdit|inconnu|non |pas )"
        r"|not (allowed|permitted|authori[sz]ed) to (send|use)|permission to send"
        r"|address is not verified|unregistered domain|your account"
        r"|sending( is)? (paused|suspended|disabled)",
    ),
    Rule(
        "mailbox_disabled",
        stages=_AFTER,
        words=rf"{_MAILBOX}\b.{{0,60}}(disabled|inactive|suspend|archiv|d[eé]sactiv|locked|bloqu)",
    ),
    Rule(
        "unknown_address",
        stages=_AFTER,
        words=rf"{_MAILBOX}\b.{{0,60}}(unknown|not found|n[o'’]?t exist|invalid|inconnu|existe pas)"
        rf"|(no such|unknown|invalid|no) {_MAILBOX}\b|unrouteable",
    ),
    Rule("refused", stages=_AFTER, words=r"recipient (address )?(rejected|refused)"),
    Rule(
        "server_busy",
        words=r"insufficient (system )?(storage|resources|disk)|out of (disk|memory|storage)"
        r"|(service|server|system)\b.{0,30}\b(busy|overload|unavailable|not available|not accepting"
        r"|not active|shutting down|maintenance|indisponible|occup)"
        r"|service refus|configuration error|incorrectly configured",
    ),
    Rule(
        "spam",
        stages=_AFTER,
        words=r"spam|junk|unsolicited|virus|malware|ind[eé]sirable|blocked|policy",
    ),
    Rule("later", stages=_AFTER, words=r"retry time|timed out|time-?out|\bexpired\b"),
    # No reason given: what the command itself was about.
    Rule("server_busy", codes=(421,)),
    Rule("too_large", stages=(SENDER, MESSAGE), codes=(552,)),
    Rule("server_busy", stages=_BEFORE, codes=range(400, PERMANENT)),
    Rule("host_refused", stages=(GREETING,)),
    Rule("encryption_required", stages=(TLS,)),
    Rule("hello_refused", stages=(HELLO,)),
    Rule("authentication", stages=(LOGIN,)),
    Rule("sender_refused", stages=(SENDER,)),
    Rule("server_busy", stages=(MESSAGE,), codes=(452,)),
    Rule("spam", "5.7.0-999", (MESSAGE,)),
    Rule("spam", stages=(MESSAGE,), codes=(550, 554)),
    Rule("refused", "x.3.0-999 x.4.0-999 x.6.0-999 x.7.0-999", _AFTER),
    Rule("mailbox_busy", stages=(RECIPIENT,), codes=(450,)),
    Rule("unknown_address", stages=(RECIPIENT,), codes=(550, 551, 553)),
    Rule("mailbox_full", stages=(RECIPIENT,), codes=(552,)),
    Rule("refused"),
)


@dataclass(frozen=True)
class Reply:
    """A server's refusal; `stage` is the command refused."""

    stage: str
    code: int
    words: str

    def __str__(self) -> str:
        return f"{self.code} {self.words[:LONGEST_READ]}".strip()

    @cached_property
    def read(self) -> str:
        """The words as rules read them: in one line, no name among them, cut at a useful length."""
        return " ".join(_NAMES.sub(" ", self.words[:LONGEST_READ]).split())

    @property
    def is_permanent(self) -> bool:
        return self.code >= PERMANENT

    @property
    def reason(self) -> str:
        found = next(rule.reason for rule in TABLE if rule.fits(self))
        return found if self.is_permanent else _FOR_NOW.get(found, found)

    def has(self, detail: str) -> bool:
        """Tell whether the reply bears an enhanced code: « x.7.25 », « 4.7.850-899 »."""
        severity, subject, numbers = detail.split(".")
        first, _, last = numbers.partition("-")
        found = _ENHANCED.search(self.read)
        return (
            found is not None
            and severity in ("x", found[1])
            and subject == found[2]
            and int(first) <= int(found[3]) <= int(last or first)
        )
