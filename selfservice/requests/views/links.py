"""The links mailed to a new address, which proves itself, and to the registered one."""

from collections.abc import Callable

from flask import abort, redirect, render_template, session, url_for
from werkzeug.wrappers import Response

from selfservice import ratelimit, tokens
from selfservice.accounts.forms import PortalForm
from selfservice.accounts.views.visitor import origin
from selfservice.requests import asking, messages
from selfservice.requests.errors import DecidedError
from selfservice.requests.forms import ObjectionForm
from selfservice.requests.models import CustomerRequest
from selfservice.requests.views.blueprint import blueprint

PROOF, OBJECTION = "proof_link", "objection_link"  # of the session: the secrets
REASONS: dict[type[tokens.DeadTokenError], str] = {
    tokens.ExpiredTokenError: "expired",
    tokens.UsedTokenError: "used",
    tokens.ReplacedTokenError: "replaced",
}
Page = Response | str | tuple[str, int]


@blueprint.get("/demandes/preuve/<secret>")
def open_proof(secret: str) -> Page:
    return _open(secret, asking.proof_of, name=PROOF, page="requests.prove")


@blueprint.get("/demandes/opposition/<secret>")
def open_objection(secret: str) -> Page:
    return _open(secret, asking.objection_of, name=OBJECTION, page="requests.object_by_link")


def _open(secret: str, find: Callable[[str], CustomerRequest], *, name: str, page: str) -> Page:
    """Store the secret in the visitor's session, and redirect to an address without it.

    This consumes nothing, because mail scanners open links; the button does.
    """
    ratelimit.hit_from("download_ip", origin())
    try:
        find(secret)
    except (tokens.TokenError, DecidedError) as error:
        return _dead_link(error)
    session[name] = secret
    return redirect(url_for(page), 303)


@blueprint.route("/demandes/preuve", methods=["GET", "POST"])
def prove() -> Page:
    form = PortalForm()
    try:
        asked = asking.proof_of(session.get(PROOF, ""))
        if form.validate_on_submit():
            asked = asking.prove(session[PROOF], origin=origin())
            return render_template("requests/proven.html", asked=asked)
    except tokens.TokenError as error:
        return _dead_link(error)
    return render_template("requests/prove.html", form=form, asked=asked)


@blueprint.route("/demandes/opposition", methods=["GET", "POST"])
def object_by_link() -> Page:
    form = ObjectionForm()
    try:
        asked = asking.objection_of(session.get(OBJECTION, ""))
        if form.validate_on_submit():
            secret, words = session[OBJECTION], form.words.data
            asking.object_by_link(secret, words=words, origin=origin())
            return render_template("requests/objected.html", asked=asked)
    except (tokens.TokenError, DecidedError) as error:
        return _dead_link(error)
    return render_template("requests/objection.html", form=form, asked=asked, is_by_link=True)


def _dead_link(error: tokens.TokenError | DecidedError) -> tuple[str, int]:
    if isinstance(error, DecidedError):
        return render_template("requests/dead_link.html", decided=messages.explain(error)), 410
    if not isinstance(error, tokens.DeadTokenError):
        abort(404)
    return render_template("requests/dead_link.html", reason=REASONS[type(error)]), 410
