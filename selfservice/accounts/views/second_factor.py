"""« Double authentification »: set it up, change phones, renew the rescue codes, switch it off."""

import re
from collections.abc import Iterator
from contextlib import contextmanager

import segno
from flask import Response as Download
from flask import abort, flash, redirect, render_template, request, url_for
from flask_login import login_required
from werkzeug.wrappers import Response

from selfservice import tokens
from selfservice.accounts import messages, passwords, second_factor
from selfservice.accounts.forms import ProofForm, SetupForm, SetupStartForm
from selfservice.accounts.views.blueprint import blueprint
from selfservice.accounts.views.visitor import is_signed_in, origin, renew_session, signed_in

RESCUE_CODE = re.compile(r"\d{5}( \d{5}){3}")
# A user who must still set up the second factor may use these only: the setup, sign-out, what
# every page loads, and what needs no session.
OPEN_BLUEPRINTS = ("web", "help", "suppliers", "contact", "feedback", "demo", "notifications")
OPEN = (
    "static",
    *("accounts.recovery", "accounts.renew", "accounts.open_link", "accounts.reset"),
    *("requests.open_proof", "requests.prove"),
    *("requests.open_objection", "requests.object_by_link", "requests.ask_access"),
    "accounts.sign_out",
    "accounts.second_factor",
    "accounts.confirm_second_factor",
    "accounts.download_rescue_codes",
)


@blueprint.before_app_request
def _lead_to_setup() -> Response | None:
    if request.endpoint is None or request.endpoint in OPEN:
        return None
    if request.blueprint in OPEN_BLUEPRINTS:
        return None
    if is_signed_in() and second_factor.is_missing(signed_in()):
        return redirect(url_for("accounts.second_factor"))
    return None


@blueprint.route(
    "/profil/double-authentification", methods=["GET", "POST"], endpoint="second_factor"
)
@login_required
def second_factor_page() -> Response | str:
    factor = second_factor.of(signed_in())
    form = SetupStartForm()
    if factor is None and form.validate_on_submit():
        with _checked(form):
            setup = second_factor.start(signed_in(), password=form.current.data, origin=origin())
            return _setup_page(SetupForm(formdata=None, setup=setup))
    codes_left = second_factor.rescue_codes_of(factor).count() if factor else 0
    return render_template(
        "accounts/second_factor.html", form=form, factor=factor, codes_left=codes_left
    )


@blueprint.route("/profil/double-authentification/confirmation", methods=["GET", "POST"])
@login_required
def confirm_second_factor() -> Response | str:
    form = SetupForm()
    try:
        if form.validate_on_submit():
            codes = second_factor.confirm(
                signed_in(), form.setup.data, form.code.data, origin=origin()
            )
            renew_session()
            return render_template("accounts/second_factor_codes.html", codes=codes)
        if request.method == "POST":
            return _setup_page(form)
    except second_factor.WrongCodeError:
        form.code.errors = (messages.WRONG_CODE,)
        return _setup_page(form)
    except tokens.TokenError:
        flash(messages.SETUP_TOO_LATE, "error")
    return redirect(url_for("accounts.second_factor"))


@blueprint.route("/profil/double-authentification/telephone", methods=["GET", "POST"])
@login_required
def change_phone() -> Response | str:
    form = ProofForm()
    if second_factor.of(signed_in()) is None:
        return redirect(url_for("accounts.second_factor"))
    if form.validate_on_submit():
        with _checked(form):
            setup = second_factor.start_again(
                signed_in(), password=form.current.data, code=form.code.data, origin=origin()
            )
            return _setup_page(SetupForm(formdata=None, setup=setup))
    return render_template("accounts/second_factor_phone.html", form=form)


@blueprint.route("/profil/double-authentification/codes", methods=["GET", "POST"])
@login_required
def renew_rescue_codes() -> Response | str:
    form = ProofForm()
    if second_factor.of(signed_in()) is None:
        return redirect(url_for("accounts.second_factor"))
    if form.validate_on_submit():
        with _checked(form):
            codes = second_factor.renew_rescue_codes(
                signed_in(), password=form.current.data, code=form.code.data, origin=origin()
            )
            return render_template("accounts/second_factor_codes.html", codes=codes)
    return render_template("accounts/second_factor_renew.html", form=form)


@blueprint.post("/profil/double-authentification/codes.txt")
@login_required
def download_rescue_codes() -> Download:
    """Send the codes of the page back as a file: the portal itself holds only their hashes."""
    codes = request.form.getlist("rescue_code")
    if not codes or not all(RESCUE_CODE.fullmatch(code) for code in codes):
        abort(400)
    text = render_template("accounts/rescue_codes.txt", codes=codes)
    headers = {"Content-Disposition": 'attachment; filename="codes-de-secours.txt"'}
    return Download(text, mimetype="text/plain", headers=headers)


@blueprint.route("/profil/double-authentification/desactivation", methods=["GET", "POST"])
@login_required
def disable_second_factor() -> Response | str:
    form = ProofForm()
    if second_factor.of(signed_in()) is None:
        return redirect(url_for("accounts.second_factor"))
    if form.validate_on_submit():
        with _checked(form):
            try:
                second_factor.disable(
                    signed_in(), password=form.current.data, code=form.code.data, origin=origin()
                )
                renew_session()
                flash(messages.SECOND_FACTOR_OFF)
            except second_factor.DemandedError:
                flash(messages.SECOND_FACTOR_DEMANDED, "error")
            return redirect(url_for("accounts.second_factor"))
    return render_template("accounts/second_factor_disable.html", form=form)


@contextmanager
def _checked(form: SetupStartForm | ProofForm) -> Iterator[None]:
    """Show a wrong password or code at its field."""
    try:
        yield
    except passwords.WrongPasswordError:
        form.current.errors = (messages.WRONG_PASSWORD,)
    except second_factor.WrongCodeError:
        form["code"].errors = (messages.WRONG_CODE,)


def _setup_page(form: SetupForm) -> str:
    """Show the secret. Raises a TokenError for a setup that has ended."""
    totp = second_factor.application(signed_in(), form.setup.data)
    # Black on white, in the dark theme too: applications read nothing else.
    qr_code = segno.make(totp.provisioning_uri(), micro=False).svg_inline(
        omitsize=True, svgclass=None, lineclass=None, dark="#000", light="#fff"
    )
    groups = re.findall(".{4}", totp.secret)
    return render_template(
        "accounts/second_factor_setup.html", form=form, qr_code=qr_code, groups=groups
    )
