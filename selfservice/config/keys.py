"""The table KEYS: the only list of settings, each with its type and its check.

The help site prints it. Two variables stand beside it: SELFSERVICE_INSTANCE, and
SELFSERVICE_CLOCK in a demonstration.
"""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass
from datetime import time
from email.utils import parseaddr
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from limits import parse_many

REPOSITORY = Path(__file__).resolve().parents[2]
MAX_COUNT = 10**9  # of a limit, and of its seconds
DEFAULT_PUBLIC_URL = "http://127.0.0.1:8000"


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("un texte est attendu")
    return value


def _label(value: object) -> str:
    text = " ".join(_text(value).split())
    if not 1 <= len(text) <= 40 or not text.isprintable() or re.search(r'[<>"{}&]', text):
        raise ValueError("un nom de 40 caractères au plus est attendu, sans < > { } & ni guillemet")
    return text


def _line(value: object) -> str:
    text = " ".join(_text(value).split())
    if len(text) > 300 or not text.isprintable() or re.search(r"[<>{}]", text):
        raise ValueError("une ligne de 300 caractères au plus est attendue, sans < > { }")
    return text


def _boolean(value: object) -> bool:
    if isinstance(value, bool):
        return value
    known = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}
    try:
        return known[str(value).strip().lower()]
    except KeyError:
        raise ValueError("true ou false est attendu") from None


def _whole(minimum: int, maximum: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        text = str(value).strip()
        if not re.fullmatch(r"-?\d{1,12}", text) or not minimum <= int(text) <= maximum:
            raise ValueError(f"un nombre entier de {minimum} à {maximum} est attendu")
        return int(text)

    return parse


def _one_of(*choices: str) -> Callable[[object], str]:
    def parse(value: object) -> str:
        if value not in choices:
            raise ValueError(f"une de ces valeurs est attendue : {', '.join(choices)}")
        return str(value)

    return parse


# In deploy/several-hosts/config.toml.
EXAMPLE_OF_A_KEY = "replace-me"


def secret(value: object) -> str:
    if len(_text(value)) < 32:
        raise ValueError("au moins 32 caractères sont attendus")
    if _text(value).startswith(EXAMPLE_OF_A_KEY):
        raise ValueError(
            "c'est un exemple, que tout le monde connaît ; mettez-y un texte au hasard"
        )
    return _text(value)


def _web_address(value: object) -> str:
    """Return an address without its last « / »; what follows a host is refused, a path too."""
    text = _text(value).strip()
    expected = "une adresse comme https://factures.example.com est attendue"
    if re.search(r"[\s\x00-\x1f]", text):  # urlsplit would drop some of them unseen
        raise ValueError(f"{expected}, sans espace")
    try:
        parts = urlsplit(text)
        host, port = parts.hostname or "", parts.port
    except ValueError:
        raise ValueError(expected) from None
    if parts.scheme not in ("http", "https") or port == 0 or "@" in parts.netloc:
        raise ValueError(expected)
    if parts.path.strip("/") or parts.query or parts.fragment or "?" in text or "#" in text:
        raise ValueError(f"{expected}, sans rien après l'hôte : le portail est à la racine du sien")
    if not host.isascii():
        raise ValueError(f"un hôte sans accent est attendu{_in_ascii(host)}")
    if not _is_host(host):
        raise ValueError(expected)
    return f"{parts.scheme}://{parts.netloc.lower()}"


def _folder_address(value: object) -> str:
    text = _line(value)
    if text and (not re.match(r"https?://[^/\s]+/", text) or re.search(r'[\s"?#]', text)):
        raise ValueError("une adresse comme https://forge.example.com/aide/site_docs est attendue")
    return f"{text.rstrip('/')}/" if text else ""


def _in_ascii(host: str) -> str:
    try:
        return f" : {host.encode('idna').decode()}"
    except UnicodeError:
        return ""


def _is_host(host: str) -> bool:
    try:
        return bool(ip_address(host))
    except ValueError:
        label = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
        is_numeric = host.replace(".", "").isdigit()  # no address, since it is none above
        return bool(re.fullmatch(rf"{label}(?:\.{label})*", host)) and not is_numeric


def _is_address(text: str, beginning: str) -> bool:
    """Tell whether a library can take an address apart; a path of SQLite stays as it is."""
    try:
        is_whole = text.startswith("sqlite:") or urlsplit(text).port != 0
    except ValueError:  # « [ » without its end, a port that is no number
        return False
    return is_whole and bool(re.match(beginning, text))


def _limits_url(value: object) -> str:
    if _text(value) != "database://" and not _is_address(_text(value), r"rediss?://."):
        raise ValueError("database:// ou redis://hote est attendu")
    return _text(value)


def _database_url(value: object) -> str:
    if not _is_address(_text(value), r"(sqlite:///.|postgresql://.)"):
        raise ValueError("sqlite:///chemin ou postgresql://utilisateur@hote/base est attendu")
    return _text(value)


def _queue_url(value: object) -> str:
    if not _is_address(_text(value), r"(sqlite:///.|rediss?://.|postgresql://.)"):
        raise ValueError("sqlite:///chemin, redis://hote ou postgresql://hote/base est attendu")
    return _text(value)


def _names(value: object) -> list[str]:
    if isinstance(value, str):
        value = [name.strip() for name in value.split(",") if name.strip()]
    if not isinstance(value, list) or not all(isinstance(name, str) for name in value):
        raise ValueError("des noms séparés par des virgules sont attendus")
    return value


def _rate(value: object) -> str:
    try:
        limits = parse_many(_text(value))
    except ValueError:
        limits = []
    is_one = len(limits) == 1 and 1 <= limits[0].amount <= MAX_COUNT
    if not is_one or not 1 <= limits[0].get_expiry() <= MAX_COUNT:
        raise ValueError("une limite comme 5/hour ou 10 per 15 minutes est attendue")
    return _text(value)


def _hour(value: object) -> time:
    try:
        hour = time.fromisoformat(_text(value))
    except ValueError:
        hour = None
    if hour is None or hour.tzinfo is not None:
        raise ValueError("une heure de Paris comme 18:00 est attendue")
    return hour


def _path(value: object) -> Path:
    """Keep symbolic links: the help site is one, and each build changes where it leads."""
    try:
        return Path(_text(value)).expanduser()
    except RuntimeError:
        raise ValueError("un dossier est attendu") from None


def _internal_prefix(value: object) -> str | None:
    text = _text(value)
    if text and not re.fullmatch(r"/([\w.-]+/)+", text, re.ASCII):
        raise ValueError("une adresse interne comme /_documents/ est attendue")
    return text or None


def _mail_address(value: object) -> str:
    address = parseaddr(_text(value))[1]
    if "\n" in _text(value) or not re.fullmatch(r"[^@\s<>]+@[^@\s<>]+", address):
        raise ValueError("une adresse mail est attendue")
    if not address.isascii():
        raise ValueError("une adresse mail sans accent est attendue (domaine accentué : xn--…)")
    return address


def _mailbox(value: object) -> Path | str | None:
    """Return the folder of a Maildir, or « imaps://user:password@host/folder » as it stands."""
    text = _text(value).strip()
    if "://" not in text:
        return _path(text) if text else None
    try:
        parts = urlsplit(text)
        is_whole = parts.scheme == "imaps" and parts.port != 0 and _is_host(parts.hostname or "")
    except ValueError:
        is_whole = False
    if not is_whole or not parts.username or not parts.password or not text.isascii():
        raise ValueError(
            "un dossier Maildir, ou imaps://compte:motdepasse@hote/dossier, est attendu ; "
            "un signe ou un accent du compte ou du mot de passe s'écrit avec % (%40 pour @)"
        )
    return text


def _credential(value: object) -> str:
    """SMTP writes it in UTF-8 and ends it with a NUL (RFC 4616); a Mac would decompose its é."""
    text = unicodedata.normalize("NFC", _text(value))
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("un texte en UTF-8 est attendu") from None
    if "\0" in text:
        raise ValueError("un texte sans caractère nul est attendu")
    return text


def _host(value: object) -> str:
    host = _text(value).lower()
    if not host.isascii() or not _is_host(host):
        raise ValueError("un nom d'hôte comme portail.example.com est attendu, sans accent")
    return host


def _secrets(value: object) -> list[str]:
    return [secret(each) for each in _names(value)]


@dataclass(frozen=True)
class Key:
    """One setting; a default of None means « computed from the instance » or « not set »."""

    name: str
    parse: Callable[[object], Any]
    default: Any
    about: str


KEYS = (
    Key("SECRET_KEY", secret, None, "Signs cookies and forms; `selfservice init` makes one."),
    Key("SECRET_KEY_FALLBACKS", _secrets, [], "Former keys, still accepted; the newest first."),
    Key("DATABASE_URL", _database_url, None, "SQLite in the instance by default."),
    Key("QUEUE_URL", _queue_url, None, "Queue of the worker; SQLite in the instance by default."),
    Key(
        "RATELIMIT_STORAGE_URI",
        _limits_url,
        "database://",
        "Where limits count: database:// or Redis.",
    ),
    Key("DOCUMENTS_DIR", _path, None, "Deposited documents; `documents` in the instance."),
    Key(
        "ACCEL_REDIRECT_PREFIX",
        _internal_prefix,
        None,
        "Where nginx itself sends the documents from (X-Accel-Redirect).",
    ),
    Key("HELP_SITE_DIR", _path, REPOSITORY / "site", "The built help site served under /aide/."),
    Key(
        "HELP_EDIT_URI",
        _folder_address,
        "",
        "Where whoever reads the help corrects it: the folder of its pages, on a forge.",
    ),
    Key("PUBLIC_URL", _web_address, DEFAULT_PUBLIC_URL, "Every mailed link begins with it."),
    Key("PORTAL_NAME", _label, "E-Facture", "Name of the portal: pages, mails and help."),
    *(
        Key(name, _line, "", f"In the legal notice: {what}.")
        for name, what in (
            ("PUBLISHER_NAME", "who publishes the portal, its name and legal form"),
            ("PUBLISHER_SEAT", "the publisher's address"),
            ("PUBLISHER_RCS", "its number in the register of companies, and its capital"),
            ("PUBLISHER_PHONE", "its telephone"),
            ("PUBLISHER_DIRECTOR", "who answers for what is published"),
            ("HOSTED_BY", "who hosts the portal: name, address, telephone"),
        )
    ),
    Key("TRUSTED_HOSTS", _names, [], "Accepted Host headers, beside that of PUBLIC_URL."),
    Key("PROXY_COUNT", _whole(0, 5), 0, "Proxies in front whose X-Forwarded-* are believed."),
    Key("MAIL_TRANSPORT", _one_of("smtp", "file"), "smtp", "`file` writes instance/mail/*.eml."),
    Key("MAIL_SERVER", _text, "127.0.0.1", "SMTP server."),
    Key("MAIL_PORT", _whole(1, 65535), 25, "SMTP port."),
    Key("MAIL_USE_TLS", _boolean, False, "STARTTLS, certificate verified."),
    Key("MAIL_USE_SSL", _boolean, False, "TLS from the first byte, certificate verified."),
    Key("MAIL_USERNAME", _credential, None, "SMTP user, if the server asks for one."),
    Key("MAIL_PASSWORD", _credential, None, "SMTP password."),
    Key("MAIL_EHLO_NAME", _host, None, "Name given to the SMTP server; host of PUBLIC_URL."),
    Key("MAIL_TIMEOUT_SECONDS", _whole(1, 600), 20, "Patience with the SMTP server."),
    Key("MAIL_DEFAULT_SENDER", _mail_address, "facture@example.com", "Sender of every mail."),
    Key("MAIL_BOUNCES", _mailbox, None, "Where mails return: a Maildir, or imaps://…."),
    Key(
        "MAIL_RETURN_ADDRESS",
        _mail_address,
        None,
        "Address that mails return to, signed after a « + »; MAIL_DEFAULT_SENDER.",
    ),
    Key("RECOVERY_LINK_MINUTES", _whole(1, 10_080), 120, "Life of a recovery link."),
    Key("RECOVERY_MESSAGE", _one_of("explicit", "neutral"), "explicit", "Tell unknown addresses."),
    Key("DOWNLOAD_LINK_DAYS", _whole(1, 730), 90, "Life of a direct link of the daily mail."),
    Key("REQUEST_PROOF_HOURS", _whole(1, 720), 72, "Life of the link that proves a new address."),
    Key("REQUEST_OBJECTION_DAYS", _whole(1, 90), 7, "How long a new address may be objected to."),
    Key("RETENTION_MONTHS", _whole(1, 1200), 24, "How long documents stay available."),
    Key("AUDIT_MONTHS", _whole(1, 1200), 12, "How long the journal is kept."),
    Key("DIGEST_TIME", _hour, time(18, 0), "Hour of the daily mail, Paris time."),
    Key(
        "LIMIT_SIGN_IN_LOGIN",
        _rate,
        "10 per 15 minutes",
        "Wrong passwords, per login and network; choosing a password by a link lifts it.",
    ),
    Key(
        "LIMIT_SIGN_IN_LOGIN_ALL",
        _rate,
        "100/hour",
        "Wrong passwords, per login from everywhere; lifted likewise.",
    ),
    Key("LIMIT_SIGN_IN_IP", _rate, "60 per minute", "Attempts to sign in, per network."),
    Key("LIMIT_SECOND_FACTOR", _rate, "5 per 15 minutes", "Wrong codes, per login."),
    Key(
        "LIMIT_RECOVERY_ADDRESS",
        _rate,
        "5/hour",
        "Recovery requests, per mail address and network, and one more in all.",
    ),
    Key("LIMIT_RECOVERY_UNPROVEN", _rate, "5/day", "Links to a mail address no register has."),
    Key(
        "LIMIT_RECOVERY_COMPANY",
        _rate,
        "60/hour",
        "Mails to addresses no register has, per company that typed them; a network asks for half.",
    ),
    Key("LIMIT_RECOVERY_IP", _rate, "60/hour", "Recovery requests, per network."),
    Key("LIMIT_ADVISER_MAILS", _rate, "60/hour", "Mails and addresses by hand, per adviser."),
    Key("LIMIT_RECOVERY_ALL", _rate, "1000/hour", "Recovery mails that leave, in all."),
    Key(
        "LIMIT_HASHING_COMPANY",
        _rate,
        "120 per minute",
        "Passwords and rescue codes hashed for who is signed in, per company.",
    ),
    Key("LIMIT_HASHING_USER", _rate, "60 per minute", "The same, per login."),
    Key("LIMIT_OWN_CHANGES", _rate, "5/hour", "Changes of one's password or codes, per login."),
    Key(
        "LIMIT_CLOSED_SESSIONS",
        _rate,
        "5/hour",
        "How often others close the sessions of a login created by activation.",
    ),
    Key("LIMIT_LOGIN_TAKEN", _rate, "30/hour", "Logins found to be taken already, per company."),
    Key("LIMIT_USERS", _rate, "60/hour", "Users added, per company and its owner."),
    Key("LIMIT_PROFILES", _rate, "200/hour", "Changes of access profiles, per company."),
    Key("LIMIT_KEPT_IP", _rate, "1000/hour", "Answers kept for forms pressed twice, per network."),
    Key("LIMIT_PROOF", _rate, "5/hour", "Proofs of « Je n'ai rien reçu », client and network."),
    Key("LIMIT_REQUEST", _rate, "5/day", "Requests of one kind, per company and its owner."),
    Key(
        "LIMIT_REQUEST_ADDRESS",
        _rate,
        "3/day",
        "Links that prove an address, per company and its owner; before any sign-in, per network, "
        "and one more in all.",
    ),
    Key("LIMIT_DOWNLOAD_IP", _rate, "120/minute", "Uses of direct links, per address of origin."),
    Key("LIMIT_FEEDBACK_IP", _rate, "60/hour", "Votes on the help site, per address of origin."),
    Key("LIMIT_FEEDBACK_ALL", _rate, "300/hour", "Votes on the help site, in all."),
    Key("LIMIT_DENIAL_IP", _rate, "60/hour", "Refusals journalled, per address of origin."),
    Key(
        "LIMIT_JOURNAL_STRANGER",
        _rate,
        "60/hour",
        "Unknown logins journalled, per address of origin; uses of one direct link journalled.",
    ),
    Key("LIMIT_JOURNAL_USER", _rate, "1000/hour", "Acts that the journal notes, per login."),
    Key("SESSION_IDLE_MINUTES", _whole(1, 10_080), 60, "A session unused so long ends."),
    Key("SESSION_HOURS", _whole(1, 720), 12, "A session never lives longer."),
    Key("ADVISER_SESSION_IDLE_MINUTES", _whole(1, 10_080), 20, "The same of an adviser's."),
    Key("ADVISER_SESSION_HOURS", _whole(1, 720), 9, "The same of an adviser's: a working day."),
    Key("PASSWORD_HASH_MEMORY_KIB", _whole(8, 1_048_576), 19_456, "Argon2id memory."),
    Key("PASSWORD_HASH_ITERATIONS", _whole(1, 20), 2, "Argon2id passes."),
    Key("DOCUMENT_MAX_MEGABYTES", _whole(1, 500), 20, "Largest document accepted at deposit."),
    Key("DOCUMENT_MAX_PAGES", _whole(1, 10_000), 500, "Longest document accepted at deposit."),
    Key("DOCUMENT_READ_MEGABYTES", _whole(96, 100_000), 256, "Memory of one reader at deposit."),
    Key("DOCUMENT_READ_SECONDS", _whole(1, 3600), 5, "Processor time to read one document."),
    Key("DOCUMENT_ALLOW_ACTIVE", _boolean, False, "Take PDFs with scripts or remote actions."),
    Key("DEPOSIT_MAX_DOCUMENTS", _whole(1, 10_000_000), 100_000, "Most files of one deposit."),
    Key("ARCHIVE_MAX_DOCUMENTS", _whole(1, 10_000), 1000, "Most documents of one archive."),
    Key("LOG_LEVEL", _one_of("info", "warning", "error"), "info", "`info`: a line each request."),
    Key("DEMO", _boolean, False, "Demonstration instance: demonstration mailbox, frozen clock."),
    Key("DEMO_ANYWAY", _boolean, False, "A demonstration in public, or beside real suppliers."),
)
