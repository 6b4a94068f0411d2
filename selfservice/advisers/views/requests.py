"""`/conseil/demandes`: what the supplier's customers ask for, oldest first, and the decision."""

from typing import Any

from flask import abort, flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from selfservice.accounts.views.visitor import note_denial, origin, signed_in
from selfservice.advisers.companies import companies_of
from selfservice.advisers.messages import CHANGED_MEANWHILE
from selfservice.advisers.views.blueprint import blueprint
from selfservice.invoices.queries import MAX_ID
from selfservice.requests import deciding, listing, messages
from selfservice.requests.errors import DecisionError, ReasonMissingError, UnknownRequestError
from selfservice.requests.forms import DecisionForm
from selfservice.requests.models import CustomerRequest
from selfservice.suppliers.models import Company
from selfservice.suppliers.register import ChangedMeanwhileError

PAGE_LENGTH = 50


@blueprint.get("/demandes", endpoint="requests")
def queue() -> str:
    found = list(listing.undecided().where(_of_own_customers()))
    return render_template(
        "advisers/requests.html",
        ready=[each for each in found if not deciding.is_waiting(each)][:PAGE_LENGTH],
        waiting=[each for each in found if deciding.is_waiting(each)][:PAGE_LENGTH],
        count=len(found),
        messages=messages,
    )


@blueprint.route("/demandes/<int:request_id>", methods=["GET", "POST"])
def decide_request(request_id: int) -> Response | str:
    try:
        asked = listing.find(min(request_id, MAX_ID), _of_own_customers())
    except UnknownRequestError:
        note_denial()
        abort(404)
    form = DecisionForm()
    if form.validate_on_submit():
        try:
            flash(_decide(asked, form))
        except ReasonMissingError as error:
            form.reason.errors = (messages.explain(error),)
        except DecisionError as error:
            form.form_errors.append(messages.explain(error))
        except ChangedMeanwhileError:
            now = messages.present_words(listing.find(asked.id))
            form.form_errors.append(CHANGED_MEANWHILE.format(value=now))
        else:
            return redirect(url_for("advisers.requests"))
        asked = listing.find(asked.id)
    form.seen.data = asked.objection_mark
    form.gone.data = "1" if asked.is_asker_gone else ""
    form.present.data = asked.present
    return render_template(
        "advisers/request.html",
        form=form,
        asked=asked,
        is_waiting=deciding.is_waiting(asked),
        messages=messages,
    )


def _of_own_customers() -> Any:
    in_no_order = companies_of(signed_in()).order_by()  # thousands take seconds to sort
    return CustomerRequest.company.in_(in_no_order.select(Company.id))


def _decide(asked: CustomerRequest, form: DecisionForm) -> str:
    """Do what the pressed button says, and return what to tell. Raises a DecisionError."""
    act, reason = request.form.get("act"), form.reason.data
    if act == "take":
        deciding.take(asked, by=signed_in(), origin=origin())
    elif act == "accept":
        deciding.accept(
            asked,
            by=signed_in(),
            reason=reason,
            objection_seen=form.seen.data or "",
            is_departure_seen=bool(form.gone.data),
            expected=form.present.data,
            origin=origin(),
        )
    elif act == "refuse":
        deciding.refuse(asked, by=signed_in(), reason=reason, origin=origin())
    else:
        abort(400)
    return messages.DECISIONS[act].format(id=asked.id)
