"""What every page shares: connection, headers, error pages, safe redirects."""

import errno
import logging
import re
import secrets
from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any, cast
from urllib.parse import unquote, urlsplit

from babel.dates import format_datetime
from flask import (
    Flask,
    Request,
    Response,
    abort,
    after_this_request,
    current_app,
    g,
    message_flashed,
    render_template,
    request,
    session,
)
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from werkzeug.datastructures import ImmutableMultiDict, iter_multi_items
from werkzeug.exceptions import HTTPException
from werkzeug.http import parse_date
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import IntegerConverter

from selfservice import audit, clock, db, logs, money, ratelimit, submissions, texts
from selfservice.files import STATIC, hashed_name
from selfservice.proxies import ForwardedFor
from selfservice.ratelimit import LimitReachedError

CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; font-src 'self'; "
    "connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
    "object-src 'none'; frame-ancestors 'none'"
)
MAX_BODY_BYTES = 256 * 1024
MAX_MULTIPART_BYTES = 16 * 1024  # no form of the portal needs any
MAX_FIELDS = 2500
MAX_ESCAPES = 20_000  # « %C3 »: those that are no UTF-8 are mended one by one
MAX_PADDING = 65
# Of a field, and of where an answer leads: the address of an archive names each of its documents.
# nginx takes 32 kB of an answer's headers. Past them it tells a fault of the unit, and asks it no
# more for ten seconds: where there are several, one visitor would stop them all.
MAX_VALUE_CHARACTERS = 20_000
MAX_HEADER_CHARACTERS = 1024
MAX_MESSAGES = 10  # that wait in a cookie for the next page
# A session's cookie is longer; the last proxy writes at the end of a list of hosts.
LONG_HEADERS = {"HTTP_COOKIE", "HTTP_X_FORWARDED_FOR"}
DATES = ("HTTP_IF_MODIFIED_SINCE", "HTTP_IF_RANGE")
SAFE_NEXT = re.compile(r"/(?![/\\])[\x21-\x5b\x5d-\x7e]*")
TAKEN_AWAY = (".zip", ".csv", ".xlsx")  # wherever: browsers take « /x/.. » and « /. » away
FULL_DISK = (errno.ENOSPC, errno.EDQUOT)
LOOPBACK = ("127.0.0.1", "localhost", "::1")
PAGES_OF_ERRORS = (400, 404, 410, 413, 429, 500, 503)
BARE_PAGES = (500, 503)  # what every other page loads may be what fails

HEADERS = {
    "Content-Security-Policy": CONTENT_SECURITY_POLICY,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
    "Cache-Control": "no-store",
}
HEADERS_OF_HTTPS = {"Strict-Transport-Security": "max-age=31536000; includeSubDomains"}

log = logging.getLogger(__name__)


def init_app(app: Flask, *, is_supplier_host: Callable[[str], bool]) -> None:
    """Equip the app; `is_supplier_host` accepts the Host names that the suppliers registered."""
    is_https = app.config["PUBLIC_URL"].startswith("https")
    app.config.update(
        MAX_CONTENT_LENGTH=MAX_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=MAX_BODY_BYTES,
        SESSION_COOKIE_NAME="__Host-session" if is_https else "session",
        SESSION_COOKIE_SECURE=is_https,
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        SESSION_COOKIE_PATH="/",
        WTF_I18N_ENABLED=False,  # WTForms translates by itself
        WTF_CSRF_TIME_LIMIT=app.config["SESSION_HOURS"] * 3600,
    )
    app.extensions["is_supplier_host"] = is_supplier_host
    app.extensions["trusted_hosts"] = _own_hosts(app)
    # Flask would refuse every host that its own key of this name does not list.
    app.config["TRUSTED_HOSTS"] = None
    app.before_request(partial(_open, app))
    app.before_request(_check_form)
    app.before_request(submissions.answer_again)
    app.after_request(submissions.keep_answer)
    app.after_request(_keep_lines_whole)
    app.teardown_request(_leave)
    message_flashed.connect(_forget_first_messages, app)
    app.url_defaults(_name_static)
    app.url_map.converters["int"] = Digits
    app.url_map.strict_slashes = False  # « /factures/ » means « /factures »
    app.request_class = PortalRequest
    _register_error_pages(app)
    _equip_templates(app)
    app.extensions["hide_tokens"] = logs.token_hider(app)


def _equip_templates(app: Flask) -> None:
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(
        amount=money.format_amount,
        day=clock.format_day,
        long_day=clock.format_long_day,
        unlinked=texts.unlinked,
        month=clock.format_month,
        instant=clock.format_instant,
    )
    # A page compressed by a proxy would tell by its size whether a word that a visitor has put
    # into it is also in a secret beside it: each ends with bytes of random length (BREACH).
    app.jinja_env.globals["csrf_token"] = submissions.form_token
    app.jinja_env.globals["typed_before"] = submissions.typed
    app.jinja_env.globals["padding"] = lambda: secrets.token_hex(secrets.randbelow(MAX_PADDING))


def wrap(app: Flask) -> None:
    """Put what also concerns static files and the help site around the finished app."""
    if count := app.config["PROXY_COUNT"]:
        app.wsgi_app = ProxyFix(  # type: ignore[method-assign]
            app.wsgi_app, x_for=count, x_proto=count, x_host=count
        )
        app.wsgi_app = ForwardedFor(app.wsgi_app)  # type: ignore[method-assign]
    app.wsgi_app = Guard(app)  # type: ignore[method-assign]
    app.wsgi_app = logs.RequestLog(app)  # type: ignore[method-assign]


class Guard:
    """Cut the headers of every request, and an answer's address; complete those of every answer.

    Static files, the help site and redirects pass here too.
    """

    def __init__(self, app: Flask) -> None:
        self._application = app.wsgi_app
        is_https = app.config["PUBLIC_URL"].startswith("https")
        self._headers = HEADERS | (HEADERS_OF_HTTPS if is_https else {})
        name = re.escape(app.config["SESSION_COOKIE_NAME"])
        self._cookie = re.compile(rf"{name}=[\w.-]+", re.ASCII)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Any:
        for name, value in environ.items():
            if name.startswith(("HTTP_", "CONTENT_TYPE")) and name not in LONG_HEADERS:
                environ[name] = value[:MAX_HEADER_CHARACTERS]
        _empty_strange_dates(environ)
        if cookies := environ.get("HTTP_COOKIE"):
            environ["HTTP_COOKIE"] = self._own_cookie(cookies)

        def start(status: str, headers: list[tuple[str, str]], *error: Any) -> Any:
            given = {name.lower() for name, _ in headers}
            missing = [each for each in self._headers.items() if each[0].lower() not in given]
            short = [
                (name, _shortened(value) if name == "Location" else value)
                for name, value in headers
            ]
            return start_response(status, [*short, *missing], *error)

        return self._application(environ, start)

    def _own_cookie(self, cookies: str) -> str:
        """Return of the cookies sent the one of our very name: the portal reads no other.

        A site beside ours may set any but those that begin with « __Host- »: the spaces in
        « __Ho st-session » must not be taken out. As they come, werkzeug divides a run of spaces in
        each way, and takes what stands between the quotes of two cookies, ours too, for a value.
        """
        sent = (each.strip(" ") for each in cookies.split(";"))
        return "; ".join(each for each in sent if self._cookie.fullmatch(each))


def _empty_strange_dates(environ: dict[str, Any]) -> None:
    """Empty a date of no calendar, at which werkzeug stumbles: of the year 9999999999."""
    for name in DATES:
        try:
            parse_date(environ.get(name))
        except OverflowError:
            environ[name] = ""


def _shortened(address: str) -> str:
    """Return where an answer leads, without what is too long: the page wanted next, or the path."""
    fits = (
        each for each in (address, address.partition("?")[0]) if len(each) <= MAX_VALUE_CHARACTERS
    )
    return next(fits, "/")


class Parameters(ImmutableMultiDict[str, Any]):
    """What a visitor gives by name, each value cut to more than any field takes."""

    def __init__(self, given: Any = None) -> None:
        super().__init__((name, _cut(value)) for name, value in iter_multi_items(given or ()))


def _cut(value: Any) -> Any:
    return value[:MAX_VALUE_CHARACTERS] if isinstance(value, str) else value


class PortalRequest(Request):
    parameter_storage_class = Parameters


class Digits(IntegerConverter):
    """Takes the digits 0 to 9 only: Python reads those of other writings as numbers too."""

    regex = "[0-9]+"


def wanted_page() -> str | None:
    """Return where the address of a sign-in page says that its visitor wants to go.

    Another site leads nobody to a file of many documents: the sign-in would have it taken away.
    """
    target = request.args.get("next")
    is_file = any(ending in unquote(target or "") for ending in TAKEN_AWAY)
    return None if is_file and submissions.is_led_by_another_site() else target


def safe_next(target: str | None, default: str) -> str:
    """Return `target` if it is a path of this portal, else `default`."""
    return target if target and SAFE_NEXT.fullmatch(target) else default


def keep_for_back() -> None:
    """Let « Retour » show the answer of a form again, on a page that is open to all.

    A browser that may not store it would ask the visitor to send the form again.
    """
    if request.method == "POST" and not cast("Any", current_user).is_authenticated:
        after_this_request(_store_in_browser)


def _store_in_browser(response: Response) -> Response:
    response.headers["Cache-Control"] = "private, no-cache"
    return response


def public_url(path: str, *, hostname: str | None = None) -> str:
    """Return an absolute address for a mail: PUBLIC_URL, or the supplier's host, never Host."""
    base = current_app.config["PUBLIC_URL"]
    return f"https://{hostname}{path}" if hostname else f"{base}{path}"


def _own_hosts(app: Flask) -> set[str]:
    public = urlsplit(app.config["PUBLIC_URL"]).hostname or ""
    named = {name.lower() for name in app.config["TRUSTED_HOSTS"]}
    return {public} | named | (set(LOOPBACK) if public in LOOPBACK else set())


def _open(app: Flask) -> Response | None:
    g.request_id = request.environ[logs.REQUEST_ID]
    db.ensure_open()
    return None if _is_trusted(app, request.host) else Response("Adresse inconnue.", 400)


def _is_trusted(app: Flask, host: str) -> bool:
    name = urlsplit(f"//{host}").hostname or ""
    is_supplier_host: Callable[[str], bool] = app.extensions["is_supplier_host"]
    return name in app.extensions["trusted_hosts"] or is_supplier_host(name)


def _check_work() -> None:
    """Refuse a body that would take long to read for its length, before it is read."""
    is_multipart = request.mimetype.startswith("multipart/")
    if is_multipart and (request.content_length or 0) > MAX_MULTIPART_BYTES:
        abort(413)
    if is_multipart:
        return
    body = request.get_data(cache=True)
    if body.count(b"&") > MAX_FIELDS or body.count(b"%") > MAX_ESCAPES:
        abort(413)


def _check_form() -> None:
    """Ask a form for its token; refuse a multipart body with a field of no name.

    Flask-WTF would stumble at the latter.
    """
    _check_work()  # of a GET too: a page that looks for a field would read its body
    if request.method in ("GET", "HEAD"):
        return
    if None in request.form or None in request.files:
        abort(400)
    submissions.check_form()


def _leave(_error: BaseException | None) -> None:
    request.environ[logs.USER_ID] = g.get("user_id")
    db.release()


def _keep_lines_whole(response: Response) -> Response:
    """Let no page begin a line with a sign, wherever its text comes from: code or settings."""
    is_page = response.mimetype == "text/html" and not response.content_encoding
    if is_page and not response.is_streamed:
        response.set_data(texts.unbroken_page(response.get_data()))
    return response


def _path() -> str:
    """Return the path without the token of a link: for the journal and the logs."""
    hide_tokens: Callable[[str], str] = current_app.extensions["hide_tokens"]
    return hide_tokens(request.path)[:200]


def _forget_first_messages(_app: Flask, **_said: object) -> None:
    """Keep the last messages only: who never looks at a page would pile them up.

    Thousands fit into a cookie that browsers and proxies take, and each request unpacks them.
    """
    del session["_flashes"][:-MAX_MESSAGES]


def _name_static(endpoint: str, values: dict[str, Any]) -> None:
    if endpoint == "static":
        values["filename"] = hashed_name(STATIC / values["filename"])


def _register_error_pages(app: Flask) -> None:
    app.register_error_handler(CSRFError, on_stale_form)
    app.register_error_handler(LimitReachedError, _on_limit)
    for fault in ratelimit.FAULTS:
        app.register_error_handler(fault, _on_fault)
    app.register_error_handler(HTTPException, _on_http_error)
    app.register_error_handler(Exception, _on_surprise)


def _page(code: int, **context: object) -> tuple[str, int]:
    if code in BARE_PAGES:
        return current_app.jinja_env.get_template(f"errors/{code}.html").render(**context), code
    return render_template(f"errors/{code}.html", **context), code


def on_stale_form(error: CSRFError) -> tuple[str, int]:
    """Offer what was typed again only if it was typed on a page of ours, by what is known."""
    _record_denial("form.refused", reason=str(error.description))
    is_expired = "expired" in str(error.description)
    is_typed_here = submissions.origin_site() == "ours" and bool(request.form.get("csrf_token"))
    return _page(
        400,
        is_stale_form=True,
        keeps_input=is_typed_here or (is_expired and not submissions.origin_site()),
        secret_fields=submissions.SECRET_FIELDS,
        has_cookie=current_app.config["SESSION_COOKIE_NAME"] in request.cookies,
    )


def _on_limit(error: LimitReachedError) -> tuple[str, int, dict[str, str]]:
    _record_denial("limit.reached", reason=error.name)
    # To the minute, upwards: who comes back then must not be refused again.
    retry_at = clock.paris(clock.now() + timedelta(seconds=error.retry_after_seconds + 59))
    is_today = retry_at.date() == clock.today()
    wording = "'de' HH'h'mm" if is_today else "'du' d MMMM 'à' HH'h'mm"
    page, code = _page(429, retry_at=format_datetime(retry_at, wording, locale="fr"))
    return page, code, {"Retry-After": str(error.retry_after_seconds)}


def _record_denial(event: str, *, reason: str) -> None:
    """Note a refusal in the journal; one that cannot be written stays a refusal."""
    try:
        audit.record_denial(event, origin=request.remote_addr or "", path=_path(), reason=reason)
    except ratelimit.FAULTS:
        log.warning("%s not journalled: %s", event, reason)


def _on_fault(error: Exception) -> tuple[str, int, dict[str, str]]:
    """Answer that what the portal stands on cannot be used now, and look at it afresh next time."""
    log.error("out of reach: %s", error)
    db.drop()
    page, code = _page(503)
    return page, code, {"Retry-After": "30"}


def _on_http_error(error: HTTPException) -> tuple[str, int, dict[str, str]] | HTTPException:
    code = error.code or 500
    if code in (301, 302, 303, 307, 308) or error.response is not None:
        return error
    cause = getattr(error, "original_exception", None)
    if isinstance(cause, ratelimit.FAULTS):  # while the page of another error was made
        return _on_fault(cause)
    shown = 404 if code == 405 else code
    page, _ = _page(shown if shown in PAGES_OF_ERRORS else 400, is_stale_form=False)
    headers = dict(error.get_headers())
    del headers["Content-Type"]  # of the library's own page
    return page, code, headers


def _on_surprise(error: Exception) -> tuple[str, int] | tuple[str, int, dict[str, str]]:
    if isinstance(error, OSError) and error.errno in FULL_DISK:
        return _on_fault(error)
    request_id = g.get("request_id", "")
    log.error("request %s: %s %s", request_id, request.method, _path(), exc_info=error)
    return _page(500, request_id=request_id)
