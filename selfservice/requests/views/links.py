"""The links mailed to a new address, which proves itself, and to the registered one."""

from flask import abort, render_template

from selfservice import ratelimit, tokens
from selfservice.accounts.forms import PortalForm
from selfservice.accounts.views.visitor import origin
from selfservice.requests import asking, messages
from selfservice.requests.errors import DecidedError
from selfservice.requests.forms import ObjectionForm
from selfservice.requests.views.blueprint import blueprint

REASONS: dict[type[tokens.DeadTokenError], str] = {
    tokens.ExpiredTokenError: "expired",
    tokens.UsedTokenError: "used",
    tokens.ReplacedTokenError: "replaced",
}


@blueprint.route("/demandes/preuve/<secret>", methods=["GET", "POST"])
def prove(secret: str) -> str | tuple[str, int]:
    """Opening consumes nothing, because mail scanners open links; the button does."""
    ratelimit.hit_from("download_ip", origin())
    form = PortalForm()
    try:
        asked = asking.proof_of(secret)
        if form.validate_on_submit():
            asked = asking.prove(secret, origin=origin())
            return render_template("requests/proven.html", asked=asked)
    except tokens.TokenError as error:
        return _dead_link(error)
    return render_template("requests/prove.html", form=form, asked=asked)


@blueprint.route("/demandes/opposition/<secret>", methods=["GET", "POST"])
def object_by_link(secret: str) -> str | tuple[str, int]:
    ratelimit.hit_from("download_ip", origin())
    form = ObjectionForm()
    try:
        asked = asking.objection_of(secret)
        if form.validate_on_submit():
            asking.object_by_link(secret, words=form.words.data, origin=origin())
            return render_template("requests/objected.html", asked=asked)
    except tokens.TokenError as error:
        return _dead_link(error)
    except DecidedError as error:
        return render_template("requests/dead_link.html", decided=messages.explain(error)), 410
    return render_template("requests/objection.html", form=form, asked=asked, is_by_link=True)


def _dead_link(error: tokens.TokenError) -> tuple[str, int]:
    if not isinstance(error, tokens.DeadTokenError):
        abort(404)
    return render_template("requests/dead_link.html", reason=REASONS[type(error)]), 410
