"""« Liste des utilisateurs », « Ajout d'un utilisateur »."""

from flask import flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from selfservice.accounts.messages import PASSWORD_RULES, password_faults
from selfservice.accounts.passwords import PasswordRefusedError
from selfservice.accounts.views.visitor import origin, signed_in
from selfservice.administration import contract_profiles, messages, users
from selfservice.administration.companies import ForeignCompanyError, companies_of
from selfservice.administration.forms import AddUserForm
from selfservice.administration.views.blueprint import blueprint, or_404, searched


@blueprint.get("/utilisateurs", endpoint="users")
def users_page() -> str:
    search, state, after = searched("q"), searched("etat"), searched("apres")
    page = users.list_users(signed_in(), search=search, state=state, after=after)
    return render_template(
        "administration/users.html",
        page=page,
        has_companies=companies_of(signed_in()).count() > 1,
        search=search,
        state=state if state in users.STATES else "",
        is_first_page=not after,
    )


@blueprint.route("/utilisateurs/ajout", methods=["GET", "POST"])
@or_404()
def add_user() -> Response | str:
    form = AddUserForm()
    companies = list(companies_of(signed_in()))
    form.offer_companies(
        [(company.id, f"{company.name} ({company.client_number})") for company in companies]
    )
    form.offer_profiles(_profiles_to_offer(has_companies=len(companies) > 1))
    if form.validate_on_submit() and _add(form):
        flash(messages.USER_ADDED.format(login=form.login.data))
        return redirect(url_for("administration.users"))
    rules = list(PASSWORD_RULES.items())
    return render_template("administration/add_user.html", form=form, rules=rules)


def _profiles_to_offer(*, has_companies: bool) -> list[tuple[int, str]]:
    return [
        (profile.id, f"{profile.name} ({profile.company.name})" if has_companies else profile.name)
        for profile in contract_profiles.profiles_of(signed_in())
    ]


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
        profile_id=int(form.profile_id.data) if form.profile_id.data else None,
    )
    try:
        users.add_user(signed_in(), new, origin=origin())
    except users.LoginTakenError:
        form.login.errors = (messages.LOGIN_TAKEN,)
    except PasswordRefusedError as error:
        form.password.errors = tuple(password_faults(error.faults))
    except ForeignCompanyError:
        form.company.errors = (messages.COMPANY_MISSING,)
    except contract_profiles.ForeignProfileError:
        form.profile_id.errors = (messages.CONTRACT_PROFILE_FOREIGN,)
    except contract_profiles.LimitedAdministratorError:
        form.profile_id.errors = (messages.ADMINISTRATOR_LIMITED,)
    else:
        return True
    return False
