"""`/conseil`: one field that finds a customer; a single one found opens at once, to its finder."""

from flask import redirect, render_template, request, url_for
from werkzeug.wrappers import Response

from selfservice import submissions
from selfservice.accounts.views.visitor import signed_in
from selfservice.advisers.finding import MAX_TYPED, find
from selfservice.advisers.views.blueprint import blueprint


@blueprint.get("")
def index() -> Response | str:
    typed = request.args.get("q", "").encode("utf-8", "ignore").decode("utf-8")
    typed = typed.replace("\0", "")[:MAX_TYPED].strip()
    found = find(signed_in(), typed)
    if len(found.companies) == 1 and not submissions.is_led_by_another_site():
        number = found.companies[0].client_number
        return redirect(url_for("advisers.sheet", client_number=number))
    return render_template("advisers/index.html", typed=typed, found=found)
