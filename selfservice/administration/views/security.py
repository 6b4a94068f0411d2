"""« Sécurité »: the second factor demanded, and who has it."""

from flask import flash, redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from selfservice import submissions
from selfservice.accounts.spaces import companies_of
from selfservice.accounts.views.visitor import origin, signed_in
from selfservice.administration import messages, security, users
from selfservice.administration.companies import shown
from selfservice.administration.forms import OwnPasswordForm
from selfservice.administration.views.blueprint import blueprint, or_404, own_password
from selfservice.invoices.queries import MAX_ID


@blueprint.route("/securite", methods=["GET", "POST"], endpoint="security")
@or_404()
def security_page() -> Response | str:
    if request.method == "POST":
        company_ids = request.form.getlist("company", type=int)
        seen = request.form.get("seen", "")
        security.demand(signed_in(), company_ids, seen=seen, origin=origin())
        flash(messages.SECURITY_SAVED)
        return redirect(url_for("administration.security"))
    return _page()


def _page(form: OwnPasswordForm | None = None) -> str:
    """Show the page; `form` is the one of a removal that was refused."""
    demands = security.demands_of(signed_in())
    demanded = [company_id for company_id, is_demanded in demands if is_demanded]
    typed = submissions.typed()  # before the session ended, if it did
    return render_template(
        "administration/security.html",
        form=form,
        companies=companies_of(signed_in()),
        seen=typed.get("seen") if typed else shown(*demands),
        demanded=typed.getlist("company", type=int) if typed else demanded,
        users=users.users_of(signed_in()),
        factors=security.second_factors_of(signed_in()),
    )


@blueprint.post(f"/securite/<int(max={MAX_ID}):user_id>/retirer")
@or_404()
def remove_second_factor(user_id: int) -> Response | str:
    form = OwnPasswordForm()
    if form.validate_on_submit():
        with own_password(form):
            user = security.remove_second_factor(
                signed_in(), user_id, current=form.current.data, origin=origin()
            )
            flash(messages.SECOND_FACTOR_REMOVED.format(login=user.login))
            return redirect(url_for("administration.security"))
    form.current.id = f"current-{user_id}"
    return _page(form)
