"""Home, sign-in, sign-out."""

from flask import abort, flash, redirect, render_template, request, session, url_for
from flask_login import login_required, login_user
from werkzeug.wrappers import Response

from selfservice import ratelimit, web
from selfservice.accounts import messages, sessions, sign_in
from selfservice.accounts.forms import SignInForm
from selfservice.accounts.views.blueprint import blueprint
from selfservice.accounts.views.visitor import (
    is_signed_in,
    origin,
    remember_other_supplier,
    signed_in,
)
from selfservice.suppliers.addresses import normalise


@blueprint.get("/")
def home() -> Response | str:
    if is_signed_in():
        return redirect(url_for("invoices.index"))
    return _page(SignInForm(formdata=None))


@blueprint.route("/connexion", methods=["GET", "POST"], endpoint="sign_in")
def sign_in_page() -> Response | str:
    if request.method == "GET":
        if is_signed_in():
            return redirect(url_for("invoices.index"))
        return _page(SignInForm(formdata=None, next=request.args.get("next")))
    form = SignInForm()
    if not form.validate_on_submit():
        return _page(form)
    ratelimit.hit("sign_in_ip", ratelimit.network_of(origin()))
    ratelimit.hit("sign_in_login", normalise(form.login.data))
    try:
        secret = sign_in.sign_in(
            form.login.data,
            form.password.data,
            origin=origin(),
            browser=request.user_agent.string,
        )
    except sign_in.BadCredentialsError as error:
        return _page(form, error=messages.BAD_CREDENTIALS, is_old_login=error.is_old_login)
    return _enter(secret, web.safe_next(form.next.data, url_for("invoices.index")))


@blueprint.post("/deconnexion")
@login_required
def sign_out() -> Response:
    sign_in.sign_out(signed_in(), origin=origin())
    session.clear()
    flash(messages.SIGNED_OUT)
    return redirect(url_for("accounts.home"))


def _enter(secret: str, target: str) -> Response:
    user = sessions.load(secret)
    if user is None:
        abort(503)
    session.clear()
    login_user(user)
    remember_other_supplier(user)
    return redirect(target)


def _page(form: SignInForm, *, error: str | None = None, is_old_login: bool = False) -> str:
    return render_template("accounts/home.html", form=form, error=error, is_old_login=is_old_login)
