"""« Liste des utilisateurs », « Ajout d'un utilisateur »."""

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from selfservice.accounts.messages import PASSWORD_RULES, password_faults
from selfservice.accounts.passwords import PasswordRefusedError
from selfservice.accounts.views.visitor import origin, signed_in
from selfservice.administration import messages, users
from selfservice.administration.forms import AddUserForm
from selfservice.administration.views.blueprint import blueprint


@blueprint.get("/utilisateurs", endpoint="users")
def users_page() -> str:
    return render_template("administration/users.html", users=users.users_of(signed_in()))


@blueprint.route("/utilisateurs/ajout", methods=["GET", "POST"])
def add_user() -> Response | str:
    form = AddUserForm()
    form.offer_companies(
        [
            (company.id, f"{company.name} ({company.client_number})")
            for company in users.companies_of(signed_in())
        ]
    )
    if form.validate_on_submit() and _add(form):
        flash(messages.USER_ADDED.format(login=form.login.data))
        return redirect(url_for("administration.users"))
    rules = list(PASSWORD_RULES.items())
    return render_template("administration/add_user.html", form=form, rules=rules)


def _add(form: AddUserForm) -> bool:
    new = users.NewUser(
        login=form.login.data,
        password=form.password.data,
        company_id=int(form.company.data),
        last_name=form.last_name.data,
        first_name=form.first_name.data,
        email=form.email.data,
        phone=form.phone.data,
        mobile=form.mobile.data,
        is_active=form.is_active.data,
        is_administrator=form.is_administrator.data,
    )
    try:
        users.add_user(signed_in(), new, origin=origin())
    except users.LoginTakenError:
        form.login.errors = (messages.LOGIN_TAKEN,)
    except PasswordRefusedError as error:
        form.password.errors = tuple(password_faults(error.faults))
    except users.ForeignCompanyError:
        form.company.errors = (messages.COMPANY_MISSING,)
    else:
        return True
    return False
