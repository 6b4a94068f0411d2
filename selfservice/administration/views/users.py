"""« Liste des utilisateurs », « Ajout d'un utilisateur »."""

from flask import flash, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from selfservice import submissions, web
from selfservice.accounts import passwords
from selfservice.accounts.forms import LOGIN_LENGTH
from selfservice.accounts.messages import PASSWORD_RULES, password_faults
from selfservice.accounts.models import User
from selfservice.accounts.passwords import PasswordRefusedError
from selfservice.accounts.spaces import known_companies
from selfservice.accounts.views.visitor import origin, signed_in
from selfservice.administration import contract_profiles, messages, users
from selfservice.administration.companies import ForeignCompanyError
from selfservice.administration.forms import AddUserForm
from selfservice.administration.views.blueprint import blueprint, or_404, searched

ADDED = "added"  # the id of the user just added, whom the list shows how to hand over
PROPOSE = "proposer"


@blueprint.get("/utilisateurs", endpoint="users")
def users_page() -> str:
    search, state = searched("q"), searched("etat")
    after = searched("apres", length=LOGIN_LENGTH)  # whole: cut, it would lead back
    page = users.list_users(signed_in(), search=search, state=state, after=after)
    added_id = session.pop(ADDED, None)
    return render_template(
        "administration/users.html",
        page=page,
        has_companies=len(known_companies(signed_in())) > 1,
        search=search,
        state=state if state in users.STATES else "",
        is_first_page=not after,
        portal_url=_portal_url(),
        added=users.users_of(signed_in()).where(User.id == added_id).first() if added_id else None,
    )


@blueprint.route("/utilisateurs/ajout", methods=["GET", "POST"])
@or_404()
def add_user() -> Response | str:
    form = AddUserForm()
    own_id = signed_in().company_id
    companies = sorted(known_companies(signed_in()), key=lambda each: each.id != own_id)
    form.offer_companies(
        [(company.id, f"{company.name} ({company.client_number})") for company in companies]
    )
    form.offer_profiles(_profiles_to_offer(has_companies=len(companies) > 1))
    contracts = contract_profiles.contracts_to_offer(companies)
    form.offer_contracts(contracts)
    if not form.is_filled:
        form.company.data = str(signed_in().company_id)
    proposed = _propose(form) if PROPOSE in request.form else None
    if proposed is None and form.validate_on_submit() and (user := _add(form)):
        flash(messages.USER_ADDED.format(login=user.login))
        session[ADDED] = user.id
        return redirect(url_for("administration.users"))
    return render_template(
        "administration/add_user.html",
        form=form,
        rules=list(PASSWORD_RULES.items()),
        proposed=proposed,
        companies=[company for company in companies if contracts.get(company.id)],
    )


def _propose(form: AddUserForm) -> str:
    """Put a password into the form, which is not sent yet; nothing keeps that page."""
    submissions.forget_submission()
    names = (form.first_name.data or "", form.last_name.data or "")
    proposed = passwords.propose(login=form.login.data or "", names=names)
    form.propose(proposed)
    return proposed


def _profiles_to_offer(*, has_companies: bool) -> list[tuple[int, str]]:
    return [
        (profile.id, f"{profile.name} ({profile.company.name})" if has_companies else profile.name)
        for profile in contract_profiles.profiles_to_offer(signed_in())
    ]


def _add(form: AddUserForm) -> User | None:
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
        contracts=form.chosen_contracts,
    )
    try:
        return users.add_user(signed_in(), new, origin=origin())
    except users.CompanyFullError:
        form.company.errors = (messages.COMPANY_FULL,)
    except users.LoginTakenError:
        form.login.errors = (messages.LOGIN_TAKEN,)
    except PasswordRefusedError as error:
        form.password.errors = tuple(password_faults(error.faults))
    except ForeignCompanyError:
        form.company.errors = (messages.COMPANY_MISSING,)
    except contract_profiles.ForeignProfileError:
        form.profile_id.errors = (messages.CONTRACT_PROFILE_FOREIGN,)
    except contract_profiles.ProfilesFullError:
        form.contracts.errors = (messages.PROFILES_FULL,)
    except contract_profiles.LimitedAdministratorError:
        form.profile_id.errors = (messages.ADMINISTRATOR_LIMITED,)
    return None


@blueprint.get("/utilisateurs/<int:user_id>/remise")
@or_404()
def hand_over(user_id: int) -> str:
    """Show what to hand over to a person, to print or to read out; no password is known."""
    user = users.find_user(signed_in(), user_id)
    return render_template("administration/hand_over.html", user=user, portal_url=_portal_url())


def _portal_url() -> str:
    """Return the address that a colleague types: the same one as in the mails."""
    return web.public_url("/", hostname=signed_in().company.supplier.hostname)
