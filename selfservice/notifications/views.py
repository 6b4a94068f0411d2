"""The direct link of the daily mail, and why no mail came."""

from datetime import datetime, timedelta
from typing import Any

from flask import (
    Blueprint,
    Response,
    abort,
    current_app,
    flash,
    redirect,
    render_template,
    request,
    session,
    url_for,
)
from werkzeug.wrappers import Response as Redirect

from selfservice import clock, mail, ratelimit, tokens, web
from selfservice.accounts.views.visitor import is_signed_in, origin, signed_in
from selfservice.db import FAULTS
from selfservice.invoices.views.documents import send_pdf
from selfservice.mail import OutboxMail
from selfservice.money import parse_cents
from selfservice.notifications import attached, direct_links, messages, unreceived
from selfservice.notifications.forms import ProofForm
from selfservice.suppliers.models import Company

PROVEN = "proven_company"  # of the session: the id of the company, and until when
PROOF_LIVES = timedelta(minutes=15)

blueprint = Blueprint("notifications", __name__)
REASONS: dict[type[tokens.DeadTokenError], str] = {
    tokens.ExpiredTokenError: "expired",
    tokens.ReplacedTokenError: "replaced",
    direct_links.GoneError: "gone",
}
FOLLOWERS = (attached,)  # of what becomes of mails


@blueprint.get("/telechargement/<secret>")
def download(secret: str) -> Response | tuple[str, int]:
    ratelimit.hit_from("download_ip", origin())
    try:
        link = direct_links.read(secret)
    except tokens.UnknownTokenError:
        abort(404)
    except tokens.DeadTokenError as error:
        return render_template("errors/410.html", reason=REASONS[type(error)]), 410
    invoice = link.invoice
    response = send_pdf(invoice.sha256, number=invoice.number, is_attached=True)
    if request.method != "HEAD":  # after: a lost file is an error, and was not fetched
        direct_links.mark_fetched(link, origin=origin())
    return response


@blueprint.route("/je-n-ai-rien-recu", methods=["GET", "POST"], endpoint="unreceived")
def unreceived_page() -> str | Redirect:
    form = ProofForm()
    if form.validate_on_submit():
        try:
            session[PROVEN] = [_prove(form), (clock.now() + PROOF_LIVES).isoformat()]
        except unreceived.WrongProofError:
            form.form_errors.append(messages.WRONG_PROOF)
        else:
            return redirect(url_for("notifications.unreceived"), 303)
    company_id = None if form.errors else proven_company_id()
    if company_id is None:
        web.keep_for_back()
    return render_template(
        "notifications/unreceived.html",
        form=form,
        answer=unreceived.answer(company_id) if company_id else None,
        messages=messages,
        sender=current_app.config["MAIL_DEFAULT_SENDER"],
    )


@blueprint.post("/je-n-ai-rien-recu/renvoi")
def send_again() -> Redirect:
    """Send what the registered address needs: as many from a network as it asks for recoveries.

    An adviser, whose calls come from one network, has a limit of his own instead.
    """
    if company_id := proven_company_id():
        ratelimit.hit_from("recovery_ip", origin())
        if unreceived.send_again(company_id, origin=origin()):
            flash(messages.SENT_AGAIN)
    return redirect(url_for("notifications.unreceived"), 303)


@blueprint.post("/je-n-ai-rien-recu/autre")
def prove_another() -> Redirect:
    """Forget the proof, for another company or the next visitor of this browser."""
    session.pop(PROVEN, None)
    return redirect(url_for("notifications.unreceived"), 303)


def _prove(form: ProofForm) -> int:
    return unreceived.prove(
        form.client_number.data,
        form.number.data,
        parse_cents(form.gross.data),
        origin=origin(),
    )


def proven_company_id() -> int | None:
    """Return the id of the company of which this browser has just proved to know a document.

    A form means the company that its own page was about, not one proven since in another window.
    """
    company_id, until = session.get(PROVEN, (0, ""))
    if until and request.form.get("proof", until) != until:
        flash(messages.ANOTHER_PROVEN, "error")
        return None
    is_living = until and datetime.fromisoformat(until) > clock.now()
    return company_id if is_living and Company.get_or_none(company_id) else None


@blueprint.app_context_processor
def _faults() -> dict[str, Any]:
    return {
        "proof": lambda: session.get(PROVEN, (0, ""))[1],
        "returned_mail": _returned_mail,
        "why_returned": messages.why,
    }


def _returned_mail() -> OutboxMail | None:
    """Return the last mail to the registered address of the reader's company if it came back."""
    if not is_signed_in():
        return None
    try:
        return mail.fault_of_address(signed_in().company.email_key)
    except FAULTS:  # a page that tells of it
        return None


@blueprint.after_request
def _keep_the_secret(response: Response) -> Response:
    """Tell nobody the address of a direct link, whatever the answer is."""
    if request.endpoint == "notifications.download":
        # On no page with a form: the browser would send it with « Origin: null ».
        response.headers["Referrer-Policy"] = "no-referrer"
    response.headers["X-Robots-Tag"] = "noindex"
    return response
