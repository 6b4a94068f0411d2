"""The visitor: the signed-in user, the supplier shown, the way to the sign-in page."""

import hmac
import secrets
from typing import Any, cast

from flask import (
    Flask,
    current_app,
    flash,
    g,
    has_request_context,
    redirect,
    request,
    session,
    url_for,
)
from flask_login import LoginManager, UserMixin, current_user, login_user
from werkzeug.wrappers import Response

from selfservice import audit, clock, submissions
from selfservice.accounts import messages, sessions, spaces
from selfservice.accounts.models import Space, User
from selfservice.db import FAULTS
from selfservice.suppliers import identity
from selfservice.suppliers.models import Supplier
from selfservice.suppliers.views import stylesheet_version

CAME_FROM = "came_from"
FORM_KEY = "csrf_token"  # where Flask-WTF keeps it
RECOVERED = "recovered"  # the ids of the logins whose password this browser has just chosen
CHOSEN = "chosen"  # and the mark of that password (`sign_in.mark_of`)


def init_visitors(app: Flask) -> None:
    """Let Flask-Login find the visitor by the session's row.

    Its `init_app` is left out: it would look for a remember-me cookie to write after each
    request, which marks every public file as a visitor's own.
    """
    manager = LoginManager()
    manager.session_protection = None  # type: ignore[assignment]
    manager.user_loader(_load)
    manager.unauthorized_handler(send_to_sign_in)
    app.login_manager = manager  # type: ignore[attr-defined]
    app.extensions["load_session"] = sessions.load
    # A remember-me cookie would never expire here, and one that is not ASCII would crash: the
    # name of one to read is a name that no cookie can have.
    app.config["REMEMBER_COOKIE_NAME"] = ";"
    app.context_processor(_page_context)


def _load(secret: str) -> User | None:
    user = sessions.load(secret)
    if user is not None:
        _note(user)
    return user


def let_in(user: User) -> None:
    """Make a user, just loaded, the visitor of this session."""
    typed = session.get(submissions.TYPED) if _is_key_of(user) else None
    session.clear()
    login_user(user)
    session.pop("_id", None)  # a digest of address and browser, for session protection only
    session[FORM_KEY] = _new_key_of(user)
    if typed:
        session[submissions.TYPED] = typed
    _note(user)


def renew_session() -> None:
    """Keep the visitor in, by a new cookie: whoever copied the one before is out.

    Call where the other sessions have just ended.
    """
    session["_user_id"] = sessions.renew(signed_in())


def let_out() -> None:
    """End the visitor's part of a session: pages still open elsewhere keep their form token."""
    key = session.get(FORM_KEY)
    session.clear()
    if key:
        session[FORM_KEY] = key


def _new_key_of(user: User) -> str:
    """Return a key of forms that tells whose it is to nobody but the portal (`_is_key_of`)."""
    chance = secrets.token_hex(16)
    return f"{chance}.{_mark(chance, user)}"


def _is_key_of(user: User) -> bool:
    """Tell whether this browser's pages were last those of this user."""
    chance, _, mark = session.get(FORM_KEY, "").partition(".")
    return hmac.compare_digest(mark, _mark(chance, user))


def _mark(chance: str, user: User) -> str:
    return audit.pseudonym(f"{chance} {user.id}", key=current_app.config["SECRET_KEY"])


def _note(user: User) -> None:
    g.user, g.user_id = user, user.id


def origin() -> str:
    """Return the visitor's network address."""
    return request.remote_addr or ""


def note_denial() -> None:
    """Record that the signed-in user asked for what is not theirs, or another site's page did."""
    audit.record_denial("access.denied", signed_in(), origin=origin(), path=request.path[:200])


def is_signed_in() -> bool:
    return bool(cast(UserMixin, current_user).is_authenticated)


def signed_in() -> User:
    """Return the signed-in user, on a page that asks for one."""
    user: User = g.user
    return user


def landing() -> str:
    """Return the first page of the signed-in user."""
    return url_for("advisers.index" if signed_in().is_adviser else "invoices.index")


def remember_other_supplier(user: User) -> None:
    """Note in the session that the user signed in from another supplier's page (FAQ 6)."""
    shown = identity.shown_before_sign_in(request.host)
    if shown is not None and shown != user.company.supplier:
        session[CAME_FROM] = shown.name


def was_signed_in() -> bool:
    """Tell whether somebody has signed in from this browser, and is no longer."""
    return "." in session.get(FORM_KEY, "") and not is_signed_in()


def send_to_sign_in() -> Response:
    """Redirect to the sign-in page, which leads back to the page that was wanted.

    What was typed into a form is there again, if the same person signs in.
    """
    if request.method == "POST":
        if was_signed_in():
            submissions.keep_typed()
        flash(messages.SESSION_ENDED, "warning")
    return redirect(url_for("accounts.sign_in", next=submissions.page_sent_from()))


def _page_context() -> dict[str, Any]:
    if not has_request_context():
        return {}
    supplier = _shown_supplier()
    return {
        "current_user": current_user,
        "supplier": supplier,
        "stylesheet_url": _stylesheet_url(supplier),
        "previous_sign_in": _previous_sign_in(),
        "readable_spaces": _readable_spaces,
        "came_from": session.get(CAME_FROM) if is_signed_in() else None,
    }


def _readable_spaces() -> list[Space]:
    """Return the companies between which the header switches; none on a page of an error."""
    try:
        return spaces.readable_spaces(signed_in())
    except FAULTS:
        return []


def _shown_supplier() -> Supplier | None:
    """Return the user's supplier, else that of the address; None if the database is down."""
    if "shown_supplier" not in g:
        try:
            g.shown_supplier = (
                signed_in().company.supplier
                if is_signed_in()
                else identity.shown_before_sign_in(request.host)
            )
        except FAULTS:
            return None
    supplier: Supplier | None = g.shown_supplier
    return supplier


def _stylesheet_url(supplier: Supplier | None) -> str | None:
    if supplier is None:
        return None
    version = stylesheet_version(supplier.colour)
    return url_for("suppliers.stylesheet", slug=supplier.slug, v=version)


def _previous_sign_in() -> str | None:
    if not is_signed_in():
        return None
    opened = signed_in().session
    return clock.format_last_sign_in(opened.previous_sign_in_at) if opened else None
