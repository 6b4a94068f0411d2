"""« Mon profil »: account, preferences, password, sessions."""

from contextlib import AbstractContextManager, nullcontext

from flask import abort, flash, redirect, render_template, request, url_for
from flask_login import login_required
from markupsafe import Markup
from werkzeug.wrappers import Response

from selfservice.accounts import messages, passwords, profile, second_factor, sessions
from selfservice.accounts.browsers import describe_browser, describe_place
from selfservice.accounts.forms import (
    AccountForm,
    PasswordForm,
    PreferencesForm,
    password_faults_on,
)
from selfservice.accounts.users import administrator_names
from selfservice.accounts.views.blueprint import blueprint
from selfservice.accounts.views.visitor import let_out, origin, renew_session, signed_in
from selfservice.help import help_url
from selfservice.suppliers.messages import NOTIFICATION_LABELS


@blueprint.route("/profil/compte", methods=["GET", "POST"])
@login_required
def account() -> Response | str:
    form = AccountForm(obj=signed_in())
    if form.validate_on_submit():
        profile.save_coordinates(
            signed_in(),
            last_name=form.last_name.data,
            first_name=form.first_name.data,
            phone=form.phone.data,
            mobile=form.mobile.data,
            origin=origin(),
        )
        flash(messages.ACCOUNT_SAVED)
        return redirect(url_for("accounts.account"))
    company = signed_in().company
    label = NOTIFICATION_LABELS[company.notification]
    return render_template(
        "accounts/account.html",
        form=form,
        company=company,
        notification_label=label,
        administrators=administrator_names(company.id),
    )


@blueprint.route("/profil/preferences", methods=["GET", "POST"])
@login_required
def preferences() -> Response | str:
    form = PreferencesForm(obj=signed_in())
    if form.validate_on_submit():
        profile.save_display_history(signed_in(), form.display_history_months.data)
        flash(messages.PREFERENCES_SAVED)
        return redirect(url_for("accounts.preferences"))
    return render_template("accounts/preferences.html", form=form)


@blueprint.get("/.well-known/change-password")
def change_password_address() -> Response:
    """Lead a password manager to the page (W3C, « A Well-Known URL for Changing Passwords »)."""
    return redirect(url_for("accounts.password"))


@blueprint.route("/profil/mot-de-passe", methods=["GET", "POST"])
@login_required
def password() -> Response | str:
    form = PasswordForm().for_user(signed_in())
    is_valid = form.validate_on_submit()
    if form.is_submitted() and not form.current.errors:
        try:
            if not is_valid:  # a wrong current password shows beside the other faults
                passwords.confirm(signed_in(), form.current.data, origin=origin())
            else:
                with password_faults_on(form.password):
                    return _change_password(form)
        except passwords.WrongPasswordError:
            form.current.errors = (messages.WRONG_PASSWORD,)
    return render_template("accounts/password.html", form=form)


def _change_password(form: PasswordForm) -> Response:
    profile.change_password(
        signed_in(), current=form.current.data, password=form.password.data, origin=origin()
    )
    renew_session()
    flash(messages.PASSWORD_CHANGED)
    return redirect(url_for("accounts.account"))


@blueprint.get("/profil/sessions", endpoint="sessions")
@login_required
def sessions_page() -> str:
    current = signed_in().session
    rows = [
        {
            "id_hash": row.id_hash,
            "browser": describe_browser(row.browser),
            "place": describe_place(row.origin),
            "opened_at": row.opened_at,
            "used_at": row.used_at,
            "is_current": row == current,
        }
        for row in sessions.open_sessions(signed_in())
    ]
    asks_code = second_factor.of(signed_in()) is not None
    return render_template("accounts/sessions.html", sessions=rows, asks_code=asks_code)


def _proven() -> AbstractContextManager[None]:
    """Ask the second factor again, where one is set up: the thief of a session ends no other."""
    if second_factor.of(signed_in()) is None:
        return nullcontext()
    return second_factor.proven(signed_in(), request.form.get("code", ""), origin=origin())


@blueprint.errorhandler(second_factor.WrongCodeError)
def _on_wrong_code(_error: second_factor.WrongCodeError) -> Response:
    link = Markup(' <a href="{}">{}</a>').format(help_url("double-authentification"), "Que faire ?")
    flash(Markup("{}{}").format(messages.WRONG_CODE, link), "error")
    return redirect(url_for("accounts.sessions"))


@blueprint.post("/profil/sessions/fermer")
@login_required
def close_session() -> Response:
    try:
        with _proven():
            profile.close_session(signed_in(), request.form.get("session", ""), origin=origin())
    except profile.UnknownSessionError:
        abort(404)
    flash(messages.SESSION_CLOSED)
    return redirect(url_for("accounts.sessions"))


@blueprint.post("/profil/sessions/fermer-les-autres")
@login_required
def close_other_sessions() -> Response:
    with _proven():
        profile.close_sessions(signed_in(), keeps_current=True, origin=origin())
    renew_session()
    flash(messages.OTHER_SESSIONS_CLOSED)
    return redirect(url_for("accounts.sessions"))


@blueprint.post("/profil/sessions/fermer-toutes")
@login_required
def close_all_sessions() -> Response:
    with _proven():
        profile.close_sessions(signed_in(), keeps_current=False, origin=origin())
    let_out()
    flash(messages.ALL_SESSIONS_CLOSED)
    return redirect(url_for("accounts.home"))
