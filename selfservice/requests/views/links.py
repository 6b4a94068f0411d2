"""The links mailed to a new address, which proves itself, and to the registered one."""

from collections.abc import Callable

from flask import abort, redirect, render_template, request, session, url_for
from werkzeug.wrappers import Response

from selfservice import ratelimit, tokens
from selfservice.accounts.forms import PortalForm
from selfservice.accounts.views.visitor import origin
from selfservice.requests import asking, messages
from selfservice.requests.errors import DecidedError
from selfservice.requests.forms import ObjectionForm
from selfservice.requests.models import CustomerRequest
from selfservice.requests.views.blueprint import blueprint

PROOF, OBJECTION = "proof_link", "objection_link"  # of the session: the secrets, by request
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

    The address names the request: of two opened at once, each button means its own. This consumes
    nothing, because mail scanners open links; the button does.
    """
    ratelimit.hit_from("download_ip", origin())
    try:
        asked = find(secret)
    except (tokens.TokenError, DecidedError) as error:
        return _dead_link(error)
    session[f"{name}:{asked.id}"] = secret
    return redirect(url_for(page, demande=asked.id), 303)


def _secret(name: str) -> str:
    return str(session.get(f"{name}:{request.args.get('demande', '')[:20]}", ""))


@blueprint.route("/demandes/preuve", methods=["GET", "POST"])
def prove() -> Page:
    form, secret = PortalForm(), _secret(PROOF)
    try:
        asked = asking.proof_of(secret)
        if form.validate_on_submit():
            asked = asking.prove(secret, origin=origin())
            return render_template("requests/proven.html", asked=asked)
    except tokens.TokenError as error:
        return _dead_link(error)
    return render_template("requests/prove.html", form=form, asked=asked)


@blueprint.route("/demandes/opposition", methods=["GET", "POST"])
def object_by_link() -> Page:
    form, secret = ObjectionForm(), _secret(OBJECTION)
    try:
        asked = asking.objection_of(secret)
        if form.validate_on_submit():
            asking.object_by_link(secret, words=form.words.data, origin=origin())
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
