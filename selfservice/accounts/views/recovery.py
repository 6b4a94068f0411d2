"""Recovery of a password or login: request, link, choice of a password."""

from itertools import groupby

from flask import current_app, flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from selfservice import ratelimit, tokens, web
from selfservice.accounts import messages, recovery, sign_in
from selfservice.accounts.forms import RecoveryForm, ResetForm, password_faults_on
from selfservice.accounts.models import User
from selfservice.accounts.views.blueprint import blueprint
from selfservice.accounts.views.visitor import CHOSEN, RECOVERED, origin
from selfservice.suppliers.addresses import address_key

LINK = "recovery_link"
ASKED = "recovery_asked"
MOST_REMEMBERED = 200  # logins: browsers keep no cookie of more than 4 kB
REASONS: dict[type[tokens.DeadTokenError], str] = {
    tokens.ExpiredTokenError: "expired",
    tokens.UsedTokenError: "used",
    tokens.ReplacedTokenError: "replaced",
}


@blueprint.route("/recuperation", methods=["GET", "POST"], endpoint="recovery")
def recovery_page() -> str:
    form = RecoveryForm(email=request.args.get("adresse"))
    if not form.validate_on_submit():
        return _recovery_page(form)
    return _request(form, form.email.data)


@blueprint.post("/recuperation/nouveau-lien")
def renew() -> str | Response:
    """Send a new link to the mailbox whose dead link the visitor holds."""
    try:
        subject = tokens.read(recovery.PURPOSE, session.get(LINK, "")).subject
    except tokens.DeadTokenError as error:
        subject = error.subject
    except tokens.UnknownTokenError:
        return redirect(url_for("accounts.recovery"))
    return _request(RecoveryForm(formdata=None, email=subject), subject)


@blueprint.get("/reinitialisation/<secret>")
def open_link(secret: str) -> Response | tuple[str, int]:
    """Store the secret in the visitor's session, and redirect to an address without it.

    This consumes nothing, because mail scanners open links.
    """
    try:
        recovery.choices(secret)
    except tokens.TokenError as error:
        return _dead_link(error, secret)
    session[LINK] = secret
    return redirect(url_for("accounts.reset"), 303)


@blueprint.route("/reinitialisation", methods=["GET", "POST"])
def reset() -> Response | str | tuple[str, int]:
    secret = session.get(LINK)
    if not secret:  # the password is chosen, or this browser has opened no link
        is_done = RECOVERED in session
        return redirect(url_for("accounts.sign_in" if is_done else "accounts.recovery"))
    try:
        users = recovery.choices(secret)
        form = ResetForm()
        link = tokens.hash_secret(secret)[:16]
        form.choose_among(users, all_logins=recovery.ALL_LOGINS, link=link)
        if form.validate_on_submit():
            return _choose(form, users, secret)
    except tokens.TokenError as error:
        return _dead_link(error, secret)
    return _reset_page(form, users)


def _request(form: RecoveryForm, address: str) -> str:
    key = address_key(address)
    ratelimit.hit_from("recovery_ip", origin())
    ratelimit.hit_leaving_one("recovery_address", key, origin())
    ratelimit.check("recovery_all")  # of everybody, or its answer would tell who is known
    requested = recovery.request_link(address, origin=origin())
    if current_app.config["RECOVERY_MESSAGE"] == "neutral":
        # « Repeated » means by this browser, so that it tells nothing about the address.
        outcome, is_repeat = "neutral", session.get(ASKED) == key
        session[ASKED] = key
    else:
        outcome = "sent" if requested.is_known else "unknown"
        is_repeat = requested.is_repeat
    return _recovery_page(form, outcome=outcome, address=address, is_repeat=is_repeat)


def _recovery_page(
    form: RecoveryForm, *, outcome: str | None = None, address: str = "", is_repeat: bool = False
) -> str:
    web.keep_for_back()
    return render_template(
        "accounts/recovery.html",
        form=form,
        sender=current_app.config["MAIL_DEFAULT_SENDER"],
        outcome=outcome,
        address=address,
        is_first=request.args.get("premiere") == "oui",
        is_repeat=is_repeat,
    )


def _choose(form: ResetForm, users: list[User], secret: str) -> Response | str:
    try:
        with password_faults_on(form.password):
            changed = recovery.choose_password(
                secret, user_id=form.user_id.data, password=form.password.data, origin=origin()
            )
    except recovery.WrongLoginError:
        form.user_id.errors = (messages.CHOOSE_LOGIN,)
    if form.errors:
        return _reset_page(form, users)
    session.pop(LINK, None)
    session[RECOVERED] = [user.id for user in changed[:MOST_REMEMBERED]]
    session[CHOSEN] = sign_in.mark_of(changed[0])  # one password for all
    flash(messages.password_chosen(len(changed)))
    return redirect(url_for("accounts.sign_in"))


def _reset_page(form: ResetForm, users: list[User]) -> str:
    """Show the only login, or the choice of one, by supplier, or of all; typed ones come last."""
    proven = [user for user in users if user.is_from_activation]
    by_supplier = groupby(proven, key=lambda user: user.company.supplier)
    return render_template(
        "accounts/reset.html",
        form=form,
        users=users,
        proven=proven,
        typed=[user for user in users if user not in proven],
        groups=[(supplier.name, list(group)) for supplier, group in by_supplier],
        all_logins=recovery.ALL_LOGINS,
    )


def _dead_link(error: tokens.TokenError, secret: str) -> tuple[str, int]:
    if not isinstance(error, tokens.DeadTokenError):
        session.pop(LINK, None)
        return render_template("accounts/dead_link.html", reason="unknown"), 404
    session[LINK] = secret
    return render_template("accounts/dead_link.html", reason=REASONS[type(error)]), 410
