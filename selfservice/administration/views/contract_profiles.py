"""« Profils », the contract profiles: list, add, edit and remove them."""

from collections.abc import Callable
from functools import partial

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from selfservice.accounts.forms import PortalForm
from selfservice.accounts.spaces import known_companies
from selfservice.accounts.views.visitor import origin, signed_in
from selfservice.administration import contract_profiles, messages
from selfservice.administration.companies import shown
from selfservice.administration.forms import ContractProfileForm
from selfservice.administration.views.blueprint import blueprint, or_404
from selfservice.invoices.queries import billed_contracts


@blueprint.get("/profils", endpoint="profiles")
def profiles_page() -> str:
    return render_template(
        "administration/profiles.html",
        profiles=contract_profiles.profiles_of(signed_in()),
        has_companies=len(known_companies(signed_in())) > 1,
    )


@blueprint.route("/profils/ajout", methods=["GET", "POST"])
@or_404()
def add_profile() -> Response | str:
    """Ask for the company first, if there are several: the form offers its contracts."""
    companies = known_companies(signed_in())
    chosen = [each for each in companies if str(each.id) == request.args.get("societe")]
    if len(companies) > 1 and not chosen:
        return render_template("administration/choose_company.html", companies=companies)
    company = (chosen or companies)[0]
    form = ContractProfileForm()
    form.offer_contracts(
        billed_contracts(company.id, limit=contract_profiles.OFFERED_CONTRACTS), []
    )
    if form.validate_on_submit() and _save(form, contract_profiles.add_profile, company.id):
        flash(messages.CONTRACT_PROFILE_ADDED.format(name=form.name.data))
        return redirect(url_for("administration.profiles"))
    return render_template("administration/profile.html", form=form, company=company)


@blueprint.route("/profils/<int:profile_id>", methods=["GET", "POST"])
@or_404()
def edit_profile(profile_id: int) -> Response | str:
    profile = contract_profiles.find_profile(signed_in(), profile_id)
    content = contract_profiles.content_of(profile)
    form = ContractProfileForm(name=profile.name, seen=shown(*content))
    form.offer_contracts(
        billed_contracts(profile.company_id, limit=contract_profiles.OFFERED_CONTRACTS),
        [each.contract for each in profile.contracts],
    )
    edit = partial(contract_profiles.edit_profile, seen=form.seen.data)
    if form.validate_on_submit() and _save(form, edit, profile_id):
        flash(messages.CONTRACT_PROFILE_SAVED.format(name=form.name.data))
        return redirect(url_for("administration.profiles"))
    return render_template(
        "administration/profile.html",
        form=form,
        company=profile.company,
        profile=profile,
        users=list(contract_profiles.users_with(profile)),
    )


@blueprint.route("/profils/<int:profile_id>/suppression", methods=["GET", "POST"])
@or_404()
def remove_profile(profile_id: int) -> Response | str:
    profile = contract_profiles.find_profile(signed_in(), profile_id)
    form = PortalForm()
    if form.validate_on_submit():
        try:
            contract_profiles.remove_profile(signed_in(), profile_id, origin=origin())
            flash(messages.CONTRACT_PROFILE_REMOVED.format(name=profile.name))
            return redirect(url_for("administration.profiles"))
        except contract_profiles.ProfileInUseError:
            form.form_errors.append(messages.CONTRACT_PROFILE_IN_USE)
    return render_template("administration/remove_profile.html", form=form, profile=profile)


def _save(form: ContractProfileForm, save: Callable[..., object], owner_id: int) -> bool:
    """Add a profile to a company, or edit one, as the form says."""
    try:
        save(
            signed_in(),
            owner_id,
            name=form.name.data,
            contracts=form.chosen_contracts,
            origin=origin(),
        )
    except contract_profiles.ProfileNameTakenError:
        form.name.errors = (messages.CONTRACT_PROFILE_NAME_TAKEN,)
        return False
    except contract_profiles.ProfilesFullError:
        form.other_contracts.errors = (messages.PROFILES_FULL,)
        return False
    return True
