"""What people send by forms: each form is done once, and what was typed outlives the session.

Each page has a form token of its own. So a body that comes again, byte for byte, is the same form
pressed twice: it gets the first answer again. What is kept for that, and what was typed by somebody
whose session had ended, lies sealed under a secret that only the visitor's page or cookie holds.
A network has so much kept an hour (LIMIT_KEPT_IP); past it, its forms are done and nothing is kept.
"""

import hashlib
import logging
import secrets
from base64 import b64decode, b64encode
from datetime import timedelta
from time import sleep
from typing import Any, cast
from urllib.parse import urlsplit

from flask import Blueprint, Response, current_app, g, request, session
from flask.json.tag import TaggedJSONSerializer
from flask_wtf.csrf import CSRFError, generate_csrf, validate_csrf
from peewee import BlobField, CharField, DateTimeField, IntegrityError
from werkzeug.datastructures import MultiDict
from wtforms import Field, Form, ValidationError
from wtforms.csrf.core import CSRF

from selfservice import clock, ratelimit
from selfservice.db import FAULTS, BaseModel, database, ensure_open
from selfservice.turns import NoTurnError, Turns

PAGE_KEPT_FOR = timedelta(minutes=1)  # a page asks for something that one may want again
DONE_KEPT_FOR = timedelta(minutes=5)
TYPED_KEPT_FOR = timedelta(minutes=30)
MAX_TYPED_CHARACTERS = 10_000
MAX_KEPT_BYTES = 100_000
WAITS, WAIT_SECONDS = 100, 0.05  # for the first answer, while another thread makes it
KEPT_HEADERS = ("Content-Type", "Content-Disposition", "Location")
TYPED = "typed"
CHANGING = ("POST", "PUT", "PATCH", "DELETE")
# What is never kept of a form, not even sealed: a test holds it against all forms.
SECRET_FIELDS = {
    *("csrf_token", "password", "password_again", "confirmation", "current"),
    *("code", "setup", "rescue_code"),
}

log = logging.getLogger(__name__)
# Who presses a form again holds a thread of the server until the first answer is made.
waiting = Turns(at_once=2, wait_seconds=0, spared=2)
_json = TaggedJSONSerializer()  # as the session itself is written
_tokenless: set[str] = set()


class Kept(BaseModel):
    """Something kept for a while; `sealed` is empty while a first answer is being made."""

    id_hash = CharField(max_length=64, primary_key=True)
    sealed = BlobField(null=True)
    expires_at = DateTimeField(index=True)


class PageToken(CSRF):
    """The token of the portal's forms; `check_form` has checked it before any form is read."""

    def generate_csrf_token(self, _field: Field) -> str:
        return form_token()

    def validate_csrf_token(self, _form: Form, _field: Field) -> None:
        """Check nothing more."""


def form_token() -> str:
    """Return the token of this page's forms: Flask-WTF's behind a part that no other page has."""
    if "form_token" not in g:
        g.form_token = f"{secrets.token_urlsafe(16)}:{generate_csrf()}"
    return str(g.form_token)


def exempt(blueprint: Blueprint) -> None:
    """Leave the forms of a blueprint to its own check."""
    _tokenless.add(blueprint.name)


def check_form() -> None:
    """Ask a form for its token. Raises CSRFError."""
    if request.method not in CHANGING or not request.endpoint or request.blueprint in _tokenless:
        return
    token = request.form.get("csrf_token", "").rpartition(":")[2]
    try:
        validate_csrf(token)
    except ValidationError as error:
        raise CSRFError(str(error)) from error
    if origin_site() == "other":
        raise CSRFError("The form was sent from another site.")


def origin_site() -> str:
    """Tell where the browser says that a form comes from: « ours », « other », or nothing.

    No page of another site can forge it.
    """
    if site := request.headers.get("Sec-Fetch-Site"):
        return "ours" if site == "same-origin" else "other"
    if origin := request.headers.get("Origin"):
        return "ours" if origin.partition("://")[2] == request.host else "other"
    return ""


def is_led_by_another_site() -> bool:
    """Tell whether another site's page has led here, by what the browser says; a bookmark has not.

    Of what it fetches ahead, for a page of whatever site, a browser says « none » as of a bookmark.
    """
    is_ahead = "prefetch" in request.headers.get("Sec-Purpose", "")
    return is_ahead or request.headers.get("Sec-Fetch-Site") in ("cross-site", "same-site")


def page_sent_from() -> str | None:
    """Return the page that holds the form: the form's own address, or the one the browser names."""
    if request.url_rule is not None and "GET" in (request.url_rule.methods or ()):
        return request.full_path.rstrip("?")
    try:
        page = urlsplit(request.referrer or "")
    except ValueError:  # « http://[ »
        return None
    if page.netloc != request.host:
        return None
    return f"{page.path}?{page.query}" if page.query else page.path


# The first answer again


def answer_again() -> Response | None:
    """Give a form that comes a second time the first answer, session included.

    Raises LimitReachedError where too many wait for theirs.
    """
    if not request.endpoint or request.blueprint in _tokenless or not _is_form():
        return None
    secret = request.full_path.encode() + b"\0" + request.get_data()
    if not _may_keep() or _is_first(secret):
        return None
    found = _open(secret) or _wait_for(secret)
    return None if found is None or _is_private_of_ended(found) else _restore(found)


def _may_keep() -> bool:
    try:
        ratelimit.hit_from("kept_ip", request.remote_addr or "")
    except ratelimit.LimitReachedError:
        return False
    return True


def _is_first(secret: bytes) -> bool:
    if is_first := _claim(secret):
        g.submission = secret
    return is_first


def _wait_for(secret: bytes) -> dict[str, Any] | None:
    """Return the first answer once another thread has made it; None if this one is to make it."""
    try:
        with waiting.one():
            for _ in range(WAITS):
                sleep(WAIT_SECONDS)
                if found := _open(secret):
                    return found
                if _is_first(secret):
                    return None
    except NoTurnError as error:
        raise ratelimit.LimitReachedError("waiting", int(WAITS * WAIT_SECONDS)) from error
    return None  # whoever was making the first answer has gone


def _is_private_of_ended(answer: dict[str, Any]) -> bool:
    """Tell whether an answer is a page for a user whose session has ended since.

    Its own session, which may have a newer secret than the cookie that asks again.
    """
    secret = answer["session"].get("_user_id")
    is_private = answer["status"] == 200 and secret is not None
    return is_private and current_app.extensions["load_session"](secret) is None


def _is_form() -> bool:
    """Tell whether the body is that of a form of ours, whole in memory: none sends files."""
    is_ours = request.mimetype == "application/x-www-form-urlencoded"
    return request.method == "POST" and is_ours and "csrf_token" in request.form


def forget_submission() -> None:
    """Let the form be done anew when it comes again, because it has done nothing."""
    secret = g.pop("submission", None)
    if secret:
        Kept.delete().where(Kept.id_hash == _id_of(secret)).execute()


def keep_answer(response: Response) -> Response:
    """Keep the answer of a form that did something; an error is not kept."""
    if "submission" not in g:
        return response
    try:
        ensure_open()  # a page that tells of a fault has closed the connection
        is_done = 300 <= response.status_code < 400
        if not (is_done or response.status_code == 200) or response.direct_passthrough:
            forget_submission()
            return response
        body = response.get_data()
        if len(body) > MAX_KEPT_BYTES:
            forget_submission()
            return response
        answer = {
            "status": response.status_code,
            "headers": {k: v for k, v in response.headers.items() if k in KEPT_HEADERS},
            "body": b64encode(body).decode(),
            "session": dict(session),
        }
        _fill(g.submission, answer, lifetime=DONE_KEPT_FOR if is_done else PAGE_KEPT_FOR)
    except FAULTS as error:  # what is done is done: its answer goes out
        log.warning("answer not kept: %s", error)
    return response


def _restore(answer: dict[str, Any]) -> Response:
    secret = session.get("_user_id", "")
    is_living = current_app.extensions["load_session"](secret) is not None
    own = {"_user_id": secret} if is_living else {}  # its cookie may be newer than the answer's
    session.clear()
    session.update(answer["session"] | own)
    return current_app.response_class(
        b64decode(answer["body"]), status=answer["status"], headers=answer["headers"]
    )


# What was typed


def keep_typed() -> None:
    """Keep what a user typed whose session has ended, passwords and codes excepted.

    What is longer than an answer may be is not kept, nor what comes past the network's limit.
    """
    if "submission" not in g:
        return
    fields = [
        (name, value) for name, value in request.form.items(multi=True) if name not in SECRET_FIELDS
    ]
    if sum(len(name) + len(value) for name, value in fields) > MAX_TYPED_CHARACTERS:
        return
    secret = secrets.token_urlsafe(32)
    page = (page_sent_from() or "").partition("?")[0].rstrip("/")
    typed = {"page": page, "fields": fields}
    if _claim(secret.encode()):
        _fill(secret.encode(), typed, lifetime=TYPED_KEPT_FOR)
        session[TYPED] = secret


def typed() -> "MultiDict[str, str] | None":
    """Return, once, what was typed into the form of this page before the session ended."""
    if "typed" not in g:
        g.typed = _take_typed()
    return cast("MultiDict[str, str] | None", g.typed)


def _take_typed() -> "MultiDict[str, str] | None":
    secret = session.get(TYPED)
    if not secret or request.method != "GET":
        return None
    found = _open(secret.encode())
    if found and found["page"] != request.path.rstrip("/"):
        return None
    session.pop(TYPED)
    Kept.delete().where(Kept.id_hash == _id_of(secret.encode())).execute()
    return MultiDict([(name, value) for name, value in found["fields"]]) if found else None


# Sealed rows


def forget_expired() -> int:
    """Delete what has been kept long enough."""
    return int(Kept.delete().where(Kept.expires_at <= clock.now()).execute())


def _id_of(secret: bytes) -> str:
    return hashlib.sha256(secret).hexdigest()


def _claim(secret: bytes) -> bool:
    """Take the place of a secret; of several at once exactly one succeeds."""
    now, id_hash = clock.now(), _id_of(secret)
    try:
        with database.atomic():
            Kept.delete().where(Kept.id_hash == id_hash, Kept.expires_at <= now).execute()
            Kept.insert(id_hash=id_hash, expires_at=now + PAGE_KEPT_FOR).execute()
    except IntegrityError:
        return False
    return True


def _fill(secret: bytes, content: dict[str, Any], *, lifetime: timedelta) -> None:
    text = _json.dumps(content).encode()
    Kept.update(sealed=_seal(secret, text), expires_at=clock.now() + lifetime).where(
        Kept.id_hash == _id_of(secret)
    ).execute()


def _open(secret: bytes) -> dict[str, Any] | None:
    row: Kept | None = Kept.get_or_none(
        Kept.id_hash == _id_of(secret), Kept.expires_at > clock.now()
    )
    if row is None or row.sealed is None:
        return None
    return cast(dict[str, Any], _json.loads(_unseal(secret, bytes(row.sealed)).decode()))


def _seal(secret: bytes, text: bytes) -> bytes:
    """Return a text that only the secret opens again: its bytes under a stream of its own.

    The stream is SHAKE-256 of the secret, which holds 128 random bits, and of a salt.
    """
    salt = secrets.token_bytes(16)
    return salt + _under_stream(secret, salt, text)


def _unseal(secret: bytes, sealed: bytes) -> bytes:
    return _under_stream(secret, sealed[:16], sealed[16:])


def _under_stream(secret: bytes, salt: bytes, text: bytes) -> bytes:
    stream = hashlib.shake_256(salt + secret).digest(len(text))
    mixed = int.from_bytes(text, "big") ^ int.from_bytes(stream, "big")
    return mixed.to_bytes(len(text), "big")
