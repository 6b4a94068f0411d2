"""« Mon profil » → « Demandes », and what is asked before any sign-in."""

from flask import abort, flash, redirect, render_template, request, session, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from selfservice.accounts import spaces
from selfservice.accounts.users import administrator_names
from selfservice.accounts.views.visitor import (
    is_signed_in,
    note_denial,
    origin,
    signed_in,
)
from selfservice.invoices.queries import MAX_ID
from selfservice.notifications.views import proven_company_id
from selfservice.requests import asking, listing, messages
from selfservice.requests.errors import (
    AlreadyOpenError,
    AlreadySoError,
    DecidedError,
    NotAllowedError,
    UnknownDocumentError,
    UnknownRequestError,
)
from selfservice.requests.forms import FORMS, AskForm, ObjectionForm, SuccessorForm
from selfservice.requests.models import OF_ADDRESS, CustomerRequest
from selfservice.requests.views.blueprint import blueprint
from selfservice.suppliers.messages import NOTIFICATION_LABELS

# The kinds in addresses of pages.
SLUGS = {
    "adresse": "address",
    "notification": "notification",
    "envoi": "delivery",
    "document": "document",
    "question": "question",
    "administrateur": "administrator",
}
ANSWERED = "notices_answered"  # of the session: the question of the first sign-in


@blueprint.get("/profil/demandes")
@login_required
def index() -> str:
    kinds = asking.kinds_of(signed_in())
    return render_template(
        "requests/index.html",
        requests=list(listing.followed_by(signed_in())),
        messages=messages,
        choices=[
            (slug, *messages.ASKING_LABELS[kind]) for slug, kind in SLUGS.items() if kind in kinds
        ],
    )


@blueprint.route(f"/profil/demandes/<any({', '.join(SLUGS)}):subject>", methods=["GET", "POST"])
@login_required
def ask(subject: str) -> Response | str | tuple[str, int]:
    kind = SLUGS[subject]
    if kind not in asking.kinds_of(signed_in()):
        note_denial()
        names = administrator_names(signed_in().company_id)
        return render_template("errors/404.html", administrators=names), 404
    form = FORMS[kind](data=_given(FORMS[kind]))
    if form.validate_on_submit() and (opened := _ask(form, kind)):
        flash(_outcome(opened))
        return redirect(url_for("requests.index"))
    heading, lead = messages.ASKING_LABELS[kind]
    return render_template(
        "requests/ask.html", form=form, subject=subject, heading=heading, lead=lead
    )


@blueprint.post("/profil/demandes/nouvelles-factures")
@login_required
def answer_notices() -> Response:
    """Take the answer to « Souhaitez-vous être prévenu des nouvelles factures ? »."""
    mode = request.form.get("notification", "")
    if mode not in NOTIFICATION_LABELS:
        abort(400)
    session[ANSWERED] = True
    try:
        flash(_outcome(asking.ask(signed_in(), "notification", value=mode, origin=origin())))
    except NotAllowedError:
        note_denial()
        abort(404)
    except AlreadySoError:
        flash(messages.NO_NOTICE)
    except AlreadyOpenError:
        flash(messages.ALREADY_OPEN, "warning")
    return redirect(url_for("invoices.index"))


@blueprint.route("/profil/demandes/<int:request_id>/opposition", methods=["GET", "POST"])
@login_required
def object_to(request_id: int) -> Response | str:
    form = ObjectionForm()
    try:
        asked = asking.objectionable(signed_in(), min(request_id, MAX_ID))
        if form.validate_on_submit():
            asking.object_as(signed_in(), asked.id, words=form.words.data, origin=origin())
            flash(messages.OBJECTED)
            return redirect(url_for("requests.index"))
    except UnknownRequestError:
        note_denial()
        abort(404)
    except DecidedError as error:
        flash(messages.explain(error), "warning")
        return redirect(url_for("requests.index"))
    return render_template("requests/objection.html", form=form, asked=asked, is_by_link=False)


@blueprint.route("/je-n-ai-rien-recu/demande", methods=["GET", "POST"])
def ask_access() -> Response | str:
    """Ask for another address, for whoever has just proven to know a document of the company."""
    company_id = proven_company_id()
    if company_id is None:
        return redirect(url_for("notifications.unreceived"))
    form = SuccessorForm()
    if form.validate_on_submit():
        try:
            opened = asking.ask_unknown(
                company_id, address=form.value, words=form.words.data, origin=origin()
            )
        except AlreadySoError:
            form.email.errors = (messages.ADDRESS_KNOWN,)
        except AlreadyOpenError:
            form.form_errors.append(messages.ALREADY_OPEN)
        else:
            flash(_outcome(opened))
            return redirect(url_for("notifications.unreceived"))
    return render_template("requests/access.html", form=form)


@blueprint.app_context_processor
def _first_question() -> dict[str, object]:
    return {"asks_about_notices": _asks_about_notices, "notice_choices": NOTIFICATION_LABELS}


def _asks_about_notices() -> bool:
    """Tell whether the list asks, at the very first sign-in, which notices are wanted."""
    if request.endpoint != "invoices.index" or not is_signed_in() or ANSWERED in session:
        return False
    user = signed_in()
    opened = user.session
    if opened is None or opened.previous_sign_in_at is not None:
        return False
    return asking.is_to_be_asked(user)


def _given(form: type[AskForm]) -> dict[str, str]:
    """Return what a link to the form says of it: the number of a document."""
    return {form.asks: request.args.get("numero", "")} if form.asks == "number" else {}


def _ask(form: AskForm, kind: str) -> CustomerRequest | None:
    if kind == "question":
        spaces.enter(signed_in(), spaces.ALL)
    try:
        return asking.ask(
            signed_in(), kind, value=form.value, words=form.words.data, origin=origin()
        )
    except AlreadySoError:
        is_address = kind in OF_ADDRESS
        form[form.asks].errors = (messages.ADDRESS_KNOWN if is_address else messages.MODE_KNOWN,)
    except UnknownDocumentError:
        form[form.asks].errors = (messages.NUMBER_UNKNOWN,)
    except AlreadyOpenError:
        form.form_errors.append(messages.ALREADY_OPEN)
    finally:
        spaces.enter(signed_in(), "")  # the page is the own company's
    return None


def _outcome(opened: CustomerRequest) -> str:
    words = messages.OPENED_PROOF if opened.kind in OF_ADDRESS else messages.OPENED
    return words.format(value=opened.value)
