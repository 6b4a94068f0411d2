"""Home, sign-in in one step or two, sign-out."""

from collections.abc import Iterator
from contextlib import contextmanager

from flask import abort, flash, redirect, render_template, request, session, url_for
from flask_wtf.csrf import CSRFError
from werkzeug.wrappers import Response

from selfservice import ratelimit, submissions, tokens, web
from selfservice.accounts import messages, recovery, second_factor, sessions, sign_in
from selfservice.accounts.forms import CodeForm, SignInForm
from selfservice.accounts.models import User
from selfservice.accounts.views.blueprint import blueprint
from selfservice.accounts.views.visitor import (
    CHOSEN,
    RECOVERED,
    is_signed_in,
    landing,
    let_in,
    let_out,
    origin,
    remember_other_supplier,
    send_to_sign_in,
    signed_in,
    was_signed_in,
)
from selfservice.suppliers import identity
from selfservice.suppliers.addresses import normalise
from selfservice.suppliers.models import Supplier

HALF_WAY = "half_way"


@blueprint.get("/")
def home() -> Response | str:
    if is_signed_in():
        return redirect(landing())
    return _page(SignInForm(formdata=None, login=_used()))


@blueprint.route("/connexion", methods=["GET", "POST"], endpoint="sign_in")
def sign_in_page() -> Response | str:
    if request.method == "GET":
        if is_signed_in():
            return redirect(landing())
        return _page(SignInForm(formdata=None, login=_used(), next=web.wanted_page()))
    form = SignInForm()
    if not form.validate_on_submit():
        return _page(form)
    try:
        with _counted(form.login.data):
            secret = sign_in.sign_in(
                form.login.data,
                form.password.data,
                origin=origin(),
                browser=request.user_agent.string,
            )
    except sign_in.BadCredentialsError:
        return _page(form, error=messages.BAD_CREDENTIALS, former=_former_portal(form.login.data))
    except sign_in.CodeNeededError as needed:
        session[HALF_WAY] = needed.secret
        return redirect(url_for("accounts.sign_in_code", next=_wanted(form)))
    return _enter(secret, form.next.data)


@blueprint.route("/connexion/code", methods=["GET", "POST"])
def sign_in_code() -> Response | str:
    form = CodeForm(next=web.wanted_page())
    try:
        sign_in.half_way_user(session.get(HALF_WAY, ""))
        if form.validate_on_submit():
            # By itself: an office behind one address signs in as often as with a password alone.
            ratelimit.hit_from("sign_in_ip", origin(), of="code")
            secret = sign_in.finish(
                session[HALF_WAY],
                form.code.data,
                origin=origin(),
                browser=request.user_agent.string,
            )
            return _enter(secret, form.next.data)
    except second_factor.WrongCodeError:
        form.code.errors = (messages.WRONG_CODE,)
    except tokens.TokenError:
        flash(messages.CODE_TOO_LATE, "error")
        return redirect(url_for("accounts.sign_in", next=_wanted(form)))
    return render_template("accounts/second_factor_code.html", form=form)


@blueprint.post("/deconnexion")
def sign_out() -> Response:
    if is_signed_in():
        sign_in.sign_out(signed_in(), origin=origin())
    elif not was_signed_in():
        return send_to_sign_in()
    let_out()  # in another tab too
    flash(messages.SIGNED_OUT)
    return redirect(url_for("accounts.home"))


@blueprint.errorhandler(CSRFError)
def _on_stale_form(error: CSRFError) -> Response | tuple[str, int]:
    """Lead on whoever has signed in from another tab since the sign-in page was opened."""
    is_ours = submissions.origin_site() == "ours"
    if request.endpoint != "accounts.sign_in" or not is_signed_in() or not is_ours:
        return web.on_stale_form(error)
    if normalise(request.form.get("login", "")) != signed_in().login_key:
        flash(messages.ALREADY_SIGNED_IN.format(login=signed_in().login), "warning")
    return redirect(web.safe_next(request.form.get("next"), landing()))


@contextmanager
def _counted(login: str) -> Iterator[None]:
    """Count an attempt of its network, and a wrong password for its login.

    The browser that has just chosen the password by a link has tries of its own: whoever goes on
    guessing would else use up those that the link has lifted before its owner has signed in.
    """
    subject, wrong = sign_in.counted_as(login), sign_in.BadCredentialsError
    if _is_chosen_here(login):
        ratelimit.hit_from("sign_in_ip", origin(), of=subject)
        with ratelimit.failure("sign_in_login", f"{subject} chosen here", of=wrong):
            yield
        return
    ratelimit.hit_from("sign_in_ip", origin())
    with _counted_for_all(subject):
        yield


@contextmanager
def _counted_for_all(subject: str) -> Iterator[None]:
    """Count a wrong password for its login from this network, then for its login from everywhere.

    In this order, so that one network alone cannot use up the tries of the others. Nor can the 256
    networks of a /48 of IPv6, which one customer may hold: together they have half of them.
    """
    wrong = sign_in.BadCredentialsError
    network = ratelimit.network_of(origin())
    customer = ratelimit.customer_network_of(origin())
    divisor = 1 if customer == network else 2
    with (
        ratelimit.failure("sign_in_login", f"{subject} {network}", of=wrong),
        ratelimit.failure("sign_in_login_all", f"{subject} {customer}", of=wrong, divisor=divisor),
        ratelimit.failure("sign_in_login_all", subject, of=wrong),
    ):
        yield


def _wanted(form: SignInForm | CodeForm) -> str | None:
    return web.safe_next(form.next.data, "") or None


def _enter(secret: str, target: str | None) -> Response:
    user = sessions.load(secret)
    if user is None:
        abort(503)
    if is_signed_in():  # the session before, whoever's, would live on without a cookie
        sign_in.sign_out(signed_in(), origin=origin())
    let_in(user)
    remember_other_supplier(user)
    return redirect(web.safe_next(target, landing()))


def _recovered() -> list[User]:
    """Return the logins whose password this browser has just chosen."""
    ids = session.get(RECOVERED, [])
    return list(recovery.active_logins().where(User.id.in_(ids))) if ids else []


def _is_chosen_here(login: str) -> bool:
    """Tell whether this browser has chosen the present password of a login by a recovery link."""
    key, mark = normalise(login), session.get(CHOSEN)
    return any(each.login_key == key and sign_in.mark_of(each) == mark for each in _recovered())


def _used() -> str | None:
    """Return the login that the sign-in page is to hold: the only one, or the one picked."""
    logins = [user.login for user in _recovered()]
    if len(logins) == 1:
        return logins[0]
    picked = request.args.get("utiliser", type=int, default=-1)
    return logins[picked] if 0 <= picked < len(logins) else None


def _former_portal(login: str) -> Supplier | None:
    """Return the supplier, of those named here, whose former portal had such logins (FAQ 11)."""
    named = identity.named_at(request.host)
    return next((each for each in named if each.is_former_login(normalise(login))), None)


def _page(form: SignInForm, *, error: str | None = None, former: Supplier | None = None) -> str:
    recovered = _recovered()
    if not recovered:
        web.keep_for_back()
    return render_template(
        "accounts/home.html",
        form=form,
        error=error,
        former=former,
        recovered=recovered,
    )
