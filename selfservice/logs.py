"""Structured logs: one JSON line on stderr for each request and each record, no secret in it.

A request's line holds no query string, and the path of a link with a token ends at the token.
"""

import json
import logging
import re
import secrets
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from typing import Any

from flask import Flask, g, has_request_context

REQUEST_ID = "selfservice.request_id"
USER_ID = "selfservice.user_id"
SENT_ID = re.compile(r"[A-Za-z0-9-]{8,64}")
MAX_PATH_CHARACTERS = 300
HIDDEN = "…"
SECRET_ARGUMENTS = {"secret", "token"}
QUIET_SECONDS = 300.0
AGAIN_SECONDS = 3600.0
MAX_FAULTS = 1000
DIGITS = re.compile(r"\d+")

requests = logging.getLogger("selfservice.requests")

Environ = dict[str, Any]


class JsonFormatter(logging.Formatter):
    """One object a line, in ASCII: nothing a visitor sends can forge a line or a terminal code."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, object] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if has_request_context() and "request_id" in g:
            line["request_id"] = g.request_id
        line |= getattr(record, "facts", {})
        if record.exc_info:
            line["error"] = "".join(traceback.format_exception(*record.exc_info))
        return json.dumps(line)


class WithoutTokens(logging.Filter):
    """Cut the paths that a library writes into its messages, as ours are cut."""

    def __init__(self, app: Flask) -> None:
        super().__init__()
        self._hide_tokens = token_hider(app)

    def filter(self, record: logging.LogRecord) -> bool:
        record.msg, record.args = self._hide_tokens(record.getMessage()), ()
        return True


class Once(logging.Filter):
    """Tell a fault once, however many requests, companies or seconds meet it.

    It is told again each hour that it lasts, and when it comes back after a quiet while. An
    unexpected error of a request is always told: a visitor has been given its number.
    """

    def __init__(self) -> None:
        super().__init__()
        self._lock = threading.Lock()
        self._seen: dict[str, tuple[float, float]] = {}  # when last met, when last told

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or (has_request_context() and record.exc_info):
            return True
        fault, now = _fault_of(record), time.monotonic()
        with self._lock:
            met_at, told_at = self._seen.pop(fault, (-QUIET_SECONDS, -AGAIN_SECONDS))
            is_told = now - met_at >= QUIET_SECONDS or now - told_at >= AGAIN_SECONDS
            self._seen[fault] = (now, now if is_told else told_at)
            if len(self._seen) > MAX_FAULTS:
                del self._seen[next(iter(self._seen))]
        return is_told


def _fault_of(record: logging.LogRecord) -> str:
    """Return the same text for all that one fault causes.

    A server that goes away is told in many ways: each says something of the connection.
    """
    arguments = record.args if isinstance(record.args, tuple) else ()
    given = (record.exc_info or (None,) * 3)[1]
    error = given or next((each for each in arguments if isinstance(each, Exception)), None)
    if error is None:
        return f"{record.name} {record.msg}"
    origin, text = type(error).__module__.partition(".")[0], str(error)
    origin = "psycopg" if origin == "peewee" else origin  # one server, whoever speaks to it
    if "connect" in text.lower():
        return f"{origin} connection"
    return DIGITS.sub("", f"{origin} {text}")


def configure(level: str) -> None:
    """Send every record of this process to stderr as JSON lines, from `level` on."""
    handler = logging.StreamHandler(sys.stderr)
    handler.addFilter(Once())
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(handlers=[handler], level=level.upper(), force=True)
    logging.getLogger("huey").setLevel(logging.WARNING)


class RequestLog:
    """Number each request, answer with its number, and log one line once its answer is made.

    `bytes` is the length announced, whatever its reader then takes. Behind trusted proxies their
    own number is kept, so that both logs tell the same story.
    """

    def __init__(self, app: Flask) -> None:
        self._application = app.wsgi_app
        self._is_proxied = bool(app.config["PROXY_COUNT"])
        self._hide_tokens = token_hider(app)

    def __call__(self, environ: Environ, start_response: Callable[..., Any]) -> Iterable[bytes]:
        arrived = time.perf_counter()
        environ[REQUEST_ID] = self._number(environ)
        answer: dict[str, int] = {}

        def start(line: str, headers: list[tuple[str, str]], *more: Any) -> Any:
            answer["status"] = int(line.split(" ", 1)[0])
            is_head = environ["REQUEST_METHOD"] == "HEAD"
            answer["bytes"] = 0 if is_head else int(dict(headers).get("Content-Length", 0))
            return start_response(line, [*headers, ("X-Request-ID", environ[REQUEST_ID])], *more)

        body = self._application(environ, start)
        self._log(environ, answer, milliseconds=(time.perf_counter() - arrived) * 1000)
        return body

    def _number(self, environ: Environ) -> str:
        sent: str = environ.get("HTTP_X_REQUEST_ID", "")
        return sent if self._is_proxied and SENT_ID.fullmatch(sent) else secrets.token_hex(8)

    def _log(self, environ: Environ, answer: dict[str, int], *, milliseconds: float) -> None:
        path = self._hide_tokens(path_of(environ))
        facts = {
            "request_id": environ[REQUEST_ID],
            "method": environ["REQUEST_METHOD"][:20],
            "path": path[:MAX_PATH_CHARACTERS],
            "status": answer["status"],
            "ms": round(milliseconds, 1),
            "bytes": answer["bytes"],
            "user_id": environ.get(USER_ID),
            "origin": environ.get("REMOTE_ADDR", ""),
        }
        requests.info("request", extra={"facts": facts})


def path_of(environ: Environ) -> str:
    """Return the path as it was asked for; WSGI hands its bytes over as Latin-1."""
    path: str = environ.get("PATH_INFO", "")
    return path.encode("latin-1", "replace").decode("utf-8", "replace")


def token_hider(app: Flask) -> Callable[[str], str]:
    """Return a function that cuts a path where a link of the portal holds its token.

    Whatever follows the fixed part goes: a link badly copied matches no route and is one still.
    """
    found: list[re.Pattern[str]] = []

    def hide(path: str) -> str:
        if not found:
            found.append(_links_with_token(app))
        return found[0].sub(rf"\1{HIDDEN}", path)

    return hide


def _links_with_token(app: Flask) -> re.Pattern[str]:
    rules = [rule for rule in app.url_map.iter_rules() if SECRET_ARGUMENTS & rule.arguments]
    fixed = sorted({re.escape(rule.rule.partition("<")[0].lstrip("/")) for rule in rules})
    # The portal leads from « // » to « / »: the secret is there all the same.
    found = "|".join(fixed).replace("/", "/+")
    return re.compile(rf"(/(?:{found})).*", re.IGNORECASE | re.DOTALL)
