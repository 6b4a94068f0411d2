"""The acts on a sheet: each a page that says what will happen, and asks for the reason."""

from collections.abc import Callable
from typing import Any

from flask import abort, flash, redirect, render_template, url_for
from werkzeug.wrappers import Response

from selfservice.accounts.views.visitor import origin, signed_in
from selfservice.advisers import acts, messages, sheet
from selfservice.advisers.acts import FormerAddressError, NothingToDoError
from selfservice.advisers.companies import find_company
from selfservice.advisers.forms import ActForm, AddressForm, SendingForm
from selfservice.advisers.views.blueprint import blueprint, or_404
from selfservice.invoices.queries import MAX_ID
from selfservice.suppliers.messages import DELIVERY_LABELS, NOTIFICATION_LABELS
from selfservice.suppliers.models import Company
from selfservice.suppliers.register import ChangedMeanwhileError

ID = f"int(max={MAX_ID})"


@blueprint.route("/<path:client_number>/adresse", methods=["GET", "POST"])
@or_404()
def address(client_number: str) -> Response | str:
    company = find_company(signed_in(), client_number)
    form = AddressForm(seen=company.email or "", email=company.email or "")
    if form.validate_on_submit():
        try:
            acts.change_address(
                signed_in(),
                company,
                form.address,
                expected=form.seen.data,
                reason=form.why,
                origin=origin(),
            )
            return _done(
                company, messages.ADDRESS_SAVED if form.address else messages.ADDRESS_REMOVED
            )
        except ChangedMeanwhileError as error:
            form.form_errors.append(
                messages.CHANGED_MEANWHILE.format(value=error.value or "aucune")
            )
            form.seen.data = error.value
        except NothingToDoError:
            form.form_errors.append(messages.NOTHING_TO_CHANGE)
    return render_template("advisers/address.html", company=company, form=form)


@blueprint.route("/<path:client_number>/notification", methods=["GET", "POST"])
@or_404()
def sending(client_number: str) -> Response | str:
    company = find_company(signed_in(), client_number)
    form = SendingForm(
        notification=company.notification,
        delivery=company.delivery,
        seen_notification=company.notification,
        seen_delivery=company.delivery,
    )
    if form.validate_on_submit():
        try:
            _change_sending(form, company)
            return _done(company, messages.SENDING_SAVED)
        except ChangedMeanwhileError as error:
            label = (NOTIFICATION_LABELS | DELIVERY_LABELS).get(error.value, error.value)
            form.form_errors.append(messages.CHANGED_MEANWHILE.format(value=label))
            form.seen_notification.data = company.notification
            form.seen_delivery.data = company.delivery
        except NothingToDoError:
            form.form_errors.append(messages.NOTHING_TO_CHANGE)
    return render_template("advisers/sending.html", company=company, form=form)


def _change_sending(form: SendingForm, company: Company) -> None:
    acts.change_sending(
        signed_in(),
        company,
        {"notification": form.notification.data, "delivery": form.delivery.data},
        expected={
            "notification": form.seen_notification.data,
            "delivery": form.seen_delivery.data,
        },
        reason=form.why,
        origin=origin(),
    )


@blueprint.route("/<path:client_number>/activation", methods=["GET", "POST"])
@or_404()
def activation(client_number: str) -> Response | str:
    company = find_company(signed_in(), client_number)

    def send(reason: str) -> str:
        owner = acts.activate_now(signed_in(), company, reason=reason, origin=origin())
        return messages.ACTIVATION_SENT.format(login=owner.login)

    is_possible = sheet.can_activate(company, sheet.owner_of(company))
    return _act(company, "activation", send, is_possible=is_possible)


@blueprint.route("/<path:client_number>/lien", methods=["GET", "POST"])
@or_404()
def link(client_number: str) -> Response | str:
    company = find_company(signed_in(), client_number)

    def send(reason: str) -> str:
        acts.send_link(signed_in(), company, reason=reason, origin=origin())
        return messages.LINK_SENT

    return _act(company, "link", send, is_possible=sheet.owner_of(company) is not None)


@blueprint.route(f"/<path:client_number>/mails/<{ID}:mail_id>", methods=["GET", "POST"])
@or_404()
def mail(client_number: str, mail_id: int) -> Response | str:
    company = find_company(signed_in(), client_number)

    def send(reason: str) -> str:
        acts.send_mail_again(signed_in(), company, mail_id, reason=reason, origin=origin())
        return messages.MAIL_SENT_AGAIN

    try:
        subject = acts.repeatable(company, mail_id).subject
    except FormerAddressError:
        flash(messages.FORMER_ADDRESS, "error")
        return redirect(_sheet_of(company))
    except NothingToDoError:
        subject = ""
    return _act(company, "mail", send, is_possible=bool(subject), subject=subject)


@blueprint.route(f"/<path:client_number>/logins/<{ID}:user_id>/fermeture", methods=["GET", "POST"])
@or_404()
def close_login(client_number: str, user_id: int) -> Response | str:
    company = find_company(signed_in(), client_number)
    user = _login_or_404(company, user_id)

    def close(reason: str) -> str:
        acts.close_login(signed_in(), company, user_id, reason=reason, origin=origin())
        return messages.LOGIN_CLOSED.format(login=user.login)

    return _act(company, "close", close, is_possible=user.closed_at is None, login=user.login)


@blueprint.route(
    f"/<path:client_number>/logins/<{ID}:user_id>/double-authentification",
    methods=["GET", "POST"],
)
@or_404()
def remove_factor(client_number: str, user_id: int) -> Response | str:
    company = find_company(signed_in(), client_number)
    user = _login_or_404(company, user_id)

    def remove(reason: str) -> str:
        acts.remove_second_factor(signed_in(), company, user_id, reason=reason, origin=origin())
        return messages.FACTOR_REMOVED.format(login=user.login)

    return _act(company, "factor", remove, is_possible=bool(user.factor), login=user.login)


def _act(
    company: Company,
    name: str,
    act: Callable[[str], str],
    *,
    is_possible: bool,
    **words: str,
) -> Response | str:
    """Ask for the reason, call `act` with it, and lead back to the sheet with what it says."""
    form = ActForm()
    if not form.is_submitted() and not is_possible:
        flash(messages.NOTHING_TO_DO, "error")
        return redirect(_sheet_of(company))
    if form.validate_on_submit():
        try:
            return _done(company, act(form.why))
        except (NothingToDoError, FormerAddressError):
            flash(messages.NOTHING_TO_DO, "error")
            return redirect(_sheet_of(company))
    described = {key: text.format(**words) for key, text in messages.ACTS[name].items()}
    return render_template("advisers/act.html", company=company, form=form, act=described)


def _done(company: Company, message: str) -> Response:
    flash(message)
    return redirect(_sheet_of(company))


def _sheet_of(company: Company) -> str:
    return url_for("advisers.sheet", client_number=company.client_number)


def _login_or_404(company: Company, user_id: int) -> Any:
    return sheet.find_login(company, user_id) or abort(404)
