"""One user: edit coordinates and rights, give a new password, remove."""

from flask import abort, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from selfservice.accounts import passwords
from selfservice.accounts.forms import PortalForm, password_faults_on
from selfservice.accounts.messages import PASSWORD_RULES
from selfservice.accounts.models import User
from selfservice.accounts.views.visitor import origin, signed_in
from selfservice.administration import contract_profiles, editing, messages, users
from selfservice.administration.companies import shown
from selfservice.administration.forms import EditUserForm, GivenPasswordForm
from selfservice.administration.views.blueprint import blueprint, or_404, own_password


@blueprint.route("/utilisateurs/<int:user_id>", methods=["GET", "POST"])
@or_404()
def edit_user(user_id: int) -> Response | str:
    user = users.find_user(signed_in(), user_id)
    is_protected = editing.is_protected(signed_in(), user)
    form = EditUserForm(obj=user, seen=shown(*editing.rights_of(user)))
    if is_protected:
        form.keep_access()
    else:
        profiles = contract_profiles.profiles_to_offer(signed_in())
        form.offer_profiles([(p.id, p.name) for p in profiles if p.company_id == user.company_id])
        _offer_contracts(form, user)
    if form.validate_on_submit() and _edit(form, user, is_protected=is_protected):
        flash(messages.USER_SAVED.format(login=user.login))
        return redirect(url_for("administration.users"))
    return render_template(
        "administration/edit_user.html",
        form=form,
        user=user,
        is_protected=is_protected,
        companies=[user.company],
    )


@blueprint.route("/utilisateurs/<int:user_id>/mot-de-passe", methods=["GET", "POST"])
@or_404()
def give_password(user_id: int) -> Response | str:
    user = _unprotected(user_id)
    form = GivenPasswordForm().for_user(user)
    is_valid = form.validate_on_submit()
    if form.is_submitted() and not form.current.errors:
        with own_password(form), password_faults_on(form.password):
            if not is_valid:  # a wrong password of one's own shows beside the other faults
                passwords.confirm(signed_in(), form.current.data, origin=origin())
            else:
                return _give_password(form, user)
    rules = list(PASSWORD_RULES.items())
    return render_template("administration/give_password.html", form=form, user=user, rules=rules)


def _give_password(form: GivenPasswordForm, user: User) -> Response:
    editing.give_password(
        signed_in(), user.id, form.password.data, current=form.current.data, origin=origin()
    )
    flash(messages.PASSWORD_GIVEN.format(login=user.login))
    return redirect(url_for("administration.edit_user", user_id=user.id))


@blueprint.route("/utilisateurs/<int:user_id>/suppression", methods=["GET", "POST"])
@or_404()
def remove_user(user_id: int) -> Response | str:
    user = _unprotected(user_id)
    form = PortalForm()
    if form.validate_on_submit():
        try:
            editing.remove_user(signed_in(), user.id, origin=origin())
            flash(messages.USER_REMOVED.format(login=user.login))
            return redirect(url_for("administration.users"))
        except editing.LastAdministratorError:
            form.form_errors.append(messages.LAST_ADMINISTRATOR)
    return render_template("administration/remove_user.html", form=form, user=user)


@blueprint.post("/utilisateurs/<int:user_id>/sessions")
@or_404()
def close_sessions(user_id: int) -> Response:
    user = editing.close_sessions(signed_in(), user_id, origin=origin())
    flash(messages.SESSIONS_CLOSED.format(login=user.login))
    return redirect(url_for("administration.edit_user", user_id=user.id))


def _unprotected(user_id: int) -> User:
    """Return a user whose password the administrator may change; else 404."""
    user = users.find_user(signed_in(), user_id)
    if editing.is_protected(signed_in(), user):
        abort(404)
    return user


def _offer_contracts(form: EditUserForm, user: User) -> None:
    """Offer the contracts of the user's company, and those that the user reads already."""
    own = contract_profiles.contracts_of(user)
    if offered := contract_profiles.contracts_to_offer([user.company]):
        offered[user.company_id] = sorted({*offered[user.company_id], *own})
    form.offer_contracts(offered)
    form.show_profile(user.profile_id, own)


def _edit(form: EditUserForm, user: User, *, is_protected: bool) -> bool:
    coordinates = editing.Coordinates(
        last_name=form.last_name.data,
        first_name=form.first_name.data,
        phone=form.phone.data,
        mobile=form.mobile.data,
    )
    try:
        if is_protected:
            editing.edit_user(signed_in(), user.id, coordinates, None, origin=origin())
            return True
        with own_password(form):
            editing.edit_user(
                signed_in(),
                user.id,
                coordinates,
                _access(form),
                current=form.current.data,
                seen=form.seen.data,
                origin=origin(),
            )
            return True
    except editing.LastAdministratorError:
        form.form_errors.append(messages.LAST_ADMINISTRATOR)
    except contract_profiles.ForeignProfileError:
        form.profile_id.errors = (messages.CONTRACT_PROFILE_FOREIGN,)
    except contract_profiles.ProfilesFullError:
        form.contracts.errors = (messages.PROFILES_FULL,)
    except contract_profiles.LimitedAdministratorError:
        form.profile_id.errors = (messages.ADMINISTRATOR_LIMITED,)
    return False


def _access(form: EditUserForm) -> editing.Access:
    return editing.Access(
        email=form.email.data,
        is_active=form.is_active.data,
        is_administrator=form.is_administrator.data,
        profile_id=int(form.profile_id.data) if form.profile_id.data else None,
        contracts=form.wanted_contracts,
    )
